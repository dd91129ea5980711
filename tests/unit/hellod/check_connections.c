/* SPDX-License-Identifier: MIT */
/* connections - greets the clients whose connections were passed */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit.h"
#include "hellod/connections.h"

/* Where the passed sockets are put, one after the other: out of the way of all others. */
#define FIRST_FD 200
#define CONNECTIONS_MAX 4

/* Room for a part of the longest frame, but not for all of it. */
#define SMALL_BUFFER_BYTES 8192

#define PATIENCE_MSEC 3000
#define SIGNALS 200

/* The clock stands still, or leaps at every look, so that every deadline has come. */
static time_t clock_sec, clock_leap_sec;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	clock_sec += clock_leap_sec;
	*now = (struct timespec){.tv_sec = clock_sec};
	return 0;
}

static struct greeting greeting;
static int peers[CONNECTIONS_MAX];
static char ports[CONNECTIONS_MAX][ADDRESS_PORT_BYTES];

/* What ended() was told, in this process and to those who read the pipe. */
struct report {
	enum session_end end;
	bool greeted;
	struct address_text peer;
};
static struct report reports[CONNECTIONS_MAX + 1];
static int report_count;
static int report_pipe[2];

static void ended(const struct session *session, const struct address_text *peer)
{
	struct report report = {
		.end = session->end,
		.greeted = session_greeted(session) != 0,
	};

	/* What is behind the strings is nobody's, and would go into the pipe. */
	strcpy(report.peer.host, peer->host);
	strcpy(report.peer.port, peer->port);
	if (session->state != SESSION_CLOSED || session->greeting != &greeting)
		abort();
	if (report_count <= CONNECTIONS_MAX)
		reports[report_count++] = report;
	if (write(report_pipe[1], &report, sizeof(report)) != sizeof(report))
		abort();
}

static struct report next_report(void)
{
	struct pollfd polled = {.fd = report_pipe[0], .events = POLLIN};
	struct report report;

	ck_assert_msg(poll(&polled, 1, PATIENCE_MSEC) == 1, "no session ends");
	ck_assert_int_eq(read(report_pipe[0], &report, sizeof(report)), sizeof(report));
	return report;
}

static void set_up(void)
{
	ck_assert_int_eq(pipe(report_pipe), 0);
	memcpy(greeting.frame, "\x00\x05HELLO", 7);
	greeting.frame_length = 7;
}

/* The longest frame; of which the socket takes only a part. */
static void make_greeting_long(void)
{
	memset(greeting.frame, 'A', sizeof(greeting.frame));
	memset(greeting.frame, 0xFF, FRAME_HEADER_BYTES);
	greeting.frame_length = FRAME_BYTES_MAX;
}

static void connect_one(int i, int family, int buffer_bytes)
{
	struct sockaddr_in address = {0};
	socklen_t length = sizeof(address);
	int ours;

	unit_pair(family, buffer_bytes, &ours, &peers[i]);
	ck_assert_int_eq(dup2(ours, FIRST_FD + i), FIRST_FD + i);
	close(ours);
	ck_assert_int_eq(getsockname(peers[i], (struct sockaddr *)&address, &length), 0);
	if (family == AF_INET)
		snprintf(ports[i], sizeof(ports[i]), "%u", ntohs(address.sin_port));
}

static void read_greeting(int i)
{
	static uint8_t got[FRAME_BYTES_MAX + 1];
	size_t have = 0;
	ssize_t n;

	while ((n = read(peers[i], got + have, sizeof(got) - have)) > 0)
		have += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(have, greeting.frame_length);
	ck_assert_mem_eq(got, greeting.frame, have);
}

static int serve(int count)
{
	return connections_serve(FIRST_FD, count, &greeting, ended);
}

static void assert_all_closed(int count)
{
	for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
		ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
		ck_assert_int_eq(errno, EBADF);
	}
}

static void assert_report(const struct report *report, enum session_end end, bool greeted,
			  const char *host, const char *port)
{
	ck_assert_str_eq(session_end_name(report->end), session_end_name(end));
	ck_assert_int_eq(report->greeted, greeted);
	ck_assert_str_eq(report->peer.host, host);
	ck_assert_str_eq(report->peer.port, port);
}

START_TEST(each_is_greeted_and_told_of)
{
	connect_one(0, AF_UNIX, 0);
	connect_one(1, AF_INET, 0);
	connect_one(2, AF_INET, 0);
	for (int i = 0; i < 3; i++)
		shutdown(peers[i], SHUT_WR);
	ck_assert_int_eq(serve(3), 0);
	assert_all_closed(3);
	for (int i = 0; i < 3; i++)
		read_greeting(i);
	ck_assert_int_eq(report_count, 3);
	assert_report(&reports[0], SESSION_END_CLOSED, true, "unix", "");
	assert_report(&reports[1], SESSION_END_CLOSED, true, "127.0.0.1", ports[1]);
	assert_report(&reports[2], SESSION_END_CLOSED, true, "127.0.0.1", ports[2]);
}
END_TEST

START_TEST(peers_that_are_gone_are_no_trouble)
{
	connect_one(0, AF_UNIX, 0);
	connect_one(1, AF_INET, 0);
	connect_one(2, AF_INET, 0);
	close(peers[0]);
	unit_reset(peers[1]);
	shutdown(peers[2], SHUT_WR);
	ck_assert_int_eq(serve(3), 0);
	assert_all_closed(3);
	read_greeting(2);
	ck_assert_int_eq(report_count, 3);
	assert_report(&reports[0], SESSION_END_RESET, false, "unix", "");
	assert_report(&reports[1], SESSION_END_RESET, false, "unknown", "");
	assert_report(&reports[2], SESSION_END_CLOSED, true, "127.0.0.1", ports[2]);
}
END_TEST

/* Neither who does not close nor who does not read. */
START_TEST(nobody_waits_for_another)
{
	struct pollfd polled = {.fd = report_pipe[0], .events = POLLIN};
	struct report report;
	int status;
	pid_t child;

	make_greeting_long();
	for (int i = 0; i < 4; i++)
		connect_one(i, AF_INET, i == 1 ? SMALL_BUFFER_BYTES : 0);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 4; i++)
			close(peers[i]);
		_exit(serve(4) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	for (int i = 0; i < 4; i++)
		close(FIRST_FD + i);

	read_greeting(0);
	for (int i = 3; i > 1; i--) {
		read_greeting(i);
		close(peers[i]);
		report = next_report();
		assert_report(&report, SESSION_END_CLOSED, true, "127.0.0.1", ports[i]);
	}
	ck_assert_int_eq(poll(&polled, 1, 0), 0);

	/* Nor is anybody given up for that. */
	read_greeting(1);
	close(peers[1]);
	report = next_report();
	assert_report(&report, SESSION_END_CLOSED, true, "127.0.0.1", ports[1]);
	close(peers[0]);
	report = next_report();
	assert_report(&report, SESSION_END_CLOSED, true, "127.0.0.1", ports[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(deadlines_are_kept)
{
	make_greeting_long();
	connect_one(0, AF_INET, SMALL_BUFFER_BYTES);
	connect_one(1, AF_INET, 0);
	connect_one(2, AF_INET, 0);
	shutdown(peers[2], SHUT_WR);
	clock_leap_sec = 60;
	ck_assert_int_eq(serve(3), 0);
	/* Check looks at this clock too. */
	clock_leap_sec = clock_sec = 0;
	assert_all_closed(3);
	ck_assert_int_eq(report_count, 3);
	for (int i = 0; i < 3; i++) {
		const struct report *report = &reports[i];

		if (strcmp(report->peer.port, ports[0]) == 0)
			assert_report(report, SESSION_END_SEND_TIMEOUT, false, "127.0.0.1",
				      ports[0]);
		else if (strcmp(report->peer.port, ports[1]) == 0)
			assert_report(report, SESSION_END_LINGER_TIMEOUT, true, "127.0.0.1",
				      ports[1]);
		else
			assert_report(report, SESSION_END_CLOSED, true, "127.0.0.1", ports[2]);
	}
}
END_TEST

static int signal_pipe[2];

static void on_signal(int signal)
{
	(void)signal;
	if (write(signal_pipe[1], "", 1) != 1)
		abort();
}

/* Most of so many signals come while poll(2) waits. */
START_TEST(signals_do_not_matter)
{
	struct sigaction action = {.sa_handler = on_signal};
	int status;
	pid_t child;

	connect_one(0, AF_UNIX, 0);
	ck_assert_int_eq(pipe(signal_pipe), 0);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	child = fork();
	if (child == 0) {
		char byte, got[7];

		close(FIRST_FD);
		if (read(peers[0], got, sizeof(got)) != sizeof(got))
			_exit(EXIT_FAILURE);
		for (int i = 0; i < SIGNALS; i++)
			if (kill(getppid(), SIGUSR1) < 0 || read(signal_pipe[0], &byte, 1) != 1)
				_exit(EXIT_FAILURE);
		_exit(EXIT_SUCCESS);
	}
	close(peers[0]);
	ck_assert_int_eq(serve(1), 0);
	ck_assert_int_eq(report_count, 1);
	assert_report(&reports[0], SESSION_END_CLOSED, true, "unix", "");
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* poll(2) fails when it is given more than there may be open. */
START_TEST(sockets_are_closed_when_nothing_works)
{
	struct pollfd polled = {.fd = -1};
	struct rlimit limit, none;
	bool is_limited;
	int r = -EINVAL;

	connect_one(0, AF_UNIX, 0);
	connect_one(1, AF_UNIX, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	/* Not so under valgrind, which keeps the limit to itself. */
	is_limited = poll(&polled, 1, 0) < 0;
	if (is_limited)
		r = serve(2);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(r, -EINVAL);
	if (is_limited)
		assert_all_closed(2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connections");
	TCase *tcase = tcase_create("connections");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, each_is_greeted_and_told_of);
	tcase_add_test(tcase, peers_that_are_gone_are_no_trouble);
	tcase_add_test(tcase, nobody_waits_for_another);
	tcase_add_test(tcase, deadlines_are_kept);
	tcase_add_test(tcase, signals_do_not_matter);
	tcase_add_test(tcase, sockets_are_closed_when_nothing_works);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
