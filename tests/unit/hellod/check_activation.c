/* SPDX-License-Identifier: MIT */
/* activation - what systemd passed: connections or listeners */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../unit.h"
#include "hellod/activation.h"

/* sd_listen_fds(3): passed sockets are numbered from here. */
#define FIRST_FD 3

/* Other file descriptors are kept out of the way, from here on. */
#define KEPT_FD 100

#define PASSED_MAX 4

enum passed {
	END, /* of the list */
	/* Connections. */
	TCP,
	TCP_HALF_CLOSED, /* by the peer, */
	TCP_CLOSED,	 /* who then went away */
	TCP_TALKED,	 /* or first left something to read, */
	TCP_RESET,	 /* or did not say goodbye */
	TCP_TALKED_RESET,
	UNIX,
	UNIX_CLOSED,
	/* Listeners. */
	TCP_LISTENING,
	UNIX_LISTENING,
	/* Stream sockets that are neither. */
	TCP_NEW,
	TCP_BOUND,
	UNIX_NEW,
	UNIX_BOUND,
	/* No stream sockets. */
	UDP,
	UDP_CONNECTED,
	UNIX_DATAGRAM,
	UNIX_SEQPACKET,
	UNIX_SEQPACKET_LISTENING,
	/* No sockets. */
	PIPE,
	DEVICE,
	NOT_OPEN,
};

/* What came of it: the process that tries it tells the one that judges. */
struct outcome {
	int result;
	struct activation activation;
	bool has_why;
	char why[512];
	bool environment_is_left;
};

static struct outcome *outcome;

static void set_up(void)
{
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	ck_assert_ptr_ne(outcome, MAP_FAILED);
}

static void tear_down(void)
{
	munmap(outcome, sizeof(*outcome));
}

static int bound(int family, int type)
{
	struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
	/* No more than the family has the kernel choose a name: autobind in unix(7), ip(7). */
	socklen_t length = family == AF_UNIX ? sizeof(sa_family_t) : sizeof(struct sockaddr_in);
	int fd = socket(family, type, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
	return fd;
}

static int listening(int family, int type)
{
	int fd = bound(family, type);

	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static int udp_connected(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), other = bound(AF_INET, SOCK_DGRAM);

	ck_assert_int_eq(getsockname(other, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
	return fd;
}

/* A connection whose peer has done these things by now. */
static int connection(int family, bool talked, bool half_closed, bool closed, bool reset)
{
	int ours, peer;

	unit_pair(family, 0, &ours, &peer);
	if (talked)
		ck_assert_int_eq(write(peer, "hello?", 6), 6);
	if (half_closed)
		shutdown(peer, SHUT_WR);
	if (closed)
		close(peer);
	if (reset)
		unit_reset(peer);
	return ours;
}

static int make(enum passed passed)
{
	int fds[2];

	switch (passed) {
	case TCP:
		return connection(AF_INET, false, false, false, false);
	case TCP_HALF_CLOSED:
		return connection(AF_INET, false, true, false, false);
	case TCP_CLOSED:
		return connection(AF_INET, false, false, true, false);
	case TCP_TALKED:
		return connection(AF_INET, true, false, true, false);
	case TCP_RESET:
		return connection(AF_INET, false, false, false, true);
	case TCP_TALKED_RESET:
		return connection(AF_INET, true, false, false, true);
	case UNIX:
		return connection(AF_UNIX, false, false, false, false);
	case UNIX_CLOSED:
		return connection(AF_UNIX, false, false, true, false);
	case TCP_LISTENING:
		return listening(AF_INET, SOCK_STREAM);
	case UNIX_LISTENING:
		return listening(AF_UNIX, SOCK_STREAM);
	case TCP_NEW:
		return socket(AF_INET, SOCK_STREAM, 0);
	case TCP_BOUND:
		return bound(AF_INET, SOCK_STREAM);
	case UNIX_NEW:
		return socket(AF_UNIX, SOCK_STREAM, 0);
	case UNIX_BOUND:
		return bound(AF_UNIX, SOCK_STREAM);
	case UDP:
		return bound(AF_INET, SOCK_DGRAM);
	case UDP_CONNECTED:
		return udp_connected();
	case UNIX_DATAGRAM:
		return bound(AF_UNIX, SOCK_DGRAM);
	case UNIX_SEQPACKET:
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		return fds[0];
	case UNIX_SEQPACKET_LISTENING:
		return listening(AF_UNIX, SOCK_SEQPACKET);
	case PIPE:
		ck_assert_int_eq(pipe(fds), 0);
		return fds[0];
	case DEVICE:
		return open("/dev/null", O_RDWR);
	case NOT_OPEN:
	case END:
		break;
	}
	return -1;
}

static void receive_in_child(const int *fds, int count, const char *listen_pid,
			     const char *listen_fds)
{
	char own_pid[32], *why = NULL;

	for (int fd = FIRST_FD; fd < KEPT_FD; fd++)
		close(fd);
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			dup2(fds[i], FIRST_FD + i);
	snprintf(own_pid, sizeof(own_pid), "%ld", (long)getpid());
	if (listen_pid != NULL)
		setenv("LISTEN_PID", strcmp(listen_pid, "own") == 0 ? own_pid : listen_pid, 1);
	if (listen_fds != NULL)
		setenv("LISTEN_FDS", listen_fds, 1);
	setenv("LISTEN_FDNAMES", "connection", 1);

	memset(outcome, 0x5A, sizeof(*outcome));
	outcome->result = activation_receive(&outcome->activation, &why);
	outcome->has_why = why != NULL;
	snprintf(outcome->why, sizeof(outcome->why), "%s", why != NULL ? why : "");
	outcome->environment_is_left = getenv("LISTEN_PID") != NULL ||
				       getenv("LISTEN_FDS") != NULL ||
				       getenv("LISTEN_FDNAMES") != NULL;
	free(why);
}

/*
 * In a process of its own, in which nothing of Check may be used: it writes to a file whose
 * number is now that of a socket.
 */
static void receive(const enum passed *passed, const char *listen_pid, const char *listen_fds)
{
	int fds[PASSED_MAX], count = 0, status;
	pid_t child;

	for (; passed[count] != END; count++)
		fds[count] = fcntl(make(passed[count]), F_DUPFD, KEPT_FD);
	child = fork();
	if (child == 0) {
		receive_in_child(fds, count, listen_pid, listen_fds);
		_exit(EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert(!outcome->environment_is_left);
}

static void assert_received(enum activation_kind kind, int count)
{
	ck_assert_int_eq(outcome->result, 0);
	ck_assert(!outcome->has_why);
	ck_assert_int_eq((int)outcome->activation.kind, (int)kind);
	ck_assert_int_eq(outcome->activation.fd_count, count);
	if (count > 0)
		ck_assert_int_eq(outcome->activation.first_fd, FIRST_FD);
}

static void assert_refused(int result, const char *said)
{
	struct activation untouched;

	memset(&untouched, 0x5A, sizeof(untouched));
	ck_assert_int_eq(outcome->result, result);
	ck_assert_mem_eq(&outcome->activation, &untouched, sizeof(untouched));
	ck_assert(outcome->has_why);
	ck_assert_ptr_null(strchr(outcome->why, '\n'));
	ck_assert_msg(strstr(outcome->why, said) != NULL, "'%s' is not in '%s'", said,
		      outcome->why);
}

static void receive_all(const enum passed *passed)
{
	int count = 0;
	char fds[16];

	while (passed[count] != END)
		count++;
	snprintf(fds, sizeof(fds), "%d", count);
	receive(passed, "own", fds);
}

static const struct {
	enum passed passed[PASSED_MAX];
	enum activation_kind kind;
	int count;
} usable[] = {
	{{TCP}, ACTIVATION_CONNECTIONS, 1},
	{{TCP_HALF_CLOSED}, ACTIVATION_CONNECTIONS, 1},
	{{TCP_CLOSED}, ACTIVATION_CONNECTIONS, 1},
	{{TCP_TALKED}, ACTIVATION_CONNECTIONS, 1},
	{{TCP_RESET}, ACTIVATION_CONNECTIONS, 1},
	{{TCP_TALKED_RESET}, ACTIVATION_CONNECTIONS, 1},
	{{UNIX}, ACTIVATION_CONNECTIONS, 1},
	{{UNIX_CLOSED}, ACTIVATION_CONNECTIONS, 1},
	{{TCP, UNIX}, ACTIVATION_CONNECTIONS, 2},
	{{UNIX_CLOSED, TCP_RESET, TCP}, ACTIVATION_CONNECTIONS, 3},
	{{TCP_LISTENING}, ACTIVATION_LISTENERS, 1},
	{{UNIX_LISTENING}, ACTIVATION_LISTENERS, 1},
	{{UNIX_LISTENING, TCP_LISTENING, TCP_LISTENING}, ACTIVATION_LISTENERS, 3},
};

START_TEST(stream_sockets_are_told_apart)
{
	receive_all(usable[_i].passed);
	assert_received(usable[_i].kind, usable[_i].count);
}
END_TEST

static const struct {
	enum passed passed[PASSED_MAX];
	const char *said;
} useless[] = {
	{{TCP_NEW}, "descriptor 3: a socket that neither listens nor is connected"},
	{{TCP_BOUND}, "descriptor 3: a socket that neither listens nor is connected"},
	{{UNIX_NEW}, "descriptor 3: a socket that neither listens nor is connected"},
	{{UNIX_BOUND}, "descriptor 3: a socket that neither listens nor is connected"},
	{{UDP}, "descriptor 3: not a stream socket"},
	{{UDP_CONNECTED}, "descriptor 3: not a stream socket"},
	{{UNIX_DATAGRAM}, "descriptor 3: not a stream socket"},
	{{UNIX_SEQPACKET}, "descriptor 3: not a stream socket"},
	{{UNIX_SEQPACKET_LISTENING}, "descriptor 3: not a stream socket"},
	{{PIPE}, "descriptor 3: not a socket"},
	{{DEVICE}, "descriptor 3: not a socket"},
	/* It is named which one it is. */
	{{TCP, TCP_BOUND}, "descriptor 4: a socket that neither"},
	{{TCP_LISTENING, UNIX_LISTENING, UDP}, "descriptor 5: not a stream"},
	{{TCP, UNIX_LISTENING}, "descriptor 4: a listening socket among connections"},
	{{TCP_LISTENING, TCP_LISTENING, UNIX}, "descriptor 5: a connection among listening"},
	{{UNIX_CLOSED, TCP_LISTENING}, "descriptor 4: a listening socket among connections"},
};

START_TEST(all_else_is_refused)
{
	receive_all(useless[_i].passed);
	assert_refused(-EINVAL, useless[_i].said);
	assert_refused(-EINVAL, "hello.socket(8)");
}
END_TEST

START_TEST(nothing_is_no_mistake_here)
{
	static const enum passed none[] = {END}, one[] = {TCP, END};
	char other_pid[32];

	receive(none, NULL, NULL);
	assert_received(ACTIVATION_NOTHING, 0);

	/* For another process, and there is a socket: it is left alone. */
	snprintf(other_pid, sizeof(other_pid), "%ld", (long)getpid());
	receive(one, other_pid, "1");
	assert_received(ACTIVATION_NOTHING, 0);
	receive(one, NULL, "1");
	assert_received(ACTIVATION_NOTHING, 0);
}
END_TEST

static const struct {
	const char *pid, *fds;
	int result;
} malformed[] = {
	{"own", "x", -EINVAL},
	{"own", "", -EINVAL},
	{"own", "1x", -EINVAL},
	{"own", "-1", -EINVAL},
	{"own", "2147483647", -EINVAL}, /* INT_MAX: there is no such descriptor */
	{"own", "99999999999", -ERANGE},
	{"x", "1", -EINVAL},
	{"", "1", -EINVAL},
};

START_TEST(malformed_environment_is_refused)
{
	static const enum passed one[] = {TCP, END};

	receive(one, malformed[_i].pid, malformed[_i].fds);
	assert_refused(malformed[_i].result, "$LISTEN_FDS");
}
END_TEST

START_TEST(socket_that_is_not_there_is_refused)
{
	static const enum passed absent[] = {NOT_OPEN, END}, second[] = {TCP, NOT_OPEN, END};

	receive_all(absent);
	assert_refused(-EBADF, "");
	receive_all(second);
	assert_refused(-EBADF, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("activation");
	TCase *tcase = tcase_create("activation");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, stream_sockets_are_told_apart, 0, UNIT_COUNT(usable));
	tcase_add_loop_test(tcase, all_else_is_refused, 0, UNIT_COUNT(useless));
	tcase_add_test(tcase, nothing_is_no_mistake_here);
	tcase_add_loop_test(tcase, malformed_environment_is_refused, 0, UNIT_COUNT(malformed));
	tcase_add_test(tcase, socket_that_is_not_there_is_refused);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
