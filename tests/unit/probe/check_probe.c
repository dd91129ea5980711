/* SPDX-License-Identifier: MIT */
/* probe - one greeting, timed and compared with what is expected */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit.h"
#include "common/clock.h"
#include "probe/probe.h"
#include "probe/signals.h"

#define PATIENCE_USEC (20U * USEC_PER_SEC)

static int recv_error; /* of the next recv(), or 0 */
static size_t received;

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	__typeof__(&recv) real = (__typeof__(&recv))dlsym(RTLD_NEXT, "recv");
	ssize_t n;

	if (recv_error != 0) {
		errno = recv_error;
		recv_error = 0;
		return -1;
	}
	n = real(fd, buffer, length, flags);
	received += n > 0 ? (size_t)n : 0;
	return n;
}

static bool closes;	       /* the server, after its greeting */
static size_t interrupt_after; /* waiting for more than these bytes raises SIGINT; 0 for never */

int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	__typeof__(&ppoll) real = (__typeof__(&ppoll))dlsym(RTLD_NEXT, "ppoll");

	if (interrupt_after > 0 && received == interrupt_after)
		raise(SIGINT);
	/* On a busy machine, the server may close later than PROBE_CLOSE_MSEC. */
	if (count == 1 && polled->events == POLLRDHUP && closes)
		timeout = NULL;
	return real(polled, count, timeout, mask);
}

/* After sending everything, the server waits for the client to close, or closes at once. */
enum ending { END_WAIT, END_CLOSE };

/*
 * Exit status of the server. If it waits: end of file if the client has read everything, a reset if
 * the client has closed with unread bytes (RFC 2525, section 2.17).
 */
enum seen { SEEN_EOF = 10, SEEN_RESET, SEEN_NOTHING };

static pid_t start_server(const char *bytes, size_t length, enum ending ending, char *ret_port)
{
	struct sockaddr_in sin;
	socklen_t sin_length = sizeof(sin);
	int listener = unit_tcp_listen();
	pid_t pid = fork();

	getsockname(listener, (struct sockaddr *)&sin, &sin_length);
	sprintf(ret_port, "%u", ntohs(sin.sin_port));
	if (pid == 0) {
		int fd = accept(listener, NULL, NULL);
		char byte;

		if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
			_exit(1);
		if (ending == END_WAIT)
			_exit(read(fd, &byte, 1) == 0 ? SEEN_EOF : SEEN_RESET);
		_exit(SEEN_NOTHING);
	}
	close(listener);
	return pid;
}

#define A UNIT_BYTES("\0\1A"), END_WAIT
#define GREETING_A UNIT_BYTES("A"), .seen = SEEN_EOF

static const struct row {
	const char *bytes;
	size_t length;
	enum ending ending;
	enum outcome outcome;
	const char *text; /* NULL without a valid greeting */
	size_t text_length;
	enum seen seen; /* 0 if undefined */
	size_t bad_offset;
	const char *expected;
	int recv_error, error;
	size_t interrupt_after;
	bool await_close, closed;
} rows[] = {
	/* Modified UTF-8: U+0000, and U+1F600 as its surrogates. */
	{UNIT_BYTES("\0\5HELLO"), END_WAIT, OUTCOME_GREETED, UNIT_BYTES("HELLO"), .seen = SEEN_EOF},
	{UNIT_BYTES("\0\0"), END_WAIT, OUTCOME_GREETED, UNIT_BYTES(""), SEEN_EOF, .expected = ""},
	{UNIT_BYTES("\0\2\xC0\x80"), END_WAIT, OUTCOME_GREETED, UNIT_BYTES("\0"), .seen = SEEN_EOF},
	{UNIT_BYTES("\0\6\xED\xA0\xBD\xED\xB8\x80"), END_WAIT, OUTCOME_GREETED,
	 UNIT_BYTES("\xF0\x9F\x98\x80"), .seen = SEEN_EOF},
	{UNIT_BYTES("\0\5HELLO!"), END_WAIT, OUTCOME_GREETED, UNIT_BYTES("HELLO"),
	 .seen = SEEN_RESET},

	{UNIT_BYTES("\0\3AB\xF0"), END_WAIT, OUTCOME_MALFORMED, NULL, 0, .seen = SEEN_EOF,
	 .bad_offset = 2},
	{UNIT_BYTES("\0\4ABC\xE2\x82\xAC"), END_WAIT, OUTCOME_MALFORMED, NULL, 0,
	 .seen = SEEN_RESET, .bad_offset = 3},
	{UNIT_BYTES("\0\5HELL"), END_CLOSE, OUTCOME_CLOSED, NULL, 0, .seen = SEEN_NOTHING},

	/* Unexpected texts, also with a NUL. */
	{A, OUTCOME_GREETED, GREETING_A, .expected = "A"},
	{UNIT_BYTES("\0\2AB"), END_WAIT, OUTCOME_UNEXPECTED, UNIT_BYTES("AB"), .seen = SEEN_EOF,
	 .expected = "A"},
	{A, OUTCOME_UNEXPECTED, GREETING_A, .expected = "AB"},
	{UNIT_BYTES("\0\3A\xC0\x80"), END_WAIT, OUTCOME_UNEXPECTED, UNIT_BYTES("A\0"),
	 .seen = SEEN_EOF, .expected = "A"},

	/* Resource exhaustion, a broken connection, and EINTR from another signal. */
	{A, OUTCOME_SYSTEM_ERROR, NULL, 0, .recv_error = ENOMEM, .error = ENOMEM},
	{A, OUTCOME_SYSTEM_ERROR, NULL, 0, .recv_error = ENOBUFS, .error = ENOBUFS},
	{A, OUTCOME_RESET, NULL, 0, .recv_error = ECONNRESET, .error = ECONNRESET},
	{A, OUTCOME_RESET, NULL, 0, .recv_error = EHOSTUNREACH, .error = EHOSTUNREACH},
	{A, OUTCOME_GREETED, GREETING_A, .recv_error = EINTR},

	/* SIGINT. A complete greeting still counts. */
	{UNIT_BYTES("\0"), END_WAIT, OUTCOME_INTERRUPTED, NULL, 0, .seen = SEEN_EOF,
	 .interrupt_after = 1},
	{UNIT_BYTES("\0\5HELL"), END_WAIT, OUTCOME_INTERRUPTED, NULL, 0, .seen = SEEN_EOF,
	 .interrupt_after = 6},
	{A, OUTCOME_GREETED, GREETING_A, .interrupt_after = 3, .await_close = true},

	/* The close is waited for only after a greeting and on request, and not for ever. */
	{UNIT_BYTES("\0\1A"), END_CLOSE, OUTCOME_GREETED, UNIT_BYTES("A"), .seen = SEEN_NOTHING,
	 .await_close = true, .closed = true},
	/* Unread bytes may precede the close. */
	{UNIT_BYTES("\0\1A!"), END_CLOSE, OUTCOME_GREETED, UNIT_BYTES("A"), .seen = SEEN_NOTHING,
	 .await_close = true, .closed = true},
	{UNIT_BYTES("\0\1A!"), END_WAIT, OUTCOME_GREETED, UNIT_BYTES("A"), .seen = SEEN_RESET,
	 .await_close = true},
	{UNIT_BYTES("\0\1A"), END_CLOSE, OUTCOME_GREETED, UNIT_BYTES("A"), .seen = SEEN_NOTHING},
	{UNIT_BYTES("\0\1\xFF"), END_CLOSE, OUTCOME_MALFORMED, NULL, 0, .seen = SEEN_NOTHING,
	 .await_close = true},
};

/* The phases that were reached are in order, and the others have no time. */
static void assert_timed(const struct probe_result *result)
{
	const uint64_t times[] = {result->started_usec,	  result->resolved_usec,
				  result->connected_usec, result->first_byte_usec,
				  result->ended_usec,	  result->closed_usec};
	uint64_t last = 1;

	for (int i = 0; i < UNIT_COUNT(times); i++) {
		ck_assert_msg(times[i] == 0 || times[i] >= last, "phase %d is too early", i);
		last = times[i] != 0 ? times[i] : last;
	}
	ck_assert_uint_ne(result->connected_usec, 0);
	ck_assert_uint_eq(result->time_usec, result->ended_usec - result->started_usec);
}

START_TEST(greeting_is_timed_and_compared)
{
	static struct probe_result result;
	const struct row *row = &rows[_i];
	char port[8];
	pid_t server = start_server(row->bytes, row->length, row->ending, port);
	struct probe_target target = {
		.endpoint = {.kind = ENDPOINT_HOST, .host = "127.0.0.1"},
		.family = AF_UNSPEC,
		.timeout_usec = PATIENCE_USEC,
		.expected = row->expected,
		.await_close = row->await_close,
	};
	int status;

	strcpy(target.endpoint.port, port);
	recv_error = row->recv_error;
	interrupt_after = row->interrupt_after;
	closes = row->closed;
	signals_catch(NULL, NULL);
	/* Old contents do not matter. */
	memset(&result, 0xFF, sizeof(result));
	probe_run(&target, &result);

	ck_assert_str_eq(outcome_word(result.outcome), outcome_word(row->outcome));
	ck_assert_int_eq(result.error, row->error);
	ck_assert_int_eq(result.text != NULL, row->text != NULL);
	if (row->text != NULL) {
		ck_assert_uint_eq(result.text_length, row->text_length);
		ck_assert_mem_eq(result.text, row->text, row->text_length);
	}
	ck_assert_uint_eq(result.bad_offset, row->bad_offset);
	ck_assert_mem_eq(result.frame, row->bytes, result.frame_have);
	ck_assert_int_eq(result.closed_usec != 0, row->closed);
	assert_timed(&result);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	if (row->seen != 0)
		ck_assert_int_eq(WEXITSTATUS(status), (int)row->seen);
	probe_clear(&result);
	ck_assert_ptr_null(result.text);
	ck_assert_ptr_null(result.attempts);
	probe_clear(&result);
}
END_TEST

int main(void)
{
	return UNIT_RUN("probe", {greeting_is_timed_and_compared, UNIT_COUNT(rows)});
}
