/* SPDX-License-Identifier: MIT */
/* listener_telling - what the listener tells from time to time */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "server_harness.h"

START_TEST(status_is_told_at_a_rate)
{
	stage_serve(O_NONBLOCK);
	stage_leap(10 * STATUS_USEC);
	ck_assert_int_eq(stage->statuses, 0);
	for (int i = 0; i < CLIENTS; i++) {
		client_visit();
		ck_assert_int_eq(stage->statuses, 0);
		stage_leap(STATUS_USEC / 10);
	}
	stage_leap(STATUS_USEC / 2 - 1);
	ck_assert_int_eq(stage->statuses, 0);
	stage_leap(1);
	ck_assert_int_eq(stage->statuses, 1);
	ck_assert_uint_eq(stage->told.accepted, CLIENTS);
	ck_assert_uint_eq(stage->told.greeted, CLIENTS);
	ck_assert_uint_eq(stage->told.open, 0);

	/* Not again before something changed. */
	stage_leap(10 * STATUS_USEC);
	ck_assert_int_eq(stage->statuses, 1);
	client_visit();
	stage_leap(STATUS_USEC);
	ck_assert_int_eq(stage->statuses, 2);
	ck_assert_uint_eq(stage->told.greeted, CLIENTS + 1);
	stage_stop();
}
END_TEST

START_TEST(status_tells_of_clients_that_stay)
{
	int client;

	stage_serve_small_buffers();
	client = client_stalled();
	stage_leap(STATUS_USEC);
	ck_assert_int_eq(stage->statuses, 1);
	ck_assert_uint_eq(stage->told.accepted, 1);
	ck_assert_uint_eq(stage->told.greeted, 0);
	ck_assert_uint_eq(stage->told.open, 1);
	close(client);
}
END_TEST

/* What it told last is that it stops. */
START_TEST(status_is_not_told_once_it_stops)
{
	int client;

	stage_serve_small_buffers();
	client = client_stalled();
	client_visit();
	stage_signal(SIGTERM);
	stage_leap(STATUS_USEC);
	stage_leap(STATUS_USEC);
	client_finish(client);
	assert_ended(LISTENER_STOPPED);
	ck_assert_int_eq(stage->statuses, 0);
	ck_assert_uint_eq(stage->counts.greeted, 2);
}
END_TEST

START_TEST(watchdog_is_told)
{
	int client;

	stage->setup.watchdog_usec = 2 * SEC;
	stage_serve_small_buffers();
	stage_leap(2 * SEC - 1);
	ck_assert_int_eq(stage->alives, 0);
	stage_leap(1);
	ck_assert_int_eq(stage->alives, 1);
	stage_leap(2 * SEC - 1);
	ck_assert_int_eq(stage->alives, 1);
	stage_leap(1);
	ck_assert_int_eq(stage->alives, 2);

	/* Also while the last clients are greeted. */
	client = client_stalled();
	stage_signal(SIGTERM);
	stage_leap(2 * SEC);
	ck_assert_int_eq(stage->alives, 3);
	client_finish(client);
	assert_ended(LISTENER_STOPPED);
}
END_TEST

START_TEST(nobody_needs_to_be_told)
{
	int client;

	stage->setup.ready = NULL;
	stage->setup.reload = NULL;
	stage->setup.stopping = NULL;
	stage->setup.status = NULL;
	stage->setup.ended = NULL;
	stage->setup.shortage = NULL;
	stage_serve(listen_flags[_i]);
	close(client_lingering());
	stage_settle();
	stage_leap(STATUS_USEC);
	stage_signal(SIGHUP);
	stage_refuse(EMFILE, 1);
	client = client_waiting();
	stage_leap(PAUSE_USEC);
	client_read_greeting(client);
	close(client);
	stage_signal(SIGTERM);
	assert_returned(0);
	ck_assert_uint_eq(stage->counts.greeted, 2);
}
END_TEST

START_TEST(watchdog_need_not_be_told)
{
	stage->setup.watchdog_usec = SEC;
	stage->setup.alive = NULL;
	stage_serve(O_NONBLOCK);
	stage_leap(SEC);
	stage_leap(SEC);
	client_visit();
	stage_stop();
}
END_TEST

static Suite *listener_telling_suite(void)
{
	Suite *suite = suite_create("listener_telling");
	TCase *telling = stage_tcase("telling");

	tcase_add_test(telling, status_is_told_at_a_rate);
	tcase_add_test(telling, status_tells_of_clients_that_stay);
	tcase_add_test(telling, status_is_not_told_once_it_stops);
	tcase_add_test(telling, watchdog_is_told);
	tcase_add_loop_test(telling, nobody_needs_to_be_told, 0, 2);
	tcase_add_test(telling, watchdog_need_not_be_told);
	suite_add_tcase(suite, telling);
	return suite;
}

int main(void)
{
	return unit_run(listener_telling_suite());
}
