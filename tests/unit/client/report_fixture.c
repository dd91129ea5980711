/* SPDX-License-Identifier: MIT */
/* report_fixture - made-up results of probes, and their reports */
#include "config.h"

#include <sys/un.h>

#include "common/clock.h"
#include "report_fixture.h"

#define ATTEMPTS_MAX 3

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

void fixture_take(struct fixture *fixture)
{
	take(STDOUT_FILENO, fixture->out, sizeof(fixture->out));
	take(STDERR_FILENO, fixture->err, sizeof(fixture->err));
}

struct fixture *fixture_new(const struct report_format *format)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->target = (struct probe_target){
		.endpoint = {.kind = ENDPOINT_HOST, .host = "host.example", .port = "6666"},
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

void result_make(struct probe_result *result, enum outcome outcome)
{
	probe_clear(result);
	*result = (struct probe_result){
		.outcome = outcome,
		.started_usec = STARTED_USEC,
		.ended_usec = STARTED_USEC + 20000,
		.time_usec = 20000,
	};
}

static void make_address(const char *where, struct address *ret_address)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(6666)};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(6666)};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (where[0] == '/') {
		strcpy(sun.sun_path, where);
		memcpy(&ret_address->storage, &sun, ret_address->length = sizeof(sun));
	} else if (inet_pton(AF_INET, where, &sin.sin_addr) == 1) {
		memcpy(&ret_address->storage, &sin, ret_address->length = sizeof(sin));
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, where, &sin6.sin6_addr), 1);
		memcpy(&ret_address->storage, &sin6, ret_address->length = sizeof(sin6));
	}
}

void result_add_attempt(struct probe_result *result, const char *where, enum attempt_state state,
			int error)
{
	size_t n = result->addresses.count++;
	struct connect_attempt *attempt;

	if (n == 0) {
		result->addresses.addresses = calloc(ATTEMPTS_MAX, sizeof(struct address));
		result->attempts = calloc(ATTEMPTS_MAX, sizeof(struct connect_attempt));
		result->resolved_usec = STARTED_USEC + 1000;
	}
	ck_assert_uint_lt(n, ATTEMPTS_MAX);
	make_address(where, &result->addresses.addresses[n]);
	attempt = &result->attempts[n];
	attempt->to = &result->addresses.addresses[n];
	attempt->state = state;
	attempt->error = error;
	if (state != ATTEMPT_NOT_TRIED) {
		attempt->started_usec = STARTED_USEC + 1000;
		attempt->ended_usec = STARTED_USEC + 1000 + 250 * (n + 1);
	}
	if (state == ATTEMPT_CONNECTED) {
		result->connected = attempt;
		result->connected_usec = STARTED_USEC + 3000;
	}
}

void result_make_greeting(struct probe_result *result, const char *where, const char *text,
			  size_t length, uint64_t time_usec)
{
	result_make(result, OUTCOME_GREETED);
	result_add_attempt(result, where, ATTEMPT_CONNECTED, 0);
	result->text = unit_copy(text, length);
	result->text_length = length;
	result->frame_have = FRAME_HEADER_BYTES + length;
	result->first_byte_usec = STARTED_USEC + 6000;
	result->ended_usec = STARTED_USEC + time_usec;
	result->time_usec = time_usec;
}
