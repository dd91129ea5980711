/* SPDX-License-Identifier: MIT */
/* report_nagios - the report for monitoring systems: one line with performance data */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "client/charset.h"
#include "common/clock.h"
#include "report_fixture.h"

static void assert_line(struct scene *scene, const char *line)
{
	take(scene);
	ck_assert_uint_eq(strlen(scene->out), strlen(line) + 1);
	ck_assert_int_eq(strncmp(scene->out, line, strlen(line)), 0);
	ck_assert_str_eq(scene->out + strlen(line), "\n");
	ck_assert_str_eq(scene->err, "");
}

START_TEST(test_nagios_status)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);

	make_status(&scene->result, statuses[_i].status);
	report_one(scene, 1);
	assert_line(scene, statuses[_i].line);
	sum_up(scene, 1, 0, VERDICT_EXIT_GREETED);
	ck_assert_str_eq(scene->out, "");
	scene_free(scene);
}
END_TEST

static const struct {
	const char *text;
	size_t length;
	const char *shown;
} nagios_texts[] = {
	{UNIT_BYTES(""), ""},
	{UNIT_BYTES("A|B||"), "A\\x7cB\\x7c\\x7c"},
	{UNIT_BYTES("|"), "\\x7c"},
	{UNIT_BYTES("A\0B\n"), "A\\x00B\\x0a"},
	{UNIT_BYTES("\"%s'\\"), "\"%s'\\"},
	{UNIT_BYTES("\u2028\x1B"), "\\u2028\\x1b"},
	{UNIT_BYTES("\u00FC \U0001F600"), "\u00FC \U0001F600"},
};

/* On one line, in which the performance data is behind the only '|'. */
START_TEST(test_nagios_text)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);
	char wanted[256];

	make_greeting(&scene->result, "::1", nagios_texts[_i].text, nagios_texts[_i].length, 1500);
	report_one(scene, 1);
	snprintf(wanted, sizeof(wanted),
		 "HELLO OK - greeted with \"%s\" by [::1]:6666 in 0.001500 s"
		 "|time=0.001500s;;;0;10",
		 nagios_texts[_i].shown);
	assert_line(scene, wanted);

	/* The time of what was not expected is known all the same. */
	scene->expectation.text = "x|\n";
	report_one(scene, 1);
	snprintf(wanted, sizeof(wanted),
		 "HELLO CRITICAL - [::1]:6666: greeted with \"%s\", not with \"x\\x7c\\x0a\""
		 "|time=0.001500s;;;0;10",
		 nagios_texts[_i].shown);
	assert_line(scene, wanted);
	scene_free(scene);
}
END_TEST

START_TEST(test_nagios_slow)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);

	scene->expectation.warning_usec = 500000;
	scene->expectation.critical_usec = 2000000;
	make_greeting(&scene->result, "/run/x", UNIT_BYTES("HELLO"), 500001);
	report_one(scene, 1);
	assert_line(scene, "HELLO WARNING - /run/x: took 0.500001 s, more than 0.5 s"
			   "|time=0.500001s;0.5;2;0;10");
	make_greeting(&scene->result, "/run/x", UNIT_BYTES("HELLO"), 2000001);
	report_one(scene, 1);
	assert_line(scene, "HELLO CRITICAL - /run/x: took 2.000001 s, more than 2 s"
			   "|time=2.000001s;0.5;2;0;10");
	scene_free(scene);
}
END_TEST

static const uint64_t limits[] = {
	0, 1, 10, 99, 1000, 500000, 1234567, 86400000000, 86399999999, CLOCK_NEVER,
};

/* Digits and a point, says the guideline: no exponent. And the limit itself: none is rounded. */
static void assert_limit(const char *field, uint64_t usec)
{
	ck_assert_ptr_nonnull(field);
	ck_assert_msg(strspn(field, "0123456789.") == strlen(field), "'%s'", field);
	if (usec == CLOCK_NEVER)
		ck_assert_str_eq(field, "");
	else
		ck_assert_msg(field[0] != '\0' &&
				      llround(strtod(field, NULL) * 1e6) == (long long)usec,
			      "'%s', not %llu us", field, (unsigned long long)usec);
}

START_TEST(test_nagios_limits)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);
	char *rest;

	scene->expectation.warning_usec = limits[_i];
	scene->expectation.critical_usec = limits[UNIT_COUNT(limits) - 1 - _i];
	make_greeting(&scene->result, "::1", UNIT_BYTES("HELLO"), 0);
	report_one(scene, 1);
	take(scene);
	rest = strchr(scene->out, '|');
	ck_assert_ptr_nonnull(rest);
	ck_assert_str_eq(strsep(&rest, ";"), "|time=0.000000s");
	assert_limit(strsep(&rest, ";"), scene->expectation.warning_usec);
	assert_limit(strsep(&rest, ";"), scene->expectation.critical_usec);
	ck_assert_str_eq(rest, "0;10\n");
	scene_free(scene);
}
END_TEST

/* One line for all of them, with the last of what went wrong. */
START_TEST(test_nagios_counting)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);

	scene->report.counting = true;
	make_greeting(&scene->result, "::1", UNIT_BYTES("|"), 1000);
	report_one(scene, 1);
	sum_up(scene, 2, 0, VERDICT_EXIT_GREETED);
	ck_assert_str_eq(scene->out, "HELLO OK - 2 greeted of 2 tried in 0.001500 s on average"
				     "|time=0.001500s;;;0;10 loss=0%;;;0;100\n");

	scene->expectation.warning_usec = 500000;
	make_status(&scene->result, PROBE_UNRESOLVED);
	report_one(scene, 1);
	scene->expectation.text = "HELLO";
	make_greeting(&scene->result, "::1", UNIT_BYTES("|"), 1000);
	report_one(scene, 2);
	scene->expectation.text = NULL;
	report_one(scene, 3);
	sum_up(scene, 2, 1, VERDICT_EXIT_NO_GREETING);
	ck_assert_str_eq(scene->out,
			 "HELLO CRITICAL - 2 greeted of 3 tried in 0.001500 s on average, last "
			 "problem: [::1]:6666: greeted with \"\\x7c\", not with \"HELLO\""
			 "|time=0.001500s;0.5;;0;10 loss=33.333333%;;;0;100\n");

	make_status(&scene->result, PROBE_UNRESOLVED);
	report_one(scene, 1);
	sum_up(scene, 0, 1, VERDICT_EXIT_NOT_TRIED);
	ck_assert_str_eq(scene->out,
			 "HELLO UNKNOWN - 0 greeted of 1 tried, last problem: host.example: Name "
			 "or service not known|time=U;0.5;;0;10 loss=100%;;;0;100\n");

	/* Interrupted before the first one came to an end. */
	sum_up(scene, 0, 0, VERDICT_EXIT_NOT_TRIED);
	ck_assert_str_eq(scene->out, "HELLO UNKNOWN - 0 greeted of 0 tried"
				     "|time=U;0.5;;0;10 loss=U;;;0;100\n");
	ck_assert_str_eq(scene->err, "");
	scene_free(scene);
}
END_TEST

/* In binary 0.29 is a little less than that. */
START_TEST(test_nagios_loss)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);

	scene->report.counting = true;
	sum_up(scene, 71, 29, VERDICT_EXIT_NO_GREETING);
	ck_assert_ptr_nonnull(strstr(scene->out, " loss=29%;;;0;100\n"));
	scene_free(scene);
}
END_TEST

static Suite *report_nagios_suite(void)
{
	Suite *suite = suite_create("report_nagios");
	TCase *nagios = tcase_create("nagios");

	tcase_add_loop_test(nagios, test_nagios_status, 0, UNIT_COUNT(statuses));
	tcase_add_loop_test(nagios, test_nagios_text, 0, UNIT_COUNT(nagios_texts));
	tcase_add_test(nagios, test_nagios_slow);
	tcase_add_loop_test(nagios, test_nagios_limits, 0, UNIT_COUNT(limits));
	tcase_add_test(nagios, test_nagios_counting);
	tcase_add_test(nagios, test_nagios_loss);
	suite_add_tcase(suite, nagios);
	return suite;
}

int main(void)
{
	return unit_run(report_nagios_suite());
}
