/* SPDX-License-Identifier: MIT */
/* server_failure - the server when system calls fail */
#include "config.h"

#include "server_harness.h"

static const int passing[] = {EAGAIN, EINTR, ECONNABORTED}, no_memory[] = {ENOMEM, ENOSPC};

START_TEST(error_of_one_connection_is_skipped)
{
	server_serve(listen_flags[_i % 2]);
	server_fail(ACCEPT4, passing[_i / 2], 3);
	client_visit();
	ck_assert_uint_le(calls[ACCEPT4], 3 + 2);
	assert_said("READY=1\n");
	server_stop(1, 1);
}
END_TEST

/* A server with clients accepts several at a time. */
START_TEST(errors_of_several_connections_are_skipped_at_once)
{
	int client, late;

	server_serve(O_NONBLOCK);
	client = client_lingering();
	server_settle();
	server_fail(ACCEPT4, ECONNABORTED, 3);
	calls[EPOLL_WAIT] = 0;
	late = client_connect();
	server_settle();
	ck_assert_uint_eq(failures[ACCEPT4], 0);
	ck_assert_uint_le(calls[EPOLL_WAIT], 3);
	client_finish(late);
	client_leave(client);
	server_stop(2, 2);
}
END_TEST

START_TEST(local_error_is_waited_out_and_logged_once_a_minute)
{
	int client;

	server_serve(listen_flags[_i]);
	server_fail(ACCEPT4, EMFILE, 3);
	client = client_passive();
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert_uint_eq(calls[ACCEPT4], i);
		server_advance(PAUSE_USEC - 1);
		ck_assert_uint_eq(calls[ACCEPT4], i);
		server_advance(1);
	}
	client_finish(client);
	assert_said("READY=1\ncannot accept connections: Too many open files; "
		    "raise LimitNOFILE= or lower --max-connections\n");
	/* Even if it was over in between. */
	server_advance(SERVER_ERROR_MSEC * MSEC - 3 * PAUSE_USEC - MSEC);
	for (int i = 0; i < 2; i++) {
		said[0] = '\0';
		server_fail(ACCEPT4, ENOMEM, 1);
		client = client_passive();
		ck_assert_int_eq(strstr(said, "cannot accept connections: ") != NULL, i == 1);
		server_advance(PAUSE_USEC);
		client_finish(client);
	}
	server_stop(3, 3);
}
END_TEST

/* Clients that linger are disconnected, those greeted longest ago first; others end. */
START_TEST(local_error_ends_when_there_is_room)
{
	int clients[3], late;

	server_greeting('A', _i == 2 ? LONGEST : 5);
	server_serve(listen_flags[_i % 2]);
	for (int i = 0; i < 3; i++)
		clients[i] = _i == 2 ? client_passive() : client_lingering();
	server_fail(ACCEPT4, ENFILE, 2);
	late = client_passive();
	for (int i = 0; i < 2; i++) {
		if (_i == 2)
			unit_reset(clients[i]);
		assert_ended(i, _i == 2 ? CLIENT_END_RESET : CLIENT_END_DROPPED, _i < 2);
	}
	client_finish(late);
	if (_i == 2)
		client_read_greeting(clients[2]);
	client_leave(clients[2]);
	assert_said("READY=1\ncannot accept connections: Too many open files in system; "
		    "free memory or file descriptors on this host\n");
	server_stop(_i == 2 ? 2 : 4, 4);
}
END_TEST

START_TEST(stopped_server_does_not_wake_to_accept)
{
	server_serve_longest();
	client_passive();
	server_fail(ACCEPT4, EMFILE, 1);
	client_passive();
	server_signal(SIGTERM);
	calls[EPOLL_WAIT] = 0;
	server_advance(PAUSE_USEC);
	ck_assert_uint_eq(calls[EPOLL_WAIT], 0);
}
END_TEST

/* A client that was accepted just before has often closed by the next iteration. */
START_TEST(local_error_after_a_new_client_is_retried_at_once)
{
	int lingering, clients[2];

	server_serve(O_NONBLOCK);
	lingering = client_lingering();
	server_settle();
	successes[ACCEPT4] = 1;
	server_fail(ACCEPT4, EMFILE, 1);
	for (int i = 0; i < 2; i++)
		clients[i] = client_connect();
	/* Before the first one makes room. */
	for (int i = 0; i < 2; i++)
		client_read_greeting(clients[i]);
	for (int i = 0; i < 2; i++)
		client_leave(clients[i]);
	client_leave(lingering);
	server_stop(3, 3);
}
END_TEST

/* Nor if the only other client is backing off, and is greeted in the end. */
START_TEST(lasting_local_error_does_not_spin)
{
	const unsigned tries = 10;
	int waiting, client;

	server_serve(listen_flags[_i]);
	server_fail(SEND, ENOBUFS, ALWAYS);
	waiting = client_passive();
	server_fail(ACCEPT4, EPERM, ALWAYS);
	client = client_passive();
	calls[ACCEPT4] = calls[SEND] = calls[EPOLL_WAIT] = 0;
	for (unsigned i = 0; i < tries; i++)
		server_advance(PAUSE_USEC);
	ck_assert_uint_eq(calls[ACCEPT4], tries);
	ck_assert_uint_eq(calls[SEND], tries);
	ck_assert_uint_le(calls[EPOLL_WAIT], 2 * tries);
	failures[ACCEPT4] = failures[SEND] = 0;
	await_usec = RETRY_USEC;
	client_finish(client);
	client_finish(waiting);
	server_stop(2, 2);
}
END_TEST

/* Uses up the descriptors below a number, or closes those again. */
static void fill_fds(int end, bool fill)
{
	static bool filled[FIRST_FD + 1];

	for (int fd = 0; fd < end; fd++) {
		if (fill)
			filled[fd] = fcntl(fd, F_GETFD) < 0 && dup2(STDERR_FILENO, fd) == fd;
		else if (filled[fd])
			close(fd);
	}
}

/* RLIMIT_NOFILE is raised after the start: a descriptor outside of the table is refused. */
START_TEST(raised_limit_is_not_used)
{
	int client;
	char byte;

	server_listen(O_NONBLOCK);
	server_start_limited(20);
	fill_fds(FIRST_FD + 1, true);
	client = client_passive();
	ck_assert_int_eq(read(client, &byte, 1), 0);
	close(client);
	assert_said("READY=1\ncannot accept connections: Too many open files; "
		    "raise LimitNOFILE= or lower --max-connections\n");
	fill_fds(FIRST_FD + 1, false);
	server_advance(PAUSE_USEC);
	client_visit();
	server_stop(1, 1);
}
END_TEST

/* At once, or at the deadline. An error is logged once a minute. */
START_TEST(local_error_ends_only_the_client)
{
	server_serve(O_NONBLOCK);
	server_fail(SEND, ENOBUFS, ALWAYS);
	client_passive();
	client_passive();
	server_advance(SEND_USEC);
	for (int i = 0; i < 2; i++) {
		server_fail(SEND, EPERM, 1);
		server_advance(i == 0 ? SERVER_ERROR_MSEC * MSEC - MSEC : MSEC);
		client_passive();
	}
	for (int i = 0; i < 4; i++) {
		assert_ended(i, CLIENT_END_LOCAL_ERROR, false);
		ck_assert_ptr_nonnull(strstr(ended[i], strerror(i < 2 ? ENOBUFS : EPERM)));
		ck_assert_int_eq(ended[i][0], '0' + (i % 3 == 0 ? LOG_ERR : LOG_DEBUG));
	}
	client_visit();
	server_stop(1, 5);
}
END_TEST

/* A client that epoll has no memory for, to add it or to change it, is stepped at times instead. */
START_TEST(client_is_greeted_without_epoll)
{
	int client;

	server_serve_longest();
	server_fail(EPOLL_CTL, no_memory[_i % 2], _i / 2 == 0);
	client = client_passive();
	server_fail(EPOLL_CTL, no_memory[_i % 2], _i / 2 == 1);
	await_usec = RETRY_USEC;
	client_finish(client);
	ck_assert_uint_eq(failures[EPOLL_CTL], 0);
	server_stop(1, 1);
}
END_TEST

/* Reads what the server sends next, or the end of the stream. */
static ssize_t recv_some(int fd, char *bytes, size_t size)
{
	ssize_t n;

	AWAIT((n = recv(fd, bytes, size, MSG_DONTWAIT)) >= 0);
	return n;
}

/*
 * Nor does it wake the server, though there is room to send, an error or input: while it is sent
 * to, after it has half-closed, and while it lingers.
 */
START_TEST(client_that_backs_off_is_not_polled)
{
	const enum call failing = _i < 2 ? SEND : RECV;
	const unsigned tries = 10;
	char bytes[4096];
	int client;

	server_greeting('A', _i < 2 ? LONGEST : 5);
	server_serve(O_NONBLOCK);
	client = _i < 2 ? client_passive() : client_lingering();
	if (_i == 1)
		shutdown(client, SHUT_WR);
	server_settle();
	server_fail(failing, ENOBUFS, ALWAYS);
	if (_i < 2)
		while (recv(client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
	else
		ck_assert_int_eq(send(client, "x", 1, 0), 1);
	if (_i == 1)
		unit_reset(client);
	AWAIT(failures[failing] < ALWAYS);
	calls[EPOLL_CTL] = calls[EPOLL_WAIT] = 0;
	for (unsigned i = 0; i < tries; i++)
		server_advance(RETRY_USEC);
	ck_assert_uint_eq(calls[EPOLL_CTL], 0);
	ck_assert_uint_le(calls[EPOLL_WAIT], 2 * tries);
	ck_assert_uint_ge(failures[failing], ALWAYS - 2 * tries);
	failures[failing] = 0;
	await_usec = RETRY_USEC;
	if (_i == 0) {
		while (recv_some(client, bytes, sizeof(bytes)) > 0)
			;
		close(client);
	}
	if (_i == 2)
		client_leave(client);
	assert_ended(0, _i == 1 ? CLIENT_END_RESET : CLIENT_END_CLOSED, _i != 1);
	server_stop(_i != 1, 1);
}
END_TEST

/* For none that began before it, whether it is sent to or backing off, too. */
START_TEST(client_that_backs_off_waits_for_no_other)
{
	const unsigned tries = 10;

	server_serve_longest();
	client_passive();
	server_settle();
	server_fail(SEND, ENOBUFS, ALWAYS);
	client_passive();
	server_advance(RETRY_USEC / 2);
	client_passive();
	calls[SEND] = 0;
	for (unsigned i = 0; i < 2 * tries; i++)
		server_advance(RETRY_USEC / 2);
	ck_assert_uint_ge(calls[SEND], 2 * tries);
	/* After 200 ms without room, the kernel probes the first client, which is then sent to, too. */
	ck_assert_uint_le(calls[SEND], 3 * tries);
}
END_TEST

/*
 * It is disconnected by one event of an iteration, and had another one. Its descriptor is below
 * the listening socket's, or the next one.
 */
START_TEST(client_that_closes_when_it_is_disconnected_ends_once)
{
	int client, late;

	server_serve(O_NONBLOCK);
	fill_fds(_i == 0 ? 0 : FIRST_FD, true);
	client = client_lingering();
	server_settle();
	server_fail(ACCEPT4, EMFILE, 1);
	late = client_connect();
	client_hang_up(client);
	/* If its end is the first event, accepting pauses. */
	await_usec = PAUSE_USEC;
	client_finish(late);
	ck_assert_int_eq(ended_count, 2);
	fill_fds(_i == 0 ? 0 : FIRST_FD, false);
	server_stop(2, 2);
}
END_TEST

/* A signal, or that the listening sockets are to be left: else the server would be ready for ever. */
START_TEST(error_that_would_spin_ends_the_server)
{
	server_serve(O_NONBLOCK);
	if (_i == 0) {
		server_fail(READ, EIO, ALWAYS);
		server_signal(SIGTERM);
	} else {
		server_fail(ACCEPT4, EMFILE, ALWAYS);
		server_fail(EPOLL_CTL, ENOMEM, ALWAYS);
		client_connect();
	}
	assert_returned(_i == 0 ? -EIO : -ENOMEM);
}
END_TEST

START_TEST(interrupted_read_of_a_signal_is_repeated)
{
	server_serve(O_NONBLOCK);
	server_fail(READ, EINTR, 1);
	server_stop(0, 0);
}
END_TEST

/* To make epoll(7), and signalfd(2); to add a socket; to wait; to accept. */
START_TEST(fatal_error_ends_the_server)
{
	static const int fatal[] = {EMFILE, EMFILE, ENOSPC, EBADF, EINVAL};
	int next = dup(STDERR_FILENO);

	close(next);
	if (_i < 4)
		server_listen(O_NONBLOCK);
	else
		server_pass(socket(AF_INET, SOCK_STREAM, 0), ACTIVATION_LISTENERS);
	server_fail(EPOLL_CTL, ENOSPC, _i == 2);
	server_fail(EPOLL_WAIT, EBADF, _i == 3);
	server_start_limited(_i < 2 ? (rlim_t)next + (rlim_t)_i : 1024);
	assert_returned(-fatal[_i]);
	assert_said(_i < 3 ? "" : "READY=1\n");
}
END_TEST

/* Also if another socket can be added: the second of two fails, or the first. */
START_TEST(socket_that_cannot_be_added_ends_the_server)
{
	server_listen(O_NONBLOCK);
	if (_i < 2)
		server_listen(O_NONBLOCK);
	else
		server_pass(socket(AF_INET, SOCK_DGRAM, 0), ACTIVATION_LISTENERS);
	successes[EPOLL_CTL] = _i % 2 == 0 ? 1 : 2; /* after the signals' descriptor */
	server_fail(EPOLL_CTL, ENOSPC, 1);
	server_start();
	assert_returned(-ENOSPC);
	assert_said("");
}
END_TEST

/* Also if other descriptors are ready in the same iteration. */
START_TEST(fatal_error_is_the_last_event)
{
	int client;

	server_serve(O_NONBLOCK);
	client = client_lingering();
	server_settle();
	server_fail(ACCEPT4, EBADF, 1);
	client_connect();
	client_hang_up(client);
	assert_returned(-EBADF);
}
END_TEST

/* With clients that linger, that are sent to, and that are backing off. */
START_TEST(fatal_error_disconnects_clients)
{
	server_greeting('A', _i == 1 ? LONGEST : 5);
	server_serve(O_NONBLOCK);
	server_fail(SEND, ENOBUFS, _i == 2 ? ALWAYS : 0);
	client_passive();
	client_passive();
	server_fail(ACCEPT4, EBADF, 1);
	client_connect();
	assert_returned(-EBADF);
	for (int i = 0; i < 2; i++)
		assert_ended(i, CLIENT_END_DROPPED, _i == 0);
}
END_TEST

int main(void)
{
	return UNIT_RUN(
		"server_failure", {error_of_one_connection_is_skipped, 2 * UNIT_COUNT(passing)},
		{local_error_is_waited_out_and_logged_once_a_minute, 2},
		{local_error_ends_when_there_is_room, 3}, {lasting_local_error_does_not_spin, 2},
		{raised_limit_is_not_used, 1}, {local_error_ends_only_the_client, 1},
		{client_is_greeted_without_epoll, 4}, {client_that_backs_off_is_not_polled, 3},
		{stopped_server_does_not_wake_to_accept, 1},
		{local_error_after_a_new_client_is_retried_at_once, 1},
		{client_that_backs_off_waits_for_no_other, 1},
		{errors_of_several_connections_are_skipped_at_once, 1},
		{client_that_closes_when_it_is_disconnected_ends_once, 2},
		{error_that_would_spin_ends_the_server, 2},
		{interrupted_read_of_a_signal_is_repeated, 1}, {fatal_error_ends_the_server, 5},
		{socket_that_cannot_be_added_ends_the_server, 4},
		{fatal_error_is_the_last_event, 1}, {fatal_error_disconnects_clients, 3});
}
