/* SPDX-License-Identifier: MIT */
/* fuzz_request - any requests to hellod by datagrams, with any control data of the kernel */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/frame.h"
#include "fuzz.h"
#include "hellod/datagram.h"

#define FD 5
#define DATA_IS_INET (UINT64_C(1) << 32)
#define MESSAGES_MAX 5

/* A request, as the kernel told of it and as it may be answered. */
static struct request {
	size_t length;
	socklen_t name_length;
	bool answerable;
	unsigned told, good; /* addresses that were asked; those of them that can answer */
	struct in_pktinfo four;
	struct in6_pktinfo six;
} requests[DATAGRAM_BATCH];

static struct fuzz_input script;
static struct greeting *greeting;
static bool is_inet;
static unsigned request_count, next_request, sent;
static int receive_error;

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_msec)
{
	REQUIRE(fd == FD + 1 && max > 0 && timeout_msec == 0);
	events[0] =
		(struct epoll_event){EPOLLIN, {.u64 = (uint64_t)FD | (is_inet ? DATA_IS_INET : 0)}};
	return 1;
}

/* Appends control data as put_cmsg() of Linux does: what does not fit is cut. */
static void put_control(struct msghdr *header, size_t *used, int level, int type, const void *data,
			size_t length)
{
	struct cmsghdr message = {CMSG_LEN(length), level, type};
	size_t left = header->msg_controllen - *used;
	char *to = (char *)header->msg_control + *used;

	if (left < sizeof(message)) {
		header->msg_flags |= MSG_CTRUNC;
		return;
	}
	if (left < message.cmsg_len) {
		header->msg_flags |= MSG_CTRUNC;
		message.cmsg_len = left;
	}
	memcpy(to, &message, sizeof(message));
	memcpy(to + sizeof(message), data, message.cmsg_len - sizeof(message));
	*used += left < CMSG_SPACE(length) ? left : CMSG_SPACE(length);
}

/* Tells the address that was asked, or anything else that sockets can be told to tell. */
static void put_message(struct request *request, struct msghdr *header, size_t *used)
{
	static const char zeros[64];
	unsigned kind = fuzz_byte(&script);

	if (kind % 4 == 0) {
		request->four.ipi_ifindex = (int)fuzz_byte(&script);
		request->four.ipi_spec_dst.s_addr = fuzz_byte(&script);
		request->four.ipi_addr.s_addr = fuzz_byte(&script);
		put_control(header, used, IPPROTO_IP, IP_PKTINFO, &request->four,
			    sizeof(request->four));
		request->told++;
		request->good +=
			!(header->msg_flags & MSG_CTRUNC) &&
			(request->four.ipi_spec_dst.s_addr == 0 ||
			 request->four.ipi_spec_dst.s_addr == request->four.ipi_addr.s_addr);
	} else if (kind % 4 == 1) {
		request->six.ipi6_ifindex = fuzz_byte(&script);
		/* ff00::/8 is multicast, fe80::/10 is link-local. */
		request->six.ipi6_addr.s6_addr[0] = (uint8_t)fuzz_byte(&script);
		request->six.ipi6_addr.s6_addr[1] = (uint8_t)fuzz_byte(&script);
		put_control(header, used, IPPROTO_IPV6, IPV6_PKTINFO, &request->six,
			    sizeof(request->six));
		request->told++;
		request->good += request->six.ipi6_addr.s6_addr[0] != 0xFF;
	} else {
		put_control(header, used, SOL_SOCKET, (int)(kind / 4), zeros, kind / 4);
	}
}

static void receive(struct request *request, struct mmsghdr *message)
{
	struct msghdr *header = &message->msg_hdr;
	uint8_t bytes[FRAME_HEADER_BYTES];
	size_t used = 0;

	*request = (struct request){.length = (size_t)fuzz_number(&script, 2)};
	bytes[0] = (uint8_t)fuzz_byte(&script);
	bytes[1] = (uint8_t)fuzz_byte(&script);
	request->name_length = fuzz_byte(&script) % 32;
	REQUIRE(header->msg_iovlen == 1 && header->msg_iov->iov_len == sizeof(bytes));
	memcpy(header->msg_iov->iov_base, bytes,
	       request->length < sizeof(bytes) ? request->length : sizeof(bytes));
	message->msg_len = (unsigned)request->length;
	REQUIRE(request->name_length <= header->msg_namelen);
	header->msg_namelen = request->name_length;
	/* The address of the client, by which its answer is known. */
	*(uint8_t *)header->msg_name = (uint8_t)(request - requests);
	header->msg_flags = 0;
	REQUIRE((header->msg_control != NULL) == is_inet);
	for (unsigned i = fuzz_byte(&script) % (MESSAGES_MAX + 1); is_inet && i > 0; i--)
		put_message(request, header, &used);
	header->msg_controllen = used;
	request->good *= !(header->msg_flags & MSG_CTRUNC);
	request->answerable =
		request->length > greeting->length &&
		(size_t)bytes[0] * 256 + bytes[1] + FRAME_HEADER_BYTES != request->length &&
		request->name_length > 0 && greeting->length <= DATAGRAM_FRAME_BYTES_MAX;
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	REQUIRE(fd == FD && timeout == NULL && flags == (MSG_DONTWAIT | MSG_TRUNC));
	if (receive_error != 0) {
		errno = receive_error;
		return -1;
	}
	for (; request_count < count && script.size > 0; request_count++)
		receive(&requests[request_count], &messages[request_count]);
	if (request_count == 0) {
		errno = EAGAIN;
		return -1;
	}
	return (int)request_count;
}

/* Whether the answer leaves from the address that was asked, by any interface unless link-local. */
static bool from_asked(const struct request *request, const struct msghdr *answer)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(answer);
	struct in6_pktinfo six = request->six;
	struct in_pktinfo four = request->four;

	if (!is_inet)
		return answer->msg_control == NULL && answer->msg_controllen == 0;
	if (request->told == 0 || control == NULL || answer->msg_controllen != control->cmsg_len)
		return false;
	if (control->cmsg_level == IPPROTO_IP) {
		if (four.ipi_spec_dst.s_addr == 0)
			four.ipi_spec_dst = four.ipi_addr;
		four.ipi_ifindex = 0;
		return control->cmsg_type == IP_PKTINFO &&
		       control->cmsg_len == CMSG_LEN(sizeof(four)) &&
		       four.ipi_spec_dst.s_addr == four.ipi_addr.s_addr &&
		       memcmp(CMSG_DATA(control), &four, sizeof(four)) == 0;
	}
	if (!IN6_IS_ADDR_LINKLOCAL(&six.ipi6_addr))
		six.ipi6_ifindex = 0;
	return control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO &&
	       control->cmsg_len == CMSG_LEN(sizeof(six)) &&
	       !IN6_IS_ADDR_MULTICAST(&six.ipi6_addr) &&
	       memcmp(CMSG_DATA(control), &six, sizeof(six)) == 0;
}

/* Of IP, the one address that was asked must be known, and one to answer from. */
static void check_dropped(const struct request *request)
{
	bool must = is_inet ? request->told == 1 && request->good == 1 : true;

	REQUIRE(!request->answerable || !must);
}

/* Answers are in the order of their requests; those that are skipped get none. */
static void check_answer(const struct msghdr *answer)
{
	const struct request *request;

	REQUIRE(answer->msg_iovlen == 1 && answer->msg_iov->iov_base == greeting->frame &&
		answer->msg_iov->iov_len == greeting->length);
	REQUIRE(answer->msg_namelen > 0);
	for (; next_request < *(uint8_t *)answer->msg_name; next_request++)
		check_dropped(&requests[next_request]);
	REQUIRE(next_request == *(uint8_t *)answer->msg_name && next_request < request_count);
	request = &requests[next_request++];
	REQUIRE(request->answerable && request->name_length == answer->msg_namelen);
	REQUIRE(from_asked(request, answer));
	REQUIRE(greeting->length < request->length);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	unsigned most = fuzz_byte(&script), fewer = count < most ? count : most;

	REQUIRE(fd == FD && count > 0 && flags == (MSG_DONTWAIT | MSG_NOSIGNAL));
	/* At the end of the script all are sent. */
	if (script.size == 0)
		fewer = count;
	if (fewer == 0) {
		check_answer(&messages[0].msg_hdr);
		errno = EAGAIN;
		return -1;
	}
	for (unsigned i = 0; i < fewer; i++)
		check_answer(&messages[i].msg_hdr);
	sent += fewer;
	return (int)fewer;
}

/* The first bytes: whether the socket is of IP, an error, and the length of the frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int errors[] = {EAGAIN, EINTR, ECONNREFUSED, ENOMEM, ENOBUFS, EPERM};
	struct datagram_counts counts = {100, 50};
	unsigned first;
	size_t length;
	int r;

	script = (struct fuzz_input){data, size};
	first = fuzz_byte(&script);
	length = FRAME_HEADER_BYTES + (size_t)fuzz_number(&script, 2);
	is_inet = first % 2 == 1;
	receive_error = first / 2 % 8 == 7 ? errors[first / 16 % 6] : 0;
	request_count = next_request = sent = 0;
	greeting = greeting_new(length);
	REQUIRE(greeting != NULL);
	greeting->length = length;

	r = datagram_answer(FD + 1, greeting, &counts);
	if (receive_error == 0 || receive_error == EAGAIN || receive_error == EINTR ||
	    receive_error == ECONNREFUSED)
		REQUIRE(r == 0);
	else
		REQUIRE(r == -receive_error);
	REQUIRE(counts.received == 100 + request_count && counts.answered == 50 + sent);
	for (; next_request < request_count; next_request++)
		check_dropped(&requests[next_request]);
	greeting_unref(greeting);
	return 0;
}
