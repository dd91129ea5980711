/* SPDX-License-Identifier: MIT */
/* server - greets the clients of the passed sockets */
#include "config.h"

#include <sys/un.h>

#include "server_harness.h"

#define CROWD 74
#define STATUS_USEC (SERVER_STATUS_MSEC * MSEC)
#define IDLE_USEC (3 * STATUS_USEC / 10)
#define CLIENTS 4

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

/* Returns the fields of a client's message that name its address. */
static const char *address_fields(int client)
{
	static char fields[128];
	struct sockaddr_in address = {0};
	socklen_t length = sizeof(address);

	ck_assert_int_eq(getsockname(client, (struct sockaddr *)&address, &length), 0);
	snprintf(fields, sizeof(fields), "HELLO_PEER_ADDRESS=127.0.0.1 HELLO_PEER_PORT=%d ",
		 ntohs(address.sin_port));
	return fields;
}

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
	close(client);
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

static const int stop_signals[] = {SIGTERM, SIGINT};
static int late;

START_TEST(server_stops_when_the_last_client_has_ended_for_long)
{
	int clients[2];

	options.idle_usec = IDLE_USEC;
	server_serve(listen_flags[_i]);
	server_advance(IDLE_USEC - 1);
	clients[0] = client_lingering();
	clients[1] = client_lingering();
	server_advance(IDLE_USEC);
	client_leave(clients[0]);
	server_advance(IDLE_USEC);
	client_leave(clients[1]);
	server_advance(IDLE_USEC - 1);
	assert_said("READY=1\n");
	server_advance(1);
	assert_stopped(true, 2, 2);
}
END_TEST

static int connect_late(void)
{
	on_timeout = NULL;
	late = client_connect();
	return 0;
}

/* As after SIGSTOP and SIGCONT, which no handler and no mask keep from interrupting a wait. */
static int connect_and_interrupt(void)
{
	connect_late();
	errno = EINTR;
	return -1;
}

/* The idle time is over; the server looks once more before it stops, or has done so. */
START_TEST(client_at_the_last_moment_is_greeted)
{
	options.idle_usec = IDLE_USEC;
	server_serve(listen_flags[_i % 2]);
	server_advance(IDLE_USEC - 1);
	assert_said("READY=1\n");
	if (_i / 2 == 0) {
		fake_usec++;
		client_visit();
	} else if (_i / 2 == 1) {
		on_timeout = connect_and_interrupt;
		server_advance(1);
		client_finish(late);
	} else {
		on_timeout = connect_late;
		server_advance(1);
		assert_stopped(true, 0, 0);
		/* The client is queued for the next server, which systemd starts. */
		server_start();
		client_finish(late);
	}
	server_stop(1, 1);
}
END_TEST

/* A client that connects at the same time is left to the next server. */
START_TEST(signal_lets_clients_end)
{
	int slow, lingering;

	options.idle_usec = IDLE_USEC;
	server_serve_longest();
	slow = client_passive();
	lingering = client_lingering();
	said[0] = '\0';
	calls[ACCEPT4] = calls[EPOLL_WAIT] = 0;
	kill(getpid(), stop_signals[_i]);
	late = client_passive();
	server_signal(SIGTERM);
	server_signal(SIGINT);
	server_advance(IDLE_USEC);
	ck_assert_uint_le(calls[EPOLL_WAIT], 5);
	client_leave(lingering);
	client_finish(slow);
	assert_stopped(false, 2, 2);
	ck_assert_uint_eq(calls[ACCEPT4], 0);
	server_start();
	client_finish(late);
	server_stop(1, 1);
}
END_TEST

/* Before its first wait, while accepting pauses, and while a client is backing off. */
START_TEST(signal_stops_the_server_at_any_moment)
{
	int client;

	server_listen(O_NONBLOCK);
	client = client_connect();
	server_fail(EPOLL_WAIT, EINTR, 3);
	server_fail(ACCEPT4, ENOBUFS, _i == 1 ? 3 : 0);
	server_fail(SEND, ENOBUFS, _i == 2 ? 3 : 0);
	server_block_signals();
	if (_i == 0)
		kill(getpid(), SIGTERM);
	server_start();
	if (_i > 0)
		server_signal(SIGTERM);
	await_usec = RETRY_USEC;
	if (_i == 2)
		client_finish(client);
	assert_returned(0);
	ck_assert_ptr_nonnull(
		strstr(said, _i < 2 ? "\nSTOPPING=1\n" : "\ngreeted 1 of 1 clients "));
}
END_TEST

#define RELOADING "RELOADING=1\nMONOTONIC_USEC=1000000000\n"

/* Clients keep theirs, also if no client gets the next one, and while the server stops. */
START_TEST(greeting_is_reloaded_for_new_clients)
{
	int clients[CLIENTS];

	server_serve_longest();
	assert_said("READY=1\n");
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = client_passive();
		server_greeting((char)('B' + i), LONGEST);
		server_signal(SIGHUP);
		assert_said(RELOADING "reloaded the greeting\nREADY=1\n");
	}
	server_greeting('Z', 2);
	server_signal(SIGHUP);
	client_visit();
	said[0] = '\0';
	/* A greeting that cannot be loaded changes nothing. */
	server_greeting('\xFF', 9);
	server_signal(SIGHUP);
	assert_said(RELOADING
		    "--greeting: not UTF-8 at byte 0 (counted from 0); write the greeting "
		    "in UTF-8\nkeeping the greeting as it was\nREADY=1\n");
	ck_assert_ptr_nonnull(strstr(last_but_one, " " MESSAGE_GREETING_BAD ": "));
	server_greeting('Z', 2);
	client_visit();
	server_signal(SIGTERM);
	server_signal(SIGHUP);
	for (int i = CLIENTS - 1; i >= 0; i--) {
		client_read_frame(clients[i], (char)('A' + i), LONGEST);
		client_leave(clients[i]);
	}
	assert_returned(0);
}
END_TEST

/* A status comes at most once a second, after a change, and not once the server stops. */
START_TEST(systemd_is_notified)
{
	int client;

	watchdog_usec = 6 * SEC;
	server_serve_longest();
	assert_said("WATCHDOG=1\nREADY=1\n");
	for (int i = 0; i < 5; i++) {
		client_visit();
		server_advance(STATUS_USEC / 10);
	}
	server_advance(STATUS_USEC / 2 - 1);
	assert_said("");
	server_advance(1);
	assert_said("STATUS=Greeted 5 clients, 0 connected\n");
	client = client_passive();
	server_advance(STATUS_USEC);
	assert_said("STATUS=Greeted 5 clients, 1 connected\n");
	server_advance(SEC - 1);
	assert_said("");
	server_advance(1);
	assert_said("WATCHDOG=1\n");
	client_visit();
	server_signal(SIGTERM);
	server_advance(3 * SEC);
	assert_said("STOPPING=1\nSTATUS=Finishing with connected clients\nWATCHDOG=1\n");
	client_finish(client);
	assert_returned(0);
	assert_said("greeted 7 of 7 clients (stopped)\n");
}
END_TEST

START_TEST(status_follows_the_end_of_a_client)
{
	int client;

	server_serve(O_NONBLOCK);
	client = client_lingering();
	server_advance(STATUS_USEC);
	assert_said("READY=1\nSTATUS=Greeted 0 clients, 1 connected\n");
	client_leave(client);
	server_advance(STATUS_USEC);
	assert_said("STATUS=Greeted 1 clients, 0 connected\n");
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

/* Passed connections */

static int connect_passed(int family, int buffer_bytes)
{
	int ours, peer;

	unit_pair(family, buffer_bytes, &ours, &peer);
	server_pass(ours, ACTIVATION_CONNECTIONS);
	greeted_priority = options.log_greetings == LOG_GREETINGS_NO ? LOG_DEBUG : LOG_NOTICE;
	return client_fd(peer);
}

/* No client waits for another, and signals change nothing. */
START_TEST(each_connection_is_greeted_or_ends)
{
	const char *peer;
	int quick, slow;

	options.log_greetings = (enum log_greetings)_i;
	options.max_connections = 1; /* of listening sockets */
	watchdog_usec = SEC;	     /* of the process that listens */
	server_greeting('A', LONGEST);
	close(connect_passed(AF_UNIX, 0));
	unit_reset(connect_passed(AF_INET, 0));
	quick = connect_passed(AF_INET, 0);
	slow = connect_passed(AF_INET, SMALL_BUFFER_BYTES);
	connect_passed(AF_INET, SMALL_BUFFER_BYTES);
	server_fail(EPOLL_WAIT, EINTR, 2);
	server_start();
	assert_ended(0, CLIENT_END_RESET, false);
	assert_ended(1, CLIENT_END_RESET, false);
	ck_assert_ptr_nonnull(strstr(ended[1], "HELLO_PEER_ADDRESS=unknown "));
	server_signal(SIGTERM);
	server_signal(SIGINT);
	server_signal(SIGHUP);
	peer = address_fields(quick);
	client_finish(quick);
	ck_assert_ptr_nonnull(strstr(ended[2], peer));
	client_read_greeting(slow);
	server_advance(LINGER_USEC);
	assert_ended(3, CLIENT_END_LINGER_TIMEOUT, true);
	server_advance(SEND_USEC - LINGER_USEC - MSEC);
	ck_assert(!returned);
	server_advance(MSEC);
	assert_returned(0);
	assert_ended(4, CLIENT_END_SEND_TIMEOUT, false);
	assert_said("");
}
END_TEST

static const int local_errors[] = {EPERM, EACCES, ENOBUFS, ENOMEM};

/* At once, or if it lasts to the deadline; and with another client, or alone. */
START_TEST(local_error_is_returned)
{
	connect_passed(AF_UNIX, 0);
	server_fail(SEND, local_errors[_i], _i < 2 ? 1 : ALWAYS);
	if (_i < 2)
		shutdown(connect_passed(AF_UNIX, 0), SHUT_WR);
	server_start();
	server_advance(SEND_USEC - RETRY_USEC);
	ck_assert_int_eq(returned, _i < 2);
	server_advance(RETRY_USEC);
	assert_returned(1);
	assert_ended(0, CLIENT_END_LOCAL_ERROR, false);
	ck_assert_ptr_nonnull(strstr(ended[0], strerror(local_errors[_i])));
	ck_assert_int_eq(ended[0][0], '0' + LOG_ERR);
	if (_i < 2)
		assert_ended(1, CLIENT_END_CLOSED, true);
}
END_TEST

/* The whole frame was sent. */
START_TEST(local_error_after_the_greeting_is_no_failure)
{
	connect_passed(AF_UNIX, 0);
	server_fail(SHUTDOWN, EPERM, 1);
	server_start();
	assert_returned(0);
	assert_ended(0, CLIENT_END_LOCAL_ERROR, true);
	ck_assert_int_eq(ended[0][0], '0' + LOG_NOTICE);
}
END_TEST

START_TEST(each_local_error_of_connections_is_logged)
{
	connect_passed(AF_UNIX, 0);
	connect_passed(AF_UNIX, 0);
	server_fail(SEND, EPERM, 2);
	server_start();
	assert_returned(1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(ended[i][0], '0' + LOG_ERR);
}
END_TEST

START_TEST(connections_are_closed_when_the_server_fails)
{
	connect_passed(AF_UNIX, 0);
	connect_passed(AF_INET, 0);
	server_fail(EPOLL_WAIT, EBADF, 1);
	/* This error is the lesser one. */
	server_fail(SEND, EPERM, _i == 0 ? 0 : 1);
	server_start();
	assert_returned(-EBADF);
	if (_i == 0)
		assert_ended(0, CLIENT_END_DROPPED, true);
	else
		assert_ended(0, CLIENT_END_LOCAL_ERROR, false);
	assert_ended(1, CLIENT_END_DROPPED, true);
}
END_TEST

/* No descriptor is left for epoll(7). */
START_TEST(connection_that_cannot_be_served_is_not_greeted)
{
	int client = connect_passed(AF_UNIX, 0), next = dup(STDERR_FILENO);
	char byte;

	close(next);
	server_start_limited((rlim_t)next);
	AWAIT(returned);
	ck_assert_int_eq(result, -EMFILE);
	ck_assert_int_eq(recv(client, &byte, 1, MSG_DONTWAIT), -1);
}
END_TEST

/* Connects that many clients before the server goes on, and lets all end. */
static void serve_together(int count)
{
	int clients[PACE_CLIENTS_MIN];

	for (int i = 0; i < count; i++)
		clients[i] = client_connect();
	for (int i = 0; i < count; i++)
		client_finish(clients[i]);
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

/* Only SIGHUP, with a greeting from a file, needs to read. */
START_TEST(process_is_confined_before_its_first_client)
{
	static const char *const texts[] = {NULL, "HELLO", NULL};

	options.greeting.text = texts[_i];
	options.greeting.path = "/nonexistent/greeting";
	options.greeting.path_may_be_absent = true;
	if (_i < 2)
		server_listen(0);
	else
		connect_passed(AF_UNIX, 0);
	confine_result.seccomp = -ENOSYS;
	server_start();
	ck_assert(confined.called && confined.first && !confined.datagrams);
	ck_assert_ptr_nonnull(strstr(said, "not confined by seccomp: "));
	ck_assert_int_eq(confined.accept, _i < 2);
	ck_assert_str_eq(confined.read_path, _i == 0 ? "/nonexistent/greeting" : "none");
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
			{client_greeted_first_ends_first, 2},
			{server_stops_when_the_last_client_has_ended_for_long, 2},
			{client_at_the_last_moment_is_greeted, 6}, {signal_lets_clients_end, 2},
			{signal_stops_the_server_at_any_moment, 3},
			{greeting_is_reloaded_for_new_clients, 1}, {systemd_is_notified, 1},
			{status_follows_the_end_of_a_client, 1}, {client_is_added_to_epoll_once, 1},
			{each_connection_is_greeted_or_ends, 3},
			{local_error_is_returned, UNIT_COUNT(local_errors)},
			{local_error_after_the_greeting_is_no_failure, 1},
			{each_local_error_of_connections_is_logged, 1},
			{connections_are_closed_when_the_server_fails, 2},
			{connection_that_cannot_be_served_is_not_greeted, 1},
			{process_is_confined_before_its_first_client, 3},
			{server_sleeps_after_several_clients_at_a_time, 1},
			{server_does_not_sleep_while_clients_are_queued, 1},
			{server_does_not_sleep_after_single_clients, 1},
			{server_does_not_sleep_past_a_deadline, 2},
			{server_does_not_sleep_past_the_deadline_of_a_client, 2});
}
