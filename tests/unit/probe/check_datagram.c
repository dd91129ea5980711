/* SPDX-License-Identifier: MIT */
/* datagram - asking for a frame with a datagram, and asking again */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/un.h>

#include "../unit.h"
#include "common/clock.h"
#include "probe/connect.h"
#include "probe/datagram.h"

#define REQUESTS_MAX 16

#define START_USEC ((uint64_t)USEC_PER_SEC)

/* Replaces the clock: the time passes only while waiting. */
static uint64_t now_usec = START_USEC;

/* The requests that were sent, and when by that clock. */
static struct request {
	uint64_t usec;
	int family;
} requests[REQUESTS_MAX];
static size_t requests_count;

static int send_error, recv_error; /* of the next call, or 0 */
static size_t error_queue_reads;

#define REAL(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

uint64_t clock_now_usec(void)
{
	return now_usec;
}

int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	int r = REAL(ppoll)(polled, count, &(const struct timespec){0}, mask);

	if (r == 0)
		now_usec += (uint64_t)timeout->tv_sec * USEC_PER_SEC +
			    (uint64_t)timeout->tv_nsec / NSEC_PER_USEC;
	return r;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
	struct sockaddr_storage name;
	socklen_t name_length = sizeof(name);

	if (requests_count < REQUESTS_MAX) {
		getsockname(fd, (struct sockaddr *)&name, &name_length);
		requests[requests_count++] = (struct request){now_usec, name.ss_family};
	}
	if (send_error != 0) {
		errno = send_error;
		send_error = 0;
		return -1;
	}
	return REAL(send)(fd, bytes, length, flags);
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	if (flags & MSG_ERRQUEUE)
		error_queue_reads++;
	if (recv_error != 0) {
		errno = recv_error;
		recv_error = 0;
		return -1;
	}
	return REAL(recv)(fd, buffer, length, flags);
}

static int families[] = {AF_INET, AF_INET6, AF_UNIX};

/* Returns a bound datagram socket: on a port, or with an abstract name, chosen by the kernel. */
static int make_server(int family, struct address *ret_address)
{
	const struct sockaddr_in sin = {.sin_family = AF_INET,
					.sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6,
					  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr *name = (struct sockaddr *)&ret_address->storage;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*ret_address =
		(struct address){.storage.ss_family = AF_UNIX, .length = sizeof(sa_family_t)};
	if (family == AF_INET)
		memcpy(name, &sin, ret_address->length = sizeof(sin));
	else if (family == AF_INET6)
		memcpy(name, &sin6, ret_address->length = sizeof(sin6));
	ck_assert_int_eq(bind(fd, name, ret_address->length), 0);
	ret_address->length = sizeof(ret_address->storage);
	ck_assert_int_eq(getsockname(fd, name, &ret_address->length), 0);
	return fd;
}

/* Returns a prepared socket that is connected to it. */
static int make_client(int family, const struct address *to)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to->storage, to->length), 0);
	ck_assert_int_eq(datagram_prepare(fd, family), 0);
	return fd;
}

START_TEST(server_can_answer)
{
	static const size_t lengths[] = {1, DATAGRAM_REQUEST_BYTES_DEFAULT,
					 DATAGRAM_REQUEST_BYTES_MAX};
	static char got[DATAGRAM_REQUEST_BYTES_MAX + 1], zeros[DATAGRAM_REQUEST_BYTES_MAX];
	struct address address;
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	int server = make_server(families[_i], &address);
	int client = make_client(families[_i], &address);

	for (int i = 0; i < UNIT_COUNT(lengths); i++) {
		memset(got, 0xFF, sizeof(got));
		ck_assert_int_eq(datagram_ask(client, lengths[i]), 0);
		ck_assert_int_eq((int)recvfrom(server, got, sizeof(got), 0,
					       (struct sockaddr *)&from, &length),
				 (int)lengths[i]);
		ck_assert_int_eq(memcmp(got, zeros, lengths[i]), 0);
	}
	ck_assert_int_eq(datagram_check(client), 0);
	/* An empty datagram is an answer too. It is left for recv(2). */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
			(int)sendto(server, "A", (size_t)i, 0, (struct sockaddr *)&from, length),
			i);
		unit_await_input(client);
		ck_assert_int_eq(datagram_check(client), 1);
		ck_assert_int_eq(datagram_check(client), 1);
		ck_assert_int_eq((int)recv(client, got, sizeof(got), MSG_DONTWAIT), i);
	}
	ck_assert_int_eq(datagram_check(client), 0);
}
END_TEST

START_TEST(refusal_is_an_error)
{
	struct address address;
	int server = make_server(families[_i], &address);
	int client = make_client(families[_i], &address);

	close(server);
	/* UNIX sockets refuse at once, and ICMP takes its way. */
	if (families[_i] == AF_UNIX) {
		ck_assert_int_eq(datagram_ask(client, 1), -ECONNREFUSED);
		return;
	}
	ck_assert_int_eq(datagram_ask(client, 1), 0);
	unit_await_input(client);
	ck_assert_int_eq(datagram_check(client), -ECONNREFUSED);
	/* Nor does its entry in the error queue end the next wait. */
	ck_assert_int_eq(datagram_check(client), 0);
	ck_assert_int_eq(datagram_ask(client, 1), 0);
	unit_await_input(client);
	ck_assert_int_eq(datagram_ask(client, 1), -ECONNREFUSED);
}
END_TEST

/* UNIX sockets of datagrams have a queue that fills up, as interfaces have. */
START_TEST(full_queue_is_a_loss)
{
	struct address address;
	int client, server = make_server(AF_UNIX, &address);

	client = make_client(AF_UNIX, &address);
	send_error = ENOBUFS;
	ck_assert_int_eq(datagram_ask(client, 1), 0);
	send_error = EPERM;
	ck_assert_int_eq(datagram_ask(client, 1), -EPERM);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(datagram_ask(client, 1000), 0);
	ck_assert_int_eq((int)send(client, "", 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(server);
}
END_TEST

/* tests/blackbox has a router that reports this. */
START_TEST(long_request_is_a_loss)
{
	struct address address;
	int server = make_server(AF_INET, &address), client = make_client(AF_INET, &address);

	recv_error = EMSGSIZE;
	ck_assert_int_eq(datagram_check(client), 0);
	ck_assert_uint_eq(error_queue_reads, 1);
	recv_error = EHOSTUNREACH;
	ck_assert_int_eq(datagram_check(client), -EHOSTUNREACH);
	close(server);
}
END_TEST

/* Addresses that take requests and never answer. */
static const struct {
	size_t count;
	unsigned timeout_msec;
	const char *requests; /* address and milliseconds */
} schedules[] = {
	{1, 900, "0:0"},
	{1, 1000, "0:0"},
	{1, 1001, "0:0 0:1000"},
	{1, 10000, "0:0 0:1000 0:3000 0:7000"},
	{1, 65000, "0:0 0:1000 0:3000 0:7000 0:15000 0:31000 0:63000"},
	/* Each from its own start, a quarter of a second after the last one. */
	{2, 4000, "0:0 1:250 0:1000 1:1250 0:3000 1:3250"},
	{3, 1400, "0:0 1:250 2:500 0:1000 1:1250"},
	/* The deadline is near. */
	{2, 300, "0:0 1:150"},
};

START_TEST(silence_is_asked_again)
{
	struct address addresses[3];
	struct resolve_list list = {addresses, schedules[_i].count};
	struct connect_attempt attempts[3], *connected = NULL;
	unsigned asked[3] = {0};
	char got[256] = "";
	int error;

	for (size_t i = 0; i < list.count; i++)
		make_server(families[i], &addresses[i]);
	ck_assert_int_eq(connect_any(&list, 1,
				     START_USEC + schedules[_i].timeout_msec * USEC_PER_MSEC,
				     attempts, &connected, &error),
			 OUTCOME_TIMED_OUT);
	ck_assert_ptr_null(connected);
	ck_assert_uint_eq(now_usec, START_USEC + schedules[_i].timeout_msec * USEC_PER_MSEC);
	for (size_t i = 0; i < requests_count; i++) {
		size_t to = 0;

		while (families[to] != requests[i].family)
			to++;
		asked[to]++;
		sprintf(got + strlen(got), "%s%zu:%u", i > 0 ? " " : "", to,
			(unsigned)((requests[i].usec - START_USEC) / USEC_PER_MSEC));
	}
	ck_assert_str_eq(got, schedules[_i].requests);
	for (size_t i = 0; i < list.count; i++) {
		ck_assert_int_eq(attempts[i].state, ATTEMPT_TIMED_OUT);
		ck_assert_uint_eq(attempts[i].asked, asked[i]);
	}
}
END_TEST

int main(void)
{
	return UNIT_RUN("datagram", {server_can_answer, UNIT_COUNT(families)},
			{refusal_is_an_error, UNIT_COUNT(families)}, {full_queue_is_a_loss, 1},
			{long_request_is_a_loss, 1},
			{silence_is_asked_again, UNIT_COUNT(schedules)});
}
