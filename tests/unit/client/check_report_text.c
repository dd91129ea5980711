/* SPDX-License-Identifier: MIT */
/* report_text - the report for people, in the manner of ping(8) */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "client/charset.h"
#include "common/utf8.h"
#include "report_fixture.h"

static const struct {
	const char *text;
	size_t length;
	const char *shown; /* to a terminal, or with a number; NULL if unchanged */
} greetings[] = {
	{UNIT_BYTES("HELLO"), NULL},
	{UNIT_BYTES(""), NULL},
	{UNIT_BYTES(" ~\\x1b %s %n | \"'"), NULL},
	{UNIT_BYTES("Gr\u00FC\u00DFe, \u4E16\u754C \U0001F600"), NULL},
	{UNIT_BYTES("A\0B"), "A\\x00B"},
	{UNIT_BYTES("\x1B[2J\x1B]0;title\a\r\n"), "\\x1b[2J\\x1b]0;title\\x07\\x0d\\x0a"},
	{UNIT_BYTES("\u2028\u202E"), "\\u2028\\u202e"},
};

START_TEST(test_text_greeting)
{
	struct scene *scene = scene_new(REPORT_TEXT);
	const char *text = greetings[_i].text, *shown = greetings[_i].shown;
	size_t length = greetings[_i].length;
	char wanted[256];

	make_greeting(&scene->result, "192.0.2.1", text, length, 512);
	/* Unchanged, and a newline. */
	report_one(scene, 1);
	take(scene);
	ck_assert_mem_eq(scene->out, text, length);
	ck_assert_str_eq(scene->out + length, "\n");

	shown = shown != NULL ? shown : text;
	scene->report.on_terminal = true;
	report_one(scene, 1);
	take(scene);
	snprintf(wanted, sizeof(wanted), "%s\n", shown);
	ck_assert_str_eq(scene->out, wanted);

	/* A numbered line is one, wherever it goes. */
	scene->report.on_terminal = false;
	scene->report.counting = true;
	report_one(scene, 18446744073709551615U);
	take(scene);
	snprintf(wanted, sizeof(wanted),
		 "from 192.0.2.1 port 6666: seq=18446744073709551615 time=0.512 ms: %s\n", shown);
	ck_assert_str_eq(scene->out, wanted);
	ck_assert_str_eq(scene->err, "");
	scene_free(scene);
}
END_TEST

START_TEST(test_text_unix)
{
	struct scene *scene = scene_new(REPORT_TEXT);

	scene->target.host = "/run/x";
	scene->report.counting = true;
	make_greeting(&scene->result, "/run/x", UNIT_BYTES("HELLO"), 1500);
	report_one(scene, 2);
	sum_up(scene, 1, 0, VERDICT_EXIT_GREETED);
	ck_assert_str_eq(scene->out, "from /run/x: seq=2 time=1.500 ms: HELLO\n"
				     "\n--- /run/x ---\n"
				     "1 greeted of 1 tried, 0% loss\n"
				     "min/avg/max/mdev = 1.000/1.000/1.000/0.000 ms\n");
	scene_free(scene);
}
END_TEST

/* What goes wrong goes to standard error; a greeting that is slow is still one. */
START_TEST(test_text_failure)
{
	static const char *const prefixes[] = {"hello-client: ", "hello-client: seq=7: "};
	struct scene *scene = scene_new(REPORT_TEXT);
	char wanted[256];

	scene->report.counting = _i != 0;
	make_result(&scene->result, PROBE_UNRESOLVED);
	scene->result.resolve_error = EAI_NONAME;
	report_one(scene, 7);
	take(scene);
	snprintf(wanted, sizeof(wanted), "%shost.example: Name or service not known\n",
		 prefixes[_i]);
	ck_assert_str_eq(scene->err, wanted);
	ck_assert_str_eq(scene->out, "");

	scene->expectation.warning_usec = 1000;
	make_greeting(&scene->result, "::1", UNIT_BYTES("HELLO"), 2000);
	report_one(scene, 7);
	take(scene);
	snprintf(wanted, sizeof(wanted), "%s[::1]:6666: took 0.002000 s, more than 0.001 s\n",
		 prefixes[_i]);
	ck_assert_str_eq(scene->err, wanted);
	ck_assert_str_eq(scene->out,
			 _i != 0 ? "from ::1 port 6666: seq=7 time=2.000 ms: HELLO\n" : "HELLO\n");
	scene_free(scene);
}
END_TEST

/* To `err`, so that `out` stays what it is without. */
START_TEST(test_text_verbose)
{
	struct scene *scene = scene_new(REPORT_TEXT);
	struct probe_result *result = &scene->result;

	scene->report.verbose = true;
	make_greeting(result, "192.0.2.1", UNIT_BYTES("HELLO"), 9000);
	add_attempt(result, "2001:db8::1", DIAL_OVERTAKEN, 0);
	add_attempt(result, "/run/x", DIAL_NOT_TRIED, 0);
	result->closed_usec = result->ended_usec + 123;
	report_one(scene, 1);
	take(scene);
	ck_assert_str_eq(scene->out, "HELLO\n");
	ck_assert_str_eq(scene->err, "192.0.2.1:6666: connected after 0.250 ms\n"
				     "[2001:db8::1]:6666: overtaken by another address after "
				     "0.500 ms\n"
				     "/run/x: not tried\n"
				     "resolve: 1.000 ms\n"
				     "connect: 2.000 ms\n"
				     "first byte: 3.000 ms\n"
				     "whole frame: 3.000 ms\n"
				     "peer's close: 0.123 ms\n");

	/* Only the phases that it came to. */
	make_result(result, PROBE_TIMED_OUT);
	add_attempt(result, "192.0.2.1", DIAL_FAILED, ECONNREFUSED);
	add_attempt(result, "192.0.2.2", DIAL_TIMED_OUT, 0);
	report_one(scene, 1);
	take(scene);
	ck_assert_str_eq(scene->out, "");
	ck_assert_str_eq(scene->err, "192.0.2.1:6666: failed (Connection refused) after 0.250 ms\n"
				     "192.0.2.2:6666: timed out after 0.500 ms\n"
				     "resolve: 1.000 ms\n"
				     "hello-client: 192.0.2.1:6666: Connection refused; "
				     "192.0.2.2:6666: timed out after 10 s\n");
	scene_free(scene);
}
END_TEST

START_TEST(test_text_quiet)
{
	struct scene *scene = scene_new(REPORT_TEXT);

	scene->report.quiet = scene->report.verbose = scene->report.counting = true;
	for (int i = 0; i < UNIT_COUNT(statuses); i++) {
		make_status(&scene->result, statuses[i].status);
		report_one(scene, 1);
	}
	take(scene);
	ck_assert_str_eq(scene->out, "");
	ck_assert_str_eq(scene->err, "");
	scene_free(scene);
}
END_TEST

static const struct {
	int greeted, failed;
	const char *text;
} summaries[] = {
	{0, 0, "0 greeted of 0 tried, 0% loss\n"},
	{0, 3, "0 greeted of 3 tried, 100% loss\n"},
	{2, 1,
	 "2 greeted of 3 tried, 33.3333% loss\n"
	 "min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms\n"},
	{19, 0,
	 "19 greeted of 19 tried, 0% loss\n"
	 "min/avg/max/mdev = 1.000/10.000/19.000/5.477 ms\n"},
	{20, 5,
	 "20 greeted of 25 tried, 20% loss\n"
	 "min/avg/max/mdev = 1.000/10.500/20.000/5.766 ms\n"
	 "p50/p90/p95/p99 = 10.000/18.000/19.000/20.000 ms\n"},
};

START_TEST(test_text_summary)
{
	struct scene *scene = scene_new(REPORT_TEXT);
	char wanted[256];

	/* There is nothing to show of no greetings. */
	scene->report.histogram = summaries[_i].greeted == 0;
	sum_up(scene, summaries[_i].greeted, summaries[_i].failed, VERDICT_EXIT_NO_GREETING);
	ck_assert_str_eq(scene->out, "");

	scene->report.counting = true;
	snprintf(wanted, sizeof(wanted), "\n--- host.example port 6666 ---\n%s",
		 summaries[_i].text);
	sum_up(scene, summaries[_i].greeted, summaries[_i].failed, VERDICT_EXIT_NO_GREETING);
	ck_assert_str_eq(scene->out, wanted);

	/* Without anything before it, no line needs to be left free. */
	scene->report.quiet = true;
	sum_up(scene, summaries[_i].greeted, summaries[_i].failed, VERDICT_EXIT_NO_GREETING);
	ck_assert_str_eq(scene->out, wanted + 1);
	ck_assert_str_eq(scene->err, "");
	scene_free(scene);
}
END_TEST

/* What the terminal says that it has; 0 for no terminal. */
static unsigned short terminal_columns;

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	struct winsize *size;

	(void)fd;
	va_start(arguments, request);
	size = va_arg(arguments, struct winsize *);
	va_end(arguments);
	if (request != TIOCGWINSZ || terminal_columns == 0) {
		errno = ENOTTY;
		return -1;
	}
	*size = (struct winsize){.ws_col = terminal_columns};
	return 0;
}

static const unsigned short widths[] = {0, 80, 132, 40, 36, 35, 10};

/* Bars in proportion, and no line wider than the terminal if there is room for a bar at all. */
START_TEST(test_text_histogram)
{
	static const uint64_t times[] = {512, 1024, 2047, 4096};
	static const char *const labels[] = {
		"     0.512 -      1.024 ms       1 ",
		"     1.024 -      2.048 ms       2 ",
		"     2.048 -      4.096 ms       0 ",
		"     4.096 -      8.192 ms       1 ",
	};
	struct scene *scene = scene_new(REPORT_TEXT);
	struct stats stats = {0};
	size_t bars[4], label = strlen(labels[0]);
	size_t room = (widths[_i] > 0 ? widths[_i] : 80U) - label;
	char *line;

	terminal_columns = widths[_i];
	scene->report.counting = scene->report.histogram = true;
	for (int i = 0; i < UNIT_COUNT(times); i++)
		stats_add_time(&stats, times[i]);
	ck_assert_int_eq(report_summary(&scene->report, VERDICT_EXIT_GREETED, &stats), 0);
	stats_free(&stats);
	take(scene);

	line = strstr(scene->out, "ms\n");
	ck_assert_ptr_nonnull(line);
	strtok(line, "\n");
	for (int i = 0; i < UNIT_COUNT(labels); i++) {
		line = strtok(NULL, "\n");
		ck_assert_ptr_nonnull(line);
		ck_assert_msg(strncmp(line, labels[i], label) == 0, "'%s'", line);
		bars[i] = strspn(line + label, "#");
		ck_assert_uint_eq(strlen(line), label + bars[i]);
	}
	ck_assert_ptr_null(strtok(NULL, "\n"));
	ck_assert_uint_eq(bars[0], (bars[1] + 1) / 2);
	ck_assert_uint_eq(bars[2], 0);
	ck_assert_uint_eq(bars[3], bars[0]);
	if (room == 0 || room > 132)
		room = 1;
	ck_assert_msg(bars[1] <= room, "a bar of %zu where there is room for %zu", bars[1], room);
	ck_assert_msg(bars[1] + 2 >= room, "a bar of %zu where there is room for %zu", bars[1],
		      room);
	scene_free(scene);
}
END_TEST

/* In the locale's character set, what is quoted too. */
START_TEST(test_text_charset)
{
	struct scene *scene = scene_new(REPORT_TEXT);

	setenv("LC_ALL", "C", 1);
	charset_init();
	scene->expectation.text = "HELLO";
	make_greeting(&scene->result, "192.0.2.1", UNIT_BYTES("Gr\u00FC\u00DFe\u2028"), 1);
	report_one(scene, 1);
	scene->report.on_terminal = true;
	report_one(scene, 1);
	take(scene);
	ck_assert_str_eq(scene->out, "Gr??e?\nGr??e\\u2028\n");
	ck_assert_ptr_nonnull(strstr(scene->err, "\"Gr??e\\u2028\", not with \"HELLO\"\n"));
	scene_free(scene);
}
END_TEST

static Suite *report_text_suite(void)
{
	Suite *suite = suite_create("report_text");
	TCase *text = tcase_create("text");

	tcase_add_loop_test(text, test_text_greeting, 0, UNIT_COUNT(greetings));
	tcase_add_test(text, test_text_unix);
	tcase_add_loop_test(text, test_text_failure, 0, 2);
	tcase_add_test(text, test_text_verbose);
	tcase_add_test(text, test_text_quiet);
	tcase_add_loop_test(text, test_text_summary, 0, UNIT_COUNT(summaries));
	tcase_add_loop_test(text, test_text_histogram, 0, UNIT_COUNT(widths));
	tcase_add_test(text, test_text_charset);
	suite_add_tcase(suite, text);
	return suite;
}

int main(void)
{
	return unit_run(report_text_suite());
}
