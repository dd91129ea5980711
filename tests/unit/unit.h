/* SPDX-License-Identifier: MIT */
/* unit - what the unit tests share */
#ifndef HELLOD_UNIT_H
#define HELLOD_UNIT_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How many cases a table has, for tcase_add_loop_test(). */
#define UNIT_COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

/* A literal as bytes and their number: it may hold NULs, the one at its end does not count. */
#define UNIT_BYTES(literal) (literal), sizeof(literal) - 1

/*
 * A copy on the heap that is not a byte longer, so that a sanitizer sees an access past its end.
 * The caller frees it.
 */
static inline void *unit_copy(const void *bytes, size_t length)
{
	void *copy = malloc(length);

	ck_assert_msg(copy != NULL || length == 0, "out of memory");
	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

/* A socket that listens on a port of 127.0.0.1 that the kernel chose. */
static inline int unit_tcp_listen(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	return fd;
}

/* A client of that socket. A `receive_bytes` of 0 leaves the size of its buffer to the kernel. */
static inline int unit_tcp_connect(int listen_fd, int receive_bytes)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	/* Before it connects, because the first window is announced then. */
	if (receive_bytes > 0)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
					    sizeof(receive_bytes)),
				 0);
	ck_assert_int_eq(getsockname(listen_fd, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
	return fd;
}

/*
 * The two ends of a connection. With `buffer_bytes` other than 0, no more than a few times as
 * much fits between what `*ours` sends and what `*peer` reads.
 */
static inline void unit_pair(int family, int buffer_bytes, int *ours, int *peer)
{
	if (family == AF_UNIX) {
		int fds[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		*ours = fds[0];
		*peer = fds[1];
	} else {
		int listen_fd = unit_tcp_listen();

		*peer = unit_tcp_connect(listen_fd, buffer_bytes);
		*ours = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ge(*ours, 0);
		close(listen_fd);
	}
	if (buffer_bytes > 0)
		ck_assert_int_eq(setsockopt(*ours, SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
					    sizeof(buffer_bytes)),
				 0);
}

/* Closes a TCP socket with a reset instead of a FIN. */
static inline void unit_reset(int fd)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(fd);
}

/* Runs the suite, as the environment variables of Check say. Returns the exit status. */
static inline int unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
