/* SPDX-License-Identifier: MIT */
/* datagram - asking for a frame with a datagram, and asking again */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "probe/datagram.h"

int datagram_prepare(int fd, int family)
{
	const struct sockaddr autobind = {.sa_family = AF_UNIX};
	const int on = 1;
	int r;

	/* A socket of IPv6 needs both: its address may be mapped from IPv4. */
	if (family == AF_UNIX)
		r = bind(fd, &autobind, sizeof(autobind.sa_family));
	else
		r = setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	if (r == 0 && family == AF_INET6)
		r = setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	return r < 0 ? -errno : 0;
}

int datagram_ask(int fd, size_t request_bytes)
{
	static const unsigned char zeros[DATAGRAM_REQUEST_BYTES_MAX];

	if (send(fd, zeros, request_bytes, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* ENOBUFS: the queue of an interface is full, which only IP_RECVERR lets the kernel say. */
	return errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE ? 0 : -errno;
}

uint64_t datagram_again_usec(uint64_t first_usec, unsigned asked)
{
	return first_usec + ((UINT64_C(1) << asked) - 1) * USEC_PER_SEC;
}

int datagram_check(int fd)
{
	char byte;

	if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_PEEK) >= 0)
		return 1;
	if (errno != EAGAIN && errno != EMSGSIZE)
		return -errno;
	/* As long as the error queue has an entry, poll(2) returns at once. */
	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_ERRQUEUE) >= 0)
		;
	return 0;
}
