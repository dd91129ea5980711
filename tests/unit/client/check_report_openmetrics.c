/* SPDX-License-Identifier: MIT */
/* report_openmetrics - the report for Prometheus: one set of metrics */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "common/clock.h"
#include "report_fixture.h"

static time_t now = 1700000000;

/* In place of the C library's. */
time_t time(time_t *ret_seconds)
{
	if (ret_seconds != NULL)
		*ret_seconds = now;
	return now;
}

/* Adds fixture->result to the report, as main() does. */
static void probe(struct fixture *fixture)
{
	struct report *report = &fixture->report;
	const struct probe_result *result = &fixture->result;

	stats_add(&report->stats, result->text != NULL, result->time_usec);
	fixture_probe(fixture, report->stats.tried);
	report->worst = outcome_worse_status(report->worst, outcome_exit_status(result->outcome));
}

static void summarize(struct fixture *fixture)
{
	ck_assert_int_eq(fixture->format->summary(&fixture->report), 0);
	fixture_take(fixture);
}

/* The value of a sample as text. Fails if it is missing, or there twice. Valid until the next. */
static const char *value(const struct fixture *fixture, const char *sample)
{
	static char text[64];
	char start[256];
	const char *found;

	snprintf(start, sizeof(start), "\nhello_probe_%s ", sample);
	found = strstr(fixture->out, start);
	ck_assert_msg(found != NULL, "no '%s' in:\n%s", start, fixture->out);
	found += strlen(start);
	ck_assert_ptr_null(strstr(found, start));
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(found, "\n"), found);
	return text;
}

#define LABELS "endpoint=\"host.example:6666\""
#define GAUGE(name, help) \
	"# HELP hello_probe_" name " " help "\n# TYPE hello_probe_" name " gauge\n"
#define RESULT(status, number) "hello_probe_results{" LABELS ",status=\"" status "\"} " number "\n"
#define PHASE(phase, seconds) \
	"hello_probe_phase_duration_seconds{" LABELS ",phase=\"" phase "\"} " seconds "\n"

START_TEST(greeting_has_all_metrics)
{
	struct fixture *fixture = fixture_new(&report_openmetrics);

	fixture->target.expected = "\u00FC\n\"";
	fixture->style.verbose = true;
	result_make_greeting(&fixture->result, "::1", UNIT_BYTES("\u00FC\n\""), 9000);
	probe(fixture);
	ck_assert_str_eq(fixture->err, "");
	ck_assert_str_eq(
		fixture->out,
		/* clang-format off */
		GAUGE("success", "Whether all probes succeeded (exit status 0).")
		"hello_probe_success{" LABELS "} 1\n"
		GAUGE("timestamp_seconds", "The UNIX time of the end of the last probe that was counted.")
		"hello_probe_timestamp_seconds{" LABELS "} 1700000000\n"
		GAUGE("expected", "Whether all greetings had the expected text.")
		"hello_probe_expected{" LABELS "} 1\n"
		GAUGE("results", "The number of probes with each result.")
		RESULT("greeted", "1")
		RESULT("unexpected", "0") RESULT("refused", "0") RESULT("unreachable", "0")
		RESULT("timed-out", "0") RESULT("reset", "0") RESULT("closed", "0")
		RESULT("malformed", "0") RESULT("unknown-host", "0") RESULT("system-error", "0")
		GAUGE("duration_seconds", "The time from the start of the probe to its end.")
		"hello_probe_duration_seconds{" LABELS "} 0.009000\n"
		GAUGE("phase_duration_seconds", "The time of each completed phase.")
		PHASE("resolve", "0.001000") PHASE("connect", "0.002000")
		PHASE("first_byte", "0.003000") PHASE("frame", "0.003000")
		GAUGE("greeting_bytes", "The length of the greeting in UTF-8.")
		"hello_probe_greeting_bytes{" LABELS "} 4\n"
		"# EOF\n"
		/* clang-format on */
	);
	fixture_free(fixture);
}
END_TEST

/* Metrics without a value are left out; the message goes to standard error, unless -q is given. */
START_TEST(missing_values_are_left_out)
{
	struct fixture *fixture = fixture_new(&report_openmetrics);
	static const char *const absent[] = {"_expected{", "_greeting_bytes{", "\"connect\"",
					     "\"frame\"",  "_tried{",	       "histogram"};

	fixture->target.expected = "HELLO";
	result_make(&fixture->result, OUTCOME_REFUSED);
	result_add_attempt(&fixture->result, "::1", ATTEMPT_FAILED, ECONNREFUSED);
	probe(fixture);
	ck_assert_str_eq(fixture->err,
			 "hello-client: host.example: [::1]:6666: Connection refused: "
			 "start hello.socket there, or check the address\n");
	for (int i = 0; i < UNIT_COUNT(absent); i++)
		ck_assert_msg(strstr(fixture->out, absent[i]) == NULL, "%s", fixture->out);
	ck_assert_str_eq(value(fixture, "results{" LABELS ",status=\"refused\"}"), "1");
	ck_assert_str_eq(value(fixture, "phase_duration_seconds{" LABELS ",phase=\"resolve\"}"),
			 "0.001000");

	fixture->style.quiet = true;
	result_make(&fixture->result, OUTCOME_UNKNOWN_HOST);
	probe(fixture);
	ck_assert_str_eq(fixture->err, "");
	ck_assert_ptr_null(strstr(fixture->out, "phase"));
	ck_assert_str_eq(value(fixture, "duration_seconds{" LABELS "}"), "0.020000");
	fixture_free(fixture);
}
END_TEST

static const struct {
	enum outcome outcome;
	const char *success, *expected;
} outcomes[] = {
	{OUTCOME_GREETED, "1", "1"},
	{OUTCOME_UNEXPECTED, "0", "0"},
};

/* A greeting that has the expected text may still be no success. */
START_TEST(success_is_exit_status_0)
{
	struct fixture *fixture = fixture_new(&report_openmetrics);

	fixture->target.expected = "HELLO";
	result_make_greeting(&fixture->result, "::1", UNIT_BYTES("HELLO"), 9000);
	fixture->result.outcome = outcomes[_i].outcome;
	probe(fixture);
	ck_assert_str_eq(value(fixture, "expected{" LABELS "}"), outcomes[_i].expected);
	ck_assert_ptr_nonnull(strstr(fixture->out, "# HELP hello_probe_success "));
	ck_assert_str_eq(value(fixture, "success{" LABELS "}"), outcomes[_i].success);
	fixture_free(fixture);
}
END_TEST

static const struct {
	struct endpoint endpoint;
	int family;
	const char *labels;
	size_t request_bytes;
} endpoints[] = {
	{{ENDPOINT_HOST, "::1", "7777", {.length = 0}}, AF_UNSPEC, "endpoint=\"[::1]:7777\"", 0},
	{{ENDPOINT_UNIX, "/run/x", "", {.length = 0}}, AF_UNSPEC, "endpoint=\"/run/x\"", 0},
	{{ENDPOINT_HOST, "a\"b\\c\nd", "1", {.length = 0}},
	 AF_UNSPEC,
	 "endpoint=\"a\\\"b\\\\c\\nd:1\"",
	 0},
	/* A stray byte, a cut character, a surrogate; then characters of two to four bytes. */
	{{ENDPOINT_UNIX, "/\xFF\xC3\xED\xA0\x80", "", {.length = 0}},
	 AF_UNSPEC,
	 "endpoint=\"/\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\"",
	 0},
	{{ENDPOINT_UNIX, "/\u00FC\u2028\U0001F600\r\t\x7f}", "", {.length = 0}},
	 AF_UNSPEC,
	 "endpoint=\"/\u00FC\u2028\U0001F600\r\t\x7f}\"",
	 0},
	{{ENDPOINT_HOST, "host.example", "6666", {.length = 0}},
	 AF_INET,
	 LABELS ",family=\"ipv4\"",
	 0},
	{{ENDPOINT_HOST, "host.example", "6666", {.length = 0}},
	 AF_INET6,
	 LABELS ",family=\"ipv6\"",
	 0},
	{{ENDPOINT_HOST, "host.example", "6666", {.length = 0}},
	 AF_UNSPEC,
	 LABELS ",transport=\"udp\"",
	 1232},
};

START_TEST(labels_name_the_endpoint)
{
	struct fixture *fixture = fixture_new(&report_openmetrics);
	char wanted[256];

	fixture->target.endpoint = endpoints[_i].endpoint;
	fixture->target.family = endpoints[_i].family;
	fixture->target.request_bytes = endpoints[_i].request_bytes;
	result_make(&fixture->result, OUTCOME_TIMED_OUT);
	probe(fixture);
	snprintf(wanted, sizeof(wanted), "duration_seconds{%s}", endpoints[_i].labels);
	ck_assert_str_eq(value(fixture, wanted), "0.020000");
	fixture_free(fixture);
}
END_TEST

/* Each bucket has the times up to its limit, and at it. */
START_TEST(buckets_include_their_limits)
{
	static const struct {
		const char *le, *number;
	} buckets[] = {
		{"0.0001", "1"}, {"0.00025", "2"}, {"0.0005", "2"}, {"0.001", "2"}, {"0.0025", "2"},
		{"0.005", "2"},	 {"0.01", "2"},	   {"0.025", "2"},  {"0.05", "2"},  {"0.1", "2"},
		{"0.25", "2"},	 {"0.5", "2"},	   {"1.0", "2"},    {"2.5", "2"},   {"5.0", "2"},
		{"10.0", "3"},	 {"+Inf", "4"},
	};
	static const uint64_t times[] = {100, 101, 10000000, 10000001};
	struct fixture *fixture = fixture_new(&report_openmetrics);
	char wanted[256];

	fixture->style.counting = true;
	for (int i = 0; i < UNIT_COUNT(times); i++) {
		result_make_greeting(&fixture->result, "::1", UNIT_BYTES("A"), times[i]);
		probe(fixture);
		ck_assert_str_eq(fixture->out, "");
		ck_assert_str_eq(fixture->err, "");
	}
	result_make(&fixture->result, OUTCOME_TIMED_OUT);
	probe(fixture);
	ck_assert_str_eq(fixture->out, "");
	ck_assert_str_eq(fixture->err,
			 "hello-client: seq=5: host.example: name resolution timed out "
			 "after 10 s: check the name server, or give more time with -t\n");
	summarize(fixture);

	ck_assert_ptr_nonnull(strstr(fixture->out, "# TYPE hello_probe_greeting_duration_seconds "
						   "histogram\n"));
	for (int i = 0; i < UNIT_COUNT(buckets); i++) {
		snprintf(wanted, sizeof(wanted),
			 "greeting_duration_seconds_bucket{" LABELS ",le=\"%s\"}", buckets[i].le);
		ck_assert_str_eq(value(fixture, wanted), buckets[i].number);
	}
	ck_assert_str_eq(value(fixture, "greeting_duration_seconds_count{" LABELS "}"), "4");
	ck_assert_str_eq(value(fixture, "greeting_duration_seconds_sum{" LABELS "}"), "20.000202");
	ck_assert_str_eq(value(fixture, "tried{" LABELS "}"), "5");
	ck_assert_str_eq(value(fixture, "greeted{" LABELS "}"), "4");
	ck_assert_str_eq(value(fixture, "results{" LABELS ",status=\"greeted\"}"), "4");
	ck_assert_str_eq(value(fixture, "results{" LABELS ",status=\"timed-out\"}"), "1");
	ck_assert_ptr_null(strstr(fixture->out, "phase"));
	ck_assert_ptr_null(strstr(fixture->out, "greeting_bytes"));
	fixture_free(fixture);
}
END_TEST

/* Not the time of the last interval, or of a probe that was interrupted, before the summary. */
START_TEST(timestamp_is_of_the_last_probe)
{
	struct fixture *fixture = fixture_new(&report_openmetrics);

	fixture->style.counting = true;
	for (int i = 0; i < 2; i++) {
		now += 50;
		result_make_greeting(&fixture->result, "::1", UNIT_BYTES("A"), 100);
		probe(fixture);
	}
	now += 50;
	summarize(fixture);
	ck_assert_str_eq(value(fixture, "timestamp_seconds{" LABELS "}"), "1700000100");
	fixture_free(fixture);
}
END_TEST

/* Interrupted before the end of the first probe. */
START_TEST(no_probe_is_no_success)
{
	struct fixture *fixture = fixture_new(&report_openmetrics);

	fixture->target.expected = "HELLO";
	fixture->style.counting = true;
	fixture->style.quiet = true;
	fixture->report.worst = EXIT_NOT_TRIED;
	summarize(fixture);
	ck_assert_ptr_nonnull(strstr(fixture->out, "\nhello_probe_success{" LABELS "} 0\n"));
	ck_assert_ptr_null(strstr(fixture->out, "expected{"));
	ck_assert_ptr_null(strstr(fixture->out, "timestamp"));
	ck_assert_str_eq(value(fixture, "tried{" LABELS "}"), "0");
	ck_assert_str_eq(value(fixture, "greeting_duration_seconds_sum{" LABELS "}"), "0.000000");
	fixture_free(fixture);
}
END_TEST

int main(void)
{
	return UNIT_RUN("report_openmetrics", {greeting_has_all_metrics, 1},
			{missing_values_are_left_out, 1},
			{success_is_exit_status_0, UNIT_COUNT(outcomes)},
			{labels_name_the_endpoint, UNIT_COUNT(endpoints)},
			{buckets_include_their_limits, 1}, {timestamp_is_of_the_last_probe, 1},
			{no_probe_is_no_success, 1});
}
