/* SPDX-License-Identifier: MIT */
/* server - lets clients gather, and defers them */
#include "config.h"

#include "server_harness.h"

/* Connects that many clients before the server goes on, and lets all end. */
static void serve_together(int count)
{
	int clients[PACE_CLIENTS_MIN];

	for (int i = 0; i < count; i++)
		clients[i] = client_connect();
	for (int i = 0; i < count; i++)
		client_read_greeting(clients[i]);
	server_advance(PACE_DEFER_USEC);
	for (int i = 0; i < count; i++)
		client_leave(clients[i]);
}

START_TEST(server_sleeps_after_several_clients_at_a_time)
{
	server_serve(O_NONBLOCK);
	serve_together(PACE_CLIENTS_MIN - 1);
	ck_assert_uint_eq(sleeps, 0);
	serve_together(PACE_CLIENTS_MIN);
	/* The first is accepted alone, because there was no sign of others. */
	ck_assert_uint_eq(sleeps, 0);
	client_lingering();
	serve_together(PACE_CLIENTS_MIN);
	ck_assert_uint_eq(sleeps, 1);
	ck_assert_uint_eq(slept_usec, PACE_CLIENTS_MIN * PACE_CLIENT_USEC);
}
END_TEST

/* It has accepted all that it may at a time, and the rest after that. */
START_TEST(server_does_not_sleep_while_clients_are_queued)
{
	server_serve(O_NONBLOCK);
	client_lingering();
	server_settle();
	for (unsigned i = 0; i < PACE_BATCH + PACE_CLIENTS_MIN; i++)
		client_connect();
	server_settle();
	ck_assert_uint_eq(batch_max, PACE_BATCH);
	ck_assert_uint_eq(sleeps, 1);
	ck_assert_uint_eq(slept_usec, PACE_CLIENTS_MIN * PACE_CLIENT_USEC);
}
END_TEST

/* One at a time: none of them sleeps, or makes an accept4() that finds an empty queue. */
START_TEST(server_does_not_sleep_after_single_clients)
{
	server_serve(O_NONBLOCK);
	for (unsigned i = 1; i <= 100; i++) {
		client_visit();
		ck_assert_uint_eq(calls[ACCEPT4], i);
	}
	ck_assert_uint_eq(sleeps, 0);
}
END_TEST

/* Before the next notification of the watchdog, and of the counts, which is a second away. */
START_TEST(server_does_not_sleep_past_a_deadline)
{
	watchdog_usec = 2 * PACE_CLIENTS_MIN * PACE_CLIENT_USEC + (_i == 0 ? 0 : 2);
	server_serve(O_NONBLOCK);
	client_lingering();
	serve_together(PACE_CLIENTS_MIN);
	ck_assert_uint_eq(sleeps, _i == 0 ? 0 : 1);
}
END_TEST

START_TEST(server_does_not_sleep_past_the_deadline_of_a_client)
{
	server_serve_longest();
	client_passive();
	server_advance(SEND_USEC - PACE_CLIENTS_MIN * PACE_CLIENT_USEC - (_i == 0 ? 0 : 1));
	for (int i = 0; i < PACE_CLIENTS_MIN; i++)
		client_connect();
	server_settle();
	ck_assert_uint_eq(sleeps, _i == 0 ? 0 : 1);
}
END_TEST

static uint64_t suspended_usec; /* after a crowd was accepted */

static int suspend(void)
{
	fake_usec += suspended_usec;
	suspended_usec = 0;
	return 0;
}

/* Greets a crowd of so many, which do not close yet. */
static void serve_crowd(int *ret_clients, int count)
{
	client_leave(client_lingering());
	client_lingering();
	server_settle();
	on_timeout = suspend;
	for (int i = 0; i < count; i++)
		ret_clients[i] = client_connect();
	for (int i = 0; i < count; i++)
		client_read_greeting(ret_clients[i]);
	server_settle();
}

/* Of a crowd, those that close soon are not polled, and the others only then. */
START_TEST(crowd_is_polled_later)
{
	int clients[PACE_CLIENTS_MIN + 1];

	server_serve(O_NONBLOCK);
	calls[EPOLL_CTL] = 0;
	serve_crowd(clients, PACE_CLIENTS_MIN + 1);
	ck_assert_uint_eq(calls[EPOLL_CTL], 2); /* for those before the crowd */
	for (int i = 0; i < PACE_CLIENTS_MIN; i++)
		client_hang_up(clients[i]);
	server_advance(PACE_DEFER_USEC - MSEC);
	ck_assert_int_eq(ended_count, 1);
	ck_assert_uint_eq(calls[EPOLL_CTL], 2);
	server_advance(MSEC);
	for (int i = 1; i <= PACE_CLIENTS_MIN; i++)
		assert_ended(i, CLIENT_END_CLOSED, true);
	ck_assert_uint_eq(calls[EPOLL_CTL], 3);
	client_leave(clients[PACE_CLIENTS_MIN]);
}
END_TEST

/* The clients before a crowd, and those that are accepted together but are fewer. */
START_TEST(few_clients_are_polled_at_once)
{
	int clients[PACE_CLIENTS_MIN - 1];

	server_serve(O_NONBLOCK);
	serve_crowd(clients, PACE_CLIENTS_MIN - 1);
	for (int i = 0; i < PACE_CLIENTS_MIN - 1; i++)
		client_leave(clients[i]);
}
END_TEST

/* Also if another crowd comes just then, which may gather for as long as without it. */
START_TEST(client_is_deferred_once)
{
	int clients[PACE_CLIENTS_MIN];

	server_serve(O_NONBLOCK);
	serve_crowd(clients, PACE_CLIENTS_MIN);
	server_advance(PACE_DEFER_USEC - 1);
	calls[EPOLL_CTL] = sleeps = 0;
	suspended_usec = 1;
	for (int i = 0; i < PACE_CLIENTS_MIN; i++)
		client_connect();
	server_settle();
	ck_assert_uint_eq(suspended_usec, 0);
	ck_assert_uint_eq(sleeps, 1);
	ck_assert_uint_eq(calls[EPOLL_CTL], PACE_CLIENTS_MIN);
}
END_TEST

/* Until it is greeted, a client of a crowd waits for room to send. */
START_TEST(crowd_that_is_sent_to_is_polled_at_once)
{
	server_serve_longest();
	client_passive();
	calls[EPOLL_CTL] = 0;
	for (int i = 0; i < PACE_CLIENTS_MIN; i++)
		client_fd(unit_tcp_connect(FIRST_FD, SMALL_BUFFER_BYTES));
	server_settle();
	ck_assert_uint_eq(batch_max, PACE_CLIENTS_MIN + 1); /* and one that finds none */
	ck_assert_uint_eq(calls[EPOLL_CTL], PACE_CLIENTS_MIN);
}
END_TEST

/* For as long as without the crowd. */
START_TEST(crowd_can_back_off)
{
	int clients[PACE_CLIENTS_MIN];

	server_serve(O_NONBLOCK);
	client_lingering();
	server_settle();
	server_fail(RECV, ENOBUFS, PACE_CLIENTS_MIN);
	for (int i = 0; i < PACE_CLIENTS_MIN; i++)
		clients[i] = client_connect();
	for (int i = 0; i < PACE_CLIENTS_MIN; i++)
		client_read_greeting(clients[i]);
	server_settle();
	ck_assert_uint_eq(failures[RECV], 0);
	calls[RECV] = 0;
	server_advance(RETRY_USEC - 1);
	ck_assert_uint_eq(calls[RECV], 0);
	server_advance(1);
	ck_assert_uint_eq(calls[RECV], PACE_CLIENTS_MIN);
}
END_TEST

/* The deadline of a deferred client is what it was, however late it was deferred. */
START_TEST(deferred_client_keeps_its_deadline)
{
	int clients[PACE_CLIENTS_MIN];

	server_serve(O_NONBLOCK);
	suspended_usec = _i == 0 ? 0 : LINGER_USEC - 2 * MSEC;
	serve_crowd(clients, PACE_CLIENTS_MIN);
	server_advance(_i == 0 ? LINGER_USEC - MSEC : MSEC);
	ck_assert_int_eq(ended_count, 1);
	server_advance(MSEC);
	for (int i = 1; i <= PACE_CLIENTS_MIN; i++)
		assert_ended(i, CLIENT_END_LINGER_TIMEOUT, true);
}
END_TEST

/*
 * At the limit, deferred clients that have closed make room at once. Without such, the client that
 * was greeted longest ago does, whether it was deferred or not.
 */
START_TEST(deferred_clients_make_room)
{
	int clients[PACE_CLIENTS_MIN];

	options.max_connections = PACE_CLIENTS_MIN + 1;
	server_serve(O_NONBLOCK);
	serve_crowd(clients, PACE_CLIENTS_MIN);
	if (_i == 0)
		client_hang_up(clients[PACE_CLIENTS_MIN - 1]);
	client_lingering();
	assert_ended(1, _i == 0 ? CLIENT_END_CLOSED : CLIENT_END_DROPPED, true);
	ck_assert_int_eq(ended_count, 2);
	client_lingering();
	assert_ended(2, CLIENT_END_DROPPED, true);
	server_settle();
	ck_assert_int_eq(ended_count, 3);
	for (int i = _i == 0 ? 0 : 1; i < PACE_CLIENTS_MIN - 1; i++)
		client_leave(clients[i]);
}
END_TEST

/* Accepts a client and a crowd, and lets the first one end. */
static void serve_only_a_crowd(int *ret_clients)
{
	int first = client_lingering();

	/* Those before the crowd are accepted in one iteration, and have closed in the next one. */
	left_the_queue = PACE_CLIENTS_MIN - 1;
	for (int i = 0; i < PACE_CLIENTS_MIN - 1; i++)
		close(client_connect());
	for (int i = 0; i < PACE_CLIENTS_MIN; i++)
		ret_clients[i] = client_connect();
	client_hang_up(first);
	for (int i = 0; i < PACE_CLIENTS_MIN; i++)
		client_read_greeting(ret_clients[i]);
	ck_assert_int_eq(ended_count, PACE_CLIENTS_MIN);
}

/* Though all the clients there are have been deferred, another one can be accepted. */
START_TEST(deferred_clients_leave_the_socket_polled)
{
	int clients[PACE_CLIENTS_MIN];

	options.max_connections = PACE_CLIENTS_MIN;
	server_serve(O_NONBLOCK);
	serve_only_a_crowd(clients);
	client_lingering();
	assert_ended(PACE_CLIENTS_MIN, CLIENT_END_DROPPED, true);
}
END_TEST

/* A deferred client that has closed leaves its descriptor to the next one; others stay. */
START_TEST(local_error_ends_when_a_deferred_client_has_closed)
{
	int clients[PACE_CLIENTS_MIN];

	server_serve(O_NONBLOCK);
	serve_only_a_crowd(clients);
	server_fail(ACCEPT4, EMFILE, 1);
	client_hang_up(clients[PACE_CLIENTS_MIN - 1]); /* the first one to be asked */
	calls[EPOLL_CTL] = 0;
	client_lingering();
	assert_ended(PACE_CLIENTS_MIN, CLIENT_END_CLOSED, true);
	server_settle();
	ck_assert_uint_eq(calls[EPOLL_CTL], 1); /* for the new one */
	ck_assert_uint_eq(failures[ACCEPT4], 0);
}
END_TEST

int main(void)
{
	return UNIT_RUN("server_pace", {server_sleeps_after_several_clients_at_a_time, 1},
			{server_does_not_sleep_while_clients_are_queued, 1},
			{server_does_not_sleep_after_single_clients, 1},
			{server_does_not_sleep_past_a_deadline, 2},
			{server_does_not_sleep_past_the_deadline_of_a_client, 2},
			{crowd_is_polled_later, 1}, {few_clients_are_polled_at_once, 1},
			{client_is_deferred_once, 1}, {crowd_that_is_sent_to_is_polled_at_once, 1},
			{crowd_can_back_off, 1}, {deferred_client_keeps_its_deadline, 2},
			{deferred_clients_make_room, 2},
			{local_error_ends_when_a_deferred_client_has_closed, 1},
			{deferred_clients_leave_the_socket_polled, 1});
}
