/* SPDX-License-Identifier: MIT */
/* server - greets passed connections, and is confined */
#include "config.h"

#include "server_harness.h"

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

	unsetenv("REMOTE_ADDR"); /* of whoever runs this */
	options.log_greetings = (enum log_greetings)_i;
	options.max_connections = 1; /* of listening sockets */
	watchdog_usec = SEC;	     /* of the process that listens */
	server_greeting('A', LONGEST);
	close(connect_passed(AF_UNIX, 0));
	unit_reset(connect_passed(AF_INET, 0));
	unit_await_end(FIRST_FD + 1);
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
	return UNIT_RUN("server_connections", {each_connection_is_greeted_or_ends, 3},
			{local_error_is_returned, UNIT_COUNT(local_errors)},
			{local_error_after_the_greeting_is_no_failure, 1},
			{each_local_error_of_connections_is_logged, 1},
			{connections_are_closed_when_the_server_fails, 2},
			{connection_that_cannot_be_served_is_not_greeted, 1},
			{process_is_confined_before_its_first_client, 3});
}
