/* SPDX-License-Identifier: MIT */
/* unit - helpers of the unit tests */
#ifndef HELLOD_UNIT_H
#define HELLOD_UNIT_H

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <limits.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Number of elements of a table. */
#define UNIT_COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

/* A string literal and its length: it may contain NULs, and the one at its end does not count. */
#define UNIT_BYTES(literal) (literal), sizeof(literal) - 1

/* Initial value of an output, to detect whether a function has written it. */
#define UNIT_UNTOUCHED ((size_t)0xABCDEF01)

/*
 * Returns a copy on the heap, of exactly `length` bytes, so that a sanitizer finds accesses past
 * its end. The caller frees it.
 */
static inline void *unit_copy(const void *bytes, size_t length)
{
	void *copy = malloc(length);

	ck_assert_msg(copy != NULL || length == 0, "out of memory");
	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

/* Returns a socket that listens on 127.0.0.1, on a port chosen by the kernel. */
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

/* Waits for input, which the loopback interface may deliver late, or for an error. */
static inline void unit_await_input(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&polled, 1, -1), 1);
}

/* Waits for the peer's end of the stream, or its reset. */
static inline void unit_await_end(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLRDHUP};

	ck_assert_int_eq(poll(&polled, 1, -1), 1);
}

/* The length of a listening socket's accept queue, or UINT_MAX under qemu, which leaves it out. */
static inline unsigned unit_tcp_queue(int listen_fd)
{
	struct tcp_info info = {.tcpi_unacked = UINT_MAX};
	socklen_t length = sizeof(info);

	ck_assert_int_eq(getsockopt(listen_fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
	return info.tcpi_unacked;
}

/*
 * Connects to that socket, which nothing accepts from meanwhile. `receive_bytes` is SO_RCVBUF; 0
 * leaves it to the kernel. The connection is in the queue, where it may come after connect(2).
 */
static inline int unit_tcp_connect(int listen_fd, int receive_bytes)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned before = unit_tcp_queue(listen_fd);

	ck_assert_int_ge(fd, 0);
	/* Before connect(), because the handshake announces the receive window. */
	if (receive_bytes > 0)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
					    sizeof(receive_bytes)),
				 0);
	ck_assert_int_eq(getsockname(listen_fd, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
	while (before != UINT_MAX && unit_tcp_queue(listen_fd) == before)
		usleep(100);
	unit_await_input(listen_fd);
	return fd;
}

/* The memory of what a socket has received. UNIX sockets do not count it. */
static inline uint32_t unit_received_bytes(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(memory);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length), 0);
	return memory[SK_MEMINFO_RMEM_ALLOC];
}

/*
 * Sends a datagram from a connected socket. It is in the queue of the other one, where UDP's may
 * come after send(2).
 */
static inline void unit_datagram_send(int fd, int to_fd, const void *bytes, size_t length)
{
	uint32_t before = unit_received_bytes(to_fd);
	int family = 0;
	socklen_t family_length = sizeof(family);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &family_length), 0);
	ck_assert_int_eq(sendto(fd, bytes, length, 0, NULL, 0), (ssize_t)length);
	while (family != AF_UNIX && unit_received_bytes(to_fd) == before)
		usleep(100);
}

/*
 * Makes a connection. `buffer_bytes` limits its buffers, which then hold a few times as much; 0
 * leaves them to the kernel.
 */
static inline void unit_pair(int family, int buffer_bytes, int *ret_ours, int *ret_peer)
{
	if (family == AF_UNIX) {
		int fds[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		*ret_ours = fds[0];
		*ret_peer = fds[1];
	} else {
		int listen_fd = unit_tcp_listen();

		*ret_peer = unit_tcp_connect(listen_fd, buffer_bytes);
		*ret_ours = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ge(*ret_ours, 0);
		close(listen_fd);
	}
	if (buffer_bytes > 0)
		ck_assert_int_eq(setsockopt(*ret_ours, SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
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

/* Returns the number of entries of a directory, such as /proc/self/fd. */
static inline size_t unit_count_entries(const char *path)
{
	DIR *directory = opendir(path);
	size_t count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

/* Replaces a standard stream for the rest of the process. */
static inline void unit_capture(int fd)
{
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(dup2(fileno(file), fd), fd);
	fclose(file);
}

/* Takes what was printed to a captured stream since the last time, as a string. */
static inline void unit_take(int fd, char *ret_printed, size_t size)
{
	fflush(NULL);
	memset(ret_printed, 0, size);
	ck_assert_int_ge(pread(fd, ret_printed, size - 1, 0), 0);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
}

/* A test from START_TEST(), which runs for _i from 0 to count - 1. */
struct unit_test {
	const TTest *test;
	int count;
};

/* Seconds for a test, in place of Check's 4, because a machine may be busy. */
#define UNIT_TIMEOUT_SEC "60"

/*
 * Runs tests as a suite, with the options in the environment variables of Check. Returns the exit
 * status: return UNIT_RUN("name", {test, 1}, {loop_test, UNIT_COUNT(table)});
 */
#define UNIT_RUN(name, ...) unit_run(name, (const struct unit_test[]){__VA_ARGS__, {NULL, 0}})

static inline int unit_run(const char *name, const struct unit_test *tests)
{
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	TCase *tcase;
	int failed;

	setenv("CK_DEFAULT_TIMEOUT", UNIT_TIMEOUT_SEC, 0);
	tcase = tcase_create(name);
	for (; tests->test != NULL; tests++)
		tcase_add_loop_test(tcase, tests->test, 0, tests->count);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
