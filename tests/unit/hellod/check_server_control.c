/* SPDX-License-Identifier: MIT */
/* server - signals, idle time, and what systemd is told */
#include "config.h"

#include "server_harness.h"

#define STATUS_USEC (SERVER_STATUS_MSEC * MSEC)
#define IDLE_USEC (3 * STATUS_USEC / 10)
#define CLIENTS 4

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

int main(void)
{
	return UNIT_RUN("server_control", {server_stops_when_the_last_client_has_ended_for_long, 2},
			{client_at_the_last_moment_is_greeted, 6}, {signal_lets_clients_end, 2},
			{signal_stops_the_server_at_any_moment, 3},
			{greeting_is_reloaded_for_new_clients, 1}, {systemd_is_notified, 1},
			{status_follows_the_end_of_a_client, 1});
}
