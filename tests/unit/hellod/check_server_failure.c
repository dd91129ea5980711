/* SPDX-License-Identifier: MIT */
/* listener_failure - the listener when accept(2) or epoll_wait(2) fails */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "server_harness.h"

#define SHORTAGE_USEC (LISTENER_SHORTAGE_MSEC * MSEC)

/* They are the end of one connection, or of none: the next is asked for at once. */
static const int passing[] = {
	EAGAIN,	   EINTR,  ECONNABORTED, EPROTO,     ENETDOWN,	  ENOPROTOOPT,
	EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT,
};

START_TEST(failure_of_one_connection_passes)
{
	stage_refuse(passing[_i / 2], 3);
	stage_serve(listen_flags[_i % 2]);
	client_visit();
	ck_assert_uint_le(stage->accepts, 3 + 2);
	ck_assert_int_eq(stage->refusals, 0);
	ck_assert_int_eq(stage->shortages, 0);
	stage_stop();
}
END_TEST

/* They last until something changes elsewhere; what is not known may well. */
static const int shortages[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES};

/* Somebody comes, is refused once, and is greeted when the listener has paused for that. */
static void visit_with_a_pause(int error)
{
	int client;

	stage_refuse(error, 1);
	client = client_waiting();
	ck_assert_int_eq(stage->refusals, 0);
	stage_leap(PAUSE_USEC);
	client_finish(client);
}

START_TEST(shortage_is_waited_for)
{
	int client;

	stage_refuse(shortages[_i / 2], 3);
	stage_serve(listen_flags[_i % 2]);
	client = client_waiting();
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert_uint_eq(stage->accepts, i);
		ck_assert(!client_has_something(client));
		stage_leap(PAUSE_USEC - 1);
		ck_assert_uint_eq(stage->accepts, i);
		stage_leap(1);
	}
	client_finish(client);
	ck_assert_int_eq(stage->shortages, 1);
	ck_assert_int_eq(stage->shortage_error, -shortages[_i / 2]);

	/* It is not told again too soon, even if it was over in between. */
	stage_leap(SHORTAGE_USEC - 3 * PAUSE_USEC - MSEC);
	visit_with_a_pause(shortages[_i / 2]);
	ck_assert_int_eq(stage->shortages, 1);
	visit_with_a_pause(shortages[_i / 2]);
	ck_assert_int_eq(stage->shortages, 2);
	stage_stop();
}
END_TEST

/* Who lingers has its frame: it makes room at once, the oldest first. */
START_TEST(shortage_is_mended_by_who_lingers)
{
	int clients[3], late;

	stage_serve(listen_flags[_i % 2]);
	for (int i = 0; i < 3; i++)
		clients[i] = client_lingering();
	stage_refuse(shortages[_i / 2], 2);
	late = client_lingering();
	ck_assert_int_eq(stage->report_count, 2);
	assert_reported(0, SESSION_END_DROPPED);
	assert_reported(1, SESSION_END_DROPPED);
	ck_assert_int_eq(stage->shortages, 1);
	client_leave(clients[2]);
	client_leave(late);
	stage_stop();
	ck_assert_uint_eq(stage->counts.dropped, 2);
	ck_assert_uint_eq(stage->counts.greeted, 4);
}
END_TEST

/* EPERM is what a system call filter may answer with, for good. */
static const int lasting[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EPERM};

START_TEST(failure_that_lasts_does_not_spin)
{
	const int tries = 10;
	int client;

	stage_serve(listen_flags[_i % 2]);
	stage_refuse(lasting[_i / 2], INT32_MAX);
	client = client_waiting();
	for (int i = 0; i < tries; i++)
		stage_leap(PAUSE_USEC);
	ck_assert_uint_le(stage->accepts, (tries + 1) * LISTENER_ACCEPT_BATCH);
	ck_assert_uint_le(stage->wakeups, 5 * (tries + 1));
	ck_assert_int_le(stage->shortages, 1);
	stage->refusals = 0;
	stage_leap(PAUSE_USEC);
	client_finish(client);
	stage_stop();
}
END_TEST

static const int fatal[] = {EBADF, EINVAL, ENOTSOCK, EFAULT};

START_TEST(failure_of_the_socket_ends_it)
{
	int clients[2], late;

	if (_i % 2 == 0)
		stage_serve(0);
	else
		stage_serve_small_buffers();
	/* In each state, and of either state only. */
	for (int i = 0; i < 2; i++)
		clients[i] = _i % 2 == 0 ? client_lingering() : client_stalled();
	stage_refuse(fatal[_i / 2], 1);
	late = client_connect();
	assert_returned(-fatal[_i / 2]);
	close(late);
	for (int i = 0; i < 2; i++)
		close(clients[i]);
}
END_TEST

START_TEST(socket_that_does_not_listen_ends_it)
{
	stage_pass(socket(AF_INET, SOCK_STREAM, 0));
	stage_start();
	assert_returned(-EINVAL);
}
END_TEST

START_TEST(failure_to_wait_ends_it)
{
	stage->wait_error = EBADF;
	stage_serve(O_NONBLOCK);
	assert_returned(-EBADF);
}
END_TEST

static Suite *listener_failure_suite(void)
{
	Suite *suite = suite_create("listener_failure");
	TCase *failure = stage_tcase("failure");

	tcase_add_loop_test(failure, failure_of_one_connection_passes, 0, 2 * UNIT_COUNT(passing));
	tcase_add_loop_test(failure, shortage_is_waited_for, 0, 2 * UNIT_COUNT(shortages));
	tcase_add_loop_test(failure, shortage_is_mended_by_who_lingers, 0,
			    2 * UNIT_COUNT(shortages));
	tcase_add_loop_test(failure, failure_that_lasts_does_not_spin, 0, 2 * UNIT_COUNT(lasting));
	tcase_add_loop_test(failure, failure_of_the_socket_ends_it, 0, 2 * UNIT_COUNT(fatal));
	tcase_add_test(failure, socket_that_does_not_listen_ends_it);
	tcase_add_test(failure, failure_to_wait_ends_it);
	suite_add_tcase(suite, failure);
	return suite;
}

int main(void)
{
	return unit_run(listener_failure_suite());
}
