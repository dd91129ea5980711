/* SPDX-License-Identifier: MIT */
/* report - the result of a probe, as a monitoring plugin tells it */
#include "config.h"

#include <errno.h>

#include "../probe/result_fixture.h"
#include "check_hello/report.h"
#include "common/clock.h"

static struct probe_result result;

static struct options make_options(const char *warning, const char *critical)
{
	struct options options = {
		.target = {.endpoint = {.kind = ENDPOINT_HOST,
					.host = "host.example",
					.port = "6666"},
			   .timeout_usec = 10 * USEC_PER_SEC},
		.warning = {.given = warning},
		.critical = {.given = critical},
		.timeout_status = STATUS_CRITICAL,
	};

	if (warning != NULL)
		ck_assert_int_eq(range_parse(warning, &options.warning.range), 0);
	if (critical != NULL)
		ck_assert_int_eq(range_parse(critical, &options.critical.range), 0);
	return options;
}

/* Reports the result. */
static void assert_report(const struct options *options, enum status status, const char *wanted)
{
	char printed[4096];

	unit_capture(STDOUT_FILENO);
	ck_assert_int_eq((int)report_print(options, &result), (int)status);
	unit_take(STDOUT_FILENO, printed, sizeof(printed));
	ck_assert_str_eq(printed, wanted);
	probe_clear(&result);
}

#define IN_HALF_A_SECOND "greeted with \"A\" by [::1]:6666 in 0.500000 s"

/* Critical comes first. Each of the ranges is as it was given. */
static const struct {
	const char *warning, *critical;
	enum status status;
	const char *printed;
} thresholds[] = {
	{NULL, NULL, STATUS_OK, "HELLO OK: " IN_HALF_A_SECOND "|time=0.500000s;;;0;10\n"},
	{"0.5", "00.5", STATUS_OK, "HELLO OK: " IN_HALF_A_SECOND "|time=0.500000s;0.5;00.5;0;10\n"},
	{".4999990", "1", STATUS_WARNING,
	 "HELLO WARNING: " IN_HALF_A_SECOND
	 ", outside the warning range .4999990|time=0.500000s;.4999990;1;0;10\n"},
	{"0.1", "0.2:0.3", STATUS_CRITICAL,
	 "HELLO CRITICAL: " IN_HALF_A_SECOND
	 ", outside the critical range 0.2:0.3|time=0.500000s;0.1;0.2:0.3;0;10\n"},
	{"@~:0.5", "@1:", STATUS_WARNING,
	 "HELLO WARNING: " IN_HALF_A_SECOND
	 ", inside the warning range @~:0.5|time=0.500000s;@~:0.5;@1:;0;10\n"},
	{NULL, "@0.5:.5", STATUS_CRITICAL,
	 "HELLO CRITICAL: " IN_HALF_A_SECOND
	 ", inside the critical range @0.5:.5|time=0.500000s;;@0.5:.5;0;10\n"},
	{"-2:-1", NULL, STATUS_WARNING,
	 "HELLO WARNING: " IN_HALF_A_SECOND
	 ", outside the warning range -2:-1|time=0.500000s;-2:-1;;0;10\n"},
};

START_TEST(time_is_compared_with_both_ranges)
{
	struct options options = make_options(thresholds[_i].warning, thresholds[_i].critical);

	result_make_greeting(&result, "::1", UNIT_BYTES("A"), 500000);
	assert_report(&options, thresholds[_i].status, thresholds[_i].printed);
}
END_TEST

#define FAILED "|time=U;0:;1;0;10\n"

static const struct {
	enum outcome outcome;
	int error;
	bool connected;
	enum status status;
	const char *printed;
} failures[] = {
	{OUTCOME_UNEXPECTED, 0, true, STATUS_CRITICAL,
	 "HELLO CRITICAL: host.example: 192.0.2.1:6666: greeted with \"\\x7cB\", not with "
	 "\"A\\x7c\""
	 "|time=0.002000s;0:;1;0;10\n"},
	{OUTCOME_CLOSED, 0, true, STATUS_CRITICAL,
	 "HELLO CRITICAL: host.example: 192.0.2.1:6666: closed after 0 of 2 header bytes: "
	 "connection limit "
	 "reached, or the service is failing" FAILED},
	{OUTCOME_RESET, ECONNRESET, true, STATUS_CRITICAL,
	 "HELLO CRITICAL: host.example: 192.0.2.1:6666: Connection reset by peer after 0 of 2 "
	 "header "
	 "bytes" FAILED},
	{OUTCOME_MALFORMED, 0, true, STATUS_CRITICAL,
	 "HELLO CRITICAL: host.example: 192.0.2.1:6666: malformed at byte 0 of the greeting's "
	 "0" FAILED},
	{OUTCOME_TIMED_OUT, 0, true, STATUS_CRITICAL,
	 "HELLO CRITICAL: host.example: 192.0.2.1:6666: timed out after 10 s, after 0 of 2 header "
	 "bytes" FAILED},
	{OUTCOME_UNKNOWN_HOST, EAI_NONAME, false, STATUS_CRITICAL,
	 "HELLO CRITICAL: host.example: Name or service not known" FAILED},
	{OUTCOME_UNKNOWN_HOST, EAI_SERVICE, false, STATUS_UNKNOWN,
	 "HELLO UNKNOWN: host.example: no service '6666/tcp' in services(5): give a number" FAILED},
	{OUTCOME_SYSTEM_ERROR, EMFILE, false, STATUS_UNKNOWN,
	 "HELLO UNKNOWN: host.example: Too many open files" FAILED},
};

START_TEST(failures_have_a_status)
{
	struct options options = make_options("0:", "1");

	options.target.expected = "A|";
	result_make(&result, failures[_i].outcome);
	result.error = failures[_i].error;
	if (failures[_i].connected)
		result_add_attempt(&result, "192.0.2.1", ATTEMPT_CONNECTED, 0);
	if (failures[_i].outcome == OUTCOME_MALFORMED)
		result.frame_have = FRAME_HEADER_BYTES;
	if (failures[_i].outcome == OUTCOME_UNEXPECTED) {
		result_make_greeting(&result, "192.0.2.1", UNIT_BYTES("|B"), 2000);
		result.outcome = OUTCOME_UNEXPECTED;
	}
	assert_report(&options, failures[_i].status, failures[_i].printed);
}
END_TEST

START_TEST(timeout_has_the_given_status)
{
	static const struct {
		enum status status;
		const char *printed;
	} rows[] = {
		{STATUS_OK, "HELLO OK: "},
		{STATUS_WARNING, "HELLO WARNING: "},
		{STATUS_CRITICAL, "HELLO CRITICAL: "},
		{STATUS_UNKNOWN, "HELLO UNKNOWN: "},
	};
	struct options options = make_options(NULL, NULL);
	char wanted[256];

	options.timeout_status = rows[_i].status;
	options.target.timeout_usec = 86399999999;
	snprintf(wanted, sizeof(wanted),
		 "%shost.example: name resolution timed out after 86400 s"
		 "|time=U;;;0;86399.999999\n",
		 rows[_i].printed);
	result_make(&result, OUTCOME_TIMED_OUT);
	assert_report(&options, rows[_i].status, wanted);
}
END_TEST

#define FORTY "0123456789012345678901234567890123456789"

static const struct {
	const char *text;
	size_t length;
	const char *where;
	const char *printed;
} texts[] = {
	{UNIT_BYTES("|A|'\"B||\n"), "/run/a|b", "\\x7cA\\x7c'\"B\\x7c\\x7c\\x0a\" by /run/a\\x7cb"},
	/* 200 characters, and one more. */
	{UNIT_BYTES(FORTY FORTY FORTY FORTY FORTY), "::1",
	 FORTY FORTY FORTY FORTY FORTY "\" by [::1]:6666"},
	{UNIT_BYTES("\u00FC" FORTY FORTY FORTY FORTY FORTY), "::1",
	 "\u00FC" FORTY FORTY FORTY FORTY "012345678901234567890123456789012345678...\" by "
	 "[::1]:6666"},
};

/* One line, in which the only '|' precedes the performance data. */
START_TEST(text_is_escaped_and_cut)
{
	struct options options = make_options(NULL, NULL);
	char wanted[512];

	result_make_greeting(&result, texts[_i].where, texts[_i].text, texts[_i].length, 1500);
	snprintf(wanted, sizeof(wanted),
		 "HELLO OK: greeted with \"%s in 0.001500 s|time=0.001500s;;;0;10\n",
		 texts[_i].printed);
	assert_report(&options, STATUS_OK, wanted);
}
END_TEST

#define GREETED "HELLO OK: greeted with \"A\\x7c\" by 192.0.2.1:6666 in 0.009000 s"
#define PHASES \
	" (resolve 0.001000 s, connect 0.002000 s, first byte 0.003000 s, whole frame 0.003000 s)"
#define PERFORMANCE "|time=0.009000s;;@1:2;0;10\n"
#define CONFIGURATION \
	"server: host.example:6666, IPv4 only, asked by datagrams of 100 bytes\n" \
	"timeout: 10 s, then CRITICAL\n" \
	"warning range: none\n" \
	"critical range: @1:2\n" \
	"expected greeting: \"A\\x7c\"\n" \
	"192.0.2.1:6666: answered after 0.000250 s\n" \
	"[2001:db8::1]:6666: failed (No route to host) after 0.000500 s, asked 2 times\n" \
	"/run/a\\x7cb: not tried\n"

/* For each number of -v. */
static const char *const verbose[] = {
	GREETED PERFORMANCE,
	GREETED PHASES PERFORMANCE,
	GREETED PHASES PERFORMANCE CONFIGURATION,
	GREETED PHASES PERFORMANCE CONFIGURATION "received: 4 bytes: 00 02 41 7c\n"
						 "greeting: A\\x7c\n",
};

START_TEST(verbose_adds_detail)
{
	struct options options = make_options(NULL, "@1:2");

	options.target.family = AF_INET;
	options.target.request_bytes = 100;
	options.target.expected = "A|";
	options.verbosity = (unsigned)_i;
	result_make_greeting(&result, "192.0.2.1", UNIT_BYTES("A|"), 9000);
	memcpy(result.frame, "\0\2A|", result.frame_have);
	result_add_attempt(&result, "2001:db8::1", ATTEMPT_FAILED, EHOSTUNREACH);
	result_add_attempt(&result, "/run/a|b", ATTEMPT_NOT_TRIED, 0);
	result.attempts[0].asked = 1;
	result.attempts[1].asked = 2;
	assert_report(&options, STATUS_OK, verbose[_i]);
}
END_TEST

/* Missing details are left out. */
START_TEST(verbose_failure_lacks_detail)
{
	struct options options = make_options(NULL, NULL);

	options.verbosity = 3;
	result_make(&result, OUTCOME_UNKNOWN_HOST);
	result.error = EAI_NONAME;
	assert_report(&options, STATUS_CRITICAL,
		      "HELLO CRITICAL: host.example: Name or service not known|time=U;;;0;10\n"
		      "server: host.example:6666\n"
		      "timeout: 10 s, then CRITICAL\n"
		      "warning range: none\n"
		      "critical range: none\n"
		      "expected greeting: any\n"
		      "received: 0 bytes\n");
}
END_TEST

int main(void)
{
	return UNIT_RUN(
		"report", {time_is_compared_with_both_ranges, UNIT_COUNT(thresholds)},
		{failures_have_a_status, UNIT_COUNT(failures)}, {timeout_has_the_given_status, 4},
		{text_is_escaped_and_cut, UNIT_COUNT(texts)},
		{verbose_adds_detail, UNIT_COUNT(verbose)}, {verbose_failure_lacks_detail, 1});
}
