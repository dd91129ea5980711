/* SPDX-License-Identifier: MIT */
/* explain - what went wrong with a probe, in words */
#include "config.h"

#include <errno.h>

#include "common/clock.h"
#include "probe/escape.h"
#include "probe/explain.h"
#include "result_fixture.h"

#define AT "192.0.2.1:6666: "
#define CONNECTED .attempts = {{"192.0.2.1", ATTEMPT_CONNECTED, 0}}

/* Untrusted text is printed on one line, without control characters. */
#define HARMFUL "\x1B[2J\n\x9B"
#define HARMLESS "\\x1b[2J\\x0a\\x9b"

static const struct row {
	enum outcome outcome;
	int error;
	struct {
		const char *where;
		enum attempt_state state;
		int error;
	} attempts[3];
	unsigned asked[3]; /* of the attempts */
	const char *host;
	const char *frame;
	size_t have, bad_offset, request_bytes;
	const char *text, *expected;
	uint64_t timeout_usec;
	size_t most; /* 0 for no limit */
	const char *explanation, *advice;
} rows[] = {
	{OUTCOME_GREETED, CONNECTED, .text = "HELLO", .explanation = ""},

	{OUTCOME_UNEXPECTED, CONNECTED, .text = HARMFUL, .expected = "Gr\u00FC\u00DFe" HARMFUL,
	 .explanation =
		 AT "greeted with \"" HARMLESS "\", not with \"Gr\u00FC\u00DFe" HARMLESS "\""},

	/* Errors of the host name or of this system. */
	{OUTCOME_UNKNOWN_HOST, EAI_NONAME, .host = HARMFUL,
	 .explanation = HARMLESS ": Name or service not known", .advice = "check the name"},
	{OUTCOME_UNKNOWN_HOST, EAI_NONAME, .host = "host.6666",
	 .explanation = "host.6666: Name or service not known: for a port, give HOST:PORT"},
	{OUTCOME_UNKNOWN_HOST, EAI_AGAIN, .host = "host.6666",
	 .explanation = "host.6666: Temporary failure in name resolution",
	 .advice = "check the name server"},
	{OUTCOME_UNKNOWN_HOST, EAI_ADDRFAMILY, .host = "::1",
	 .explanation = "::1: Address family for hostname not supported",
	 .advice = "leave out -4 and -6"},
	{OUTCOME_UNKNOWN_HOST, EAI_IDN_ENCODE,
	 .explanation = "host.example: Parameter string not correctly encoded",
	 .advice = "give a name that IDNA allows, in UTF-8, and install libidn2"},
	{OUTCOME_UNKNOWN_HOST, EAI_SERVICE,
	 .explanation = "host.example: no service 'hallo/tcp' in services(5): give a number"},
	{OUTCOME_SYSTEM_ERROR, EMFILE, .explanation = "host.example: Too many open files",
	 .advice = "raise the limit of file descriptors on this host, or close some"},
	{OUTCOME_SYSTEM_ERROR, ENFILE, .explanation = "host.example: Too many open files in system",
	 .advice = "raise the limit of file descriptors on this host, or close some"},
	{OUTCOME_SYSTEM_ERROR, EAGAIN,
	 .explanation = "host.example: Resource temporarily unavailable",
	 .advice = "raise the limit of processes on this host, or end some"},
	{OUTCOME_SYSTEM_ERROR, ENOMEM, CONNECTED, .host = "host.example",
	 .explanation = "host.example: Cannot allocate memory",
	 .advice = "free memory on this host"},
	{OUTCOME_INTERRUPTED, CONNECTED, .host = "host.example",
	 .explanation = "host.example: interrupted"},

	/* All addresses that were tried are named, and no others. */
	{OUTCOME_UNREACHABLE, .attempts = {{"/" HARMFUL, ATTEMPT_FAILED, ENOENT}},
	 .explanation = "/" HARMLESS ": No such file or directory",
	 .advice = "check the path and its permissions"},
	{OUTCOME_UNREACHABLE, .attempts = {{"/s", ATTEMPT_FAILED, EPROTOTYPE}},
	 .explanation = "/s: Protocol wrong type for socket",
	 .advice = "add --udp, or check the path"},
	{OUTCOME_UNREACHABLE, .attempts = {{"/s", ATTEMPT_FAILED, EPROTOTYPE}}, .request_bytes = 1,
	 .explanation = "/s: Protocol wrong type for socket",
	 .advice = "leave out --udp, or check the path"},
	/* A path is as it was given, escaped only where a terminal needs it, and cut. */
	{OUTCOME_RESET, ECONNRESET, .attempts = {{"/b\u00FC x\n", ATTEMPT_CONNECTED, 0}},
	 .explanation = "/b\u00FC x\\x0a: Connection reset by peer after 0 of 2 header bytes",
	 .advice = "see the server's log"},
	{OUTCOME_UNREACHABLE, .attempts = {{"/b\u00FC x", ATTEMPT_FAILED, ENOENT}}, .most = 4,
	 .explanation = "/b\u00FC ...: No such file or directory",
	 .advice = "check the path and its permissions"},
	{OUTCOME_REFUSED,
	 .attempts = {{"2001:db8::1", ATTEMPT_FAILED, ENETUNREACH},
		      {"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"2001:db8::2", ATTEMPT_FAILED, EHOSTUNREACH}},
	 .explanation = "[2001:db8::1]:6666: Network is unreachable; " AT
			"Connection refused; [2001:db8::2]:6666: No route to host",
	 .advice = "start hello.socket there, or check the address"},

	{OUTCOME_UNREACHABLE, .attempts = {{"192.0.2.1", ATTEMPT_FAILED, EHOSTUNREACH}},
	 .explanation = AT "No route to host", .advice = "check the address and the network"},
	{OUTCOME_SYSTEM_ERROR, EPERM, .attempts = {{"192.0.2.1", ATTEMPT_FAILED, EPERM}},
	 .explanation = "192.0.2.1: Operation not permitted",
	 .advice = "check the firewall and the security policy of this host"},
	{OUTCOME_SYSTEM_ERROR, EADDRNOTAVAIL,
	 .explanation = "host.example: Cannot assign requested address",
	 .advice = "check the addresses and the free ports of this host"},
	{OUTCOME_SYSTEM_ERROR, EAFNOSUPPORT,
	 .explanation = "host.example: Address family not supported by protocol",
	 .advice = "give an address of a family that this host has"},

	/* The given name comes first, or an address that is written in another way. */
	{OUTCOME_REFUSED, .host = HARMFUL,
	 .attempts = {{"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"::1", ATTEMPT_FAILED, ECONNREFUSED}},
	 .explanation = HARMLESS ": " AT "Connection refused; [::1]:6666: Connection refused",
	 .advice = "start hello.socket there, or check the address"},
	{OUTCOME_CLOSED, .host = "192.0.2.01", CONNECTED, .frame = "\0\5", .have = 2,
	 .explanation = "192.0.2.01: " AT "closed after 2 of 7 bytes",
	 .advice = "see the server's log"},

	/* Each text is cut, and the reason stays. Of a list, whole addresses stay. */
	{OUTCOME_UNEXPECTED, CONNECTED, .text = "01234", .expected = "012345", .most = 5,
	 .host = "abcdef",
	 .explanation = "abcde...: " AT "greeted with \"01234\", not with \"01234...\""},
	{OUTCOME_UNKNOWN_HOST, EAI_NONAME, .host = "abcdef", .most = 5,
	 .explanation = "abcde...: Name or service not known", .advice = "check the name"},
	{OUTCOME_REFUSED, .most = 69,
	 .attempts = {{"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED}},
	 .explanation = AT "Connection refused; " AT "Connection refused; ...",
	 .advice = "start hello.socket there, or check the address"},
	{OUTCOME_REFUSED, .most = 70,
	 .attempts = {{"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED}},
	 .explanation = AT "Connection refused; " AT "Connection refused; " AT "Connection refused",
	 .advice = "start hello.socket there, or check the address"},

	/* Timed out, in each phase. */
	{OUTCOME_TIMED_OUT, .timeout_usec = 250000,
	 .explanation = "host.example: name resolution timed out after 0.25 s",
	 .advice = "check the name server, or give more time with -t"},
	{OUTCOME_TIMED_OUT, .timeout_usec = 500000, .host = "host.example",
	 .attempts = {{"192.0.2.1", ATTEMPT_NOT_TRIED, 0}},
	 .explanation = "host.example: timed out after 0.5 s",
	 .advice = "check the address and the firewall, or give more time with -t"},
	{OUTCOME_TIMED_OUT, .timeout_usec = 10000000,
	 .attempts = {{"2001:db8::1", ATTEMPT_TIMED_OUT, 0},
		      {"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED},
		      {"192.0.2.2", ATTEMPT_NOT_TRIED, 0}},
	 .explanation = "[2001:db8::1]:6666: timed out after 10 s; " AT "Connection refused",
	 .advice = "check the address and the firewall, or give more time with -t"},
	{OUTCOME_TIMED_OUT, .timeout_usec = 10000000, .request_bytes = 1,
	 .attempts = {{"2001:db8::1", ATTEMPT_TIMED_OUT, 0},
		      {"192.0.2.1", ATTEMPT_FAILED, EHOSTUNREACH},
		      {"192.0.2.2", ATTEMPT_TIMED_OUT, 0}},
	 .asked = {4, 2, 1},
	 .explanation = "[2001:db8::1]:6666: timed out after 10 s, asked 4 times; " AT
			"No route to host; 192.0.2.2:6666: timed out after 10 s, asked once",
	 .advice = "check the address and the firewall, or give a longer --request-size"},
	/* A UNIX socket whose queue is full, or that drops requests, is no firewall. */
	{OUTCOME_TIMED_OUT, .timeout_usec = 500000, .attempts = {{"/s", ATTEMPT_TIMED_OUT, 0}},
	 .explanation = "/s: timed out after 0.5 s",
	 .advice = "see the server's log, or give more time with -t"},
	{OUTCOME_TIMED_OUT, .timeout_usec = 500000, .attempts = {{"/s", ATTEMPT_TIMED_OUT, 0}},
	 .request_bytes = 1, .asked = {1}, .explanation = "/s: timed out after 0.5 s, asked once",
	 .advice = "see the server's log, or give a longer --request-size"},
	{OUTCOME_REFUSED, .request_bytes = 1,
	 .attempts = {{"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED}}, .asked = {1},
	 .explanation = AT "Connection refused",
	 .advice = "add ListenDatagram= to hello-listen.socket there, or check the address"},
	{OUTCOME_TIMED_OUT, CONNECTED, .timeout_usec = 86400000000, .frame = "\0", .have = 1,
	 .explanation = AT "timed out after 86400 s, after 1 of 2 header bytes",
	 .advice = "see the server's log, or give more time with -t"},

	/* Incomplete greetings. The address is the connected one. */
	{OUTCOME_CLOSED,
	 .attempts = {{"192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED}, {"::1", ATTEMPT_CONNECTED, 0}},
	 .explanation = "[::1]:6666: closed after 0 of 2 header bytes: connection limit reached, "
			"or the service is failing",
	 .advice = "see the server's log"},
	{OUTCOME_CLOSED, CONNECTED, .frame = "\xFF\xFFxxx", .have = 5,
	 .explanation = AT "closed after 5 of 65537 bytes", .advice = "see the server's log"},
	{OUTCOME_RESET, ECONNRESET, CONNECTED, .frame = "\0\5H", .have = 3,
	 .explanation = AT "Connection reset by peer after 3 of 7 bytes",
	 .advice = "see the server's log"},

	/* The offset is counted in the greeting, without the header. */
	{OUTCOME_MALFORMED, CONNECTED, .frame = "\0\5HELL\xFF", .have = 7, .bad_offset = 4,
	 .explanation = AT "malformed at byte 4 of the greeting's 5",
	 .advice = "check that the server is a hellod"},

	/* Datagrams that are not exactly one frame. A long one may be longer than any frame. */
	{OUTCOME_MALFORMED, CONNECTED, .explanation = AT "cut short after 0 of 2 header bytes",
	 .advice = "check that the server is a hellod"},
	{OUTCOME_MALFORMED, CONNECTED, .frame = "\0", .have = 1,
	 .explanation = AT "cut short after 1 of 2 header bytes",
	 .advice = "check that the server is a hellod"},
	{OUTCOME_MALFORMED, CONNECTED, .frame = "\0\5HELL", .have = 6,
	 .explanation = AT "cut short after 6 of 7 bytes",
	 .advice = "check that the server is a hellod"},
	{OUTCOME_MALFORMED, CONNECTED, .frame = "\0\5HELLO!", .have = 8,
	 .explanation = AT "answered with 8 bytes, more than the frame's 7",
	 .advice = "check that the server is a hellod"},
	{OUTCOME_MALFORMED, CONNECTED, .frame = "\0\0", .have = 100000,
	 .explanation = AT "answered with 100000 bytes, more than the frame's 2",
	 .advice = "check that the server is a hellod"},
};

START_TEST(results_are_explained)
{
	static struct probe_result result;
	const struct row *row = &rows[_i];
	struct probe_target target = {
		.endpoint = {.kind = ENDPOINT_HOST, .port = "hallo"},
		.request_bytes = row->request_bytes,
		.timeout_usec = row->timeout_usec,
		.expected = row->expected,
	};
	char *explanation;
	const char *given = row->host != NULL ? row->host : row->attempts[0].where;

	strcpy(target.endpoint.host, given != NULL ? given : "host.example");
	if (given != NULL && given[0] == '/')
		target.endpoint.kind = ENDPOINT_UNIX;
	result_make(&result, row->outcome);
	for (int i = 0; i < 3 && row->attempts[i].where != NULL; i++) {
		result_add_attempt(&result, row->attempts[i].where, row->attempts[i].state,
				   row->attempts[i].error);
		result.attempts[i].asked = row->asked[i];
	}
	result.error = row->error;
	result.bad_offset = row->bad_offset;
	result.frame_have = row->have;
	if (row->frame != NULL)
		memcpy(result.frame, row->frame, row->have <= 8 ? row->have : FRAME_HEADER_BYTES);
	if (row->text != NULL)
		result.text = unit_copy(row->text, result.text_length = strlen(row->text));

	explanation = explain_result(&target, &result, row->most > 0 ? row->most : ESCAPE_WHOLE);
	ck_assert_str_eq(explanation, row->explanation);
	ck_assert_pstr_eq(explain_advice(&target, &result), row->advice);
	free(explanation);
	probe_clear(&result);
}
END_TEST

int main(void)
{
	return UNIT_RUN("explain", {results_are_explained, UNIT_COUNT(rows)});
}
