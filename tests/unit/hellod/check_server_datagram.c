/* SPDX-License-Identifier: MIT */
/* server_datagram - the server answers datagrams beside its clients */
#include "config.h"

#include "server_harness.h"

#define STATUS_USEC (SERVER_STATUS_MSEC * MSEC)
#define IDLE_USEC (3 * STATUS_USEC)
#define STOPPING "STOPPING=1\nSTATUS=Finishing with connected clients\n"

static unsigned receive_calls, receive_failures;

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	receive_calls++;
	errno = EACCES;
	if (receive_failures > 0 && receive_failures-- > 0)
		return -1;
	return (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
}

static int datagram_fd;

/* Passes a datagram socket, datagram_fd. Returns one that is connected to it. */
static int pass_datagram(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), client = client_fd(socket(AF_INET, SOCK_DGRAM, 0));

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&address, length), 0);
	datagram_fd = FIRST_FD + sockets.fd_count;
	server_pass(fd, ACTIVATION_LISTENERS);
	return client;
}

static void ask(int client, size_t length)
{
	static char zeros[UINT16_MAX];

	unit_datagram_send(client, datagram_fd, zeros, length);
}

/* There is an answer, of this letter. */
static void assert_answered(int client, char letter)
{
	char frame[3];

	unit_await_input(client);
	ck_assert_int_eq(recv(client, frame, sizeof(frame), MSG_DONTWAIT), sizeof(frame));
	ck_assert_int_eq(frame[2], letter);
}

static void assert_silent(int client)
{
	ck_assert_int_eq(recv(client, (char[1]){0}, 1, MSG_DONTWAIT), -1);
}

static void stop(const char *lines)
{
	said[0] = '\0';
	server_signal(SIGTERM);
	assert_returned(0);
	assert_said(lines);
}

/* Also without a listening socket. The datagram socket blocks. */
START_TEST(datagrams_are_answered_and_counted)
{
	int client;

	if (_i > 0)
		server_listen(listen_flags[_i - 1]);
	client = pass_datagram();
	ask(client, 8);
	server_start();
	ck_assert(confined.datagrams);
	assert_answered(client, 'A');
	ask(client, 7);
	server_settle();
	assert_silent(client);
	if (_i > 0)
		client_visit();
	server_advance(STATUS_USEC);
	ask(client, 8);
	server_settle();
	server_advance(STATUS_USEC);
	assert_said(
		_i > 0 ? "READY=1\nSTATUS=Greeted 1 clients, 0 connected, 1 datagrams answered\n"
			 "STATUS=Greeted 1 clients, 0 connected, 2 datagrams answered\n"
		       : "READY=1\nSTATUS=Greeted 0 clients, 0 connected, 1 datagrams answered\n"
			 "STATUS=Greeted 0 clients, 0 connected, 2 datagrams answered\n");
	stop(_i > 0 ? STOPPING "greeted 1 of 1 clients, answered 2 of 3 datagrams (stopped)\n"
		    : STOPPING "greeted 0 of 0 clients, answered 2 of 3 datagrams (stopped)\n");
}
END_TEST

START_TEST(datagram_socket_may_be_the_first)
{
	int client = pass_datagram();

	server_listen(O_NONBLOCK);
	server_start();
	ask(client, 8);
	server_settle();
	assert_answered(client, 'A');
	client_finish(client_fd(unit_tcp_connect(FIRST_FD + 1, 0)));
}
END_TEST

/* A request that is dropped does not. */
START_TEST(answers_restart_the_idle_time)
{
	int client = pass_datagram();

	options.idle_usec = IDLE_USEC;
	server_start();
	server_advance(IDLE_USEC - MSEC);
	ask(client, 8);
	server_settle();
	server_advance(IDLE_USEC - MSEC);
	ask(client, 7);
	server_settle();
	ck_assert(!returned);
	server_advance(MSEC);
	assert_returned(0);
	ck_assert_ptr_nonnull(strstr(said, "STOPPING=1\nSTATUS=Idle, exiting\ngreeted 0 of 0 "
					   "clients, answered 1 of 2 datagrams (idle)\n"));
}
END_TEST

/* At the limit of connections, and while accepting pauses. */
START_TEST(datagrams_do_not_wait_for_clients)
{
	int client;

	options.max_connections = 1;
	server_greeting('A', 60000);
	server_listen(O_NONBLOCK);
	client = pass_datagram();
	server_start();
	client_passive();
	server_fail(ACCEPT4, EMFILE, ALWAYS);
	client_passive();
	ask(client, 60003);
	server_settle();
	assert_answered(client, 'A');
	ck_assert_int_eq(ended_count, 0);
}
END_TEST

/* One batch in each iteration. */
START_TEST(flood_leaves_clients_their_turn)
{
	int client, visitor;

	server_listen(O_NONBLOCK);
	client = pass_datagram();
	for (int i = 0; i < 2 * DATAGRAM_BATCH + 1; i++)
		ask(client, 1);
	visitor = client_connect();
	server_start();
	client_finish(visitor);
	ck_assert_uint_eq(receive_calls, 3);
	/* Two waits for each turn: for all sockets, and for those of datagrams. */
	ck_assert_uint_ge(calls[EPOLL_WAIT], 2 * 3);
}
END_TEST

/* Also those that arrive while the last client is served; they do not wake the server. */
START_TEST(stopped_server_leaves_datagrams_in_the_queue)
{
	int client, slow;

	server_greeting('A', 60000);
	server_listen(O_NONBLOCK);
	client = pass_datagram();
	server_start();
	slow = client_passive();
	kill(getpid(), SIGTERM);
	ask(client, 60003);
	receive_calls = calls[EPOLL_WAIT] = 0;
	server_settle();
	ask(client, 60003);
	server_advance(STATUS_USEC);
	ck_assert_uint_le(calls[EPOLL_WAIT], 4);
	ck_assert(!returned);
	client_finish(slow);
	assert_returned(0);
	ck_assert_uint_eq(receive_calls, 0);
	server_start();
	assert_answered(client, 'A');
	assert_answered(client, 'A');
}
END_TEST

START_TEST(receiving_pauses_after_an_error)
{
	int client;

	server_listen(O_NONBLOCK);
	client = pass_datagram();
	server_start();
	receive_failures = 3;
	ask(client, 8);
	for (unsigned i = 1; i <= 3; i++) {
		server_settle();
		client_visit();
		ck_assert_uint_eq(receive_calls, i);
		server_advance(PAUSE_USEC - 1);
		ck_assert_uint_eq(receive_calls, i);
		server_advance(1);
	}
	assert_answered(client, 'A');
	assert_said("READY=1\ncannot receive datagrams: Permission denied; check the firewall and "
		    "the security policy of this host\n");
}
END_TEST

START_TEST(stopped_server_does_not_wake_to_receive)
{
	int client;

	server_greeting('A', LONGEST);
	server_listen(O_NONBLOCK);
	client = pass_datagram();
	server_start();
	client_passive();
	receive_failures = 1;
	ask(client, 8);
	server_settle();
	server_signal(SIGTERM);
	calls[EPOLL_WAIT] = 0;
	server_advance(PAUSE_USEC);
	ck_assert_uint_eq(calls[EPOLL_WAIT], 0);
}
END_TEST

#define TOO_LONG \
	"datagrams are not answered: the greeting's frame is 65507 bytes long, but at most 65506 " \
	"fit; shorten the greeting, or remove ListenDatagram=\n"
#define RELOADING "RELOADING=1\nMONOTONIC_USEC=1000000000\n"

/* Once for each greeting. Clients get it. */
START_TEST(greeting_that_fits_no_datagram_is_logged)
{
	const size_t too_long = DATAGRAM_FRAME_BYTES_MAX + 1 - FRAME_HEADER_BYTES;
	int client;

	server_greeting('A', too_long);
	server_listen(O_NONBLOCK);
	client = pass_datagram();
	server_start();
	assert_said(TOO_LONG "READY=1\n");
	ask(client, 65507);
	client_visit();
	assert_silent(client);
	server_greeting('B', too_long - 1);
	server_signal(SIGHUP);
	assert_said(RELOADING "reloaded the greeting\nREADY=1\n");
	ask(client, 65507);
	server_settle();
	assert_answered(client, 'B');
	server_greeting('C', too_long);
	server_signal(SIGHUP);
	assert_said(RELOADING TOO_LONG "reloaded the greeting\nREADY=1\n");
	stop(STOPPING "greeted 1 of 1 clients, answered 1 of 2 datagrams (stopped)\n");
}
END_TEST

int main(void)
{
	return UNIT_RUN(
		"server_datagram", {datagrams_are_answered_and_counted, 3},
		{datagram_socket_may_be_the_first, 1}, {answers_restart_the_idle_time, 1},
		{datagrams_do_not_wait_for_clients, 1}, {flood_leaves_clients_their_turn, 1},
		{stopped_server_leaves_datagrams_in_the_queue, 1},
		{receiving_pauses_after_an_error, 1}, {stopped_server_does_not_wake_to_receive, 1},
		{greeting_that_fits_no_datagram_is_logged, 1});
}
