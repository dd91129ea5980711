/* SPDX-License-Identifier: MIT */
/* connect - a connection to the first of several addresses that answers */
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

/* Long enough for any machine that works at all. */
#define PATIENCE_MSEC 10000U

/* How late it may be on a busy machine, and less than an attempt delay. */
#define LATE_MSEC 200U

#define ADDRESSES_MAX 4

/*
 * The addresses to connect to, one for each letter of `kinds`:
 *
 *	g  listens                            G  listens on a UNIX socket
 *	h  never answers: the queue is full   H  a UNIX socket whose queue is full
 *	r  refuses: bound, does not listen    R  a path that does not exist
 */
struct scene {
	struct address addresses[ADDRESSES_MAX];
	int fds[ADDRESSES_MAX];
	struct resolve_list list;
	struct connect_attempt attempts[ADDRESSES_MAX];
	int error;
};

/* What the next connect(2) raises, so that it arrives when the client has just looked for it. */
static int at_the_last_moment;

/* The calls that fail, in the order of the attempts: `result` is what SO_ERROR says. */
static const struct fault {
	enum { NONE, SOCKET, CONNECT, RESULT } call;
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
	return take_fault(SOCKET) < 0 ? -1 : REAL(socket)(family, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	int number = at_the_last_moment;

	at_the_last_moment = 0;
	if (number != 0)
		raise(number);
	/* A TCP socket that is not connected is ready at once. */
	if (fault != NULL && fault->call == RESULT) {
		errno = EINPROGRESS;
		return -1;
	}
	return take_fault(CONNECT) < 0 ? -1 : REAL(connect)(fd, address, length);
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
	if (take_fault(RESULT) == 0)
		return REAL(getsockopt)(fd, level, name, value, length);
	memcpy(value, &errno, sizeof(errno));
	return 0;
}

/* Returns the listening socket, or -1. */
static int make_address(char kind, struct address *made)
{
	const struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
	const struct sockaddr_in sin = {.sin_family = AF_INET,
					.sin_addr = {htonl(INADDR_LOOPBACK)}};
	bool is_unix = kind >= 'A' && kind <= 'Z';
	struct sockaddr *address = (struct sockaddr *)&made->storage;
	struct pollfd polled = {.events = POLLIN};

	made->length = is_unix ? sizeof(sun) : sizeof(sin);
	memcpy(address, is_unix ? (const void *)&sun : (const void *)&sin, made->length);
	if (kind == 'R')
		return -1;

	polled.fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The kernel chooses the port, or the abstract name: unix(7). */
	if (is_unix)
		made->length = sizeof(sa_family_t);
	ck_assert_int_eq(bind(polled.fd, address, made->length), 0);
	made->length = sizeof(made->storage);
	ck_assert_int_eq(getsockname(polled.fd, address, &made->length), 0);
	if (kind == 'g' || kind == 'G')
		ck_assert_int_eq(listen(polled.fd, 16), 0);
	if (kind == 'h' || kind == 'H') {
		/* A backlog of 0 has room for one connection, which stays open. */
		int client = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		ck_assert_int_eq(listen(polled.fd, 0), 0);
		ck_assert_int_eq(connect(client, address, made->length), 0);
		ck_assert_int_eq(poll(&polled, 1, (int)PATIENCE_MSEC), 1);
	}
	return polled.fd;
}

static void scene_make(const char *kinds, struct scene *scene)
{
	/* Old contents do not matter. */
	memset(scene, 0xFF, sizeof(*scene));
	scene->list.addresses = scene->addresses;
	scene->list.count = strlen(kinds);
	for (size_t i = 0; i < scene->list.count; i++)
		scene->fds[i] = make_address(kinds[i], &scene->addresses[i]);
}

/* Connects, and sees that only the connected socket is left open. */
static enum outcome scene_connect(struct scene *scene, uint64_t deadline_usec)
{
	size_t fds = unit_count_entries("/proc/self/fd");
	struct connect_attempt *connected = NULL;
	enum outcome outcome = connect_any(&scene->list, deadline_usec, scene->attempts, &connected,
					   &scene->error);

	ck_assert_int_eq(connected != NULL, outcome == OUTCOME_NONE);
	if (connected != NULL)
		ck_assert_int_eq(close(connected->fd), 0);
	ck_assert_uint_eq(unit_count_entries("/proc/self/fd"), fds);
	return outcome;
}

/* The states as letters, to compare them at one glance. */
static void assert_states(const struct scene *scene, const char *wanted)
{
	static const char letters[] = {
		[ATTEMPT_NOT_TRIED] = '-', [ATTEMPT_PENDING] = 'P',   [ATTEMPT_CONNECTED] = 'C',
		[ATTEMPT_FAILED] = 'F',	   [ATTEMPT_TIMED_OUT] = 'T', [ATTEMPT_SUPERSEDED] = 'S',
	};
	char states[ADDRESSES_MAX + 1] = "";

	for (size_t i = 0; i < scene->list.count; i++) {
		states[i] = letters[scene->attempts[i].state];
		ck_assert_ptr_eq(scene->attempts[i].to, &scene->addresses[i]);
		ck_assert_int_eq(scene->attempts[i].error != 0, states[i] == 'F');
		ck_assert_int_eq(scene->attempts[i].started_usec != 0, states[i] != '-');
		ck_assert_uint_ge(scene->attempts[i].ended_usec, scene->attempts[i].started_usec);
	}
	ck_assert_str_eq(states, wanted);
}

static const struct {
	const char *kinds;
	unsigned timeout_msec;
	enum outcome outcome;
	const char *states;
} rows[] = {
	{"g", PATIENCE_MSEC, OUTCOME_NONE, "C"},
	{"G", PATIENCE_MSEC, OUTCOME_NONE, "C"},
	{"r", PATIENCE_MSEC, OUTCOME_REFUSED, "F"},
	{"R", PATIENCE_MSEC, OUTCOME_UNREACHABLE, "F"},
	{"h", 100, OUTCOME_TIMED_OUT, "T"},
	{"H", 40, OUTCOME_TIMED_OUT, "T"},
	{"H", 250, OUTCOME_TIMED_OUT, "T"},

	/* The rest is left alone. */
	{"gg", PATIENCE_MSEC, OUTCOME_NONE, "C-"},

	/* After a failure the next is tried at once. */
	{"rg", PATIENCE_MSEC, OUTCOME_NONE, "FC"},
	{"rrrg", PATIENCE_MSEC, OUTCOME_NONE, "FFFC"},

	/* An unreachable one is left behind. tests/blackbox sees what that costs. */
	{"hg", PATIENCE_MSEC, OUTCOME_NONE, "SC"},
	{"hhg", PATIENCE_MSEC, OUTCOME_NONE, "SSC"},
	{"rhg", PATIENCE_MSEC, OUTCOME_NONE, "FSC"},
	/* The last one failed, so the next is tried at once, though an earlier one is pending. */
	{"hrg", PATIENCE_MSEC, OUTCOME_NONE, "SFC"},

	{"rr", PATIENCE_MSEC, OUTCOME_REFUSED, "FF"},
	{"hr", 400, OUTCOME_TIMED_OUT, "TF"},
	{"hhhh", 200, OUTCOME_TIMED_OUT, "TTTT"},

	/* Near the deadline each one still gets its turn. */
	{"hg", 200, OUTCOME_NONE, "SC"},
	{"hhhg", 400, OUTCOME_NONE, "SSSC"},

	/* The deadline is over. */
	{"g", 0, OUTCOME_TIMED_OUT, "-"},
	{"G", 0, OUTCOME_TIMED_OUT, "-"},
	{"rg", 0, OUTCOME_TIMED_OUT, "--"},
};

static volatile sig_atomic_t raised_by_alarm; /* a signal, or 0 */

static void on_alarm(int number)
{
	(void)number;
	if (raised_by_alarm != 0)
		raise(raised_by_alarm);
}

/* Other signals, in every second test, change nothing, and waiting is done asleep. */
START_TEST(test_connect)
{
	struct itimerval often = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
	struct scene scene;
	uint64_t deadline;
	clock_t before;

	scene_make(rows[_i].kinds, &scene);
	signal(SIGALRM, on_alarm);
	if (_i % 2 == 0)
		setitimer(ITIMER_REAL, &often, NULL);
	before = clock();
	deadline = clock_now_usec() + MSEC(rows[_i].timeout_msec);
	ck_assert_int_eq(scene_connect(&scene, deadline), rows[_i].outcome);
	assert_states(&scene, rows[_i].states);
	if (strchr(rows[_i].states, 'T') != NULL)
		ck_assert_uint_ge(clock_now_usec(), deadline);
	ck_assert_uint_lt(clock_now_usec(), deadline + MSEC(LATE_MSEC));
	ck_assert_int_lt(clock() - before, CLOCKS_PER_SEC / 10);
}
END_TEST

/* An attempt goes on while later ones are made: here its SYN is sent again after a second. */
START_TEST(test_room_in_the_queue)
{
	static const struct {
		const char *kinds, *states;
		unsigned msec;
	} queues[] = {{"hh", "CS", CONNECT_ATTEMPT_DELAY_MSEC + 100}, {"H", "C", 150}};
	struct scene scene;
	pid_t helper;

	scene_make(queues[_i].kinds, &scene);
	helper = fork();
	if (helper == 0) {
		usleep(queues[_i].msec * 1000);
		accept(scene.fds[0], NULL, NULL);
		/* The connections stay as they are until the test is over. */
		pause();
	}
	ck_assert_int_eq(scene_connect(&scene, clock_now_usec() + MSEC(PATIENCE_MSEC)),
			 OUTCOME_NONE);
	assert_states(&scene, queues[_i].states);
	kill(helper, SIGKILL);
	ck_assert_int_eq(waitpid(helper, NULL, 0), helper);
}
END_TEST

/* During the wait, and just before connect(2) waits. */
START_TEST(test_interrupted)
{
	struct itimerval soon = {.it_value.tv_usec = 50000};
	uint64_t started = clock_now_usec();
	struct scene scene;

	scene_make(_i % 2 == 0 ? "h" : "H", &scene);
	signals_catch();
	signal(SIGALRM, on_alarm);
	raised_by_alarm = SIGINT;
	if (_i < 2)
		setitimer(ITIMER_REAL, &soon, NULL);
	else
		at_the_last_moment = SIGTERM;
	ck_assert_int_eq(scene_connect(&scene, started + MSEC(PATIENCE_MSEC)), OUTCOME_INTERRUPTED);
	ck_assert_uint_lt(clock_now_usec(), started + MSEC(PATIENCE_MSEC / 2));
}
END_TEST

static const struct {
	struct fault faults[3];
	enum outcome outcome;
	int error; /* if OUTCOME_SYSTEM_ERROR */
} blames[] = {
	/* The fault of this host, whatever the others say. */
	{{{SOCKET, EMFILE}}, OUTCOME_SYSTEM_ERROR, EMFILE},
	{{{SOCKET, ENFILE}}, OUTCOME_SYSTEM_ERROR, ENFILE},
	{{{SOCKET, ENOBUFS}}, OUTCOME_SYSTEM_ERROR, ENOBUFS},
	{{{SOCKET, ENOMEM}}, OUTCOME_SYSTEM_ERROR, ENOMEM},
	{{{CONNECT, ENOBUFS}}, OUTCOME_SYSTEM_ERROR, ENOBUFS},
	{{{CONNECT, EAGAIN}}, OUTCOME_SYSTEM_ERROR, EAGAIN},
	{{{RESULT, ENOMEM}}, OUTCOME_SYSTEM_ERROR, ENOMEM},
	{{{CONNECT, ECONNREFUSED}, {SOCKET, EMFILE}}, OUTCOME_SYSTEM_ERROR, EMFILE},
	{{{CONNECT, ENOBUFS}, {RESULT, ETIMEDOUT}}, OUTCOME_SYSTEM_ERROR, ENOBUFS},

	/* The fault of this host, unless another address says more: no IPv6, or no free port. */
	{{{SOCKET, EAFNOSUPPORT}}, OUTCOME_SYSTEM_ERROR, EAFNOSUPPORT},
	{{{CONNECT, EADDRNOTAVAIL}}, OUTCOME_SYSTEM_ERROR, EADDRNOTAVAIL},
	{{{CONNECT, EPERM}}, OUTCOME_SYSTEM_ERROR, EPERM},
	{{{CONNECT, EADDRNOTAVAIL}, {SOCKET, EAFNOSUPPORT}}, OUTCOME_SYSTEM_ERROR, EAFNOSUPPORT},
	{{{CONNECT, EADDRNOTAVAIL}, {RESULT, ECONNREFUSED}}, OUTCOME_REFUSED, 0},
	{{{SOCKET, EAFNOSUPPORT}, {CONNECT, ENETUNREACH}}, OUTCOME_UNREACHABLE, 0},

	/* The fault of the server or the network. */
	{{{RESULT, ECONNREFUSED}}, OUTCOME_REFUSED, 0},
	{{{RESULT, ECONNRESET}}, OUTCOME_RESET, 0},
	{{{RESULT, EPIPE}}, OUTCOME_RESET, 0},
	{{{RESULT, ETIMEDOUT}}, OUTCOME_TIMED_OUT, 0},
	{{{RESULT, EHOSTUNREACH}}, OUTCOME_UNREACHABLE, 0},
	/* Also what a firewall elsewhere makes of IPv6, by "administratively prohibited". */
	{{{CONNECT, EACCES}}, OUTCOME_UNREACHABLE, 0},
	{{{CONNECT, EPROTOTYPE}}, OUTCOME_UNREACHABLE, 0},
	{{{CONNECT, EHOSTUNREACH}, {RESULT, ETIMEDOUT}}, OUTCOME_TIMED_OUT, 0},
	{{{RESULT, ETIMEDOUT}, {RESULT, ECONNRESET}}, OUTCOME_RESET, 0},
	{{{RESULT, ECONNRESET}, {RESULT, ECONNREFUSED}}, OUTCOME_REFUSED, 0},
};

START_TEST(test_blame)
{
	struct scene scene;

	scene_make(blames[_i].faults[1].call == NONE ? "r" : "rr", &scene);
	fault = blames[_i].faults;
	ck_assert_int_eq(scene_connect(&scene, clock_now_usec() + MSEC(PATIENCE_MSEC)),
			 blames[_i].outcome);
	if (blames[_i].outcome == OUTCOME_SYSTEM_ERROR)
		ck_assert_int_eq(scene.error, blames[_i].error);
	assert_states(&scene, scene.list.count == 1 ? "F" : "FF");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connect");
	TCase *tcase = tcase_create("connect");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_connect, 0, UNIT_COUNT(rows));
	tcase_add_loop_test(tcase, test_room_in_the_queue, 0, 2);
	tcase_add_loop_test(tcase, test_interrupted, 0, 4);
	tcase_add_loop_test(tcase, test_blame, 0, UNIT_COUNT(blames));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
