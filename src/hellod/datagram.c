/* SPDX-License-Identifier: MIT */
/* datagram - requests and answers without a connection */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/frame.h"
#include "hellod/datagram.h"

#define EVENTS_MAX 16

/* epoll_event.data: the descriptor, and whether the kernel tells the address that was asked. */
#define DATA_IS_INET (UINT64_C(1) << 32)

int datagram_take(int fd, int *epoll_fd)
{
	/* Without IP_RECVERR, no queue of errors keeps the socket ready. */
	static const struct {
		int level, name, value;
	} settings[] = {
		{IPPROTO_IP, IP_PKTINFO, 1},
		{IPPROTO_IP, IP_RECVERR, 0},
		{IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
		{IPPROTO_IPV6, IPV6_RECVERR, 0},
	};
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)fd};
	socklen_t length = sizeof(int);
	int type, domain;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0)
		return -errno;
	if (type != SOCK_DGRAM)
		return 0;
	if (domain == AF_INET || domain == AF_INET6)
		event.data.u64 |= DATA_IS_INET;
	/* An IPv6 socket has both kinds, because it may have IPv4 clients. */
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if ((domain == AF_INET6 ||
		     (domain == AF_INET && settings[i].level == IPPROTO_IP)) &&
		    setsockopt(fd, settings[i].level, settings[i].name, &settings[i].value,
			       sizeof(settings[i].value)) < 0)
			return -errno;
	if (*epoll_fd < 0 && (*epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
		return -errno;
	return epoll_ctl(*epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 1;
}

/*
 * Turns the header of a request into that of its answer: the control data becomes the address that
 * was asked, without the interface, so that the routing decides. Only a link-local address needs
 * its zone. Returns false if the request cannot be answered.
 */
static bool turn_around(struct msghdr *header)
{
	struct cmsghdr *asked = NULL;

	/* What did not fit is cut, so the last message may be an address without its end. */
	if (header->msg_control != NULL && (header->msg_flags & MSG_CTRUNC))
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		struct in_pktinfo four;
		struct in6_pktinfo six;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&four, CMSG_DATA(c), sizeof(four));
			/*
			 * They differ for broadcast and multicast: ip(7). Without the second, the
			 * request is older than IP_PKTINFO, and the kernel refuses to send from
			 * such an address.
			 */
			if (four.ipi_spec_dst.s_addr == 0)
				four.ipi_spec_dst = four.ipi_addr;
			if (four.ipi_addr.s_addr != four.ipi_spec_dst.s_addr)
				return false;
			four.ipi_ifindex = 0;
			memcpy(CMSG_DATA(c), &four, sizeof(four));
			asked = c; /* and not the IPv4-mapped one of an IPv6 socket */
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&six, CMSG_DATA(c), sizeof(six));
			if (IN6_IS_ADDR_MULTICAST(&six.ipi6_addr))
				return false;
			if (!IN6_IS_ADDR_LINKLOCAL(&six.ipi6_addr))
				six.ipi6_ifindex = 0;
			memcpy(CMSG_DATA(c), &six, sizeof(six));
			asked = c;
		}
	}
	if (header->msg_namelen == 0 || (asked == NULL && header->msg_control != NULL))
		return false;
	header->msg_control = asked;
	header->msg_controllen = asked != NULL ? asked->cmsg_len : 0;
	return true;
}

/* Whether a datagram of at least FRAME_HEADER_BYTES is exactly a frame. */
static bool is_frame(const uint8_t *header, size_t length)
{
	return FRAME_HEADER_BYTES + frame_missing(header, FRAME_HEADER_BYTES) == length;
}

/* Returns how many of the answers were sent. */
static unsigned send_answers(int fd, struct mmsghdr *answers, unsigned count)
{
	unsigned sent = 0;

	/* An error concerns the first message: it is dropped, and the next ones are tried. */
	for (unsigned i = 0; i < count; i++) {
		int n = sendmmsg(fd, answers + i, count - i, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			sent += (unsigned)n;
			i += (unsigned)n - 1;
		}
	}
	return sent;
}

static int answer_socket(int fd, bool is_inet, struct greeting *greeting,
			 struct datagram_counts *counts)
{
	/* Static: too much for the stack of each call (-fstack-clash-protection). */
	static struct mmsghdr requests[DATAGRAM_BATCH], answers[DATAGRAM_BATCH];
	static struct sockaddr_storage peers[DATAGRAM_BATCH];
	/* What is read of a request. */
	static uint8_t headers[DATAGRAM_BATCH][FRAME_HEADER_BYTES];
	/* Also holds what else the socket unit may ask for, such as Timestamping=. */
	static union {
		struct cmsghdr alignment;
		char bytes[256];
	} controls[DATAGRAM_BATCH];
	struct iovec frame = {greeting->frame, greeting->length};
	unsigned answer_count = 0;
	struct iovec iovecs[DATAGRAM_BATCH];
	int n;

	for (int i = 0; i < DATAGRAM_BATCH; i++) {
		iovecs[i] = (struct iovec){headers[i], sizeof(headers[i])};
		/* Without a buffer for control data, no file comes from a UNIX client. */
		requests[i].msg_hdr = (struct msghdr){
			.msg_name = &peers[i],
			.msg_namelen = sizeof(peers[i]),
			.msg_iov = &iovecs[i],
			.msg_iovlen = 1,
			.msg_control = is_inet ? &controls[i] : NULL,
			.msg_controllen = is_inet ? sizeof(controls[i]) : 0,
		};
	}
	/* MSG_TRUNC: the length is that of the datagram, of which only the beginning is copied. */
	n = recvmmsg(fd, requests, DATAGRAM_BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED ? 0 : -errno;
	counts->received += (unsigned)n;
	for (int i = 0; i < n && greeting->length <= DATAGRAM_FRAME_BYTES_MAX; i++) {
		if (requests[i].msg_len <= greeting->length ||
		    is_frame(headers[i], requests[i].msg_len) || !turn_around(&requests[i].msg_hdr))
			continue;
		answers[answer_count] = requests[i];
		answers[answer_count].msg_hdr.msg_iov = &frame;
		answers[answer_count++].msg_hdr.msg_iovlen = 1;
	}
	counts->answered += send_answers(fd, answers, answer_count);
	return 0;
}

int datagram_answer(int epoll_fd, struct greeting *greeting, struct datagram_counts *counts)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(epoll_fd, events, EVENTS_MAX, 0),
	    result = n < 0 && errno != EINTR ? -errno : 0;

	for (int i = 0; i < n; i++) {
		int r = answer_socket((int)(events[i].data.u64 & ~DATA_IS_INET),
				      events[i].data.u64 & DATA_IS_INET, greeting, counts);

		if (r < 0)
			result = r;
	}
	return result;
}
