/* SPDX-License-Identifier: MIT */
/* report - client side: tells what came of the probes, as text, JSON or for Nagios */
#include "config.h"

#include <stdio.h>

#include "report_fixture.h"

/*
 * A host from the command line can be anything: no more lines than there should be, nothing for a
 * terminal, and JSON is UTF-8 (RFC 8259, section 8.1).
 */
START_TEST(test_host)
{
	static const enum report_format formats[] = {REPORT_TEXT, REPORT_JSON, REPORT_NAGIOS};
	struct scene *scene = scene_new(formats[_i]);

	scene->target.host = "\"\x1B\n\xFF";
	scene->report.on_terminal = true;
	make_status(&scene->result, PROBE_UNRESOLVED);
	report_one(scene, 1);
	if (formats[_i] == REPORT_JSON)
		json_object_put(parse_line(scene));
	scene->report.counting = true;
	report_one(scene, 1);
	sum_up(scene, 0, 1, VERDICT_EXIT_NOT_TRIED);
	ck_assert_ptr_null(strchr(scene->out, '\x1B'));
	ck_assert_ptr_null(strchr(scene->err, '\x1B'));
	ck_assert_ptr_null(strchr(scene->out, '\xFF'));
	ck_assert_ptr_null(strchr(scene->err, '\xFF'));
	scene_free(scene);
}
END_TEST

/* In every format: a stream that cannot be written to keeps its error for the caller. */
START_TEST(test_full)
{
	static const enum report_format formats[] = {REPORT_TEXT, REPORT_JSON, REPORT_NAGIOS};
	struct scene *scene = scene_new(formats[_i]);
	struct stats stats = {0};

	fclose(scene->report.out);
	scene->report.out = fopen("/dev/full", "we");
	make_greeting(&scene->result, "::1", UNIT_BYTES("HELLO"), 1000);
	report_one(scene, 1);
	scene->report.counting = true;
	ck_assert_int_eq(report_summary(&scene->report, VERDICT_EXIT_GREETED, &stats), 0);
	fflush(scene->report.out);
	ck_assert_int_ne(ferror(scene->report.out), 0);
	scene_free(scene);
}
END_TEST

static Suite *report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *all = tcase_create("all formats");

	tcase_add_loop_test(all, test_host, 0, 3);
	tcase_add_loop_test(all, test_full, 0, 3);
	suite_add_tcase(suite, all);
	return suite;
}

int main(void)
{
	return unit_run(report_suite());
}
