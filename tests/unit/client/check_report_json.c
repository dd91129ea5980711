/* SPDX-License-Identifier: MIT */
/* report_json - the report for programs: one object a line, described in hello-client(1) */
#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "client/charset.h"
#include "report_fixture.h"

/* Compares the whole object, whatever the order of its members is. */
static void assert_object(struct scene *scene, const char *wanted)
{
	struct json_object *got = parse_line(scene), *other = json_tokener_parse(wanted);

	ck_assert_ptr_nonnull(other);
	ck_assert_msg(json_object_equal(got, other), "%s, not %s", scene->out, wanted);
	json_object_put(other);
	json_object_put(got);
}

/* A member as text, or NULL if it is null. It must be there. */
static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value;

	ck_assert_msg(json_object_object_get_ex(object, key, &value), "no %s", key);
	return json_object_get_string(value);
}

START_TEST(test_json_greeting)
{
	struct scene *scene = scene_new(REPORT_JSON);
	struct probe_result *result = &scene->result;

	make_result(result, PROBE_GREETED);
	add_attempt(result, "192.0.2.1", DIAL_FAILED, ECONNREFUSED);
	add_attempt(result, "2001:db8::1", DIAL_CONNECTED, 0);
	add_attempt(result, "/run/x", DIAL_NOT_TRIED, 0);
	result->text = unit_copy("HELLO", 5);
	result->text_length = 5;
	result->frame_have = 7;
	result->first_byte_usec = STARTED_USEC + 6000;
	result->ended_usec = STARTED_USEC + 9000;
	result->closed_usec = result->ended_usec + 123;
	report_one(scene, 3);
	assert_object(scene, "{'type': 'greeting', 'sequence': 3, 'host': 'host.example',"
			     "'port': 6666, 'address': '2001:db8::1', 'family': 'ipv6',"
			     "'status': 'greeted', 'exit': 0, 'error': null,"
			     "'greeting': 'HELLO', 'frame_length': 7,"
			     "'time': 0.009, 'resolve_time': 0.001, 'connect_time': 0.002,"
			     "'first_byte_time': 0.003, 'frame_time': 0.003,"
			     "'close_time': 0.000123, 'attempts': ["
			     "{'address': '192.0.2.1', 'outcome': 'failed',"
			     " 'error': 'Connection refused', 'time': 0.00025},"
			     "{'address': '2001:db8::1', 'outcome': 'connected',"
			     " 'error': null, 'time': 0.0005},"
			     "{'address': '/run/x', 'outcome': 'not-tried',"
			     " 'error': null, 'time': null}]}");

	/* Alone there is no summary; quietly nothing at all. */
	sum_up(scene, 1, 0, VERDICT_EXIT_GREETED);
	ck_assert_str_eq(scene->out, "");
	scene->report.quiet = true;
	report_one(scene, 3);
	take(scene);
	ck_assert_str_eq(scene->out, "");
	scene_free(scene);
}
END_TEST

/* Nothing came of it: what is not known is null. */
START_TEST(test_json_failure)
{
	struct scene *scene = scene_new(REPORT_JSON);

	scene->target.host = "/run/x";
	make_result(&scene->result, PROBE_UNCONNECTED);
	add_attempt(&scene->result, "/run/x", DIAL_FAILED, ECONNREFUSED);
	report_one(scene, 1);
	assert_object(scene, "{'type': 'greeting', 'sequence': 1, 'host': '/run/x',"
			     "'port': null, 'address': null, 'family': null,"
			     "'status': 'refused', 'exit': 2,"
			     "'error': '/run/x: Connection refused',"
			     "'greeting': null, 'frame_length': null,"
			     "'time': 0.02, 'resolve_time': 0.001, 'connect_time': null,"
			     "'first_byte_time': null, 'frame_time': null,"
			     "'close_time': null, 'attempts': ["
			     "{'address': '/run/x', 'outcome': 'failed',"
			     " 'error': 'Connection refused', 'time': 0.00025}]}");
	scene_free(scene);
}
END_TEST

static const struct {
	const char *text;
	size_t length;
} json_texts[] = {
	{UNIT_BYTES("")},
	{UNIT_BYTES("A\0B\0")},
	{UNIT_BYTES("\"\\/'{}|")},
	{UNIT_BYTES("\r\n\t\b\x1B\x7F")},
	{UNIT_BYTES("\u2028\u2029")},
	{UNIT_BYTES("Gr\u00FC\u00DFe \u4E16 \U0001F600")},
};

/* Whatever it is, it comes back. The locale does not matter. */
START_TEST(test_json_text)
{
	struct scene *scene = scene_new(REPORT_JSON);
	struct json_object *object, *greeting;

	setenv("LC_ALL", "C", 1);
	charset_init();
	make_greeting(&scene->result, "192.0.2.1", json_texts[_i].text, json_texts[_i].length, 1);
	report_one(scene, 1);
	object = parse_line(scene);
	ck_assert(json_object_object_get_ex(object, "greeting", &greeting));
	ck_assert_int_eq(json_object_get_string_len(greeting), (int)json_texts[_i].length);
	ck_assert_mem_eq(json_object_get_string(greeting), json_texts[_i].text,
			 json_texts[_i].length);
	json_object_put(object);
	scene_free(scene);
}
END_TEST

/* The error is told for all but one. */
START_TEST(test_json_status)
{
	bool greeted = statuses[_i].status == PROBE_GREETED;
	struct scene *scene = scene_new(REPORT_JSON);
	struct json_object *object;

	make_status(&scene->result, statuses[_i].status);
	report_one(scene, 1);
	object = parse_line(scene);
	ck_assert_str_eq(member(object, "status"), statuses[_i].word);
	ck_assert_str_eq(member(object, "exit"), statuses[_i].exit);
	ck_assert_int_eq(member(object, "error") == NULL, greeted);
	ck_assert_int_eq(member(object, "greeting") != NULL, greeted);
	json_object_put(object);
	scene_free(scene);
}
END_TEST

static const struct {
	int greeted, failed;
	const char *object; /* behind the host and the port */
} json_summaries[] = {
	{0, 0,
	 "'exit': 1, 'tried': 0, 'greeted': 0, 'loss': null, 'min': null, 'avg': null,"
	 "'max': null, 'mdev': null, 'p50': null, 'p90': null, 'p95': null, 'p99': null}"},
	{0, 3,
	 "'exit': 1, 'tried': 3, 'greeted': 0, 'loss': 1, 'min': null, 'avg': null,"
	 "'max': null, 'mdev': null, 'p50': null, 'p90': null, 'p95': null, 'p99': null}"},
	{19, 1,
	 "'exit': 1, 'tried': 20, 'greeted': 19, 'loss': 0.05, 'min': 0.001, 'avg': 0.01,"
	 "'max': 0.019, 'mdev': 0.005477, 'p50': null, 'p90': null, 'p95': null, 'p99': null}"},
	{20, 0,
	 "'exit': 1, 'tried': 20, 'greeted': 20, 'loss': 0, 'min': 0.001, 'avg': 0.0105,"
	 "'max': 0.02, 'mdev': 0.005766, 'p50': 0.01, 'p90': 0.018, 'p95': 0.019, 'p99': 0.02}"},
};

START_TEST(test_json_summary)
{
	struct scene *scene = scene_new(REPORT_JSON);
	char wanted[512];

	scene->report.counting = scene->report.quiet = true;
	print_summary(scene, json_summaries[_i].greeted, json_summaries[_i].failed,
		      VERDICT_EXIT_SLOW);
	snprintf(wanted, sizeof(wanted),
		 "{'type': 'summary', 'host': 'host.example', 'port': 6666, %s",
		 json_summaries[_i].object);
	assert_object(scene, wanted);
	scene_free(scene);
}
END_TEST

static Suite *report_json_suite(void)
{
	Suite *suite = suite_create("report_json");
	TCase *json = tcase_create("json");

	tcase_add_test(json, test_json_greeting);
	tcase_add_test(json, test_json_failure);
	tcase_add_loop_test(json, test_json_text, 0, UNIT_COUNT(json_texts));
	tcase_add_loop_test(json, test_json_status, 0, UNIT_COUNT(statuses));
	tcase_add_loop_test(json, test_json_summary, 0, UNIT_COUNT(json_summaries));
	suite_add_tcase(suite, json);
	return suite;
}

int main(void)
{
	return unit_run(report_json_suite());
}
