/* SPDX-License-Identifier: MIT */
/* report_fixture - the reports of made-up results */
#include "config.h"

#include "common/clock.h"
#include "report_fixture.h"

void fixture_take(struct fixture *fixture)
{
	unit_take(STDOUT_FILENO, fixture->out, sizeof(fixture->out));
	unit_take(STDERR_FILENO, fixture->err, sizeof(fixture->err));
}

struct fixture *fixture_new(const struct report_format *format)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->target = (struct probe_target){
		.endpoint = {.kind = ENDPOINT_HOST, .host = "host.example", .port = "6666"},
		.timeout_usec = 10 * USEC_PER_SEC};
	fixture->format = format;
	fixture->report.target = &fixture->target;
	fixture->report.style = &fixture->style;
	unit_capture(STDOUT_FILENO);
	unit_capture(STDERR_FILENO);
	return fixture;
}

void fixture_free(struct fixture *fixture)
{
	probe_clear(&fixture->result);
	free(fixture);
}

void fixture_probe(struct fixture *fixture, uint64_t sequence)
{
	fixture->report.stats.tried = sequence;
	ck_assert_int_eq(fixture->format->probe(&fixture->report, &fixture->result), 0);
	fixture_take(fixture);
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
	fixture_take(fixture);
}
