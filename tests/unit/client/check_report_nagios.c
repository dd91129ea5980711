/* SPDX-License-Identifier: MIT */
/* report_nagios - the report for monitoring systems: one line with performance data */
#include "config.h"

#include "common/clock.h"
#include "report_fixture.h"

static void assert_line(const struct fixture *fixture, const char *line)
{
	char wanted[512];

	snprintf(wanted, sizeof(wanted), "%s\n", line);
	ck_assert_str_eq(fixture->out, wanted);
	ck_assert_str_eq(fixture->err, "");
}

#define LONG "0123456789012345678901234567890123456789"

static const struct {
	const char *text;
	size_t length;
	const char *printed;
} texts[] = {
	{UNIT_BYTES("|A|B||"), "\\x7cA\\x7cB\\x7c\\x7c"},
	/* 200 characters, and one more. */
	{UNIT_BYTES("\u00FC" LONG LONG LONG LONG LONG),
	 "\u00FC" LONG LONG LONG LONG "012345678901234567890123456789012345678..."},
	{UNIT_BYTES(LONG LONG LONG LONG LONG), LONG LONG LONG LONG LONG},
};

/* One line, in which the only '|' precedes the performance data. */
START_TEST(text_is_escaped_and_cut)
{
	struct fixture *fixture = fixture_new(&report_nagios);
	char wanted[512];

	result_make_greeting(&fixture->result, "::1", texts[_i].text, texts[_i].length, 1500);
	fixture_probe(fixture, 1);
	snprintf(wanted, sizeof(wanted),
		 "HELLO OK - greeted with \"%s\" by [::1]:6666 in 0.001500 s"
		 "|time=0.001500s;;;0;10",
		 texts[_i].printed);
	assert_line(fixture, wanted);
	fixture_free(fixture);
}
END_TEST

static const struct {
	uint64_t usec;
	const char *printed;
} limits[] = {
	{0, "0"},
	{1, "0.000001"},
	{1234567, "1.234567"},
	{86399999999, "86399.999999"},
	{86400000000, "86400"},
	{CLOCK_NEVER, ""},
};

/* No exponent, no rounding. */
START_TEST(limits_are_exact)
{
	struct fixture *fixture = fixture_new(&report_nagios);
	char wanted[128];

	fixture->target.warning_usec = limits[_i].usec;
	fixture->target.critical_usec = CLOCK_NEVER;
	result_make_greeting(&fixture->result, "/run/x", UNIT_BYTES("A"), 0);
	fixture_probe(fixture, 1);
	snprintf(wanted, sizeof(wanted),
		 "HELLO OK - greeted with \"A\" by /run/x in 0.000000 s|time=0.000000s;%s;;0;10",
		 limits[_i].printed);
	assert_line(fixture, wanted);
	fixture_free(fixture);
}
END_TEST

/* One line for all probes, with the last of the worst problems. */
START_TEST(counted_probes_are_one_line)
{
	static const enum outcome outcomes[] = {OUTCOME_GREETED, OUTCOME_CLOSED,
						OUTCOME_UNKNOWN_HOST, OUTCOME_CLOSED};
	struct fixture *fixture = fixture_new(&report_nagios);

	fixture->style.counting = true;
	for (int i = 0; i < UNIT_COUNT(outcomes); i++) {
		result_make(&fixture->result, outcomes[i]);
		result_add_attempt(&fixture->result, i == 3 ? "::3" : "::1", ATTEMPT_CONNECTED, 0);
		fixture_probe(fixture, 1);
		ck_assert_str_eq(fixture->out, "");
		fixture->report.worst = outcome_worse_status(fixture->report.worst,
							     outcome_exit_status(outcomes[i]));
	}
	fixture_summary(fixture, 1, 2, EXIT_NO_GREETING);
	assert_line(fixture, "HELLO CRITICAL - 1 greeted of 3 tried in 0.001000 s on average, last "
			     "problem: [::3]:6666: closed after 0 of 2 header bytes: connection "
			     "limit reached, or the service is failing"
			     "|time=0.001000s;;;0;10 loss=66.666667%;;;0;100");
	fixture_free(fixture);
}
END_TEST

START_TEST(loss_is_a_percentage)
{
	struct fixture *fixture = fixture_new(&report_nagios);

	/* In binary 0.29 is a little less than that. */
	fixture_summary(fixture, 71, 29, EXIT_NO_GREETING);
	ck_assert_ptr_nonnull(strstr(fixture->out, " loss=29%;;;0;100\n"));
	/* Interrupted before the first probe has ended. */
	fixture_summary(fixture, 0, 0, EXIT_NOT_TRIED);
	assert_line(fixture, "HELLO UNKNOWN - 0 greeted of 0 tried|time=U;;;0;10 loss=U;;;0;100");
	fixture_free(fixture);
}
END_TEST

int main(void)
{
	return UNIT_RUN("report_nagios", {text_is_escaped_and_cut, UNIT_COUNT(texts)},
			{limits_are_exact, UNIT_COUNT(limits)}, {counted_probes_are_one_line, 1},
			{loss_is_a_percentage, 1});
}
