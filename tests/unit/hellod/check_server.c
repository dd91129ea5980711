/* SPDX-License-Identifier: MIT */
/* listener - greets everyone who connects to the listening sockets that were passed */
#include "config.h"

#include <fcntl.h>
#include <sys/un.h>

#include "server_harness.h"

/* More than a batch. */
#define CROWD 100

START_TEST(clients_are_greeted)
{
	int clients[CLIENTS];

	stage_listen(listen_flags[_i]);
	/* They wait in the queue before anybody listens. */
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = client_connect();
	stage_start();
	ck_assert_int_eq(stage->readies, 1);
	for (int i = 0; i < CLIENTS; i++)
		client_finish(clients[i]);
	for (int i = 0; i < CLIENTS; i++)
		client_visit();
	ck_assert_int_eq(stage->report_count, 2 * CLIENTS);

	/* For each it wakes when it comes, at once after that, and when it goes. */
	ck_assert_uint_le(stage->wakeups, 3 * 2 * CLIENTS);
	ck_assert_uint_le(stage->accepts, 2 * 2 * CLIENTS);
	stage_stop();
	ck_assert_uint_eq(stage->counts.accepted, 2 * CLIENTS);
	ck_assert_uint_eq(stage->counts.greeted, 2 * CLIENTS);
	ck_assert_uint_eq(stage->counts.dropped, 0);
}
END_TEST

/* Clients that are slow to go do not keep others from being greeted. */
START_TEST(clients_are_greeted_side_by_side)
{
	int clients[CROWD];

	stage_serve(listen_flags[_i]);
	for (int i = 0; i < CROWD; i++) {
		clients[i] = client_connect();
		client_read_greeting(clients[i]);
	}
	stage_settle();
	ck_assert_int_eq(stage->report_count, 0);
	for (int i = CROWD - 1; i >= 0; i--)
		client_leave(clients[i]);
	stage_stop();
	ck_assert_uint_eq(stage->counts.greeted, CROWD);
}
END_TEST

static int unix_listen(struct sockaddr_un *address, socklen_t *length)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* The kernel chooses an abstract name: autobind in unix(7). */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	*length = sizeof(*address);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, length), 0);
	return fd;
}

START_TEST(listeners_are_all_served)
{
	struct sockaddr_un address;
	socklen_t length;
	int fd;

	stage_listen(listen_flags[_i]);
	stage_pass(unix_listen(&address, &length));
	stage_pass(unit_tcp_listen());
	stage_start();
	for (int i = 0; i < 3; i++) {
		client_finish(client_connect_to(2));
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
		client_finish(fd);
		client_visit();
	}
	assert_peer(1, "unix", "");
	stage_stop();
}
END_TEST

/* Nobody on one socket has to wait for all that are on another; and one that blocks, never does. */
START_TEST(clients_are_taken_in_batches)
{
	int clients[CROWD], other;

	stage_listen(listen_flags[_i]);
	stage_pass(unit_tcp_listen());
	stage_start();
	stage_hold(HOLD_BEFORE, 0);
	for (int i = 0; i < CROWD; i++)
		clients[i] = client_connect();
	other = client_connect_to(1);
	stage_release();
	ck_assert_uint_eq(stage->batch_max, _i == 0 ? 1 : LISTENER_ACCEPT_BATCH);
	client_finish(other);
	for (int i = 0; i < CROWD; i++)
		client_finish(clients[i]);
	stage_stop();
}
END_TEST

START_TEST(clients_that_went_away_are_no_trouble)
{
	int client;

	stage_listen(listen_flags[_i]);
	unit_reset(client_connect());
	client = client_connect();
	stage_start();
	assert_reported(0, SESSION_END_RESET);
	assert_peer(0, "unknown", "");
	client_finish(client);

	/* While it lingers. */
	unit_reset(client_lingering());
	stage_settle();
	assert_reported(2, SESSION_END_RESET);
	client_visit();
	stage_stop();
	ck_assert_uint_eq(stage->counts.accepted, 4);
	ck_assert_uint_eq(stage->counts.greeted, 3);
}
END_TEST

START_TEST(addresses_are_not_looked_for_in_vain)
{
	stage->setup.want_peers = false;
	stage_serve(O_NONBLOCK);
	client_visit();
	stage_stop();
}
END_TEST

/* The flags of the file description, and whether it still listens, are systemd's affair. */
START_TEST(listening_sockets_stay_as_they_were)
{
	int is_listening = 0;
	socklen_t length = sizeof(is_listening);

	stage_serve(listen_flags[_i]);
	client_visit();
	ck_assert_int_eq(fcntl(FIRST_FD, F_GETFL) & O_NONBLOCK, listen_flags[_i]);
	stage_stop();
	ck_assert_int_eq(fcntl(FIRST_FD, F_GETFL) & O_NONBLOCK, listen_flags[_i]);
	ck_assert_int_eq(getsockopt(FIRST_FD, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length),
			 0);
	ck_assert_int_eq(is_listening, 1);
}
END_TEST

START_TEST(slow_reader_gets_all_and_holds_nobody_up)
{
	int slow, half_closed;

	stage_serve_small_buffers();
	slow = client_connect_slow();
	half_closed = client_connect_slow();
	/* An end of stream stays readable: to wait for more of it would not come to rest. */
	shutdown(half_closed, SHUT_WR);
	stage_settle();
	for (int i = 0; i < CLIENTS; i++)
		client_visit();
	ck_assert_int_eq(stage->report_count, CLIENTS);
	client_finish(slow);
	client_read_greeting(half_closed);
	stage_settle();
	assert_reported(CLIENTS + 1, SESSION_END_CLOSED);
	close(half_closed);
	stage_stop();
}
END_TEST

START_TEST(deadlines_are_kept)
{
	int stalled, lingering;

	stage_two_deadlines(&stalled, &lingering);
	stage_leap(LINGER_USEC - MSEC);
	ck_assert_int_eq(stage->report_count, 0);
	stage_leap(MSEC);
	ck_assert_int_eq(stage->report_count, 1);
	assert_reported(0, SESSION_END_LINGER_TIMEOUT);
	stage_leap(MSEC);
	ck_assert_int_eq(stage->report_count, 2);
	assert_reported(1, SESSION_END_SEND_TIMEOUT);
	ck_assert(!stage->reports[1].greeted);
	close(stalled);
	close(lingering);
	stage_stop();
	ck_assert_uint_eq(stage->counts.greeted, 1);
	ck_assert_uint_eq(stage->counts.dropped, 0);
}
END_TEST

static Suite *listener_suite(void)
{
	Suite *suite = suite_create("listener");
	TCase *everyday = stage_tcase("everyday");

	tcase_add_loop_test(everyday, clients_are_greeted, 0, 2);
	tcase_add_loop_test(everyday, clients_are_greeted_side_by_side, 0, 2);
	tcase_add_loop_test(everyday, listeners_are_all_served, 0, 2);
	tcase_add_loop_test(everyday, clients_are_taken_in_batches, 0, 2);
	tcase_add_loop_test(everyday, clients_that_went_away_are_no_trouble, 0, 2);
	tcase_add_test(everyday, addresses_are_not_looked_for_in_vain);
	tcase_add_loop_test(everyday, listening_sockets_stay_as_they_were, 0, 2);
	tcase_add_test(everyday, slow_reader_gets_all_and_holds_nobody_up);
	tcase_add_test(everyday, deadlines_are_kept);
	suite_add_tcase(suite, everyday);
	return suite;
}

int main(void)
{
	return unit_run(listener_suite());
}
