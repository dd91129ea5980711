/* SPDX-License-Identifier: MIT */
/* verdict - client side: what a probe's outcome means to the one who asked */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/un.h>

#include "../unit.h"
#include "client/outcome.h"
#include "common/clock.h"

#define ADDRESSES_MAX 3
#define STARTED_USEC 1000000U
#define NONE CLOCK_NEVER

/* A connection, and a greeting over it: most of the rows are about one. */
#define CONNECTED .connected = true, .tried = {{"192.0.2.1", DIAL_CONNECTED, 0}}
#define GREETED(greeting) .status = PROBE_GREETED, CONNECTED, .text = (greeting)

/* An address, and how it went with it. */
struct tried {
	const char *where; /* of IPv4, IPv6, or a path; the port is 6666 */
	enum dial_outcome outcome;
	int error;
};

/* Only what is not zero needs to be said. */
static const struct row {
	enum probe_status status;
	int error; /* resolve_error if PROBE_UNRESOLVED, else system_error */
	struct tried tried[ADDRESSES_MAX];
	bool connected; /* to the first address that is DIAL_CONNECTED */
	const char *frame;
	size_t have;
	size_t bad_offset;
	const char *text;
	uint64_t time_usec;
	uint64_t timeout_usec;
	const char *expected;
	uint64_t warning_usec, critical_usec; /* 0 for none */

	enum verdict verdict;
	const char *explanation;
} rows[] = {
	{GREETED("HELLO"), .verdict = VERDICT_GREETED, .explanation = ""},
	{GREETED(""), .verdict = VERDICT_GREETED, .explanation = ""},
	{GREETED("HELLO"), .time_usec = UINT32_MAX, .verdict = VERDICT_GREETED, .explanation = ""},

	/* At the limits and one microsecond past them. */
	{GREETED("HELLO"), .time_usec = 499999, .warning_usec = 500000, .explanation = ""},
	{GREETED("HELLO"), .time_usec = 500000, .warning_usec = 500000, .explanation = ""},
	{GREETED("HELLO"), .time_usec = 500001, .warning_usec = 500000, .verdict = VERDICT_SLOW,
	 .explanation = "192.0.2.1:6666: took 0.500001 s, more than 0.5 s"},
	{GREETED("HELLO"), .time_usec = 2000000, .critical_usec = 2000000, .explanation = ""},
	{GREETED("HELLO"), .time_usec = 2000001, .critical_usec = 2000000,
	 .verdict = VERDICT_TOO_SLOW,
	 .explanation = "192.0.2.1:6666: took 2.000001 s, more than 2 s"},
	{GREETED("HELLO"), .time_usec = 2000000, .warning_usec = 500000, .critical_usec = 2000000,
	 .verdict = VERDICT_SLOW,
	 .explanation = "192.0.2.1:6666: took 2.000000 s, more than 0.5 s"},
	{GREETED("HELLO"), .time_usec = 2000001, .warning_usec = 500000, .critical_usec = 2000000,
	 .verdict = VERDICT_TOO_SLOW,
	 .explanation = "192.0.2.1:6666: took 2.000001 s, more than 2 s"},
	/* Both limits the same. */
	{GREETED("HELLO"), .time_usec = 1001, .warning_usec = 1000, .critical_usec = 1000,
	 .verdict = VERDICT_TOO_SLOW,
	 .explanation = "192.0.2.1:6666: took 0.001001 s, more than 0.001 s"},
	/* A limit is told as it was given. */
	{GREETED("HELLO"), .time_usec = 1234568, .warning_usec = 1234567, .verdict = VERDICT_SLOW,
	 .explanation = "192.0.2.1:6666: took 1.234568 s, more than 1.234567 s"},

	/* Not what was expected, which is worse than slow. */
	{GREETED("HELLO"), .expected = "HELLO", .explanation = ""},
	{GREETED(""), .expected = "", .explanation = ""},
	{GREETED("HELLO"), .expected = "HELLO", .time_usec = 1100, .warning_usec = 1000,
	 .verdict = VERDICT_SLOW,
	 .explanation = "192.0.2.1:6666: took 0.001100 s, more than 0.001 s"},
	{GREETED("HELLO"), .expected = "HELL", .verdict = VERDICT_UNEXPECTED,
	 .explanation = "192.0.2.1:6666: greeted with \"HELLO\", not with \"HELL\""},
	{GREETED("HELLO"), .expected = "HELLO!", .verdict = VERDICT_UNEXPECTED,
	 .explanation = "192.0.2.1:6666: greeted with \"HELLO\", not with \"HELLO!\""},
	{GREETED("HELLO"), .expected = "HELLo", .verdict = VERDICT_UNEXPECTED,
	 .explanation = "192.0.2.1:6666: greeted with \"HELLO\", not with \"HELLo\""},
	{GREETED("HELLO"), .expected = "", .verdict = VERDICT_UNEXPECTED,
	 .explanation = "192.0.2.1:6666: greeted with \"HELLO\", not with \"\""},
	{GREETED(""), .expected = "HELLO", .verdict = VERDICT_UNEXPECTED,
	 .explanation = "192.0.2.1:6666: greeted with \"\", not with \"HELLO\""},
	{GREETED("HELLO"), .expected = "Gr\u00FC\u00DFe", .time_usec = 3, .critical_usec = 2,
	 .verdict = VERDICT_UNEXPECTED,
	 .explanation = "192.0.2.1:6666: greeted with \"HELLO\", not with \"Gr\u00FC\u00DFe\""},

	/* Not resolved, and what is not the peer's fault. */
	{.status = PROBE_UNRESOLVED,
	 .error = EAI_NONAME,
	 .verdict = VERDICT_UNKNOWN_HOST,
	 .explanation = "host.example: Name or service not known"},
	{.status = PROBE_UNRESOLVED,
	 .error = RESOLVE_PATH_TOO_LONG,
	 .verdict = VERDICT_UNKNOWN_HOST,
	 .explanation = "host.example: the path is too long for a socket"},
	{.status = PROBE_SYSTEM_ERROR,
	 .error = EMFILE,
	 .verdict = VERDICT_SYSTEM_ERROR,
	 .explanation = "host.example: Too many open files"},
	{.status = PROBE_SYSTEM_ERROR,
	 CONNECTED,
	 .error = ENOMEM,
	 .verdict = VERDICT_SYSTEM_ERROR,
	 .explanation = "host.example: Cannot allocate memory"},
	{.status = PROBE_INTERRUPTED,
	 .verdict = VERDICT_INTERRUPTED,
	 .explanation = "host.example: interrupted"},
	{.status = PROBE_INTERRUPTED,
	 CONNECTED,
	 .verdict = VERDICT_INTERRUPTED,
	 .explanation = "host.example: interrupted"},

	/* Every address that was tried is told, and no other. One that refuses decides. */
	{.status = PROBE_UNCONNECTED,
	 .tried = {{"192.0.2.1", DIAL_FAILED, ECONNREFUSED}},
	 .verdict = VERDICT_REFUSED,
	 .explanation = "192.0.2.1:6666: Connection refused"},
	{.status = PROBE_UNCONNECTED,
	 .tried = {{"/run/x", DIAL_FAILED, ECONNREFUSED}},
	 .verdict = VERDICT_REFUSED,
	 .explanation = "/run/x: Connection refused"},
	{.status = PROBE_UNCONNECTED,
	 .tried = {{"/run/x", DIAL_FAILED, ENOENT}},
	 .verdict = VERDICT_UNREACHABLE,
	 .explanation = "/run/x: No such file or directory"},
	{.status = PROBE_UNCONNECTED,
	 .tried = {{"2001:db8::1", DIAL_FAILED, ENETUNREACH},
		   {"192.0.2.1", DIAL_FAILED, ECONNREFUSED},
		   {"2001:db8::2", DIAL_FAILED, EHOSTUNREACH}},
	 .verdict = VERDICT_REFUSED,
	 .explanation = "[2001:db8::1]:6666: Network is unreachable; "
			"192.0.2.1:6666: Connection refused; "
			"[2001:db8::2]:6666: No route to host"},
	{.status = PROBE_UNCONNECTED,
	 .tried = {{"192.0.2.1", DIAL_FAILED, EACCES}, {"192.0.2.2", DIAL_FAILED, ETIMEDOUT}},
	 .verdict = VERDICT_TIMED_OUT,
	 .explanation = "192.0.2.1:6666: Permission denied; 192.0.2.2:6666: Connection timed out"},

	/* Timed out, in each phase. */
	{.status = PROBE_TIMED_OUT,
	 .timeout_usec = 250000,
	 .verdict = VERDICT_TIMED_OUT,
	 .explanation = "host.example: name resolution timed out after 0.25 s"},
	{.status = PROBE_TIMED_OUT,
	 .timeout_usec = 10000000,
	 .tried = {{"2001:db8::1", DIAL_TIMED_OUT, 0},
		   {"192.0.2.1", DIAL_FAILED, ECONNREFUSED},
		   {"192.0.2.2", DIAL_NOT_TRIED, 0}},
	 .verdict = VERDICT_TIMED_OUT,
	 .explanation = "[2001:db8::1]:6666: timed out after 10 s; "
			"192.0.2.1:6666: Connection refused"},
	{.status = PROBE_TIMED_OUT,
	 CONNECTED,
	 .timeout_usec = 1000000,
	 .verdict = VERDICT_TIMED_OUT,
	 .explanation = "192.0.2.1:6666: timed out after 1 s, after 0 of 2 header bytes"},
	{.status = PROBE_TIMED_OUT,
	 CONNECTED,
	 .timeout_usec = 1000,
	 .frame = "\0",
	 .have = 1,
	 .verdict = VERDICT_TIMED_OUT,
	 .explanation = "192.0.2.1:6666: timed out after 0.001 s, after 1 of 2 header bytes"},
	{.status = PROBE_TIMED_OUT,
	 CONNECTED,
	 .timeout_usec = 86400000000,
	 .frame = "\0\5HELL",
	 .have = 6,
	 .verdict = VERDICT_TIMED_OUT,
	 .explanation = "192.0.2.1:6666: timed out after 86400 s, after 6 of 7 bytes"},

	/* Cut short. The address is the one that connected. */
	{.status = PROBE_CLOSED,
	 .connected = true,
	 .tried = {{"192.0.2.1", DIAL_FAILED, ECONNREFUSED}, {"::1", DIAL_CONNECTED, 0}},
	 .verdict = VERDICT_CLOSED,
	 .explanation = "[::1]:6666: closed after 0 of 2 header bytes: too many connections, "
			"or its service fails"},
	{.status = PROBE_CLOSED,
	 CONNECTED,
	 .frame = "\0",
	 .have = 1,
	 .verdict = VERDICT_CLOSED,
	 .explanation = "192.0.2.1:6666: closed after 1 of 2 header bytes"},
	{.status = PROBE_CLOSED,
	 CONNECTED,
	 .frame = "\0\5",
	 .have = 2,
	 .verdict = VERDICT_CLOSED,
	 .explanation = "192.0.2.1:6666: closed after 2 of 7 bytes"},
	{.status = PROBE_CLOSED,
	 .connected = true,
	 .tried = {{"/run/x", DIAL_CONNECTED, 0}},
	 .frame = "\xFF\xFFxxx",
	 .have = 5,
	 .verdict = VERDICT_CLOSED,
	 .explanation = "/run/x: closed after 5 of 65537 bytes"},
	{.status = PROBE_RESET,
	 .error = ECONNRESET,
	 .connected = true,
	 .tried = {{"192.0.2.1", DIAL_OVERTAKEN, 0}, {"192.0.2.2", DIAL_CONNECTED, 0}},
	 .frame = "\0\5H",
	 .have = 3,
	 .verdict = VERDICT_RESET,
	 .explanation = "192.0.2.2:6666: Connection reset by peer after 3 of 7 bytes"},

	/* The offset is counted in the greeting, without the header. */
	{.status = PROBE_MALFORMED,
	 CONNECTED,
	 .frame = "\0\5HELL\xFF",
	 .have = 7,
	 .bad_offset = 4,
	 .verdict = VERDICT_MALFORMED,
	 .explanation = "192.0.2.1:6666: malformed at byte 4 of the greeting's 5"},
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
static void make_result(const struct row *row, struct probe_result *result)
{
	*result = (struct probe_result){.status = row->status, .bad_offset = row->bad_offset};
	*(row->status == PROBE_UNRESOLVED ? &result->resolve_error : &result->system_error) =
		row->error;
	result->started_usec = STARTED_USEC;
	result->ended_usec = STARTED_USEC + row->time_usec;
	if (row->have > 0)
		memcpy(result->frame, row->frame, row->have);
	result->frame_have = row->have;
	if (row->text != NULL) {
		result->text_length = strlen(row->text);
		result->text = unit_copy(row->text, result->text_length);
	}
	if (row->tried[0].where == NULL)
		return;

	while (result->addresses.count < ADDRESSES_MAX &&
	       row->tried[result->addresses.count].where != NULL)
		result->addresses.count++;
	result->addresses.addresses =
		calloc(result->addresses.count, sizeof(struct resolve_address));
	result->attempts = calloc(result->addresses.count, sizeof(struct dial_attempt));
	result->winner = result->addresses.count;
	for (size_t i = 0; i < result->addresses.count; i++) {
		make_address(row->tried[i].where, &result->addresses.addresses[i]);
		result->attempts[i].outcome = row->tried[i].outcome;
		result->attempts[i].error = row->tried[i].error;
		if (row->tried[i].outcome == DIAL_CONNECTED)
			result->winner = i;
	}
	result->resolved_usec = STARTED_USEC;
	result->connected_usec = row->connected ? STARTED_USEC : 0;
}

/* What verdict_explain() writes. The caller frees it. */
static char *explain(enum verdict verdict, const struct row *row, const char *host,
		     const struct expectation *expectation, const struct probe_result *result)
{
	struct probe_target target = {
		.host = host,
		.port = "6666",
		.timeout_usec = row->timeout_usec,
	};
	char *text;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	verdict_explain(verdict, &target, expectation, result, stream);
	ck_assert_int_eq(ferror(stream), 0);
	fclose(stream);
	ck_assert_uint_eq(length, strlen(text));
	return text;
}

static struct expectation expectation_of(const struct row *row)
{
	return (struct expectation){
		.text = row->expected,
		.warning_usec = row->warning_usec != 0 ? row->warning_usec : NONE,
		.critical_usec = row->critical_usec != 0 ? row->critical_usec : NONE,
	};
}

START_TEST(test_verdict)
{
	const struct row *row = &rows[_i];
	struct expectation expectation = expectation_of(row);
	static struct probe_result result;
	enum verdict verdict;
	char *text;

	make_result(row, &result);
	verdict = verdict_of(&result, &expectation);
	ck_assert_str_eq(verdict_word(verdict), verdict_word(row->verdict));
	ck_assert_uint_eq(verdict_time_usec(&result), row->time_usec);
	text = explain(verdict, row, "host.example", &expectation, &result);
	ck_assert_str_eq(text, row->explanation);
	free(text);
	probe_clear(&result);
}
END_TEST

/* A greeting may hold a NUL, which what is expected cannot. */
START_TEST(test_text_with_nul)
{
	struct expectation expectation = {"HELLO", NONE, NONE};
	static struct probe_result result = {.status = PROBE_GREETED, .text_length = 7};

	result.text = unit_copy("HELLO\0!", 7);
	ck_assert_int_eq((int)verdict_of(&result, &expectation), VERDICT_UNEXPECTED);
	probe_clear(&result);
}
END_TEST

/* A limit of 0 is one. */
START_TEST(test_limit_of_zero)
{
	struct expectation expectation = {NULL, 0, NONE};
	static struct probe_result result = {.status = PROBE_GREETED, .started_usec = 5};

	result.ended_usec = 5;
	ck_assert_int_eq((int)verdict_of(&result, &expectation), VERDICT_GREETED);
	result.ended_usec = 6;
	ck_assert_int_eq((int)verdict_of(&result, &expectation), VERDICT_SLOW);
	expectation.critical_usec = 0;
	ck_assert_int_eq((int)verdict_of(&result, &expectation), VERDICT_TOO_SLOW);
}
END_TEST

/* The deadline may come when the name has just been resolved. */
START_TEST(test_nothing_was_tried_in_time)
{
	static const struct row row = {
		.status = PROBE_TIMED_OUT,
		.tried = {{"192.0.2.1", DIAL_NOT_TRIED, 0}, {"::1", DIAL_NOT_TRIED, 0}},
		.timeout_usec = 500000,
	};
	struct expectation expectation = expectation_of(&row);
	static struct probe_result result;
	char *text;

	make_result(&row, &result);
	ck_assert_int_eq((int)verdict_of(&result, &expectation), VERDICT_TIMED_OUT);
	text = explain(VERDICT_TIMED_OUT, &row, "host.example", &expectation, &result);
	ck_assert_msg(strstr(text, "timed out after 0.5 s") != NULL, "'%s'", text);
	free(text);
	probe_clear(&result);
}
END_TEST

/* What a stranger says and what a user mistypes: on one line, and nothing for a terminal. */
static const struct row harmful[] = {
	{GREETED("\x1B[2J\r\n\u202E\x9B"), .expected = "\a\xC2\x85\n",
	 .verdict = VERDICT_UNEXPECTED,
	 .explanation = "192.0.2.1:6666: greeted with \"\\x1b[2J\\x0d\\x0a\\u202e\\x9b\", not with "
			"\"\\x07\\u0085\\x0a\""},
	{.status = PROBE_UNCONNECTED,
	 .tried = {{"/\x1B[2J\n\x9B", DIAL_FAILED, ENOENT}},
	 .verdict = VERDICT_UNREACHABLE,
	 .explanation = "/\\x1b[2J\\x0a\\x9b: No such file or directory"},
	{.status = PROBE_UNRESOLVED,
	 .error = EAI_NONAME,
	 .verdict = VERDICT_UNKNOWN_HOST,
	 .explanation = "\\x1b[2J\\x0a\\x9b: Name or service not known"},
	{.status = PROBE_SYSTEM_ERROR,
	 .error = EMFILE,
	 .verdict = VERDICT_SYSTEM_ERROR,
	 .explanation = "\\x1b[2J\\x0a\\x9b: Too many open files"},
	{.status = PROBE_INTERRUPTED,
	 .verdict = VERDICT_INTERRUPTED,
	 .explanation = "\\x1b[2J\\x0a\\x9b: interrupted"},
	{.status = PROBE_TIMED_OUT,
	 .timeout_usec = 250000,
	 .verdict = VERDICT_TIMED_OUT,
	 .explanation = "\\x1b[2J\\x0a\\x9b: name resolution timed out after 0.25 s"},
};

START_TEST(test_harmful)
{
	struct expectation expectation = expectation_of(&harmful[_i]);
	static struct probe_result result;
	enum verdict verdict;
	char *text;

	make_result(&harmful[_i], &result);
	verdict = verdict_of(&result, &expectation);
	ck_assert_int_eq((int)verdict, (int)harmful[_i].verdict);
	text = explain(verdict, &harmful[_i], "\x1B[2J\n\x9B", &expectation, &result);
	ck_assert_str_eq(text, harmful[_i].explanation);
	free(text);
	probe_clear(&result);
}
END_TEST

/* Both are an interface: programs know the words, monitoring systems the numbers. */
START_TEST(test_words_and_exits)
{
	static const struct {
		enum verdict verdict;
		const char *word;
		int exit;
	} meanings[] = {
		{VERDICT_GREETED, "greeted", 0},
		{VERDICT_SLOW, "slow", 1},
		{VERDICT_TOO_SLOW, "too-slow", 2},
		{VERDICT_UNEXPECTED, "unexpected", 2},
		{VERDICT_REFUSED, "refused", 2},
		{VERDICT_UNREACHABLE, "unreachable", 2},
		{VERDICT_TIMED_OUT, "timed-out", 2},
		{VERDICT_RESET, "reset", 2},
		{VERDICT_CLOSED, "closed", 2},
		{VERDICT_MALFORMED, "malformed", 2},
		{VERDICT_UNKNOWN_HOST, "unknown-host", 3},
		{VERDICT_SYSTEM_ERROR, "system-error", 3},
		{VERDICT_INTERRUPTED, "interrupted", 3},
	};

	ck_assert_int_eq(UNIT_COUNT(meanings), VERDICT_INTERRUPTED + 1);
	for (int i = 0; i < UNIT_COUNT(meanings); i++) {
		ck_assert_str_eq(verdict_word(meanings[i].verdict), meanings[i].word);
		ck_assert_int_eq((int)verdict_exit(meanings[i].verdict), meanings[i].exit);
	}
}
END_TEST

START_TEST(test_worse)
{
	static const int worse[4][4] = {
		{0, 1, 2, 3},
		{1, 1, 2, 3},
		{2, 2, 2, 2},
		{3, 3, 2, 3},
	};

	for (int a = 0; a < 4; a++)
		for (int b = 0; b < 4; b++)
			ck_assert_int_eq(
				(int)verdict_worse((enum verdict_exit)a, (enum verdict_exit)b),
				worse[a][b]);
}
END_TEST

static Suite *verdict_suite(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tcase = tcase_create("verdict");

	tcase_add_loop_test(tcase, test_verdict, 0, UNIT_COUNT(rows));
	tcase_add_test(tcase, test_text_with_nul);
	tcase_add_test(tcase, test_limit_of_zero);
	tcase_add_test(tcase, test_nothing_was_tried_in_time);
	tcase_add_loop_test(tcase, test_harmful, 0, UNIT_COUNT(harmful));
	tcase_add_test(tcase, test_words_and_exits);
	tcase_add_test(tcase, test_worse);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return unit_run(verdict_suite());
}
