/* SPDX-License-Identifier: MIT */
/* datagram_harness - datagram sockets with failing system calls and made-up control data */
#ifndef HELLOD_TEST_DATAGRAM_HARNESS_H
#define HELLOD_TEST_DATAGRAM_HARNESS_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>

#include "../unit.h"
#include "hellod/datagram.h"

/* The sockets are real. For one file of a program to include. */

#define FRAME_BYTES 7
#define LONG_BYTES (FRAME_BYTES + 1)
#define UDP_BYTES_MAX 65507

/* System calls: how many were made, and how many of the next ones fail. */
enum call { SENDMMSG, RECVMMSG, SETSOCKOPT, EPOLL_CREATE1, EPOLL_CTL, EPOLL_WAIT, CALLS };
static unsigned calls[CALLS], failures[CALLS];
static int errors[CALLS];
static unsigned send_max = DATAGRAM_BATCH; /* a call sends at most this many */
static unsigned offered;		   /* to the last call that did not fail */

/* Control data of a request instead of the kernel's; and the header of the last answer. */
static const struct msghdr *told;
static struct msghdr answer;
static char answer_control[256];

static void let_fail(enum call call, int error, unsigned times)
{
	errors[call] = error;
	failures[call] = times;
}

static bool fails(enum call call)
{
	calls[call]++;
	if (failures[call] == 0)
		return false;
	failures[call]--;
	errno = errors[call];
	return true;
}

/* As the kernel might, but so that a sanitizer sees it. */
static void overwrite(struct msghdr *header)
{
	memset(header->msg_name, 0, header->msg_namelen);
	for (size_t i = 0; i < header->msg_iovlen; i++)
		memset(header->msg_iov[i].iov_base, 0, header->msg_iov[i].iov_len);
	if (header->msg_control != NULL)
		memset(header->msg_control, 0, header->msg_controllen);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	int n;

	ck_assert_int_eq(flags, MSG_DONTWAIT | MSG_TRUNC);
	for (unsigned i = 0; i < count; i++)
		overwrite(&messages[i].msg_hdr);
	n = fails(RECVMMSG) ? -1 : (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
	if (n > 0 && told != NULL) {
		struct msghdr *header = &messages[0].msg_hdr;

		memcpy(header->msg_control, told->msg_control, told->msg_controllen);
		header->msg_controllen = told->msg_controllen;
		header->msg_flags = told->msg_flags;
	}
	return n;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	ck_assert_int_eq(flags, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (fails(SENDMMSG))
		return -1;
	answer = messages[0].msg_hdr;
	offered = count;
	if (answer.msg_controllen > 0)
		memcpy(answer_control, answer.msg_control, answer.msg_controllen);
	return (int)syscall(SYS_sendmmsg, fd, messages, count < send_max ? count : send_max, flags);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	return fails(SETSOCKOPT) ? -1
				 : (int)syscall(SYS_setsockopt, fd, level, name, value, length);
}

int epoll_create1(int flags)
{
	return fails(EPOLL_CREATE1) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	return fails(EPOLL_CTL) ? -1 : (int)syscall(SYS_epoll_ctl, epoll_fd, operation, fd, event);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_msec)
{
	ck_assert_int_eq(timeout_msec, 0);
	return fails(EPOLL_WAIT) ? -1 : epoll_pwait(fd, events, max, timeout_msec, NULL);
}

static int epoll_fd = -1, server_fd, client_fd;
static struct datagram_counts counts;
static struct greeting *greeting;

static void make_greeting(size_t length)
{
	greeting_unref(greeting);
	greeting = greeting_new(length);
	ck_assert_ptr_nonnull(greeting);
	greeting->length = length;
	memset(greeting->frame, 'F', length);
}

/* Makes a socket with an address that the kernel chooses: autobind in unix(7), or loopback. */
static int bound(int family)
{
	struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t length = sizeof(sa_family_t);

	ck_assert_int_ge(fd, 0);
	if (family == AF_INET) {
		((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		length = sizeof(struct sockaddr_in);
	} else if (family == AF_INET6) {
		((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
		length = sizeof(struct sockaddr_in6);
	}
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
	return fd;
}

static void connect_to(int fd, int server)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
}

/* A server with one socket, a greeting, and a client. */
static void serve(int family)
{
	make_greeting(FRAME_BYTES);
	server_fd = bound(family);
	client_fd = bound(family);
	connect_to(client_fd, server_fd);
	ck_assert_int_eq(datagram_take(server_fd, &epoll_fd), 1);
}

static void ask(size_t length)
{
	static char zeros[UDP_BYTES_MAX + 1];

	unit_datagram_send(client_fd, server_fd, zeros, length);
}

/* Asserts the result and the counts of one call, and that the client gets the answers. */
static void assert_answered(int result, unsigned received, unsigned answered)
{
	struct datagram_counts before = counts;
	char frame[FRAME_BYTES + 1];

	errno = ENOTTY; /* that of an earlier call says nothing */
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), result);
	ck_assert_uint_eq(counts.received - before.received, received);
	ck_assert_uint_eq(counts.answered - before.answered, answered);
	for (unsigned i = 0; i < answered; i++) {
		unit_await_input(client_fd);
		ck_assert_int_eq(recv(client_fd, frame, sizeof(frame), 0), FRAME_BYTES);
		ck_assert_mem_eq(frame, greeting->frame, FRAME_BYTES);
	}
	ck_assert_int_eq(recv(client_fd, frame, sizeof(frame), 0), -1);
}

#endif
