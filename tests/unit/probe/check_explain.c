/* SPDX-License-Identifier: MIT */
/* explain - what went wrong with a probe, in words */
#include "config.h"

#include <errno.h>

#include "common/clock.h"
#include "probe/explain.h"
#include "result_fixture.h"

#define AT "192.0.2.1:6666: "
#define CONNECTED .attempts = {{"192.0.2.1", ATTEMPT_CONNECTED, 0}}

/* Untrusted text is printed on one line, without control characters. */
#define HARMFUL "\x1B[2J\n\x9B"
#define HARMLESS "\\x1b[2J\\x0a\\x9b"

static const struct row {
	enum outcome outcome;
	int error;
	struct {
		const char *where;
		enum attempt_state state;
		int error;
	} attempts[3];
	const char *host;
	const char *frame;
	size_t have, bad_offset;
	const char *text, *expected;
	uint64_t time_usec, timeout_usec, limit_usec;
	const char *explanation;
} rows[] = {
	{OUTCOME_GREETED, CONNECTED, .text = "HELLO", .explanation = ""},

	/* A limit has no trailing zeros. */
	{OUTCOME_SLOW, CONNECTED, .text = "", .time_usec = 1500001, .limit_usec = 1234567,
	 .explanation = AT "took 1.500001 s, more than 1.234567 s"},
	{OUTCOME_TOO_SLOW, CONNECTED, .text = "", .time_usec = 2000001, .limit_usec = 2000000,
	 .explanation = AT "took 2.000001 s, more than 2 s"},

	{OUTCOME_UNEXPECTED, CONNECTED, .text = HARMFUL, .expected = "Gr\u00FC\u00DFe" HARMFUL,
	 .explanation =
		 AT "greeted with \"" HARMLESS "\", not with \"Gr\u00FC\u00DFe" HARMLESS "\""},

	/* Errors of the host name or of this system. */
	{OUTCOME_UNKNOWN_HOST, EAI_NONAME, .host = HARMFUL,
	 .explanation = HARMLESS ": Name or service not known"},
	{OUTCOME_UNKNOWN_HOST, RESOLVE_PATH_TOO_LONG,
	 .explanation = "host.example: the path is too long for a socket"},
	{OUTCOME_SYSTEM_ERROR, EMFILE, .explanation = "host.example: Too many open files"},
	{OUTCOME_SYSTEM_ERROR, ENOMEM, CONNECTED,
	 .explanation = "host.example: Cannot allocate memory"},
	{OUTCOME_INTERRUPTED, CONNECTED, .explanation = "host.example: interrupted"},

	/* All addresses that were tried are named, and no others. */
	{OUTCOME_UNREACHABLE, .attempts = {{"/" HARMFUL, ATTEMPT_FAILED, ENOENT}},
	 .explanation = "/" HARMLESS ": No such file or directory"},
	{OUTCOME_REFUSED,
	 .attempts = {{"2001:db8::1", ATTEMPT_FAILED, ENETUNREACH},
		      {"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"2001:db8::2", ATTEMPT_FAILED, EHOSTUNREACH}},
	 .explanation = "[2001:db8::1]:6666: Network is unreachable; " AT
			"Connection refused; [2001:db8::2]:6666: No route to host"},

	/* Timed out, in each phase. */
	{OUTCOME_TIMED_OUT, .timeout_usec = 250000,
	 .explanation = "host.example: name resolution timed out after 0.25 s"},
	{OUTCOME_TIMED_OUT, .timeout_usec = 500000,
	 .attempts = {{"192.0.2.1", ATTEMPT_NOT_TRIED, 0}},
	 .explanation = "host.example: timed out after 0.5 s"},
	{OUTCOME_TIMED_OUT, .timeout_usec = 10000000,
	 .attempts = {{"2001:db8::1", ATTEMPT_TIMED_OUT, 0},
		      {"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"192.0.2.2", ATTEMPT_NOT_TRIED, 0}},
	 .explanation = "[2001:db8::1]:6666: timed out after 10 s; " AT "Connection refused"},
	{OUTCOME_TIMED_OUT, CONNECTED, .timeout_usec = 86400000000, .frame = "\0", .have = 1,
	 .explanation = AT "timed out after 86400 s, after 1 of 2 header bytes"},

	/* Incomplete greetings. The address is the connected one. */
	{OUTCOME_CLOSED,
	 .attempts = {{"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED}, {"::1", ATTEMPT_CONNECTED, 0}},
	 .explanation = "[::1]:6666: closed after 0 of 2 header bytes: connection limit reached, "
			"or the service is failing"},
	{OUTCOME_CLOSED, CONNECTED, .frame = "\xFF\xFFxxx", .have = 5,
	 .explanation = AT "closed after 5 of 65537 bytes"},
	{OUTCOME_RESET, ECONNRESET, CONNECTED, .frame = "\0\5H", .have = 3,
	 .explanation = AT "Connection reset by peer after 3 of 7 bytes"},

	/* The offset is counted in the greeting, without the header. */
	{OUTCOME_MALFORMED, CONNECTED, .frame = "\0\5HELL\xFF", .have = 7, .bad_offset = 4,
	 .explanation = AT "malformed at byte 4 of the greeting's 5"},
};

START_TEST(results_are_explained)
{
	static struct probe_result result;
	const struct row *row = &rows[_i];
	struct probe_target target = {
		.host = row->host != NULL ? row->host : "host.example",
		.timeout_usec = row->timeout_usec,
		.expected = row->expected,
		.warning_usec = row->outcome == OUTCOME_SLOW ? row->limit_usec : CLOCK_NEVER,
		.critical_usec = row->outcome == OUTCOME_TOO_SLOW ? row->limit_usec : CLOCK_NEVER,
	};
	char *explanation;

	result_make(&result, row->outcome);
	for (int i = 0; i < 3 && row->attempts[i].where != NULL; i++)
		result_add_attempt(&result, row->attempts[i].where, row->attempts[i].state,
				   row->attempts[i].error);
	result.error = row->error;
	result.time_usec = row->time_usec;
	result.bad_offset = row->bad_offset;
	if (row->have > 0)
		memcpy(result.frame, row->frame, result.frame_have = row->have);
	if (row->text != NULL)
		result.text = unit_copy(row->text, result.text_length = strlen(row->text));

	explanation = explain_result(&target, &result);
	ck_assert_str_eq(explanation, row->explanation);
	free(explanation);
	probe_clear(&result);
}
END_TEST

int main(void)
{
	return UNIT_RUN("explain", {results_are_explained, UNIT_COUNT(rows)});
}
