/* SPDX-License-Identifier: MIT */
/* datagram - requests and answers without a connection */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/un.h>

#include "datagram_harness.h"

static const int families[] = {AF_INET, AF_UNIX, AF_INET6};
static const size_t lengths[] = {
	0, 1, FRAME_BYTES - 1, FRAME_BYTES, LONG_BYTES, 1232, UDP_BYTES_MAX,
};

START_TEST(longer_requests_are_answered)
{
	size_t length = lengths[_i / 3];
	int family = families[_i % 3];

	if (family == AF_INET6 && access("/proc/net/if_inet6", F_OK) < 0)
		return;
	serve(family);
	assert_answered(0, 0, 0);
	ck_assert_uint_eq(calls[RECVMMSG], 0);
	ask(length);
	assert_answered(0, 1, length > FRAME_BYTES);
	ck_assert_uint_eq(calls[SENDMMSG], length > FRAME_BYTES);
	ck_assert_int_eq(answer.msg_controllen > 0, length > FRAME_BYTES && family != AF_UNIX);
}
END_TEST

static const struct {
	const char *request;
	size_t length;
	bool answered;
} frames[] = {
	{"\0\6HELLO!", 8, false}, {"\0\6HELLO!!", 9, true}, {"\0\6HELLO", 7, false},
	{"\0\7HELLO!", 8, true},  {"\1\6HELLO!", 8, true},
};

/* Of another server, which a forged request has made answer to this one. */
START_TEST(frame_is_no_request)
{
	serve(AF_INET);
	unit_datagram_send(client_fd, server_fd, frames[_i].request, frames[_i].length);
	assert_answered(0, 1, frames[_i].answered);
}
END_TEST

/* For each socket. The next call answers the rest. All, or every other one, can be answered. */
START_TEST(batches_are_bounded)
{
	int first_client, nth = _i + 1;

	serve(AF_INET);
	for (int i = 0; i < DATAGRAM_BATCH + 10; i++)
		ask(i % nth == 0 ? LONG_BYTES : 0);
	first_client = client_fd;
	serve(AF_UNIX);
	ask(LONG_BYTES);
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), 0);
	ck_assert_uint_eq(counts.received, DATAGRAM_BATCH + 1);
	ck_assert_uint_eq(counts.answered, (unsigned)(DATAGRAM_BATCH / nth) + 1);
	ck_assert_uint_eq(calls[SENDMMSG], 2);
	ck_assert_uint_eq(calls[RECVMMSG], 2);
	client_fd = first_client;
	for (int i = 0; i < DATAGRAM_BATCH / nth; i++) {
		unit_await_input(client_fd);
		ck_assert_int_eq(recv(client_fd, (char[1]){0}, 1, 0), 1);
	}
	assert_answered(0, 10, 10 / (unsigned)nth);
}
END_TEST

/* More sockets than an iteration takes are ready: the next one takes the others. */
START_TEST(many_sockets_are_answered)
{
	for (int i = 0; i < 20; i++) {
		serve(AF_UNIX);
		ask(LONG_BYTES);
	}
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), 0);
	ck_assert_uint_eq(counts.answered, 16);
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), 0);
	ck_assert_uint_eq(counts.answered, 20);
}
END_TEST

static const int send_errors[] = {
	EAGAIN, ENOBUFS,  ENOMEM,      EPERM,	     EACCES,
	EINVAL, EMSGSIZE, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED,
};

/* The first `_i % 4` of three, with calls that send one each, or all that are left. */
START_TEST(answer_that_cannot_be_sent_is_dropped)
{
	unsigned lost = (unsigned)_i % 4;

	serve(AF_INET);
	send_max = _i % 8 < 4 ? 1 : DATAGRAM_BATCH;
	for (int i = 0; i < 3; i++)
		ask(LONG_BYTES);
	let_fail(SENDMMSG, send_errors[_i / 8], lost);
	assert_answered(0, 3, 3 - lost);
	ck_assert_uint_eq(calls[SENDMMSG], send_max == 1 || lost == 3 ? 3 : lost + 1);
	ck_assert_uint_eq(offered, lost == 3 ? 0 : send_max == 1 ? 1 : 3 - lost);
	ask(LONG_BYTES);
	assert_answered(0, 1, 1);
}
END_TEST

/* Neither a client that does not read, nor one that is gone. */
START_TEST(peer_does_not_hold_up_the_server)
{
	serve(AF_UNIX);
	for (int i = 0; i < 1000; i++) {
		ask(LONG_BYTES);
		ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), 0);
	}
	ck_assert_uint_eq(counts.received, 1000);
	ck_assert_uint_lt(counts.answered, 1000);
	ask(LONG_BYTES);
	close(client_fd);
	client_fd = bound(AF_UNIX);
	connect_to(client_fd, server_fd);
	assert_answered(0, 1, 0);
	ask(LONG_BYTES);
	assert_answered(0, 1, 1);
}
END_TEST

static const struct {
	int error;
	bool is_returned;
} receive_errors[] = {
	{EAGAIN, false}, {EINTR, false}, {ECONNREFUSED, false}, {ENOMEM, true},
	{ENOBUFS, true}, {EACCES, true}, {ENOSYS, true},
};

/* From the first of two sockets. */
START_TEST(receiving_may_fail)
{
	int error = receive_errors[_i].error;

	serve(AF_INET);
	ask(LONG_BYTES);
	serve(AF_INET);
	ask(LONG_BYTES);
	let_fail(RECVMMSG, error, 1);
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts),
			 receive_errors[_i].is_returned ? -error : 0);
	ck_assert_uint_eq(counts.answered, 1);
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), 0);
	ck_assert_uint_eq(counts.received, 2);
}
END_TEST

/* Else the sockets would stay ready, and nothing would be said. */
START_TEST(failed_wait_is_returned)
{
	serve(AF_INET);
	ask(LONG_BYTES);
	let_fail(EPOLL_WAIT, _i == 0 ? EINTR : EBADF, 1);
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), _i == 0 ? 0 : -EBADF);
	assert_answered(0, 1, 1);
}
END_TEST

/* A socket connected to a port that refuses; and one with a queue of errors. */
START_TEST(errors_of_the_network_do_not_last)
{
	struct pollfd polled = {.fd = bound(AF_INET), .events = POLLIN};
	struct sockaddr_in nobody;
	socklen_t length = sizeof(nobody);
	int refuses = bound(AF_INET), on = 1;

	make_greeting(FRAME_BYTES);
	setsockopt(polled.fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	ck_assert_int_eq(getsockname(refuses, (struct sockaddr *)&nobody, &length), 0);
	/* It takes nothing from others, and keeps the port from them. */
	connect_to(refuses, refuses);
	if (_i == 0)
		ck_assert_int_eq(connect(polled.fd, (struct sockaddr *)&nobody, length), 0);
	for (int i = 0; i < 2; i++) {
		if (i == 1)
			ck_assert_int_eq(datagram_take(polled.fd, &epoll_fd), 1);
		sendto(polled.fd, "", 1, 0, (struct sockaddr *)&nobody, length);
		/* Before it is taken, there is an error. */
		if (i == 0 || _i == 0)
			unit_await_input(polled.fd);
		else
			ck_assert_int_eq(poll(&polled, 1, 0), 0);
		if (i == 0)
			recv(polled.fd, &on, sizeof(on), 0);
	}
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), 0);
	ck_assert_int_eq(poll(&polled, 1, 0), 0);
	ck_assert_uint_eq(counts.received, 0);
}
END_TEST

static const struct {
	const char *asked, *spec_dst; /* without the latter: IPv6 */
	bool is_answered;
	int zone;
	size_t cut; /* bytes at the end that did not fit */
} destinations[] = {
	{"127.0.0.1", "127.0.0.1", true, 0, 0},
	{"127.0.0.1", "0.0.0.0", true, 0, 0}, /* received before the server started */
	{"255.255.255.255", "127.0.0.1", false, 0, 0},
	{"224.0.0.1", "127.0.0.1", false, 0, 0},
	{"2001:db8::1", NULL, true, 0, 0},
	{"fe80::1", NULL, true, 9, 0},
	{"ff02::1", NULL, false, 0, 0},
	{"ff0e::1", NULL, false, 0, 0},
	{NULL, NULL, false, 0, 0},
	{NULL, NULL, false, 0, 1}, /* nothing did fit */
	{"127.0.0.1", "127.0.0.1", false, 0, 1},
	{"2001:db8::1", NULL, false, 0, sizeof(struct in6_pktinfo)},
};

static void add_control(struct msghdr *header, int level, int type, const void *data, size_t length)
{
	struct cmsghdr *c = (void *)((char *)header->msg_control + header->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(c), data, length);
	header->msg_controllen += CMSG_SPACE(length);
}

/* Messages that are no address, though they have its level or its number. */
static const struct {
	int level, type;
} others[] = {
	{IPPROTO_IP, IP_TTL},
	{SOL_SOCKET, IP_PKTINFO},
	{IPPROTO_IPV6, IPV6_HOPLIMIT},
	{SOL_SOCKET, IPV6_PKTINFO},
};

/*
 * The address alone; after a time, as with Timestamping=, and others; or after the IPv4-mapped
 * address, as for an IPv4 packet on an IPv6 socket.
 */
START_TEST(answer_leaves_from_the_address_that_was_asked)
{
	union {
		struct cmsghdr alignment;
		char bytes[256];
	} control = {0};
	struct msghdr header = {.msg_control = &control, .msg_flags = MSG_TRUNC};
	const char *asked = destinations[_i / 3].asked, *spec_dst = destinations[_i / 3].spec_dst;
	struct in_pktinfo four = {.ipi_ifindex = 9};
	struct in6_pktinfo six = {.ipi6_ifindex = 9};
	struct timespec now = {1, 1};
	struct cmsghdr *c;
	char text[INET6_ADDRSTRLEN];

	serve(AF_INET);
	if (_i % 3 == 1)
		add_control(&header, SOL_SOCKET, SCM_TIMESTAMPNS, &now, sizeof(now));
	for (int i = 0; _i % 3 == 1 && i < UNIT_COUNT(others); i++)
		add_control(&header, others[i].level, others[i].type, &six, sizeof(six));
	if (_i % 3 == 2 && spec_dst != NULL) {
		snprintf(text, sizeof(text), "::ffff:%s", asked);
		inet_pton(AF_INET6, text, &six.ipi6_addr);
		add_control(&header, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six));
	}
	if (spec_dst != NULL) {
		inet_pton(AF_INET, asked, &four.ipi_addr);
		inet_pton(AF_INET, spec_dst, &four.ipi_spec_dst);
		add_control(&header, IPPROTO_IP, IP_PKTINFO, &four, sizeof(four));
	} else if (asked != NULL) {
		inet_pton(AF_INET6, asked, &six.ipi6_addr);
		add_control(&header, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six));
	}
	header.msg_flags |= destinations[_i / 3].cut > 0 ? MSG_CTRUNC : 0;
	if (asked != NULL) {
		c = (void *)(control.bytes + header.msg_controllen -
			     CMSG_SPACE(spec_dst != NULL ? sizeof(four) : sizeof(six)));
		c->cmsg_len -= destinations[_i / 3].cut;
	}
	told = &header;
	ask(LONG_BYTES);
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), 0);
	ck_assert_uint_eq(calls[SENDMMSG], destinations[_i / 3].is_answered);
	if (calls[SENDMMSG] == 0)
		return;

	/* Nothing else is sent with it. */
	answer.msg_control = answer_control;
	c = CMSG_FIRSTHDR(&answer);
	ck_assert_uint_eq(answer.msg_controllen, c->cmsg_len);
	if (spec_dst != NULL) {
		ck_assert_int_eq(c->cmsg_type, IP_PKTINFO);
		memcpy(&four, CMSG_DATA(c), sizeof(four));
		inet_ntop(AF_INET, &four.ipi_spec_dst, text, sizeof(text));
		ck_assert_int_eq(four.ipi_ifindex, 0);
	} else {
		ck_assert_int_eq(c->cmsg_type, IPV6_PKTINFO);
		memcpy(&six, CMSG_DATA(c), sizeof(six));
		inet_ntop(AF_INET6, &six.ipi6_addr, text, sizeof(text));
		ck_assert_int_eq((int)six.ipi6_ifindex, destinations[_i / 3].zone);
	}
	ck_assert_str_eq(text, asked);
}
END_TEST

/* A sender without an address gets no answer, and no file that is sent is taken. */
START_TEST(unix_clients_pass_nothing)
{
	union {
		struct cmsghdr alignment;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {(char[LONG_BYTES]){0}, LONG_BYTES};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control};
	size_t before;

	serve(AF_UNIX);
	add_control(&header, SOL_SOCKET, SCM_RIGHTS, &server_fd, sizeof(server_fd));
	if (_i == 1) {
		close(client_fd);
		client_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect_to(client_fd, server_fd);
	}
	before = unit_count_entries("/proc/self/fd");
	ck_assert_int_eq(sendmsg(client_fd, &header, 0), LONG_BYTES);
	assert_answered(0, 1, _i == 0);
	ck_assert_uint_eq(calls[SENDMMSG], _i == 0);
	ck_assert_uint_eq(unit_count_entries("/proc/self/fd"), before);
}
END_TEST

START_TEST(longest_frame_is_bounded)
{
	serve(AF_UNIX);
	make_greeting(DATAGRAM_FRAME_BYTES_MAX + (size_t)_i);
	ask(UDP_BYTES_MAX + 1);
	ck_assert_int_eq(datagram_answer(epoll_fd, greeting, &counts), 0);
	ck_assert_uint_eq(counts.received, 1);
	ck_assert_uint_eq(counts.answered, _i == 0);
}
END_TEST

START_TEST(other_sockets_are_left)
{
	ck_assert_int_eq(datagram_take(unit_tcp_listen(), &epoll_fd), 0);
	ck_assert_int_eq(datagram_take(open("/dev/null", O_RDONLY), &epoll_fd), -ENOTSOCK);
	ck_assert_int_eq(epoll_fd, -1);
	ck_assert_uint_eq(calls[SETSOCKOPT], 0);
}
END_TEST

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &length), 0);
	return value;
}

/* Requests tell the address that was asked, and no error lasts: of IPv4 on an IPv6 socket, too. */
START_TEST(options_of_a_taken_socket)
{
	int fd = socket(_i == 0 ? AF_INET : AF_INET6, SOCK_DGRAM, 0), on = 1;

	if (fd < 0 && errno == EAFNOSUPPORT)
		return;
	setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	calls[SETSOCKOPT] = 0;
	ck_assert_int_eq(datagram_take(fd, &epoll_fd), 1);
	ck_assert_uint_eq(calls[SETSOCKOPT], _i == 0 ? 2 : 4);
	ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_PKTINFO), 1);
	ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_RECVERR), 0);
	if (_i == 0)
		return;
	ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
	ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_RECVERR), 0);
}
END_TEST

START_TEST(taking_may_fail)
{
	let_fail((enum call)(SETSOCKOPT + _i), ENOMEM, 1);
	ck_assert_int_eq(datagram_take(bound(AF_INET), &epoll_fd), -ENOMEM);
}
END_TEST

int main(void)
{
	return UNIT_RUN(
		"datagram", {frame_is_no_request, UNIT_COUNT(frames)},
		{longer_requests_are_answered, 3 * UNIT_COUNT(lengths)}, {batches_are_bounded, 2},
		{many_sockets_are_answered, 1}, {options_of_a_taken_socket, 2},
		{answer_that_cannot_be_sent_is_dropped, 8 * UNIT_COUNT(send_errors)},
		{peer_does_not_hold_up_the_server, 1},
		{receiving_may_fail, UNIT_COUNT(receive_errors)}, {failed_wait_is_returned, 2},
		{errors_of_the_network_do_not_last, 2},
		{answer_leaves_from_the_address_that_was_asked, 3 * UNIT_COUNT(destinations)},
		{unix_clients_pass_nothing, 2}, {longest_frame_is_bounded, 2},
		{other_sockets_are_left, 1}, {taking_may_fail, 3});
}
