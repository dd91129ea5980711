/* SPDX-License-Identifier: MIT */
/* report - client side: tells what came of a probe */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

#include "monotonic.h"
#include "report.h"
#include "unit.h"

#define ADDRESSES_MAX 3

/* An address, and how it went with it. */
struct tried {
	const char *where; /* of IPv4, IPv6, or a path; the port is 6666 */
	enum dial_outcome outcome;
	int error;
};

/* Only what is not zero needs to be said. */
static const struct reported {
	enum probe_status status;
	int error; /* resolve_error if PROBE_UNRESOLVED, else system_error */
	struct tried tried[ADDRESSES_MAX];
	int connected; /* whether the first DIAL_CONNECTED is the winner */
	const char *frame;
	size_t have;
	size_t bad_offset;
	double timeout_sec;
	enum report_exit exit;
	const char *text;
} reported[] = {
	{
		.status = PROBE_UNRESOLVED,
		.error = EAI_NONAME,
		.exit = REPORT_EXIT_NOT_TRIED,
		.text = "host.example: Name or service not known",
	},
	{
		.status = PROBE_UNRESOLVED,
		.error = RESOLVE_PATH_TOO_LONG,
		.exit = REPORT_EXIT_NOT_TRIED,
		.text = "host.example: the path is too long for a socket",
	},
	{
		.status = PROBE_SYSTEM_ERROR,
		.error = EMFILE,
		.exit = REPORT_EXIT_NOT_TRIED,
		.text = "host.example: Too many open files",
	},
	{
		.status = PROBE_SYSTEM_ERROR,
		.error = EINTR,
		.tried = {{"192.0.2.1", DIAL_CONNECTED, 0}},
		.connected = 1,
		.exit = REPORT_EXIT_NOT_TRIED,
		.text = "host.example: Interrupted system call",
	},

	/* Every address that was tried is told, and no other. */
	{
		.status = PROBE_UNCONNECTED,
		.tried = {{"192.0.2.1", DIAL_FAILED, ECONNREFUSED}},
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "192.0.2.1:6666: Connection refused",
	},
	{
		.status = PROBE_UNCONNECTED,
		.tried = {{"/run/x", DIAL_FAILED, ENOENT}},
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "/run/x: No such file or directory",
	},
	{
		.status = PROBE_UNCONNECTED,
		.tried = {{"2001:db8::1", DIAL_FAILED, ENETUNREACH},
			  {"192.0.2.1", DIAL_FAILED, ECONNREFUSED},
			  {"2001:db8::2", DIAL_FAILED, EHOSTUNREACH}},
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "[2001:db8::1]:6666: Network is unreachable; "
			"192.0.2.1:6666: Connection refused; "
			"[2001:db8::2]:6666: No route to host",
	},
	{
		.status = PROBE_TIMED_OUT,
		.tried = {{"2001:db8::1", DIAL_TIMED_OUT, 0},
			  {"192.0.2.1", DIAL_FAILED, ECONNREFUSED},
			  {"192.0.2.2", DIAL_NOT_TRIED, 0}},
		.timeout_sec = 10,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "[2001:db8::1]:6666: timed out after 10 s; "
			"192.0.2.1:6666: Connection refused",
	},

	/* The phase in which the deadline came. */
	{
		.status = PROBE_TIMED_OUT,
		.timeout_sec = 0.25,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "host.example: name resolution timed out after 0.25 s",
	},
	{
		.status = PROBE_TIMED_OUT,
		.tried = {{"192.0.2.1", DIAL_CONNECTED, 0}},
		.connected = 1,
		.timeout_sec = 1,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "192.0.2.1:6666: timed out after 1 s, after 0 of 2 header bytes",
	},
	{
		.status = PROBE_TIMED_OUT,
		.tried = {{"192.0.2.1", DIAL_CONNECTED, 0}},
		.connected = 1,
		.frame = "\0",
		.have = 1,
		.timeout_sec = 0.001,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "192.0.2.1:6666: timed out after 0.001 s, after 1 of 2 header bytes",
	},
	{
		.status = PROBE_TIMED_OUT,
		.tried = {{"192.0.2.1", DIAL_CONNECTED, 0}},
		.connected = 1,
		.frame = "\0\5HELL",
		.have = 6,
		.timeout_sec = 86400,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "192.0.2.1:6666: timed out after 86400 s, after 6 of 7 bytes",
	},

	/* Cut short. The address is the one that connected. */
	{
		.status = PROBE_CLOSED,
		.tried = {{"192.0.2.1", DIAL_FAILED, ECONNREFUSED}, {"::1", DIAL_CONNECTED, 0}},
		.connected = 1,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "[::1]:6666: closed after 0 of 2 header bytes: too many connections, "
			"or its service fails",
	},
	{
		.status = PROBE_CLOSED,
		.tried = {{"192.0.2.1", DIAL_CONNECTED, 0}},
		.connected = 1,
		.frame = "\0",
		.have = 1,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "192.0.2.1:6666: closed after 1 of 2 header bytes",
	},
	{
		.status = PROBE_CLOSED,
		.tried = {{"192.0.2.1", DIAL_CONNECTED, 0}},
		.connected = 1,
		.frame = "\0\5",
		.have = 2,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "192.0.2.1:6666: closed after 2 of 7 bytes",
	},
	{
		.status = PROBE_CLOSED,
		.tried = {{"/run/x", DIAL_CONNECTED, 0}},
		.connected = 1,
		.frame = "\xFF\xFFxxx",
		.have = 5,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "/run/x: closed after 5 of 65537 bytes",
	},
	{
		.status = PROBE_RESET,
		.error = ECONNRESET,
		.tried = {{"192.0.2.1", DIAL_OVERTAKEN, 0}, {"192.0.2.2", DIAL_CONNECTED, 0}},
		.connected = 1,
		.frame = "\0\5H",
		.have = 3,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "192.0.2.2:6666: Connection reset by peer after 3 of 7 bytes",
	},

	/* The offset is counted in the greeting, without the header. */
	{
		.status = PROBE_MALFORMED,
		.tried = {{"192.0.2.1", DIAL_CONNECTED, 0}},
		.connected = 1,
		.frame = "\0\5HELL\xFF",
		.have = 7,
		.bad_offset = 4,
		.exit = REPORT_EXIT_NO_GREETING,
		.text = "192.0.2.1:6666: malformed at byte 4 of the greeting's 5",
	},
};

static void make_address(const char *where, struct resolve_address *made)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(6666)};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(6666)};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (where[0] == '/') {
		strcpy(sun.sun_path, where);
		memcpy(&made->address, &sun, sizeof(sun));
		made->length = sizeof(sun);
	} else if (inet_pton(AF_INET, where, &sin.sin_addr) == 1) {
		memcpy(&made->address, &sin, sizeof(sin));
		made->length = sizeof(sin);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, where, &sin6.sin6_addr), 1);
		memcpy(&made->address, &sin6, sizeof(sin6));
		made->length = sizeof(sin6);
	}
}

/* As probe_run() leaves it. Given back to probe_clear(). */
static void make_result(const struct reported *row, struct probe_result *result)
{
	*result = (struct probe_result){.status = row->status, .bad_offset = row->bad_offset};
	*(row->status == PROBE_UNRESOLVED ? &result->resolve_error : &result->system_error) =
		row->error;
	result->started_usec = 1;
	result->ended_usec = 9;
	if (row->have > 0)
		memcpy(result->frame, row->frame, row->have);
	result->frame_have = row->have;
	if (row->tried[0].where == NULL)
		return;

	result->resolved_usec = 2;
	result->connected_usec = row->connected ? 3 : 0;
	result->addresses.addresses = calloc(ADDRESSES_MAX, sizeof(struct resolve_address));
	result->attempts = calloc(ADDRESSES_MAX, sizeof(struct dial_attempt));
	for (size_t i = 0; i < ADDRESSES_MAX && row->tried[i].where != NULL; i++) {
		make_address(row->tried[i].where, &result->addresses.addresses[i]);
		result->attempts[i].outcome = row->tried[i].outcome;
		result->attempts[i].error = row->tried[i].error;
		if (row->tried[i].outcome != DIAL_CONNECTED)
			result->winner = i + 1;
		result->addresses.count = i + 1;
	}
}

/* What report_failure() prints. The caller frees it. */
static char *failure_text(const struct reported *row, const struct probe_result *result)
{
	struct probe_target target = {
		.host = "host.example",
		.port = "6666",
		.timeout_usec = (uint64_t)(row->timeout_sec * USEC_PER_SEC + 0.5),
	};
	char *text;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	report_failure(&target, result, stream);
	ck_assert_int_eq(ferror(stream), 0);
	fclose(stream);
	return text;
}

START_TEST(test_failure)
{
	static struct probe_result result;
	char *text;

	make_result(&reported[_i], &result);
	text = failure_text(&reported[_i], &result);
	ck_assert_str_eq(text, reported[_i].text);
	ck_assert_int_eq((int)report_exit_status(&result), (int)reported[_i].exit);
	free(text);
	probe_clear(&result);
}
END_TEST

/* The deadline may come when the name has just been resolved. */
START_TEST(test_nothing_was_tried_in_time)
{
	static const struct reported row = {
		.status = PROBE_TIMED_OUT,
		.tried = {{"192.0.2.1", DIAL_NOT_TRIED, 0}, {"::1", DIAL_NOT_TRIED, 0}},
		.timeout_sec = 0.5,
	};
	static struct probe_result result;
	char *text;

	make_result(&row, &result);
	text = failure_text(&row, &result);
	ck_assert_msg(strstr(text, "timed out after 0.5 s") != NULL, "'%s'", text);
	ck_assert_int_eq((int)report_exit_status(&result), REPORT_EXIT_NO_GREETING);
	free(text);
	probe_clear(&result);
}
END_TEST

/* The statuses are an interface: monitoring systems know them by number. */
START_TEST(test_exit_statuses)
{
	static const struct {
		enum probe_status status;
		int exit;
	} rows[] = {
		{PROBE_GREETED, 0},   {PROBE_UNRESOLVED, 3},   {PROBE_UNCONNECTED, 2},
		{PROBE_RESET, 2},     {PROBE_CLOSED, 2},       {PROBE_TIMED_OUT, 2},
		{PROBE_MALFORMED, 2}, {PROBE_SYSTEM_ERROR, 3},
	};
	static struct probe_result result;

	for (int i = 0; i < UNIT_COUNT(rows); i++) {
		result.status = rows[i].status;
		ck_assert_int_eq((int)report_exit_status(&result), rows[i].exit);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t length;
	const char *shown; /* on a terminal; NULL if unchanged */
} greetings[] = {
	{UNIT_BYTES("HELLO"), NULL},
	{UNIT_BYTES(""), NULL},
	{UNIT_BYTES(" ~\\x1b %s %n"), NULL},
	{UNIT_BYTES("Gr\u00FC\u00DFe, \u4E16\u754C \U0001F600"), NULL},
	/* Next to what is escaped. */
	{UNIT_BYTES("\u00A0\u061B\u061D\u200D\u2010\u2027\u202F\u2065\u206A\uFFFD"), NULL},

	{UNIT_BYTES("\x1B[2J\x1B]0;title\x07"), "\\x1b[2J\\x1b]0;title\\x07"},
	{UNIT_BYTES("\0"), "\\x00"},
	{UNIT_BYTES("a\rb\nc\td\x7F"), "a\\x0db\\x0ac\\x09d\\x7f"},
	{UNIT_BYTES("\x01\x1F"), "\\x01\\x1f"},
	/* U+0080, U+009B, U+009F */
	{UNIT_BYTES("\xC2\x80\xC2\x9B(\xC2\x9F"), "\\u0080\\u009b(\\u009f"},
	{UNIT_BYTES("\u2028\u2029"), "\\u2028\\u2029"},
	{UNIT_BYTES("abc\u202Edef\u202C"), "abc\\u202edef\\u202c"},
	{UNIT_BYTES("\u202A\u202B\u202D"), "\\u202a\\u202b\\u202d"},
	{UNIT_BYTES("\u2066\u2069\u200E\u200F\u061C"), "\\u2066\\u2069\\u200e\\u200f\\u061c"},
	/* Not UTF-8: a raw C1 byte is one that some terminals act upon. */
	{UNIT_BYTES("\x9B"
		    "31m\xC3"),
	 "\\x9b31m\\xc3"},
};

static void greet_one(const char *text, size_t length, bool on_terminal, const char *wanted,
		      size_t wanted_length)
{
	static struct probe_result result;
	char *printed;
	size_t printed_length;
	FILE *stream = open_memstream(&printed, &printed_length);

	result.text = unit_copy(text, length);
	result.text_length = length;
	report_greeting(&result, on_terminal, stream);
	ck_assert_int_eq(ferror(stream), 0);
	fclose(stream);
	ck_assert_uint_eq(printed_length, wanted_length + 1);
	if (wanted_length > 0)
		ck_assert_mem_eq(printed, wanted, wanted_length);
	ck_assert_int_eq(printed[wanted_length], '\n');
	free(printed);
	probe_clear(&result);
}

START_TEST(test_greeting)
{
	const char *text = greetings[_i].text, *shown = greetings[_i].shown;
	size_t length = greetings[_i].length;

	greet_one(text, length, false, text, length);
	if (shown != NULL)
		greet_one(text, length, true, shown, strlen(shown));
	else
		greet_one(text, length, true, text, length);
}
END_TEST

static Suite *report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *failures = tcase_create("failures");
	TCase *greeted = tcase_create("greetings");

	tcase_add_loop_test(failures, test_failure, 0, UNIT_COUNT(reported));
	tcase_add_test(failures, test_nothing_was_tried_in_time);
	tcase_add_test(failures, test_exit_statuses);
	suite_add_tcase(suite, failures);

	tcase_add_loop_test(greeted, test_greeting, 0, UNIT_COUNT(greetings));
	suite_add_tcase(suite, greeted);
	return suite;
}

int main(void)
{
	return unit_run(report_suite());
}
