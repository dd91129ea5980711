/* SPDX-License-Identifier: MIT */
/* dial - client side: connects to the first of several addresses that answers */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit.h"
#include "client/connect.h"
#include "client/signals.h"
#include "common/clock.h"

#define MSEC(n) ((uint64_t)(n)*USEC_PER_MSEC)

/* Long enough for any machine that works at all. */
#define PATIENCE_MSEC 10000U

/* How late it may be on a busy machine, and less than a stagger. */
#define LATE_MSEC 200U

/* No such family: socket(2) fails with EAFNOSUPPORT. */
#define FAMILY_UNKNOWN 0xFFF0

#define ADDRESSES_MAX 4

/*
 * The addresses to dial, one for each letter of `kinds`:
 *
 *	g  listens                          G  the same, on a UNIX socket
 *	h  swallows what is sent to it: a   H  the same, on a UNIX socket, where connect(2)
 *	   listener whose queue is full        waits
 *	r  refuses: bound, does not listen  R  a path that does not exist
 *	u  of an unknown family
 *
 * The kernel chooses ports and abstract UNIX names.
 */
struct scene {
	struct resolve_address addresses[ADDRESSES_MAX];
	int fds[ADDRESSES_MAX];
	struct resolve_list list;
};

static size_t count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

/* Takes up all the room that a listener with a backlog of 0 has: one connection. */
static void fill_queue(int listener, const struct resolve_address *to)
{
	struct pollfd polled = {.fd = listener, .events = POLLIN};
	int fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to->address, to->length), 0);
	ck_assert_int_eq(poll(&polled, 1, (int)PATIENCE_MSEC), 1);
	/* The connection stays: the descriptor is left open on purpose. */
}

static void make_address(char kind, struct resolve_address *made, int *fd)
{
	struct sockaddr_in sin = {
		.sin_family = kind == 'u' ? FAMILY_UNKNOWN : AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
	bool is_unix = kind >= 'A' && kind <= 'Z';

	memcpy(&made->address, is_unix ? (void *)&sun : (void *)&sin,
	       is_unix ? sizeof(sun) : sizeof(sin));
	made->length = is_unix ? sizeof(sun) : sizeof(sin);
	*fd = -1;
	if (kind == 'u' || kind == 'R')
		return;

	*fd = socket(made->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Of a UNIX address nothing but the family: the kernel adds a name, as unix(7) says. */
	ck_assert_int_eq(bind(*fd, (struct sockaddr *)&made->address,
			      is_unix ? sizeof(sa_family_t) : made->length),
			 0);
	made->length = sizeof(made->address);
	ck_assert_int_eq(getsockname(*fd, (struct sockaddr *)&made->address, &made->length), 0);
	if (kind == 'g' || kind == 'G')
		ck_assert_int_eq(listen(*fd, 16), 0);
	if (kind == 'h' || kind == 'H') {
		ck_assert_int_eq(listen(*fd, 0), 0);
		fill_queue(*fd, made);
	}
}

static void scene_make(const char *kinds, struct scene *scene)
{
	*scene = (struct scene){0};
	scene->list.addresses = scene->addresses;
	scene->list.count = strlen(kinds);
	ck_assert_uint_le(scene->list.count, ADDRESSES_MAX);
	for (size_t i = 0; i < scene->list.count; i++)
		make_address(kinds[i], &scene->addresses[i], &scene->fds[i]);
}

static void scene_clear(struct scene *scene)
{
	for (size_t i = 0; i < scene->list.count; i++)
		if (scene->fds[i] >= 0)
			close(scene->fds[i]);
}

/* The outcomes as letters, to compare them at one glance. */
static void spell(const struct dial_attempt *attempts, size_t count, char *letters)
{
	static const char letter[] = {
		[DIAL_NOT_TRIED] = '-', [DIAL_PENDING] = 'P',	[DIAL_CONNECTED] = 'C',
		[DIAL_FAILED] = 'F',	[DIAL_TIMED_OUT] = 'T', [DIAL_OVERTAKEN] = 'O',
	};

	for (size_t i = 0; i < count; i++)
		letters[i] = letter[attempts[i].outcome];
	letters[count] = '\0';
}

/* The connection leads to that address and to no other. */
static void assert_leads_to(int fd, const struct resolve_address *address)
{
	struct sockaddr_storage peer = {0};
	socklen_t length = sizeof(peer);

	ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&peer, &length), 0);
	ck_assert_uint_eq(length, address->length);
	ck_assert_mem_eq(&peer, &address->address, length);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

/*
 * Each attempt begins as soon as the one before it has failed, else a stagger after it and not
 * before: DIAL_STAGGER_MSEC, or the share of the time left if that is less. On a busy machine it
 * may be late, but by less than another DIAL_STAGGER_MSEC. The pace is set just before the time
 * of an attempt is taken, so it may seem to be a little early, too.
 */
static void assert_paced(const char *kinds, const struct dial_attempt *attempts, size_t count,
			 uint64_t deadline_usec)
{
	for (size_t i = 1; i < count && attempts[i].outcome != DIAL_NOT_TRIED; i++) {
		const struct dial_attempt *before = &attempts[i - 1];
		uint64_t stagger = (deadline_usec - before->started_usec) / (count - i + 1);
		uint64_t due = before->ended_usec;

		if (stagger > MSEC(DIAL_STAGGER_MSEC))
			stagger = MSEC(DIAL_STAGGER_MSEC);
		if (before->outcome != DIAL_FAILED)
			due = before->started_usec + stagger;
		ck_assert_msg(attempts[i].started_usec >= due - MSEC(20), "%s: %zu is early", kinds,
			      i);
		ck_assert_msg(attempts[i].started_usec < due + MSEC(DIAL_STAGGER_MSEC),
			      "%s: %zu is late by %llu ms", kinds, i,
			      (unsigned long long)(attempts[i].started_usec - due) / USEC_PER_MSEC);
	}
}

static void assert_timed(uint64_t started_usec, const struct dial_attempt *attempts, size_t count)
{
	uint64_t now = clock_now_usec();

	for (size_t i = 0; i < count; i++) {
		if (attempts[i].outcome == DIAL_NOT_TRIED)
			continue;
		ck_assert_uint_ge(attempts[i].started_usec, started_usec);
		ck_assert_uint_ge(attempts[i].ended_usec, attempts[i].started_usec);
		ck_assert_uint_le(attempts[i].ended_usec, now);
	}
}

static const struct dialled {
	const char *kinds;
	unsigned int timeout_msec;
	int result;
	size_t winner; /* if the result is 0 */
	const char *outcomes;
	int error; /* of the last attempt that failed */
} dialled[] = {
	/* One address. */
	{"g", PATIENCE_MSEC, 0, 0, "C", 0},
	{"G", PATIENCE_MSEC, 0, 0, "C", 0},
	{"r", PATIENCE_MSEC, -ECONNREFUSED, 0, "F", ECONNREFUSED},
	{"R", PATIENCE_MSEC, -ECONNREFUSED, 0, "F", ENOENT},
	{"u", PATIENCE_MSEC, -ECONNREFUSED, 0, "F", EAFNOSUPPORT},
	{"h", 100, -ETIMEDOUT, 0, "T", 0},
	{"H", 100, -ETIMEDOUT, 0, "T", 0},
	{"H", 40, -ETIMEDOUT, 0, "T", 0},

	/* The first good one. The rest is left alone. */
	{"gg", PATIENCE_MSEC, 0, 0, "C-", 0},
	{"gr", PATIENCE_MSEC, 0, 0, "C-", 0},
	{"gh", PATIENCE_MSEC, 0, 0, "C-", 0},

	/* After a failure the next is tried at once. */
	{"rg", PATIENCE_MSEC, 0, 1, "FC", ECONNREFUSED},
	{"ug", PATIENCE_MSEC, 0, 1, "FC", EAFNOSUPPORT},
	{"RG", PATIENCE_MSEC, 0, 1, "FC", ENOENT},
	{"rug", PATIENCE_MSEC, 0, 2, "FFC", EAFNOSUPPORT},
	{"rrrg", PATIENCE_MSEC, 0, 3, "FFFC", ECONNREFUSED},
	{"rgr", PATIENCE_MSEC, 0, 1, "FC-", ECONNREFUSED},

	/* A dead one costs one stagger. */
	{"hg", PATIENCE_MSEC, 0, 1, "OC", 0},
	{"hgg", PATIENCE_MSEC, 0, 1, "OC-", 0},
	{"hhg", PATIENCE_MSEC, 0, 2, "OOC", 0},
	{"rhg", PATIENCE_MSEC, 0, 2, "FOC", ECONNREFUSED},
	{"Hg", PATIENCE_MSEC, 0, 1, "OC", 0},
	{"hG", PATIENCE_MSEC, 0, 1, "OC", 0},

	/* The last one failed, so the next is tried at once, though an earlier one is pending. */
	{"hrg", PATIENCE_MSEC, 0, 2, "OFC", ECONNREFUSED},
	{"hug", PATIENCE_MSEC, 0, 2, "OFC", EAFNOSUPPORT},

	/* All in vain. */
	{"rr", PATIENCE_MSEC, -ECONNREFUSED, 0, "FF", ECONNREFUSED},
	{"ruRu", PATIENCE_MSEC, -ECONNREFUSED, 0, "FFFF", EAFNOSUPPORT},
	{"hh", 400, -ETIMEDOUT, 0, "TT", 0},
	{"hr", 400, -ETIMEDOUT, 0, "TF", ECONNREFUSED},
	{"hhhh", 200, -ETIMEDOUT, 0, "TTTT", 0},
	{"rh", 100, -ETIMEDOUT, 0, "FT", ECONNREFUSED},

	/* Near the deadline each one still gets its turn. */
	{"hg", 200, 0, 1, "OC", 0},
	{"hhg", 300, 0, 2, "OOC", 0},
	{"hhhg", 400, 0, 3, "OOOC", 0},

	/* The deadline is over before it begins. */
	{"g", 0, -ETIMEDOUT, 0, "-", 0},
	{"rg", 0, -ETIMEDOUT, 0, "--", 0},
};

static void dial_one(const struct dialled *row)
{
	struct scene scene;
	struct dial_attempt attempts[ADDRESSES_MAX];
	char outcomes[ADDRESSES_MAX + 1];
	int fd = -77, error = 0, r;
	size_t fds, winner = 77, count = strlen(row->kinds);
	uint64_t started, deadline;

	/* Old contents do not matter. */
	memset(attempts, 0xFF, sizeof(attempts));
	scene_make(row->kinds, &scene);
	fds = count_fds();
	started = clock_now_usec();
	deadline = started + MSEC(row->timeout_msec);
	r = dial(&scene.list, deadline, attempts, &fd, &winner);

	spell(attempts, count, outcomes);
	ck_assert_msg(r == row->result, "%s: %d, not %d", row->kinds, r, row->result);
	ck_assert_msg(strcmp(outcomes, row->outcomes) == 0, "%s: %s, not %s", row->kinds, outcomes,
		      row->outcomes);
	for (size_t i = 0; i < count; i++)
		if (attempts[i].outcome == DIAL_FAILED)
			error = attempts[i].error;
	ck_assert_msg(error == row->error, "%s: %s", row->kinds, strerror(error));
	assert_timed(started, attempts, count);
	assert_paced(row->kinds, attempts, count, deadline);

	if (r == 0) {
		ck_assert_uint_eq(winner, row->winner);
		assert_leads_to(fd, &scene.addresses[winner]);
		close(fd);
	} else {
		ck_assert_int_eq(fd, -77);
		ck_assert_uint_eq(winner, 77);
	}
	if (r == -ETIMEDOUT) {
		ck_assert_uint_ge(clock_now_usec(), deadline);
		ck_assert_uint_lt(clock_now_usec(), deadline + MSEC(LATE_MSEC));
	}
	ck_assert_uint_eq(count_fds(), fds);
	scene_clear(&scene);
}

START_TEST(test_dial)
{
	dial_one(&dialled[_i]);
}
END_TEST

START_TEST(test_ipv6)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct resolve_address address = {.length = sizeof(sin6)};
	struct resolve_list list = {.addresses = &address, .count = 1};
	struct dial_attempt attempt;
	size_t winner = 77;
	int fd, listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(&address.address, &sin6, sizeof(sin6));
	/* Where there is no IPv6, the tables above have tried what happens. */
	if (listener < 0 || bind(listener, (struct sockaddr *)&address.address, address.length) < 0)
		return;
	ck_assert_int_eq(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&address.address, &address.length);

	ck_assert_int_eq(dial(&list, CLOCK_NEVER, &attempt, &fd, &winner), 0);
	ck_assert_uint_eq(winner, 0);
	assert_leads_to(fd, &address);
}
END_TEST

/* Has a process of its own make room in the queue of a listener, later. */
static pid_t accept_later(int listener, unsigned int msec)
{
	struct timespec delay = {.tv_nsec = (long)msec * 1000000L};
	pid_t pid = fork();

	if (pid == 0) {
		nanosleep(&delay, NULL);
		accept(listener, NULL, NULL);
		/* Both ends stay as they are until the test is over. */
		pause();
	}
	return pid;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* An attempt goes on while later ones are made: here its SYN is sent again after a second. */
START_TEST(test_slow_first_wins)
{
	struct scene scene;
	struct dial_attempt attempts[2];
	char outcomes[3];
	size_t winner = 77, fds;
	pid_t helper;
	int fd;

	scene_make("hh", &scene);
	fds = count_fds();
	helper = accept_later(scene.fds[0], DIAL_STAGGER_MSEC + 100);
	ck_assert_int_eq(
		dial(&scene.list, clock_now_usec() + MSEC(PATIENCE_MSEC), attempts, &fd, &winner),
		0);
	spell(attempts, 2, outcomes);
	ck_assert_str_eq(outcomes, "CO");
	ck_assert_uint_eq(winner, 0);
	assert_leads_to(fd, &scene.addresses[0]);
	ck_assert_uint_eq(count_fds(), fds + 1);
	end_process(helper);
}
END_TEST

/* On a UNIX socket a full queue is waited for too. */
START_TEST(test_unix_queue_gets_room)
{
	struct scene scene;
	struct dial_attempt attempt;
	size_t winner = 77;
	pid_t helper;
	int fd;

	scene_make("H", &scene);
	helper = accept_later(scene.fds[0], 100);
	ck_assert_int_eq(
		dial(&scene.list, clock_now_usec() + MSEC(PATIENCE_MSEC), &attempt, &fd, &winner),
		0);
	ck_assert_uint_eq(winner, 0);
	assert_leads_to(fd, &scene.addresses[0]);
	ck_assert_uint_lt(attempt.ended_usec - attempt.started_usec, MSEC(100 + LATE_MSEC));
	close(fd);
	end_process(helper);
	scene_clear(&scene);
}
END_TEST

/* Waiting is done asleep. */
START_TEST(test_waiting_costs_nothing)
{
	static const char *const kinds[] = {"h", "H", "hH"};
	struct scene scene;
	struct dial_attempt attempts[2];
	size_t winner;
	clock_t before;
	int fd;

	scene_make(kinds[_i], &scene);
	before = clock();
	ck_assert_int_eq(dial(&scene.list, clock_now_usec() + MSEC(500), attempts, &fd, &winner),
			 -ETIMEDOUT);
	ck_assert_int_lt(clock() - before, CLOCKS_PER_SEC / 4);
	scene_clear(&scene);
}
END_TEST

/* Has a SIGINT come while it waits, or just before: no sooner is it let in (wait.h). */
static void interrupt(int number)
{
	(void)number;
	raise(SIGINT);
}

START_TEST(test_interrupted)
{
	static const char *const kinds[] = {"h", "H"};
	struct sigaction action = {.sa_handler = interrupt};
	struct itimerval soon = {.it_value.tv_usec = 50000};
	struct scene scene;
	struct dial_attempt attempt;
	size_t winner = 77, fds;
	int fd = -77, r;

	scene_make(kinds[_i], &scene);
	fds = count_fds();
	wait_catch_signals();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	r = dial(&scene.list, clock_now_usec() + MSEC(PATIENCE_MSEC), &attempt, &fd, &winner);
	ck_assert_msg(r == -EINTR, "%s: %d, not -EINTR", kinds[_i], r);
	ck_assert_int_eq(fd, -77);
	ck_assert_uint_eq(winner, 77);
	ck_assert_int_ne((int)attempt.outcome, DIAL_PENDING);
	ck_assert_uint_eq(count_fds(), fds);
	scene_clear(&scene);
}
END_TEST

static void ignore(int number)
{
	(void)number;
}

/* Any other signal changes nothing. */
START_TEST(test_other_signals)
{
	struct sigaction action = {.sa_handler = ignore};
	struct itimerval often = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
	struct itimerval off = {0};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	dial_one(&(struct dialled){"hhg", PATIENCE_MSEC, 0, 2, "OOC", 0});
	dial_one(&(struct dialled){"H", 100, -ETIMEDOUT, 0, "T", 0});
	setitimer(ITIMER_REAL, &off, NULL);
}
END_TEST

/* Our own shortage: that says nothing about the other addresses, which are not tried. */
START_TEST(test_no_descriptors)
{
	struct scene scene;
	struct dial_attempt attempts[2];
	struct rlimit before, none;
	size_t winner = 77;
	int fd = -77, r, lowest;

	scene_make("gG", &scene);
	lowest = dup(STDERR_FILENO);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &none);
	r = dial(&scene.list, clock_now_usec() + MSEC(PATIENCE_MSEC), attempts, &fd, &winner);
	setrlimit(RLIMIT_NOFILE, &before);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_int_eq(fd, -77);
	ck_assert_uint_eq(winner, 77);
	ck_assert_int_eq((int)attempts[0].outcome, DIAL_FAILED);
	ck_assert_int_eq(attempts[0].error, EMFILE);
	ck_assert_int_eq((int)attempts[1].outcome, DIAL_FAILED);
	ck_assert_int_eq(attempts[1].error, EMFILE);
	scene_clear(&scene);
}
END_TEST

static Suite *dial_suite(void)
{
	Suite *suite = suite_create("dial");
	TCase *dialling = tcase_create("dialling");

	tcase_set_timeout(dialling, 60);
	tcase_add_loop_test(dialling, test_dial, 0, UNIT_COUNT(dialled));
	tcase_add_test(dialling, test_ipv6);
	tcase_add_test(dialling, test_slow_first_wins);
	tcase_add_test(dialling, test_unix_queue_gets_room);
	tcase_add_loop_test(dialling, test_waiting_costs_nothing, 0, 3);
	tcase_add_loop_test(dialling, test_interrupted, 0, 2);
	tcase_add_test(dialling, test_other_signals);
	tcase_add_test(dialling, test_no_descriptors);
	suite_add_tcase(suite, dialling);
	return suite;
}

int main(void)
{
	return unit_run(dial_suite());
}
