/* SPDX-License-Identifier: MIT */
/* server - greets the clients of listening sockets */
#include "config.h"

#include <sys/un.h>

#include "server_harness.h"

#define CROWD 74
#define STATUS_USEC (SERVER_STATUS_MSEC * MSEC)

/* Those of the first of three sockets are queued before the server starts. */
START_TEST(clients_of_all_sockets_are_greeted_side_by_side)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(address);
	int clients[CROWD], fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	/* The kernel chooses an abstract name: autobind in unix(7). */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	server_listen(listen_flags[_i]);
	server_pass(fd, ACTIVATION_LISTENERS);
	server_listen(O_NONBLOCK);
	for (int i = 0; i < CROWD; i++)
		clients[i] = client_connect();
	server_start();
	assert_said("READY=1\n");
	/* A blocking socket is asked once for each event, another one until its queue is empty. */
	ck_assert_uint_eq(batch_max, _i == 0 ? 1 : CROWD);
	server_advance(PACE_DEFER_USEC);
	fd = client_fd(socket(AF_UNIX, SOCK_STREAM, 0));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
	client_finish(fd);
	client_finish(client_fd(unit_tcp_connect(FIRST_FD + 2, 0)));
	for (int i = CROWD - 1; i >= 0; i--)
		client_finish(clients[i]);
	for (int i = 0; i < CROWD; i++)
		client_visit();
	/* The server wakes when a client connects, at once after that, and when it closes. */
	ck_assert_uint_le(calls[EPOLL_WAIT], 3 * (2 * CROWD + 2) + 1);
	ck_assert_uint_le(calls[ACCEPT4], 2 * (2 * CROWD + 2));
	/* And for nothing else. */
	server_advance(STATUS_USEC);
	calls[EPOLL_WAIT] = 0;
	server_advance(86400 * SEC);
	ck_assert_uint_eq(calls[EPOLL_WAIT], 0);
	server_stop(2 * CROWD + 2, 2 * CROWD + 2);
	/* The sockets, their flags and their queues are systemd's, too. */
	ck_assert_int_eq(fcntl(FIRST_FD, F_GETFL) & O_NONBLOCK, listen_flags[_i]);
	server_start();
	client_visit();
	server_stop(1, 1);
}
END_TEST

/* Before it is accepted, when only accept4(2) tells its address; and while it lingers. */
START_TEST(client_that_resets_is_recorded)
{
	const char *peer;
	int client;

	options.log_greetings = (enum log_greetings)_i;
	greeted_priority = _i == LOG_GREETINGS_YES ? LOG_NOTICE : LOG_DEBUG;
	server_listen(O_NONBLOCK);
	client = client_connect();
	peer = address_fields(client);
	unit_reset(client);
	left_the_queue = 1;
	server_start();
	assert_ended(0, CLIENT_END_RESET, false);
	ck_assert_ptr_nonnull(strstr(ended[0], peer));
	unit_reset(client_lingering());
	assert_ended(1, CLIENT_END_RESET, true);
	server_stop(1, 2);
}
END_TEST

/* Also those of a server that stops. */
START_TEST(deadlines_end_clients)
{
	server_serve_longest();
	/* The end of the stream stays readable: a server that polls for it would not rest. */
	shutdown(client_passive(), SHUT_WR);
	server_advance(SEND_USEC - LINGER_USEC - 2 * MSEC);
	client_lingering();
	server_advance(MSEC);
	client_lingering();
	if (_i == 1)
		server_signal(SIGTERM);
	server_advance(LINGER_USEC - 2 * MSEC);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ended_count, i);
		server_advance(MSEC);
		assert_ended(i, i < 2 ? CLIENT_END_LINGER_TIMEOUT : CLIENT_END_SEND_TIMEOUT, i < 2);
	}
	if (_i == 0)
		server_stop(2, 3);
	assert_returned(0);
}
END_TEST

START_TEST(client_that_reads_slowly_keeps_its_deadline)
{
	char bytes[2000];
	int slow;

	server_serve_longest();
	slow = client_passive();
	server_advance(SEC);
	client_passive();
	for (size_t have = 0; have < 20000;) {
		ssize_t n;

		AWAIT((n = recv(slow, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0);
		have += (size_t)n;
	}
	server_advance(SEND_USEC - SEC - MSEC);
	ck_assert_int_eq(ended_count, 0);
	for (int i = 0; i < 2; i++) {
		server_advance(i == 0 ? MSEC : SEC);
		assert_ended(i, CLIENT_END_SEND_TIMEOUT, false);
		ck_assert_int_eq(ended_count, i + 1);
	}
}
END_TEST

/* By --max-connections, or by RLIMIT_NOFILE less 16 and the listening sockets. */
static const struct {
	uint64_t max_connections, files;
	int max;
} limits[] = {{3, 1024, 3},	  {1, 1024, 1},	  {0, 16 + 1 + 3, 3}, {1000, 16 + 1 + 2, 2},
	      {0, 16 + 1 + 1, 1}, {0, 16 + 1, 1}, {9, 16, 1}};

START_TEST(client_greeted_longest_ago_makes_room)
{
	const int max = limits[_i / 2].max;
	int clients[5];

	options.max_connections = limits[_i / 2].max_connections;
	server_listen(listen_flags[_i % 2]);
	server_start_limited(limits[_i / 2].files);
	for (int i = 0; i < 5; i++) {
		clients[i] = client_lingering();
		ck_assert_int_eq(ended_count, i < max ? 0 : i - max + 1);
	}
	for (int i = 0; i < 5 - max; i++)
		assert_ended(i, CLIENT_END_DROPPED, true);
	/* The clients that are left are the last. */
	for (int i = 4; i >= 5 - max; i--)
		client_leave(clients[i]);
	assert_said("READY=1\n");
	server_stop(5, 5);
}
END_TEST

/* The table of clients is not longer than --max-connections can be. */
START_TEST(limit_of_descriptors_may_be_missing_or_unknown)
{
	fake_limit = _i == 0 ? 1 : -1;
	server_serve(O_NONBLOCK);
	client_visit();
	server_stop(1, 1);
}
END_TEST

/* Though another one, which was not greeted yet, is backing off. */
START_TEST(client_that_backs_off_leaves_room)
{
	int clients[3];

	options.max_connections = 2;
	server_serve(O_NONBLOCK);
	server_fail(SEND, ENOBUFS, 2);
	clients[0] = client_passive();
	failures[SEND] = 0;
	clients[1] = client_lingering();
	server_settle();
	clients[2] = client_lingering();
	assert_ended(0, CLIENT_END_DROPPED, true);
	await_usec = RETRY_USEC;
	client_finish(clients[0]);
	client_leave(clients[2]);
	close(clients[1]);
	server_stop(3, 3);
}
END_TEST

/*
 * A client closes just when it is disconnected to make room, and the client that gets its
 * descriptor closes at once too: the event of the first is not one of the second.
 */
START_TEST(descriptor_may_change_hands_at_any_moment)
{
	int client, late;

	options.max_connections = 1;
	server_serve(listen_flags[_i]);
	client = client_lingering();
	late = client_connect();
	shutdown(late, SHUT_WR);
	client_hang_up(client);
	client_read_greeting(late);
	close(late);
	assert_ended(1, CLIENT_END_CLOSED, true);
	client_visit();
	server_stop(3, 3);
}
END_TEST

/* Two clients are sent to, and a third waits until one of them is greeted, or ends. */
START_TEST(client_that_is_sent_to_is_not_disconnected)
{
	int clients[3];

	options.max_connections = 2;
	server_serve_longest();
	clients[0] = client_passive();
	server_advance(MSEC);
	clients[1] = client_passive();
	calls[ACCEPT4] = calls[EPOLL_WAIT] = 0;
	clients[2] = client_passive();
	for (int i = 0; i < 10; i++)
		server_advance(PAUSE_USEC);
	ck_assert_uint_eq(calls[ACCEPT4], 0);
	ck_assert_uint_le(calls[EPOLL_WAIT], 20);
	ck_assert_int_eq(ended_count, 0);
	if (_i == 0) {
		client_read_greeting(clients[0]);
		assert_ended(0, CLIENT_END_DROPPED, true);
	} else if (_i == 1) {
		server_advance(SEND_USEC - 10 * PAUSE_USEC - MSEC);
		assert_ended(0, CLIENT_END_SEND_TIMEOUT, false);
	} else {
		/* A server that stops has room, but accepts no client. */
		if (_i == 3)
			server_signal(SIGTERM);
		unit_reset(clients[0]);
		assert_ended(0, CLIENT_END_RESET, false);
	}
	if (_i < 3)
		client_finish(clients[2]);
	client_finish(clients[1]);
	if (_i < 3)
		server_stop(_i == 0 ? 3 : 2, 3);
	assert_returned(0);
	ck_assert_int_eq(calls[ACCEPT4] > 0, _i < 3);
}
END_TEST

static int halves[2];

/* Between the iteration that accepts both clients and the next one, the slow one reads. */
static int read_later(void)
{
	static char ignored[LONGEST];

	if (ended_count > 0 || calls[ACCEPT4] < 3)
		return 0;
	on_timeout = NULL;
	fake_usec += SEC;
	while (recv(halves[1], ignored, sizeof(ignored), MSG_DONTWAIT) > 0)
		;
	return 0;
}

/* Although it was accepted before one that was greeted later. */
START_TEST(client_greeted_first_ends_first)
{
	options.max_connections = _i == 0 ? 0 : 3;
	server_greeting('A', 30000);
	server_serve(O_NONBLOCK);
	client_lingering();
	halves[0] = client_connect();
	halves[1] = client_fd(unit_tcp_connect(FIRST_FD, SMALL_BUFFER_BYTES));
	on_timeout = read_later;
	server_settle();
	ck_assert_ptr_null(on_timeout);
	if (_i == 0) {
		server_advance(LINGER_USEC - SEC);
		assert_ended(1, CLIENT_END_LINGER_TIMEOUT, true);
		ck_assert_int_eq(ended_count, 2);
		ck_assert_ptr_nonnull(strstr(ended[1], address_fields(halves[0])));
	} else {
		client_connect();
		client_connect();
		server_settle();
		assert_ended(1, CLIENT_END_DROPPED, true);
		ck_assert_ptr_nonnull(strstr(ended[1], address_fields(halves[0])));
	}
}
END_TEST

/* While it is sent to, what epoll waits for stays the same. */
START_TEST(client_is_added_to_epoll_once)
{
	int client;

	server_serve_longest();
	client = client_passive();
	server_settle();
	calls[EPOLL_CTL] = 0;
	client_read_greeting(client);
	/* Then only for the peer's close. */
	ck_assert_uint_le(calls[EPOLL_CTL], 1);
	client_leave(client);
	server_stop(1, 1);
}
END_TEST

int main(void)
{
	return UNIT_RUN("server", {clients_of_all_sockets_are_greeted_side_by_side, 2},
			{client_that_resets_is_recorded, 3}, {deadlines_end_clients, 2},
			{client_that_reads_slowly_keeps_its_deadline, 1},
			{client_greeted_longest_ago_makes_room, 2 * UNIT_COUNT(limits)},
			{limit_of_descriptors_may_be_missing_or_unknown, 2},
			{client_that_backs_off_leaves_room, 1},
			{descriptor_may_change_hands_at_any_moment, 2},
			{client_that_is_sent_to_is_not_disconnected, 4},
			{client_greeted_first_ends_first, 2}, {client_is_added_to_epoll_once, 1});
}
