/* SPDX-License-Identifier: MIT */
/* report_json - the report for programs: one object per line */
#include "config.h"

#include <errno.h>
#include <json-c/json.h>

#include "report_fixture.h"

/* Compares the whole object, which is on one line, with its keys in any order. */
static void assert_object(const struct fixture *fixture, const char *wanted)
{
	struct json_tokener *strict = json_tokener_new();
	size_t length = strcspn(fixture->out, "\n");
	struct json_object *got, *other = json_tokener_parse(wanted);

	ck_assert_str_eq(fixture->err, "");
	ck_assert_str_eq(fixture->out + length, "\n");
	/* json-c 0.18 then refuses all text but ASCII. */
	if (json_c_version_num() != 18 << 8)
		json_tokener_set_flags(strict, JSON_TOKENER_STRICT);
	got = json_tokener_parse_ex(strict, fixture->out, (int)length);
	ck_assert_msg(got != NULL, "no JSON: '%s'", fixture->out);
	ck_assert_ptr_nonnull(other);
	ck_assert_msg(json_object_equal(got, other), "%s, not %s", fixture->out, wanted);
	json_object_put(other);
	json_object_put(got);
	json_tokener_free(strict);
}

START_TEST(greeting_is_an_object)
{
	struct fixture *fixture = fixture_new(&report_json);
	struct probe_result *result = &fixture->result;

	result_make_greeting(result, "2001:db8::1", UNIT_BYTES("A\0\"\u2028"), 9000);
	result_add_attempt(result, "192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED);
	result_add_attempt(result, "/run/x", ATTEMPT_NOT_TRIED, 0);
	result->closed_usec = result->ended_usec + 123;
	fixture_probe(fixture, 3);
	assert_object(fixture, "{'type': 'greeting', 'sequence': 3,"
			       "'endpoint': 'host.example:6666', 'host': 'host.example',"
			       "'port': 6666, 'address': '2001:db8::1', 'family': 'ipv6',"
			       "'status': 'greeted', 'exit': 0, 'error': null,"
			       "'greeting': 'A\\u0000\\\"\\u2028', 'frame_length': 8,"
			       "'time': 0.009, 'resolve_time': 0.001, 'connect_time': 0.002,"
			       "'first_byte_time': 0.003, 'frame_time': 0.003,"
			       "'close_time': 0.000123, 'attempts': ["
			       "{'address': '2001:db8::1', 'outcome': 'connected',"
			       " 'error': null, 'time': 0.00025, 'asked': null},"
			       "{'address': '192.0.2.1', 'outcome': 'failed',"
			       " 'error': 'Connection refused', 'time': 0.0005, 'asked': null},"
			       "{'address': '/run/x', 'outcome': 'not-tried',"
			       " 'error': null, 'time': null, 'asked': null}]}");
	fixture_free(fixture);
}
END_TEST

/* Bytes that are not UTF-8 are replaced. */
START_TEST(unknown_values_are_null)
{
	struct fixture *fixture = fixture_new(&report_json);

	fixture->target.endpoint = (struct endpoint){.kind = ENDPOINT_UNIX, .host = "/\xFF"};
	result_make(&fixture->result, OUTCOME_TIMED_OUT);
	result_add_attempt(&fixture->result, "/\xFF", ATTEMPT_TIMED_OUT, 0);
	fixture_probe(fixture, 1);
	assert_object(fixture, "{'type': 'greeting', 'sequence': 1,"
			       "'endpoint': '/\uFFFD', 'host': '/\uFFFD',"
			       "'port': null, 'address': null, 'family': null,"
			       "'status': 'timed-out', 'exit': 2, 'error': '/\\\\xff: timed out "
			       "after 10 s',"
			       "'greeting': null, 'frame_length': null,"
			       "'time': 0.02, 'resolve_time': 0.001, 'connect_time': null,"
			       "'first_byte_time': null, 'frame_time': null,"
			       "'close_time': null, 'attempts': ["
			       "{'address': '/\uFFFD', 'outcome': 'timed-out',"
			       " 'error': null, 'time': 0.00025, 'asked': null}]}");
	fixture_free(fixture);
}
END_TEST

START_TEST(datagrams_are_counted)
{
	struct fixture *fixture = fixture_new(&report_json);

	result_make_greeting(&fixture->result, "192.0.2.1", UNIT_BYTES(""), 20000);
	result_add_attempt(&fixture->result, "192.0.2.2", ATTEMPT_SUPERSEDED, 0);
	fixture->result.attempts[0].asked = 2;
	fixture->result.attempts[1].asked = 1;
	fixture_probe(fixture, 1);
	ck_assert_ptr_nonnull(strstr(fixture->out,
				     "{\"address\":\"192.0.2.1\",\"outcome\":\"answered\","
				     "\"error\":null,\"time\":0.000250,\"asked\":2},"
				     "{\"address\":\"192.0.2.2\",\"outcome\":\"overtaken\","
				     "\"error\":null,\"time\":0.000500,\"asked\":1}]"));
	fixture_free(fixture);
}
END_TEST

/* A path is not escaped as for a terminal. */
START_TEST(path_is_the_address)
{
	struct fixture *fixture = fixture_new(&report_json);

	fixture->target.endpoint = (struct endpoint){.kind = ENDPOINT_UNIX, .host = "/b\u00FC x"};
	result_make_greeting(&fixture->result, "/b\u00FC x", UNIT_BYTES("HELLO"), 20000);
	fixture_probe(fixture, 1);
	ck_assert_ptr_nonnull(strstr(fixture->out, "\"address\":\"/b\u00FC x\",\"family\":"));
	ck_assert_ptr_nonnull(strstr(fixture->out, "[{\"address\":\"/b\u00FC x\",\"outcome\":"));
	fixture_free(fixture);
}
END_TEST

static const struct {
	const char *where, *family;
} families[] = {
	{"192.0.2.1", "\"address\":\"192.0.2.1\",\"family\":\"ipv4\","},
	{"2001:db8::1", "\"address\":\"2001:db8::1\",\"family\":\"ipv6\","},
	{"vsock:2", "\"address\":\"vsock:2\",\"family\":\"vsock\","},
	{"/run/x", "\"address\":\"/run/x\",\"family\":\"unix\","},
};

START_TEST(family_has_a_word)
{
	struct fixture *fixture = fixture_new(&report_json);

	result_make_greeting(&fixture->result, families[_i].where, UNIT_BYTES("HELLO"), 20000);
	fixture_probe(fixture, 1);
	ck_assert_ptr_nonnull(strstr(fixture->out, families[_i].family));
	fixture_free(fixture);
}
END_TEST

#define NO_TIMES "'min': null, 'avg': null, 'max': null, 'mdev': null,"
#define NO_PERCENTILES "'p50': null, 'p90': null, 'p95': null, 'p99': null}"

static const struct {
	unsigned greeted, failed;
	const char *object; /* after the host and the port */
} summaries[] = {
	{0, 0, "'exit': 2, 'tried': 0, 'greeted': 0, 'loss': null," NO_TIMES NO_PERCENTILES},
	{0, 3, "'exit': 2, 'tried': 3, 'greeted': 0, 'loss': 1," NO_TIMES NO_PERCENTILES},
	{20, 0,
	 "'exit': 2, 'tried': 20, 'greeted': 20, 'loss': 0, 'min': 0.001, 'avg': 0.0105,"
	 "'max': 0.02, 'mdev': 0.005766, 'p50': 0.01, 'p90': 0.018, 'p95': 0.019, 'p99': 0.02}"},
};

START_TEST(summary_is_an_object)
{
	struct fixture *fixture = fixture_new(&report_json);
	char wanted[512];

	fixture->style.quiet = true;
	fixture_summary(fixture, summaries[_i].greeted, summaries[_i].failed, EXIT_NO_GREETING);
	snprintf(wanted, sizeof(wanted),
		 "{'type': 'summary', 'endpoint': 'host.example:6666', 'host': 'host.example',"
		 "'port': 6666, %s",
		 summaries[_i].object);
	assert_object(fixture, wanted);
	fixture_free(fixture);
}
END_TEST

int main(void)
{
	return UNIT_RUN("report_json", {greeting_is_an_object, 1}, {unknown_values_are_null, 1},
			{datagrams_are_counted, 1}, {path_is_the_address, 1},
			{family_has_a_word, UNIT_COUNT(families)},
			{summary_is_an_object, UNIT_COUNT(summaries)});
}
