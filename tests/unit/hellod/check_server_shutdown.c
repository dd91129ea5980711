/* SPDX-License-Identifier: MIT */
/* listener_end - how the listener ends: idle, or told by a signal */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "server_harness.h"

#define DAY (86400 * SEC)
#define SIGNALS 200

/* After a second with nobody there, and no sooner. */
static void assert_ends_when_idle(void)
{
	stage_leap(SEC - 1);
	assert_goes_on();
	stage_leap(1);
	assert_ended(LISTENER_IDLE);
}

START_TEST(idle_ends_it)
{
	stage->setup.idle_usec = SEC;
	stage_serve(listen_flags[_i]);
	assert_ends_when_idle();
	ck_assert_uint_eq(stage->counts.accepted, 0);
}
END_TEST

START_TEST(idle_counts_from_the_last_goodbye)
{
	int client, other;

	stage->setup.idle_usec = SEC;
	stage_serve(listen_flags[_i]);
	stage_leap(SEC - 1);
	client = client_connect();
	other = client_connect();
	client_read_greeting(client);
	client_read_greeting(other);
	stage_settle();
	stage_leap(STATUS_USEC);
	stage->wakeups = 0;
	stage_leap(SEC);
	ck_assert_uint_eq(stage->wakeups, 0);
	client_leave(client);
	stage_leap(2 * SEC);
	assert_goes_on();
	client_leave(other);
	assert_ends_when_idle();
	ck_assert_uint_eq(stage->counts.greeted, 2);
}
END_TEST

/* On the first or the second socket, and more than one. */
START_TEST(client_at_the_last_moment_is_greeted)
{
	int clients[CLIENTS];

	stage->setup.idle_usec = SEC;
	stage_listen(listen_flags[_i % 2]);
	stage_pass(unit_tcp_listen());
	stage_start();
	stage_hold(HOLD_TIMEOUT, SEC);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = client_connect_to(_i / 2);
	stage_release();
	assert_goes_on();
	for (int i = 0; i < CLIENTS; i++)
		client_finish(clients[i]);
	assert_ends_when_idle();
	ck_assert_uint_eq(stage->counts.greeted, CLIENTS);
}
END_TEST

START_TEST(idle_may_be_for_ever)
{
	stage_serve(O_NONBLOCK);
	client_visit();
	stage_leap(STATUS_USEC);
	stage->wakeups = 0;
	for (int i = 0; i < 10; i++)
		stage_leap(DAY);
	ck_assert_uint_eq(stage->wakeups, 0);
	client_visit();
	stage_stop();
}
END_TEST

static const int stop_signals[] = {SIGTERM, SIGINT};

START_TEST(signal_ends_it)
{
	stage->setup.idle_usec = SEC;
	stage_serve(listen_flags[_i / 2]);
	stage_signal(stop_signals[_i % 2]);
	assert_ended(LISTENER_STOPPED);
}
END_TEST

START_TEST(signal_lets_the_open_sessions_end)
{
	int slow, lingering, late;

	stage->setup.idle_usec = SEC;
	stage_serve_small_buffers();
	slow = client_stalled();
	lingering = client_lingering();

	/* Both have come when it wakes, the signal first. */
	stage_hold(HOLD_BEFORE, 0);
	stage->accepts = 0;
	kill(stage->pid, stop_signals[_i]);
	late = client_connect();
	stage_release();
	ck_assert_int_eq(stage->stoppings, 1);
	ck_assert_int_eq((int)stage->why, LISTENER_STOPPED);
	ck_assert(!stage->returned);
	stage_signal(SIGTERM);
	stage_signal(SIGINT);
	ck_assert_int_eq(stage->stoppings, 1);

	stage->wakeups = 0;
	stage_leap(2 * SEC);
	ck_assert_uint_le(stage->wakeups, 10);
	client_leave(lingering);
	ck_assert(!stage->returned);
	client_read_greeting(slow);
	stage_settle();
	ck_assert(!stage->returned);
	client_leave(slow);
	assert_ended(LISTENER_STOPPED);
	ck_assert_uint_eq(stage->accepts, 0);
	ck_assert_uint_eq(stage->counts.greeted, 2);

	/* Who was not accepted is there for the next one. */
	ck_assert(!client_has_something(late));
	stage->returned = false;
	stage->stoppings = 0;
	stage_start();
	client_finish(late);
	stage_stop();
}
END_TEST

START_TEST(signal_keeps_the_deadlines)
{
	int stalled, lingering;

	stage_two_deadlines(&stalled, &lingering);
	stage_signal(SIGTERM);
	stage_leap(LINGER_USEC);
	ck_assert_int_eq(stage->report_count, 1);
	assert_reported(0, SESSION_END_LINGER_TIMEOUT);
	ck_assert(!stage->returned);
	stage_leap(MSEC);
	assert_ended(LISTENER_STOPPED);
	assert_reported(1, SESSION_END_SEND_TIMEOUT);
	ck_assert_uint_eq(stage->counts.accepted, 2);
	ck_assert_uint_eq(stage->counts.greeted, 1);
	close(stalled);
	close(lingering);
}
END_TEST

/* Also when the listening socket is left alone, for a shortage or because there are too many. */
START_TEST(signal_ends_it_while_it_is_short)
{
	int client;

	stage_serve(listen_flags[_i]);
	stage_refuse(EMFILE, INT32_MAX);
	client = client_waiting();
	stage_stop();
	close(client);
}
END_TEST

START_TEST(signal_ends_it_while_it_is_full)
{
	int clients[3];

	stage_serve_full(clients);
	stage_signal(SIGTERM);
	/* There is room now, but nobody is let in any more. */
	unit_reset(clients[0]);
	stage_settle();
	stage_leap(PAUSE_USEC);
	assert_reported(0, SESSION_END_RESET);
	ck_assert(!stage->returned);
	client_finish(clients[1]);
	assert_ended(LISTENER_STOPPED);
	ck_assert_uint_eq(stage->counts.accepted, 2);
	close(clients[2]);
}
END_TEST

static void on_signal(int signal)
{
	(void)signal;
}

START_TEST(other_signals_do_not_matter)
{
	struct sigaction action = {.sa_handler = on_signal};

	stage_listen(listen_flags[_i]);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	stage_start();
	for (int i = 0; i < SIGNALS; i++)
		stage_signal(SIGUSR1);
	/* Most of them interrupt the wait. */
	ck_assert_uint_gt(stage->wakeups, SIGNALS / 2);
	client_visit();
	stage_stop();
}
END_TEST

static Suite *listener_end_suite(void)
{
	Suite *suite = suite_create("listener_end");
	TCase *end = stage_tcase("end");

	tcase_add_loop_test(end, idle_ends_it, 0, 2);
	tcase_add_loop_test(end, idle_counts_from_the_last_goodbye, 0, 2);
	tcase_add_loop_test(end, client_at_the_last_moment_is_greeted, 0, 4);
	tcase_add_test(end, idle_may_be_for_ever);
	tcase_add_loop_test(end, signal_ends_it, 0, 4);
	tcase_add_loop_test(end, signal_lets_the_open_sessions_end, 0, 2);
	tcase_add_test(end, signal_keeps_the_deadlines);
	tcase_add_loop_test(end, signal_ends_it_while_it_is_short, 0, 2);
	tcase_add_test(end, signal_ends_it_while_it_is_full);
	tcase_add_loop_test(end, other_signals_do_not_matter, 0, 2);
	suite_add_tcase(suite, end);
	return suite;
}

int main(void)
{
	return unit_run(listener_end_suite());
}
