/* SPDX-License-Identifier: MIT */
/* connect - a socket of the first of several addresses that answers */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit.h"
#include "common/clock.h"
#include "probe/connect.h"
#include "probe/signals.h"

#define MSEC(n) ((uint64_t)(n)*USEC_PER_MSEC)

/* Deadline that is not reached: the waits of connect(2) for a UNIX socket take real time. */
#define PATIENCE_MSEC 50000U

#define START_USEC ((uint64_t)USEC_PER_SEC)
#define ADDRESSES_MAX 4

/* Replaces the clock: the time passes only while waiting, so that a busy machine is never late. */
static uint64_t now_usec = START_USEC;

uint64_t clock_now_usec(void)
{
	return now_usec;
}

/*
 * Addresses to connect to, one for each letter of `kinds`:
 *
 *	g  listens                            G  listens on a UNIX socket
 *	h  never answers: the queue is full   H  a UNIX socket whose queue is full
 *	r  refuses: bound, does not listen    R  a path that does not exist
 */
struct fixture {
	const char *kinds;
	struct address addresses[ADDRESSES_MAX];
	int fds[ADDRESSES_MAX];
	struct resolve_list list;
	struct connect_attempt attempts[ADDRESSES_MAX];
	int error;
};

static struct fixture fixture;

/* Signal that the next connect(2) raises, after the client has looked for signals. */
static int at_the_last_moment;

/* A wait ends only with an event, because one will come: the result of connect(2), or a signal. */
static bool event_comes;

/* The n-th connect(2) from now on writes to this pipe, because the test makes an event of it. */
static int told_after, told_fd;

static uint64_t block_usec; /* how long connect(2) may block: SO_SNDTIMEO */

/* Calls that fail, in the order of the attempts. RESULT: the value of SO_ERROR. */
static const struct fault {
	enum { NONE, SOCKET, CONNECT, SET, POLL, RESULT } call;
	int error;
} * fault; /* NULL for none */

static int take_fault(int call)
{
	if (fault == NULL || (int)fault->call != call)
		return 0;
	errno = (fault++)->error;
	return -1;
}

#define REAL(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

int socket(int family, int type, int protocol)
{
	/* The kernel may lack vsock. */
	if (family == AF_VSOCK)
		family = AF_INET;
	return take_fault(SOCKET) < 0 ? -1 : REAL(socket)(family, type, protocol);
}

static bool is_full(const struct sockaddr *address, socklen_t length)
{
	for (size_t i = 0; i < fixture.list.count; i++)
		if (memcmp(&fixture.addresses[i].storage, address, length) == 0)
			return fixture.kinds[i] == 'h';
	return false;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	int number = at_the_last_moment, r;

	at_the_last_moment = 0;
	if (number != 0)
		raise(number);
	if (told_after > 0 && --told_after == 0) {
		event_comes = true;
		ck_assert_int_eq((int)write(told_fd, "", 1), 1);
	}
	/* A TCP socket that is not connected is ready at once. */
	if (fault != NULL && fault->call == RESULT) {
		errno = EINPROGRESS;
		return -1;
	}
	if (take_fault(CONNECT) < 0)
		return -1;
	r = REAL(connect)(fd, address, length);
	if (r < 0 && errno == EINPROGRESS)
		event_comes |= !is_full(address, length);
	else if (r < 0 && (errno == EAGAIN || errno == EINTR))
		now_usec += errno == EAGAIN ? block_usec : block_usec / 4 + 1;
	return r;
}

/* Without an event, the whole time passes at once, or a part of it until another signal. */
int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	const struct timespec none = {0}, moment = {.tv_nsec = 10000000};
	uint64_t usec = (uint64_t)timeout->tv_sec * USEC_PER_SEC +
			(uint64_t)timeout->tv_nsec / NSEC_PER_USEC;
	int r;

	/* With those that have ended, they could be more than RLIMIT_NOFILE. */
	for (nfds_t i = 0; i < count; i++)
		ck_assert_int_ge(polled[i].fd, 0);
	if (take_fault(POLL) < 0)
		return -1;
	r = REAL(ppoll)(polled, count, usec == 0 ? &none : event_comes ? NULL : &moment, mask);
	if (r == 0)
		now_usec += usec;
	else if (r < 0 && !event_comes)
		now_usec += usec / 4 + (usec > 0);
	else if (r > 0)
		event_comes = false;
	return r;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	if (name == SO_SNDTIMEO)
		block_usec = (uint64_t)((const struct timeval *)value)->tv_usec;
	return take_fault(SET) < 0 ? -1 : REAL(setsockopt)(fd, level, name, value, length);
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
	if (take_fault(RESULT) == 0)
		return REAL(getsockopt)(fd, level, name, value, length);
	memcpy(value, &errno, sizeof(errno));
	return 0;
}

/* Returns the listening socket, or -1. */
static int make_address(char kind, struct address *ret_address)
{
	const struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
	const struct sockaddr_in sin = {.sin_family = AF_INET,
					.sin_addr = {htonl(INADDR_LOOPBACK)}};
	bool is_unix = kind >= 'A' && kind <= 'Z';
	struct sockaddr *address = (struct sockaddr *)&ret_address->storage;
	int fd;

	ret_address->length = is_unix ? sizeof(sun) : sizeof(sin);
	memcpy(address, is_unix ? (const void *)&sun : (const void *)&sin, ret_address->length);
	if (kind == 'R')
		return -1;

	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The kernel chooses the port, or the abstract name: unix(7). */
	if (is_unix)
		ret_address->length = sizeof(sa_family_t);
	ck_assert_int_eq(bind(fd, address, ret_address->length), 0);
	ret_address->length = sizeof(ret_address->storage);
	ck_assert_int_eq(getsockname(fd, address, &ret_address->length), 0);
	if (kind == 'g' || kind == 'G')
		ck_assert_int_eq(listen(fd, 16), 0);
	if (kind == 'h' || kind == 'H') {
		/* A backlog of 0 has room for one connection, which stays open. */
		int client = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		ck_assert_int_eq(listen(fd, 0), 0);
		ck_assert_int_eq(connect(client, address, ret_address->length), 0);
		unit_await_input(fd);
	}
	return fd;
}

static void fixture_init(const char *kinds)
{
	/* Old contents do not matter. */
	memset(&fixture, 0xFF, sizeof(fixture));
	fixture.kinds = kinds;
	fixture.list.addresses = fixture.addresses;
	fixture.list.count = strlen(kinds);
	for (size_t i = 0; i < fixture.list.count; i++)
		fixture.fds[i] = make_address(kinds[i], &fixture.addresses[i]);
}

/* Connects, and checks that only the connected socket is left open. */
static enum outcome fixture_connect(uint64_t deadline_usec)
{
	size_t fds = unit_count_entries("/proc/self/fd");
	struct connect_attempt *connected = NULL;
	enum outcome outcome = connect_any(&fixture.list, 0, deadline_usec, fixture.attempts,
					   &connected, &fixture.error);

	ck_assert_int_eq(connected != NULL, outcome == OUTCOME_NONE);
	if (connected != NULL)
		ck_assert_int_eq(close(connected->fd), 0);
	ck_assert_uint_eq(unit_count_entries("/proc/self/fd"), fds);
	return outcome;
}

/* Compares the states, each written as a letter. */
static void assert_states(const char *wanted)
{
	static const char letters[] = {
		[ATTEMPT_NOT_TRIED] = '-', [ATTEMPT_PENDING] = 'P',   [ATTEMPT_CONNECTED] = 'C',
		[ATTEMPT_FAILED] = 'F',	   [ATTEMPT_TIMED_OUT] = 'T', [ATTEMPT_SUPERSEDED] = 'S',
	};
	char states[ADDRESSES_MAX + 1] = "";

	for (size_t i = 0; i < fixture.list.count; i++) {
		states[i] = letters[fixture.attempts[i].state];
		ck_assert_ptr_eq(fixture.attempts[i].to, &fixture.addresses[i]);
		ck_assert_int_eq(fixture.attempts[i].error != 0, states[i] == 'F');
		ck_assert_int_eq(fixture.attempts[i].started_usec != 0, states[i] != '-');
		ck_assert_uint_ge(fixture.attempts[i].ended_usec, fixture.attempts[i].started_usec);
	}
	ck_assert_str_eq(states, wanted);
}

static const struct {
	const char *kinds;
	unsigned timeout_msec;
	enum outcome outcome;
	const char *states;
	unsigned msec; /* that it takes */
} rows[] = {
	{"g", PATIENCE_MSEC, OUTCOME_NONE, "C", 0},
	{"G", PATIENCE_MSEC, OUTCOME_NONE, "C", 0},
	{"r", PATIENCE_MSEC, OUTCOME_REFUSED, "F", 0},
	{"R", PATIENCE_MSEC, OUTCOME_UNREACHABLE, "F", 0},
	{"h", 100, OUTCOME_TIMED_OUT, "T", 100},
	{"H", 40, OUTCOME_TIMED_OUT, "T", 40},
	{"H", 250, OUTCOME_TIMED_OUT, "T", 250},

	/* Other addresses are not tried. */
	{"gg", PATIENCE_MSEC, OUTCOME_NONE, "C-", 0},

	/* After a failure the next address is tried at once. */
	{"rg", PATIENCE_MSEC, OUTCOME_NONE, "FC", 0},
	{"rrrg", PATIENCE_MSEC, OUTCOME_NONE, "FFFC", 0},

	/* An unreachable address is superseded. */
	{"hg", PATIENCE_MSEC, OUTCOME_NONE, "SC", 250},
	{"hhg", PATIENCE_MSEC, OUTCOME_NONE, "SSC", 500},
	{"rhg", PATIENCE_MSEC, OUTCOME_NONE, "FSC", 250},
	/* The last attempt failed, so the next starts at once although an earlier one is pending. */
	{"hrg", PATIENCE_MSEC, OUTCOME_NONE, "SFC", 250},

	{"rr", PATIENCE_MSEC, OUTCOME_REFUSED, "FF", 0},
	{"hr", 400, OUTCOME_TIMED_OUT, "TF", 400},
	{"hhhh", 200, OUTCOME_TIMED_OUT, "TTTT", 200},

	/* Near the deadline every address is still tried. */
	{"hg", 200, OUTCOME_NONE, "SC", 100},
	{"hhhg", 400, OUTCOME_NONE, "SSSC", 300},

	/* The deadline has passed. */
	{"g", 0, OUTCOME_TIMED_OUT, "-", 0},
	{"G", 0, OUTCOME_TIMED_OUT, "-", 0},
	{"rg", 0, OUTCOME_TIMED_OUT, "--", 0},
};

static volatile sig_atomic_t raised_by_alarm; /* a signal, or 0 */

static void on_alarm(int number)
{
	(void)number;
	if (raised_by_alarm != 0)
		raise(raised_by_alarm);
}

/* Other signals, in every second test, have no effect. */
START_TEST(first_address_that_answers_is_connected)
{
	struct itimerval often = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
	uint64_t begin = now_usec;

	fixture_init(rows[_i].kinds);
	signal(SIGALRM, on_alarm);
	if (_i % 2 == 0)
		setitimer(ITIMER_REAL, &often, NULL);
	ck_assert_int_eq(fixture_connect(begin + MSEC(rows[_i].timeout_msec)), rows[_i].outcome);
	assert_states(rows[_i].states);
	ck_assert_uint_eq(now_usec - begin, MSEC(rows[_i].msec));
}
END_TEST

/* The queue gets room during later attempts: the kernel sends the SYN again after a second. */
START_TEST(attempt_goes_on_while_later_ones_are_made)
{
	static const char *const kinds[] = {"hh", "H"}, *const states[] = {"CS", "C"};
	int ends[2];
	pid_t server;
	char byte;

	fixture_init(kinds[_i]);
	ck_assert_int_eq(pipe(ends), 0);
	server = fork();
	if (server == 0) {
		ck_assert_int_eq((int)read(ends[0], &byte, 1), 1);
		/* Until connect(2) blocks, probably. */
		usleep(_i == 0 ? 0 : 150000);
		accept(fixture.fds[0], NULL, NULL);
		/* The connections stay open until the test ends. */
		pause();
	}
	told_fd = ends[1];
	told_after = _i == 0 ? 2 : 1;
	ck_assert_int_eq(fixture_connect(now_usec + MSEC(PATIENCE_MSEC)), OUTCOME_NONE);
	assert_states(states[_i]);
	kill(server, SIGKILL);
	ck_assert_int_eq(waitpid(server, NULL, 0), server);
}
END_TEST

/* During the wait, and just before connect(2) waits. */
START_TEST(signal_interrupts_the_attempts)
{
	struct itimerval soon = {.it_value.tv_usec = 50000};

	fixture_init(_i % 2 == 0 ? "h" : "H");
	signals_catch(NULL, NULL);
	signal(SIGALRM, on_alarm);
	raised_by_alarm = SIGINT;
	event_comes = true;
	if (_i < 2)
		setitimer(ITIMER_REAL, &soon, NULL);
	else
		at_the_last_moment = SIGTERM;
	ck_assert_int_eq(fixture_connect(now_usec + MSEC(PATIENCE_MSEC)), OUTCOME_INTERRUPTED);
}
END_TEST

static const struct {
	struct fault faults[3];
	enum outcome outcome;
	int error; /* if OUTCOME_SYSTEM_ERROR */
} failures[] = {
	/* Errors of this host that precede all others. */
	{{{SOCKET, EMFILE}}, OUTCOME_SYSTEM_ERROR, EMFILE},
	{{{SOCKET, ENFILE}}, OUTCOME_SYSTEM_ERROR, ENFILE},
	{{{SOCKET, ENOBUFS}}, OUTCOME_SYSTEM_ERROR, ENOBUFS},
	{{{SOCKET, ENOMEM}}, OUTCOME_SYSTEM_ERROR, ENOMEM},
	{{{CONNECT, ENOBUFS}}, OUTCOME_SYSTEM_ERROR, ENOBUFS},
	{{{CONNECT, EAGAIN}}, OUTCOME_SYSTEM_ERROR, EAGAIN},
	{{{RESULT, ENOMEM}}, OUTCOME_SYSTEM_ERROR, ENOMEM},
	{{{CONNECT, ECONNREFUSED}, {SOCKET, EMFILE}}, OUTCOME_SYSTEM_ERROR, EMFILE},
	{{{CONNECT, ENOBUFS}, {RESULT, ETIMEDOUT}}, OUTCOME_SYSTEM_ERROR, ENOBUFS},

	/* Errors of this host that any other error precedes: no IPv6, or no free port. */
	{{{SOCKET, EAFNOSUPPORT}}, OUTCOME_SYSTEM_ERROR, EAFNOSUPPORT},
	{{{SOCKET, EACCES}}, OUTCOME_SYSTEM_ERROR, EPERM},
	{{{SOCKET, EACCES}, {CONNECT, EACCES}}, OUTCOME_UNREACHABLE, 0},
	{{{CONNECT, EADDRNOTAVAIL}}, OUTCOME_SYSTEM_ERROR, EADDRNOTAVAIL},
	{{{CONNECT, EADDRINUSE}}, OUTCOME_SYSTEM_ERROR, EADDRINUSE},
	{{{CONNECT, EPERM}}, OUTCOME_SYSTEM_ERROR, EPERM},
	{{{CONNECT, EADDRNOTAVAIL}, {SOCKET, EAFNOSUPPORT}}, OUTCOME_SYSTEM_ERROR, EAFNOSUPPORT},
	{{{CONNECT, EADDRNOTAVAIL}, {RESULT, ECONNREFUSED}}, OUTCOME_REFUSED, 0},
	{{{SOCKET, EAFNOSUPPORT}, {CONNECT, ENETUNREACH}}, OUTCOME_UNREACHABLE, 0},

	/* Errors of the server or the network. */
	{{{RESULT, ECONNREFUSED}}, OUTCOME_REFUSED, 0},
	{{{RESULT, ECONNRESET}}, OUTCOME_RESET, 0},
	{{{RESULT, EPIPE}}, OUTCOME_RESET, 0},
	{{{RESULT, ETIMEDOUT}}, OUTCOME_TIMED_OUT, 0},
	{{{RESULT, EHOSTUNREACH}}, OUTCOME_UNREACHABLE, 0},
	/* Also the ICMPv6 answer "administratively prohibited" of a firewall. */
	{{{CONNECT, EACCES}}, OUTCOME_UNREACHABLE, 0},
	{{{CONNECT, EPROTOTYPE}}, OUTCOME_UNREACHABLE, 0},
	{{{CONNECT, EHOSTUNREACH}, {RESULT, ETIMEDOUT}}, OUTCOME_TIMED_OUT, 0},
	{{{RESULT, ETIMEDOUT}, {RESULT, ECONNRESET}}, OUTCOME_RESET, 0},
	{{{RESULT, ECONNRESET}, {RESULT, ECONNREFUSED}}, OUTCOME_REFUSED, 0},
};

START_TEST(errors_have_an_outcome)
{
	fixture_init(failures[_i].faults[1].call == NONE ? "r" : "rr");
	fault = failures[_i].faults;
	ck_assert_int_eq(fixture_connect(now_usec + MSEC(PATIENCE_MSEC)), failures[_i].outcome);
	if (failures[_i].outcome == OUTCOME_SYSTEM_ERROR)
		ck_assert_int_eq(fixture.error, failures[_i].error);
	assert_states(fixture.list.count == 1 ? "F" : "FF");
}
END_TEST

/* For vsock, the kernel knows no other error of an address where nothing listens. */
START_TEST(reset_by_vsock_is_a_refusal)
{
	static const struct fault faults[2][2] = {{{CONNECT, ECONNRESET}}, {{RESULT, ECONNRESET}}};

	fixture_init("r");
	fixture.addresses[0].storage.ss_family = AF_VSOCK;
	fault = faults[_i];
	ck_assert_int_eq(fixture_connect(now_usec + MSEC(PATIENCE_MSEC)), OUTCOME_REFUSED);
	ck_assert_int_eq(fixture.attempts[0].error, ECONNREFUSED);
}
END_TEST

/* To look for signals; to limit the wait of connect(2) for the full queue, which has no end else. */
START_TEST(failure_before_the_wait_ends_the_attempt)
{
	static const struct fault faults[2][2] = {{{POLL, ENOMEM}}, {{SET, ENOMEM}}};

	fixture_init("H");
	fault = faults[_i];
	ck_assert_int_eq(fixture_connect(now_usec + MSEC(PATIENCE_MSEC)), OUTCOME_SYSTEM_ERROR);
	ck_assert_int_eq(fixture.error, ENOMEM);
	assert_states("F");
}
END_TEST

int main(void)
{
	return UNIT_RUN(
		"connect", {first_address_that_answers_is_connected, UNIT_COUNT(rows)},
		{attempt_goes_on_while_later_ones_are_made, 2}, {signal_interrupts_the_attempts, 4},
		{errors_have_an_outcome, UNIT_COUNT(failures)}, {reset_by_vsock_is_a_refusal, 2},
		{failure_before_the_wait_ends_the_attempt, 2});
}
