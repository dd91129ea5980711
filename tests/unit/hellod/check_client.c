/* SPDX-License-Identifier: MIT */
/* session - one client: send, linger, close */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>

#include "../unit.h"
#include "common/clock.h"
#include "hellod/client.h"

/* The clock is ours. */
#define NOW UINT64_C(1000000)
#define SEND_USEC (SESSION_SEND_MSEC * UINT64_C(1000))
#define LINGER_USEC (SESSION_LINGER_MSEC * UINT64_C(1000))

/* Room for a part of the longest frame, but not for all of it. */
#define SMALL_BUFFER_BYTES 8192

/* For something that is on its way within this machine. Only a failure takes so long. */
#define PATIENCE_MSEC 3000

static const int families[] = {AF_UNIX, AF_INET};

/*
 * The calls of the session; the peers use write(2) and read(2). The first few fail as if a
 * signal handler had run.
 */
static int interruptions;

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	if (interruptions > 0) {
		interruptions--;
		errno = EINTR;
		return -1;
	}
	return sendto(fd, buffer, length, flags, NULL, 0);
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	if (interruptions > 0) {
		interruptions--;
		errno = EINTR;
		return -1;
	}
	return recvfrom(fd, buffer, length, flags, NULL, NULL);
}

/* A session and its peer, of whom it knows only the socket. */
static struct session session;
static struct greeting greeting;
static int ours, peer;
static uint8_t got[FRAME_BYTES_MAX + 1];
static size_t got_bytes;
static bool got_end;

static void start(int family, size_t frame_length, int buffer_bytes)
{
	for (size_t i = 0; i < frame_length; i++)
		greeting.frame[i] = (uint8_t)(i * 7 + i / 256);
	greeting.frame_length = frame_length;
	unit_pair(family, buffer_bytes, &ours, &peer);
	ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
	session_start(&session, ours, &greeting, NOW);
}

static void start_short(int family)
{
	start(family, 7, 0);
}

static void start_long(int family)
{
	start(family, FRAME_BYTES_MAX, SMALL_BUFFER_BYTES);
}

static void wait_for(int fd, short events)
{
	struct pollfd polled = {.fd = fd, .events = events};

	ck_assert_msg(poll(&polled, 1, PATIENCE_MSEC) == 1, "nothing happens");
}

/* Steps an open session, and checks what holds of each. */
static enum session_state step(uint64_t now)
{
	enum session_state state = session_step(&session, now);

	ck_assert_int_eq((int)state, (int)session.state);
	if (state == SESSION_CLOSED) {
		ck_assert_int_eq(session.fd, -1);
		ck_assert_int_eq(fcntl(ours, F_GETFD), -1);
		ck_assert_int_ne((int)session.end, SESSION_END_PENDING);
	} else {
		ck_assert_int_eq(session.fd, ours);
		ck_assert_int_ne(session.events, 0);
		ck_assert_int_eq((int)session.end, SESSION_END_PENDING);
	}
	return state;
}

/* Steps a session that something is going to happen to, until it is closed. */
static void step_until_closed(void)
{
	while (step(NOW) != SESSION_CLOSED)
		wait_for(ours, session.events);
}

static void assert_ended(enum session_end end, bool greeted)
{
	ck_assert_int_eq((int)session.state, SESSION_CLOSED);
	ck_assert_str_eq(session_end_name(session.end), session_end_name(end));
	ck_assert_int_eq(session_greeted(&session) != 0, greeted);
	ck_assert_int_eq(session.sent == greeting.frame_length, greeted);
}

/* The peer takes what there is. */
static void peer_reads(void)
{
	while (!got_end && got_bytes < sizeof(got)) {
		ssize_t n = read(peer, got + got_bytes, sizeof(got) - got_bytes);

		if (n < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			return;
		}
		got_end = n == 0;
		got_bytes += (size_t)n;
	}
}

/* The peer takes everything up to the end, of an open session or one that is closed. */
static void peer_reads_all(void)
{
	while (!got_end) {
		if (session.state != SESSION_CLOSED)
			step(NOW);
		peer_reads();
		if (!got_end && session.state == SESSION_SENDING)
			wait_for(ours, POLLOUT);
		else if (!got_end)
			wait_for(peer, POLLIN);
	}
	ck_assert_uint_eq(got_bytes, greeting.frame_length);
	ck_assert_mem_eq(got, greeting.frame, greeting.frame_length);
}

/* The peer sends so many bytes, which the session gets all, unless it is closed by them. */
static void peer_writes(size_t bytes)
{
	static const char noise[65536];
	size_t wanted = session.drained + bytes;

	while (session.state != SESSION_CLOSED && session.drained < wanted) {
		if (bytes > 0) {
			size_t some = bytes < sizeof(noise) ? bytes : sizeof(noise);
			ssize_t n = write(peer, noise, some);

			if (n < 0)
				ck_assert_int_eq(errno, EAGAIN);
			else
				bytes -= (size_t)n;
		}
		wait_for(ours, POLLIN);
		step(NOW);
	}
}

START_TEST(start_sends_nothing)
{
	start_short(families[_i]);
	ck_assert_int_eq((int)session.state, SESSION_SENDING);
	ck_assert_int_eq((int)session.end, SESSION_END_PENDING);
	ck_assert_uint_eq(session.deadline_usec, NOW + SEND_USEC);
	ck_assert_int_ne(session.events & POLLOUT, 0);
	ck_assert_int_eq(session.fd, ours);
	ck_assert(!session_greeted(&session));
	peer_reads();
	ck_assert_uint_eq(got_bytes, 0);
	ck_assert(!got_end);
}
END_TEST

START_TEST(frame_then_end_then_goodbye)
{
	start_short(families[_i]);
	ck_assert_int_eq((int)step(NOW + 123), SESSION_LINGERING);
	ck_assert(session_greeted(&session));
	ck_assert_uint_eq(session.deadline_usec, NOW + 123 + LINGER_USEC);
	ck_assert_int_eq(session.events, POLLIN);
	peer_reads_all();
	ck_assert_int_eq((int)step(NOW), SESSION_LINGERING);
	close(peer);
	step_until_closed();
	assert_ended(SESSION_END_CLOSED, true);
	ck_assert_uint_eq(session.drained, 0);
}
END_TEST

START_TEST(slow_reader_gets_all_of_the_longest)
{
	start_long(families[_i]);
	ck_assert_int_eq((int)step(NOW), SESSION_SENDING);
	ck_assert_uint_gt(session.sent, 0);
	ck_assert_uint_lt(session.sent, FRAME_BYTES_MAX);
	peer_reads_all();
	ck_assert_int_eq((int)session.state, SESSION_LINGERING);
	close(peer);
	step_until_closed();
	assert_ended(SESSION_END_CLOSED, true);
}
END_TEST

/* Were it not all read before the socket is closed, the reset would destroy the greeting. */
START_TEST(peer_that_talks_first_is_greeted)
{
	start_short(families[_i]);
	peer_writes(100000);
	ck_assert_int_eq((int)session.state, SESSION_LINGERING);
	ck_assert_uint_eq(session.drained, 100000);
	shutdown(peer, SHUT_WR);
	step_until_closed();
	assert_ended(SESSION_END_CLOSED, true);
	peer_reads_all();
}
END_TEST

/* It does not read before it has written a megabyte, for which there is no room anywhere. */
START_TEST(peer_that_talks_on_and_on_is_greeted)
{
	start_long(families[_i]);
	peer_writes(1000000);
	ck_assert_int_eq((int)session.state, SESSION_SENDING);
	peer_reads_all();
	shutdown(peer, SHUT_WR);
	step_until_closed();
	assert_ended(SESSION_END_CLOSED, true);
	ck_assert_uint_eq(session.drained, 1000000);
}
END_TEST

START_TEST(half_closed_peer_is_greeted)
{
	start_short(families[_i]);
	shutdown(peer, SHUT_WR);
	step_until_closed();
	assert_ended(SESSION_END_CLOSED, true);
	peer_reads_all();
}
END_TEST

/* An end of stream stays readable: waiting for more would spin. */
START_TEST(half_closed_peer_is_waited_for_to_read)
{
	start_long(families[_i]);
	shutdown(peer, SHUT_WR);
	wait_for(ours, POLLIN);
	ck_assert_int_eq((int)step(NOW), SESSION_SENDING);
	ck_assert_int_eq(session.events, POLLOUT);
	peer_reads_all();
	step_until_closed();
	assert_ended(SESSION_END_CLOSED, true);
}
END_TEST

START_TEST(peer_that_is_gone_is_no_trouble)
{
	start_short(families[_i]);
	close(peer);
	wait_for(ours, POLLIN);
	step_until_closed();
	/* TCP cannot know that nobody reads what it has sent. */
	if (families[_i] == AF_UNIX)
		assert_ended(SESSION_END_RESET, false);
}
END_TEST

START_TEST(reset_ends_it_while_sending)
{
	start_long(AF_INET);
	if (_i > 0)
		ck_assert_int_eq((int)step(NOW), SESSION_SENDING);
	unit_reset(peer);
	wait_for(ours, POLLERR);
	ck_assert_int_eq((int)step(NOW), SESSION_CLOSED);
	assert_ended(SESSION_END_RESET, false);
}
END_TEST

START_TEST(reset_ends_it_while_lingering)
{
	start_short(AF_INET);
	ck_assert_int_eq((int)step(NOW), SESSION_LINGERING);
	unit_reset(peer);
	wait_for(ours, POLLERR);
	ck_assert_int_eq((int)step(NOW), SESSION_CLOSED);
	assert_ended(SESSION_END_RESET, true);
}
END_TEST

START_TEST(peer_that_does_not_read_is_given_up)
{
	start_long(families[_i]);
	ck_assert_int_eq((int)step(NOW), SESSION_SENDING);
	ck_assert_uint_eq(session.deadline_usec, NOW + SEND_USEC);
	ck_assert_int_eq((int)step(NOW + SEND_USEC - 1), SESSION_SENDING);
	ck_assert_int_eq((int)step(NOW + SEND_USEC), SESSION_CLOSED);
	assert_ended(SESSION_END_SEND_TIMEOUT, false);
}
END_TEST

START_TEST(peer_that_does_not_close_is_given_up)
{
	start_short(families[_i]);
	/* This deadline counts from when the frame was out, however late that was. */
	ck_assert_int_eq((int)step(NOW + SEND_USEC - 1), SESSION_LINGERING);
	ck_assert_int_eq((int)step(NOW + SEND_USEC - 1 + LINGER_USEC - 1), SESSION_LINGERING);
	/* And talking does not put it off. */
	peer_writes(1);
	ck_assert_int_eq((int)step(NOW + SEND_USEC - 1 + LINGER_USEC), SESSION_CLOSED);
	assert_ended(SESSION_END_LINGER_TIMEOUT, true);
	peer_reads_all();
}
END_TEST

START_TEST(flood_ends_it_while_lingering)
{
	start_short(families[_i]);
	peer_writes(SESSION_DRAIN_BYTES_MAX);
	ck_assert_int_eq((int)session.state, SESSION_LINGERING);
	peer_writes(1);
	assert_ended(SESSION_END_FLOOD, true);
}
END_TEST

START_TEST(flood_ends_it_while_sending)
{
	start_long(families[_i]);
	peer_writes(SESSION_DRAIN_BYTES_MAX);
	ck_assert_int_eq((int)session.state, SESSION_SENDING);
	peer_writes(1);
	assert_ended(SESSION_END_FLOOD, false);
}
END_TEST

START_TEST(one_step_reads_only_so_much)
{
	static const char noise[SESSION_DRAIN_STEP_BYTES + 10000];

	start_short(AF_UNIX);
	ck_assert_int_eq(write(peer, noise, sizeof(noise)), sizeof(noise));
	ck_assert_int_eq((int)step(NOW), SESSION_LINGERING);
	step(NOW);
	ck_assert_uint_eq(session.drained, SESSION_DRAIN_STEP_BYTES);
	step(NOW);
	ck_assert_uint_eq(session.drained, sizeof(noise));
}
END_TEST

/* Most peers have nothing to read from yet when their frame is out: that would be a call in vain. */
START_TEST(step_that_sent_all_does_not_read)
{
	start_short(families[_i]);
	ck_assert_int_eq(write(peer, "noise", 5), 5);
	shutdown(peer, SHUT_WR);
	wait_for(ours, POLLIN);
	ck_assert_int_eq((int)step(NOW), SESSION_LINGERING);
	ck_assert_uint_eq(session.drained, 0);
	ck_assert_int_eq((int)step(NOW), SESSION_LINGERING);
	ck_assert_uint_eq(session.drained, 5);
	ck_assert_int_eq((int)step(NOW), SESSION_CLOSED);
	assert_ended(SESSION_END_CLOSED, true);
}
END_TEST

/* The last chance, with which the frame goes out, is the first moment of lingering. */
START_TEST(frame_that_goes_out_at_its_deadline_is_out)
{
	start_short(families[_i]);
	ck_assert_int_eq((int)step(NOW + SEND_USEC), SESSION_LINGERING);
	ck_assert_uint_eq(session.deadline_usec, NOW + SEND_USEC + LINGER_USEC);
	peer_reads_all();
}
END_TEST

/* They are shared with whoever passed the socket. */
START_TEST(flags_stay_as_they_were)
{
	static const int flags[] = {0, O_NONBLOCK};
	int shared;

	start_long(families[_i % 2]);
	shared = dup(ours);
	ck_assert_int_eq(fcntl(ours, F_SETFL, flags[_i / 2]), 0);
	step(NOW);
	ck_assert_int_eq(fcntl(shared, F_GETFL) & O_NONBLOCK, flags[_i / 2]);
	peer_reads_all();
	ck_assert_int_eq(fcntl(shared, F_GETFL) & O_NONBLOCK, flags[_i / 2]);
	close(peer);
	step_until_closed();
	ck_assert_int_eq(fcntl(shared, F_GETFL) & O_NONBLOCK, flags[_i / 2]);
	close(shared);
}
END_TEST

START_TEST(signals_do_not_matter)
{
	start_short(AF_UNIX);
	interruptions = 3;
	ck_assert_int_eq((int)step(NOW), SESSION_LINGERING);
	peer_reads_all();
	close(peer);
	interruptions = 3;
	ck_assert_int_eq((int)step(NOW), SESSION_CLOSED);
	assert_ended(SESSION_END_CLOSED, true);
}
END_TEST

START_TEST(close_is_for_a_reason)
{
	start_short(AF_UNIX);
	session_close(&session, SESSION_END_FLOOD);
	assert_ended(SESSION_END_FLOOD, false);
	ck_assert_int_eq(session.fd, -1);
	ck_assert_int_eq(session.events, 0);
	ck_assert_int_eq(fcntl(ours, F_GETFD), -1);
}
END_TEST

/* They are in journals, and in what people search them for. */
START_TEST(ends_have_names)
{
	ck_assert_str_eq(session_end_name(SESSION_END_PENDING), "pending");
	ck_assert_str_eq(session_end_name(SESSION_END_CLOSED), "closed");
	ck_assert_str_eq(session_end_name(SESSION_END_RESET), "reset");
	ck_assert_str_eq(session_end_name(SESSION_END_SEND_TIMEOUT), "send-timeout");
	ck_assert_str_eq(session_end_name(SESSION_END_LINGER_TIMEOUT), "linger-timeout");
	ck_assert_str_eq(session_end_name(SESSION_END_FLOOD), "flood");
	ck_assert_str_eq(session_end_name(SESSION_END_DROPPED), "dropped");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");
	const int both = UNIT_COUNT(families);

	tcase_add_loop_test(tcase, start_sends_nothing, 0, both);
	tcase_add_loop_test(tcase, frame_then_end_then_goodbye, 0, both);
	tcase_add_loop_test(tcase, slow_reader_gets_all_of_the_longest, 0, both);
	tcase_add_loop_test(tcase, peer_that_talks_first_is_greeted, 0, both);
	tcase_add_loop_test(tcase, peer_that_talks_on_and_on_is_greeted, 0, both);
	tcase_add_loop_test(tcase, half_closed_peer_is_greeted, 0, both);
	tcase_add_loop_test(tcase, half_closed_peer_is_waited_for_to_read, 0, both);
	tcase_add_loop_test(tcase, peer_that_is_gone_is_no_trouble, 0, both);
	tcase_add_loop_test(tcase, reset_ends_it_while_sending, 0, 2);
	tcase_add_test(tcase, reset_ends_it_while_lingering);
	tcase_add_loop_test(tcase, peer_that_does_not_read_is_given_up, 0, both);
	tcase_add_loop_test(tcase, peer_that_does_not_close_is_given_up, 0, both);
	tcase_add_loop_test(tcase, flood_ends_it_while_lingering, 0, both);
	tcase_add_loop_test(tcase, flood_ends_it_while_sending, 0, both);
	tcase_add_test(tcase, one_step_reads_only_so_much);
	tcase_add_loop_test(tcase, step_that_sent_all_does_not_read, 0, both);
	tcase_add_loop_test(tcase, frame_that_goes_out_at_its_deadline_is_out, 0, both);
	tcase_add_loop_test(tcase, flags_stay_as_they_were, 0, 4);
	tcase_add_test(tcase, signals_do_not_matter);
	tcase_add_test(tcase, close_is_for_a_reason);
	tcase_add_test(tcase, ends_have_names);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
