/* SPDX-License-Identifier: MIT */
/* listener_cap - the listener with as many sessions as are allowed */
#include "config.h"

#include "server_harness.h"

START_TEST(oldest_who_lingers_makes_room)
{
	int clients[3], late[2];

	stage->setup.sessions_max = 3;
	stage_serve(listen_flags[_i]);
	for (int i = 0; i < 3; i++)
		clients[i] = client_lingering();
	/* As many as are allowed are allowed. */
	ck_assert_int_eq(stage->report_count, 0);

	for (int i = 0; i < 2; i++) {
		late[i] = client_lingering();
		/* One more takes the place of one, not of two. */
		ck_assert_int_eq(stage->report_count, i + 1);
		assert_reported(i, SESSION_END_DROPPED);
		ck_assert(stage->reports[i].greeted);
	}
	client_leave(clients[2]);
	client_leave(late[1]);
	client_leave(late[0]);
	ck_assert_int_eq(stage->shortages, 0);
	stage_stop();
	ck_assert_uint_eq(stage->counts.accepted, 5);
	ck_assert_uint_eq(stage->counts.greeted, 5);
	ck_assert_uint_eq(stage->counts.dropped, 2);
}
END_TEST

/*
 * One leaves just as room is made with it, and who takes its place leaves at once too: what epoll
 * still tells of the first is not about the second.
 */
START_TEST(place_may_change_hands_at_any_moment)
{
	int client, late;

	stage->setup.sessions_max = 1;
	stage->setup.idle_usec = SEC;
	stage_serve(listen_flags[_i]);
	client = client_lingering();
	stage_hold(HOLD_BEFORE, 0);
	late = client_connect();
	shutdown(late, SHUT_WR);
	close(client);
	stage_release();
	client_read_greeting(late);
	close(late);
	stage_settle();
	ck_assert_int_eq(stage->report_count, 2);
	for (int i = 0; i < CLIENTS; i++)
		client_visit();
	stage_leap(SEC);
	assert_ended(LISTENER_IDLE);
	ck_assert_uint_eq(stage->counts.accepted, 2 + CLIENTS);
	ck_assert_uint_eq(stage->counts.greeted, 2 + CLIENTS);
}
END_TEST

START_TEST(nobody_who_is_being_greeted_makes_room)
{
	int clients[3];

	stage_serve_full(clients);
	/* One has its whole frame, and that makes room without any waiting. */
	client_read_greeting(clients[0]);
	stage_settle();
	ck_assert_int_eq(stage->report_count, 1);
	assert_reported(0, SESSION_END_DROPPED);
	client_read_greeting(clients[2]);
	stage_settle();
	ck_assert_int_eq(stage->report_count, 1);
	client_read_greeting(clients[1]);
	client_leave(clients[2]);
	client_leave(clients[1]);
	close(clients[0]);
	stage_stop();
}
END_TEST

START_TEST(end_of_who_is_being_greeted_makes_room)
{
	int clients[3];

	stage_serve_full(clients);
	unit_reset(clients[0]);
	stage_settle();
	assert_reported(0, SESSION_END_RESET);
	client_finish(clients[2]);
	client_finish(clients[1]);
	stage_stop();
}
END_TEST

/* The deadline of those who do not read is what others have to wait for at the most. */
START_TEST(stalled_crowd_is_got_rid_of)
{
	int clients[3];

	stage_serve_full(clients);
	stage_leap(SEND_USEC - FULL_PAUSES * PAUSE_USEC);
	ck_assert_int_eq(stage->report_count, 2);
	stage_leap(PAUSE_USEC);
	client_finish(clients[2]);
	stage_stop();
	ck_assert_uint_eq(stage->counts.greeted, 1);
	ck_assert_uint_eq(stage->counts.accepted, 3);
}
END_TEST

START_TEST(one_at_a_time_is_enough)
{
	int client = -1;

	stage->setup.sessions_max = 1;
	stage_serve(listen_flags[_i]);
	for (int i = 0; i < CLIENTS; i++) {
		if (i > 0)
			ck_assert_int_eq(stage->report_count, i - 1);
		client = client_lingering();
	}
	client_leave(client);
	stage_stop();
	ck_assert_uint_eq(stage->counts.greeted, CLIENTS);
	ck_assert_uint_eq(stage->counts.dropped, CLIENTS - 1);
}
END_TEST

static Suite *listener_cap_suite(void)
{
	Suite *suite = suite_create("listener_cap");
	TCase *cap = stage_tcase("cap");

	tcase_add_loop_test(cap, oldest_who_lingers_makes_room, 0, 2);
	tcase_add_loop_test(cap, place_may_change_hands_at_any_moment, 0, 2);
	tcase_add_test(cap, nobody_who_is_being_greeted_makes_room);
	tcase_add_test(cap, end_of_who_is_being_greeted_makes_room);
	tcase_add_test(cap, stalled_crowd_is_got_rid_of);
	tcase_add_loop_test(cap, one_at_a_time_is_enough, 0, 2);
	suite_add_tcase(suite, cap);
	return suite;
}

int main(void)
{
	return unit_run(listener_cap_suite());
}
