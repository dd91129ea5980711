/* SPDX-License-Identifier: MIT */
/* report_fixture - the reports of made-up results */
#include "config.h"

#include "common/clock.h"
#include "report_fixture.h"

/* Replaces a standard stream for the rest of the process. */
static void capture(int fd)
{
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(dup2(fileno(file), fd), fd);
	fclose(file);
}

static void take(int fd, char *buffer, size_t size)
{
	fflush(NULL);
	memset(buffer, 0, size);
	ck_assert_int_ge(pread(fd, buffer, size - 1, 0), 0);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
}

static void take_both(struct fixture *fixture)
{
	take(STDOUT_FILENO, fixture->out, sizeof(fixture->out));
	take(STDERR_FILENO, fixture->err, sizeof(fixture->err));
}

struct fixture *fixture_new(const struct report_format *format)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->target = (struct probe_target){.host = "host.example",
						.port = "6666",
						.timeout_usec = 10 * USEC_PER_SEC,
						.warning_usec = CLOCK_NEVER,
						.critical_usec = CLOCK_NEVER};
	fixture->format = format;
	fixture->report.target = &fixture->target;
	fixture->report.style = &fixture->style;
	capture(STDOUT_FILENO);
	capture(STDERR_FILENO);
	return fixture;
}

void fixture_free(struct fixture *fixture)
{
	probe_clear(&fixture->result);
	free(fixture->report.last_problem);
	free(fixture);
}

void fixture_probe(struct fixture *fixture, uint64_t sequence)
{
	fixture->report.stats.tried = sequence;
	ck_assert_int_eq(fixture->format->probe(&fixture->report, &fixture->result), 0);
	take_both(fixture);
}

void fixture_summary(struct fixture *fixture, unsigned greeted, unsigned failed, int worst)
{
	memset(&fixture->report.stats, 0, sizeof(fixture->report.stats));
	for (unsigned i = 1; i <= greeted; i++)
		stats_add(&fixture->report.stats, true, i * USEC_PER_MSEC);
	for (unsigned i = 0; i < failed; i++)
		stats_add(&fixture->report.stats, false, USEC_PER_MSEC);
	fixture->report.worst = worst;
	ck_assert_int_eq(fixture->format->summary(&fixture->report), 0);
	take_both(fixture);
}
