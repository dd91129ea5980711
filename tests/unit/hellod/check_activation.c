/* SPDX-License-Identifier: MIT */
/* activation - what systemd passed: connections or listeners */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

#include <systemd/sd-daemon.h>

#include "../unit.h"
#include "hellod/activation.h"

#define FIRST_FD 3   /* of the passed descriptors: sd_listen_fds(3) */
#define OTHER_FD 100 /* of all others */
#define PASSED_MAX 3

/* Which of the next calls of sd_is_socket() fails, or 0. */
static int examine_failure;

int sd_is_socket(int fd, int family, int type, int listening)
{
	__typeof__(&sd_is_socket) real =
		(__typeof__(&sd_is_socket))dlsym(RTLD_NEXT, "sd_is_socket");

	return examine_failure > 0 && --examine_failure == 0 ? -ENOMEM
							     : real(fd, family, type, listening);
}

static bool has(const char *words, const char *word)
{
	return strstr(words, word) != NULL;
}

/* Makes a "device", a "closed" descriptor, or a socket, and does to it what the words say. */
static int make(const char *words)
{
	int family = has(words, "tcp") || has(words, "udp") ? AF_INET : AF_UNIX;
	int type = has(words, "udp") || has(words, "datagram") ? SOCK_DGRAM
		   : has(words, "seqpacket")		       ? SOCK_SEQPACKET
							       : SOCK_STREAM;
	struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
	/* With only a family the kernel chooses the name of a UNIX socket: autobind in unix(7). */
	socklen_t length = family == AF_UNIX ? sizeof(sa_family_t) : sizeof(struct sockaddr_in);
	int fd, peer;

	if (has(words, "device") || strcmp(words, "closed") == 0)
		return has(words, "device") ? open("/dev/null", O_RDWR) : -1;
	if (has(words, "connected")) {
		unit_pair(family, 0, &fd, &peer);
		if (has(words, "written"))
			ck_assert_int_eq(write(peer, "hello?", 6), 6);
		if (has(words, "half-closed"))
			shutdown(peer, SHUT_WR);
		if (has(words, "gone"))
			close(peer);
		if (has(words, "reset"))
			unit_reset(peer);
		return fd;
	}
	fd = socket(family, type, 0);
	if (has(words, "bound") || has(words, "listening"))
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
	if (has(words, "listening"))
		ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static struct activation activation;
static char *why;

/* Receives the descriptors of a list, with one variable of the environment changed, or NULL. */
static int receive(const char *list, const char *variable)
{
	int made[PASSED_MAX] = {-1, -1, -1}, replaced[PASSED_MAX], n = 0, r;
	char own_pid[32], own_count[32], *words, *end, *copy = strdup(list);

	for (words = strtok_r(copy, ",", &end); words != NULL; words = strtok_r(NULL, ",", &end))
		made[n++] = fcntl(make(words), F_DUPFD, OTHER_FD);
	free(copy);
	snprintf(own_pid, sizeof(own_pid), "%ld", (long)getpid());
	snprintf(own_count, sizeof(own_count), "%d", n);
	setenv("LISTEN_PID", own_pid, 1);
	setenv("LISTEN_FDS", own_count, 1);
	setenv("LISTEN_FDNAMES", "connection", 1);
	if (variable != NULL) {
		char name[16];

		ck_assert_int_eq(sscanf(variable, "%15[^=]", name), 1);
		setenv(name, strchr(variable, '=') + 1, 1);
	}
	memset(&activation, 0x5A, sizeof(activation));
	/* Check uses these descriptors, too. */
	for (int i = 0; i < PASSED_MAX; i++) {
		replaced[i] = fcntl(FIRST_FD + i, F_DUPFD, OTHER_FD);
		close(FIRST_FD + i);
		dup2(made[i], FIRST_FD + i);
	}
	r = activation_receive(&activation, &why);
	for (int i = 0; i < PASSED_MAX; i++) {
		close(FIRST_FD + i);
		dup2(replaced[i], FIRST_FD + i);
	}
	ck_assert_ptr_null(getenv("LISTEN_PID"));
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_ptr_null(getenv("LISTEN_FDNAMES"));
	if (r == 0)
		ck_assert_int_eq(activation.fd_count,
				 activation.kind == ACTIVATION_NOTHING ? 0 : n);
	return r;
}

static const char *const usable[] = {"tcp connected",
				     "tcp connected half-closed",
				     "tcp connected gone",
				     "tcp connected written gone",
				     "tcp connected reset",
				     "tcp connected written reset",
				     "unix connected",
				     "unix connected gone, tcp connected reset, tcp connected",
				     "tcp listening",
				     "unix listening, tcp listening, tcp listening",
				     "udp bound",
				     "datagram bound, udp bound",
				     "udp bound, tcp listening",
				     "tcp listening, udp bound, datagram bound"};

START_TEST(sockets_have_a_kind)
{
	bool listening = has(usable[_i], "listening") || has(usable[_i], "bound");

	ck_assert_int_eq(receive(usable[_i], NULL), 0);
	ck_assert_int_eq((int)activation.kind,
			 listening ? ACTIVATION_LISTENERS : ACTIVATION_CONNECTIONS);
	ck_assert_int_eq(activation.first_fd, FIRST_FD);
}
END_TEST

START_TEST(sockets_of_another_process_are_left)
{
	ck_assert_int_eq(receive("tcp connected", "LISTEN_PID=1"), 0);
	ck_assert_int_eq((int)activation.kind, ACTIVATION_NOTHING);
	/* Now nothing is passed at all. */
	ck_assert_int_eq(activation_receive(&activation, &why), 0);
	ck_assert_int_eq((int)activation.kind, ACTIVATION_NOTHING);
}
END_TEST

/* Nothing is written but one line, which begins so. */
static void assert_refused(const char *start)
{
	ck_assert_int_eq(activation.fd_count, 0x5A5A5A5A);
	ck_assert_ptr_null(strchr(why, '\n'));
	ck_assert_msg(strncmp(why, start, strlen(start)) == 0, "'%s' is not '%s'", why, start);
	free(why);
}

#define NEITHER "file descriptor 3: a socket that neither listens nor is connected; "
#define NEITHER_TYPE "file descriptor 3: neither a stream nor a datagram socket; "

static const struct {
	const char *passed, *start;
} unusable[] = {
	{"tcp", NEITHER},
	{"tcp bound", NEITHER},
	{"unix", NEITHER},
	{"unix bound", NEITHER},
	{"seqpacket", NEITHER_TYPE},
	{"seqpacket listening", NEITHER_TYPE},
	{"device", "file descriptor 3: not a socket; "},
	{"unix connected, tcp, udp", "file descriptor 4: a socket that neither listens nor "},
	{"unix connected, tcp listening", "file descriptor 4: a listening socket among conn"},
	{"unix connected, udp bound", "file descriptor 4: a datagram socket among connecti"},
	{"datagram bound, unix connected", "file descriptor 4: a connection among listening "},
	{"tcp listening, tcp connected", "file descriptor 4: a connection among listening "},
	{"tcp listening, tcp listening, device", "file descriptor 5: not a socket; "},
};

START_TEST(other_descriptors_are_refused)
{
	ck_assert_int_eq(receive(unusable[_i].passed, NULL), -EINVAL);
	ck_assert(has(why, "; pass connections with Accept=yes, or ") &&
		  has(why, ": see hello.socket(8)"));
	assert_refused(unusable[_i].start);
}
END_TEST

/* By each of the questions. */
START_TEST(failed_examination_is_told)
{
	examine_failure = _i + 1;
	ck_assert_int_eq(receive("tcp connected", NULL), -ENOMEM);
	assert_refused("file descriptor 3: Cannot allocate memory; ");
}
END_TEST

START_TEST(closed_descriptor_is_refused)
{
	ck_assert_int_eq(receive(_i == 0 ? "closed" : "tcp connected,closed", NULL), -EBADF);
	assert_refused("");
}
END_TEST

START_TEST(malformed_environment_is_refused)
{
	static const char *const variables[] = {
		"LISTEN_FDS=99999999999", "LISTEN_FDS=2147483647", "LISTEN_FDS=-1", "LISTEN_FDS=1x",
		"LISTEN_FDS=x",		  "LISTEN_FDS=",	   "LISTEN_PID=x",  "LISTEN_PID="};

	ck_assert_int_eq(receive("tcp connected", variables[_i]), _i == 0 ? -ERANGE : -EINVAL);
	assert_refused("$LISTEN_PID, $LISTEN_FDS: ");
}
END_TEST

int main(void)
{
	return UNIT_RUN("activation", {sockets_have_a_kind, UNIT_COUNT(usable)},
			{sockets_of_another_process_are_left, 1},
			{other_descriptors_are_refused, UNIT_COUNT(unusable)},
			{failed_examination_is_told, 4}, {closed_descriptor_is_refused, 2},
			{malformed_environment_is_refused, 8});
}
