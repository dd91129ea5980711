/* SPDX-License-Identifier: MIT */
/* client - one client of the daemon: send the frame, linger, close */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "../unit.h"
#include "common/frame.h"
#include "hellod/client.h"

#define NOW UINT64_C(1000000)
#define SEND_USEC (CLIENT_SEND_MSEC * UINT64_C(1000))
#define LINGER_USEC (CLIENT_LINGER_MSEC * UINT64_C(1000))
#define RETRY_USEC (CLIENT_RETRY_MSEC * UINT64_C(1000))

/* The system calls of the client, of which the next ones can fail. */
enum { SEND, RECV, SHUTDOWN, CALLS };
static unsigned calls[CALLS], failures[CALLS];
static int failure;

static int ours, peer;
static int arrived_early; /* bytes that the peer had before shutdown(2) */

static bool fails(int call)
{
	calls[call]++;
	errno = failure;
	return failures[call] > 0 && failures[call]-- > 0;
}

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	return fails(SEND) ? -1 : sendto(fd, buffer, length, flags, NULL, 0);
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	return fails(RECV) ? -1 : recvfrom(fd, buffer, length, flags, NULL, NULL);
}

int shutdown(int fd, int how)
{
	if (fd == ours)
		ck_assert_int_eq(ioctl(peer, FIONREAD, &arrived_early), 0);
	return fails(SHUTDOWN) ? -1 : (int)syscall(SYS_shutdown, fd, how);
}

/* A step sends a short frame, and a part of the longest; the empty one is for no greeting. */
enum { SHORT_UNIX, SHORT_TCP, LONG_UNIX, LONG_TCP, KINDS, EMPTY_UNIX = KINDS };

static struct client client;
static struct greeting *greeting;

static void start(int kind)
{
	free(greeting);
	greeting = greeting_new(FRAME_BYTES_MAX);
	greeting->length = kind == EMPTY_UNIX ? 0 : kind < LONG_UNIX ? 7 : FRAME_BYTES_MAX;
	for (size_t i = 0; i < greeting->length; i++)
		greeting->frame[i] = (uint8_t)(i * 7 + i / 256);
	unit_pair(kind % 2 == 0 ? AF_UNIX : AF_INET, kind < LONG_UNIX ? 0 : 8192, &ours, &peer);
	ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
	memset(&client, 0xA5, sizeof(client));
	client_start(&client, ours, greeting, NOW);
	ck_assert_uint_eq(greeting->references, 2);
}

static void wait_for(int fd, short events)
{
	struct pollfd polled = {.fd = fd, .events = events};

	ck_assert_int_eq(poll(&polled, 1, -1), 1);
}

/* Steps a client that is not closed, and checks what is true after each step. */
static enum client_state step(uint64_t now)
{
	bool closed = client_step(&client, now) == CLIENT_CLOSED;

	ck_assert_int_eq(client.state == CLIENT_CLOSED, closed);
	ck_assert_int_eq(client.fd, closed ? -1 : ours);
	ck_assert_int_eq(fcntl(ours, F_GETFD) == -1, closed);
	ck_assert_int_eq(client.end == CLIENT_END_PENDING, !closed);
	ck_assert_int_eq(client.events == 0, closed);
	if (!closed)
		ck_assert_uint_eq(client.wake_usec,
				  client.backing_off ? now + RETRY_USEC : client.deadline_usec);
	return client.state;
}

static void assert_ended(enum client_end end, bool greeted)
{
	ck_assert_str_eq(client_end_name(client.end), client_end_name(end));
	ck_assert_int_eq(client_greeted(&client), greeted);
}

/* The peer reads the whole frame and the end of the stream, and closes. */
static void finish(void)
{
	static uint8_t got[FRAME_BYTES_MAX + 1];
	size_t have = 0;
	ssize_t n = -1;

	while (n != 0) {
		n = read(peer, got + have, sizeof(got) - have);
		have += n > 0 ? (size_t)n : 0;
		if (n < 0 && client.state == CLIENT_SENDING)
			step(NOW);
		else if (n < 0)
			wait_for(peer, POLLIN);
	}
	ck_assert_uint_eq(have, greeting->length);
	ck_assert_mem_eq(got, greeting->frame, have);
	close(peer);
	while (step(NOW) != CLIENT_CLOSED)
		wait_for(ours, client.events);
	assert_ended(CLIENT_END_CLOSED, have > 0);
}

/* The peer writes so many bytes, which the client discards unless it ends. */
static void peer_writes(size_t bytes)
{
	static const char noise[65536];
	size_t wanted = client.drained + bytes;

	while (client.state != CLIENT_CLOSED && client.drained < wanted) {
		ssize_t n = write(peer, noise, bytes < sizeof(noise) ? bytes : sizeof(noise));

		bytes -= n > 0 ? (size_t)n : 0;
		wait_for(ours, POLLIN);
		step(NOW);
	}
}

/* The flags of the file description are shared with the process that passed the socket. */
START_TEST(peer_is_greeted_and_flags_stay)
{
	const int flags = _i < KINDS ? 0 : O_NONBLOCK;
	bool is_long = _i % KINDS >= LONG_UNIX;
	int shared;

	start(_i % KINDS);
	shared = dup(ours);
	ck_assert_int_eq(fcntl(ours, F_SETFL, flags), 0);
	ck_assert_int_eq((int)client.state, CLIENT_SENDING);
	ck_assert_uint_eq(client.wake_usec, NOW);
	ck_assert_uint_eq(client.sent, 0);
	ck_assert_int_eq(client.error, 0);
	ck_assert_int_eq((int)step(NOW + 123), is_long ? CLIENT_SENDING : CLIENT_LINGERING);
	ck_assert_int_eq(client.events, is_long ? POLLIN | POLLOUT : POLLIN);
	ck_assert_uint_gt(client.sent, 0);
	ck_assert_uint_eq(client.deadline_usec, NOW + (is_long ? SEND_USEC : 123 + LINGER_USEC));
	finish();
	ck_assert_int_eq(fcntl(shared, F_GETFL) & O_NONBLOCK, flags);
}
END_TEST

/* Or the peer would wake twice. */
START_TEST(frame_and_end_of_the_stream_arrive_together)
{
	start(SHORT_TCP);
	step(NOW);
	ck_assert_uint_eq(calls[SHUTDOWN], 1);
	ck_assert_int_eq(arrived_early, 0);
	wait_for(peer, POLLIN);
	finish();
}
END_TEST

/* Were input left unread, closing would reset the connection, and the greeting could be lost. */
START_TEST(peer_that_writes_first_is_greeted)
{
	start(_i);
	/* No buffer has room for so much, and the peer reads only then. */
	peer_writes(1000000);
	finish();
	ck_assert_uint_eq(client.drained, 1000000);
}
END_TEST

START_TEST(half_closed_peer_is_greeted)
{
	start(_i);
	shutdown(peer, SHUT_WR);
	wait_for(ours, POLLIN);
	/* The end of the stream stays readable: polling for it would spin. */
	step(NOW);
	ck_assert_int_eq(client.events, client.state == CLIENT_SENDING ? POLLOUT : POLLIN);
	if (client.state == CLIENT_SENDING) {
		calls[RECV] = 0;
		step(NOW);
		ck_assert_uint_eq(calls[RECV], 0);
	}
	finish();
}
END_TEST

/*
 * It resets before the first step, while sending and while lingering; or it is gone. That it is
 * found only at a deadline changes nothing.
 */
START_TEST(lost_peer_ends_the_client)
{
	static const int kinds[] = {LONG_TCP, LONG_TCP, SHORT_TCP, SHORT_UNIX};

	int i = _i % UNIT_COUNT(kinds);

	start(kinds[i]);
	if (i == 1 || i == 2)
		step(NOW);
	if (i < 3)
		unit_reset(peer);
	else
		close(peer);
	wait_for(ours, POLLIN);
	step(i == _i ? NOW : client.deadline_usec);
	assert_ended(CLIENT_END_RESET, i == 2);
}
END_TEST

START_TEST(deadline_ends_the_client)
{
	/* A frame that is sent at its deadline is sent, and the next deadline begins. */
	uint64_t deadline = NOW + SEND_USEC + (_i < LONG_UNIX ? LINGER_USEC : 0);

	start(_i);
	if (_i < LONG_UNIX)
		ck_assert_int_eq((int)step(NOW + SEND_USEC), CLIENT_LINGERING);
	ck_assert_int_ne((int)step(deadline - 1), CLIENT_CLOSED);
	/* Input does not put it off. */
	peer_writes(1);
	step(deadline);
	assert_ended(_i < LONG_UNIX ? CLIENT_END_LINGER_TIMEOUT : CLIENT_END_SEND_TIMEOUT,
		     _i < LONG_UNIX);
}
END_TEST

START_TEST(input_is_limited)
{
	start(_i);
	peer_writes(CLIENT_DRAIN_BYTES_MAX);
	ck_assert_int_ne((int)client.state, CLIENT_CLOSED);
	peer_writes(1);
	assert_ended(CLIENT_END_FLOOD, _i < LONG_UNIX);
}
END_TEST

/* And the step that sends the frame reads nothing, because input arrives later. */
START_TEST(input_of_a_step_is_limited)
{
	static const char noise[CLIENT_DRAIN_STEP_BYTES + 10000];

	start(SHORT_UNIX);
	ck_assert_int_eq(write(peer, noise, sizeof(noise)), sizeof(noise));
	step(NOW);
	ck_assert_uint_eq(client.drained, 0);
	step(NOW);
	ck_assert_uint_eq(client.drained, CLIENT_DRAIN_STEP_BYTES);
	step(NOW);
	ck_assert_uint_eq(client.drained, sizeof(noise));
}
END_TEST

/* Every errno of send(2), recv(2), shutdown(2), ip(7), tcp(7), unix(7), and the end it causes. */
static const int errors[][24] = {
	[CLIENT_END_PENDING] = {EAGAIN, EINTR, ENOBUFS, ENOMEM},
	[CLIENT_END_LOCAL_ERROR] = {EACCES, EPERM},
	[CLIENT_END_RESET] = {EALREADY,	    EBADF,    ECONNABORTED, ECONNREFUSED, ECONNRESET,
			      EDESTADDRREQ, EFAULT,   EHOSTDOWN,    EHOSTUNREACH, EINVAL,
			      EISCONN,	    EMSGSIZE, ENETDOWN,	    ENETUNREACH,  ENOPROTOOPT,
			      ENOTCONN,	    ENOTSOCK, EOPNOTSUPP,   EPIPE,	  EPROTO,
			      ETIMEDOUT},
};

START_TEST(failed_call_is_tried_again_or_ends_the_client)
{
	enum client_end end = (enum client_end)(_i / CALLS);
	int call = _i % CALLS;

	for (const int *error = errors[end]; *error != 0; error++) {
		start(SHORT_UNIX);
		if (call == RECV)
			step(NOW);
		failure = *error;
		failures[call] = 1;
		step(NOW);
		ck_assert_uint_eq(failures[call], 0);
		assert_ended(end, call != SEND);
		ck_assert_int_eq(client.backing_off, *error == ENOBUFS || *error == ENOMEM);
		if (end == CLIENT_END_LOCAL_ERROR)
			ck_assert_int_eq(client.error, *error);
		if (end == CLIENT_END_PENDING)
			finish();
	}
}
END_TEST

/* Of the first send(2), of later ones, of one that was tried again, and of recv(2). */
START_TEST(local_error_lasts_to_the_deadline)
{
	static const enum client_end ends[] = {CLIENT_END_LOCAL_ERROR, CLIENT_END_LOCAL_ERROR,
					       CLIENT_END_SEND_TIMEOUT, CLIENT_END_LINGER_TIMEOUT};
	uint64_t now = NOW;

	start(_i < 3 ? LONG_TCP : SHORT_TCP);
	if (_i % 2 == 1)
		step(NOW);
	failure = ENOBUFS;
	failures[_i < 3 ? SEND : RECV] = _i == 2 ? 1 : 1000000;
	for (; now < client.deadline_usec; now += RETRY_USEC)
		ck_assert_int_eq((int)step(now), _i < 3 ? CLIENT_SENDING : CLIENT_LINGERING);
	step(now);
	assert_ended(ends[_i], _i == 3);
	ck_assert_int_eq(client.error, _i == 2 ? 0 : ENOBUFS);
}
END_TEST

START_TEST(client_that_backs_off_is_stepped_later)
{
	start(SHORT_UNIX);
	client_back_off(&client, ENOSPC, NOW + 5);
	ck_assert(client.backing_off);
	ck_assert_int_eq(client.error, ENOSPC);
	ck_assert_uint_eq(client.wake_usec, NOW + 5 + RETRY_USEC);
	finish();
}
END_TEST

/* Journals keep these names, and searches use them. */
START_TEST(client_is_closed_with_a_named_end)
{
	static const char *const names[] = {"pending",	      "closed", "reset",   "send-timeout",
					    "linger-timeout", "flood",	"dropped", "local-error"};

	start(SHORT_UNIX);
	client_close(&client, (enum client_end)_i);
	ck_assert_str_eq(client_end_name(client.end), names[_i]);
	ck_assert_int_eq((int)client.state, CLIENT_CLOSED);
	ck_assert_int_eq(client.fd, -1);
	ck_assert_int_eq(fcntl(ours, F_GETFD), -1);
}
END_TEST

int main(void)
{
	return UNIT_RUN("client", {peer_is_greeted_and_flags_stay, 2 * KINDS},
			{frame_and_end_of_the_stream_arrive_together, 1},
			{peer_that_writes_first_is_greeted, KINDS},
			{half_closed_peer_is_greeted, KINDS + 1},
			{lost_peer_ends_the_client, 2 * 4}, {deadline_ends_the_client, KINDS},
			{input_is_limited, KINDS}, {input_of_a_step_is_limited, 1},
			{failed_call_is_tried_again_or_ends_the_client, CALLS * UNIT_COUNT(errors)},
			{local_error_lasts_to_the_deadline, 4},
			{client_that_backs_off_is_stepped_later, 1},
			{client_is_closed_with_a_named_end, CLIENT_END_LOCAL_ERROR + 1});
}
