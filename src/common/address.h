/* SPDX-License-Identifier: MIT */
/* address - socket addresses as text */
#ifndef HELLOD_ADDRESS_H
#define HELLOD_ADDRESS_H

#include <sys/socket.h>

/* As of accept4(2), getpeername(2) or getaddrinfo(3). Unknown if all zeros: AF_UNSPEC. */
struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

/* The longest host is a UNIX path of 108 bytes, each shown as \xNN. */
#define ADDRESS_HOST_BYTES 436
#define ADDRESS_PORT_BYTES 12

/* An address as text: in parts, and whole. The port is "" for families without ports. */
struct address_text {
	char host[ADDRESS_HOST_BYTES];
	char port[ADDRESS_PORT_BYTES];
	char whole[ADDRESS_HOST_BYTES + ADDRESS_PORT_BYTES + 3];
};

/*
 * Formats an address, without a name service. Bytes of a UNIX name that are not printable ASCII
 * are shown as \xNN.
 *
 *	IPv4, and IPv4-mapped IPv6              192.0.2.1  6666      192.0.2.1:6666
 *	IPv6, with the number of its zone       fe80::1%2  6666      [fe80::1%2]:6666
 *	UNIX: path, abstract name, no name      /run/x  @x  unix     the same
 *	vsock                                   vsock:3    6666      vsock:3:6666
 *	any other family, no address            unknown              the same
 */
void address_format(const struct address *address, struct address_text *ret_text);

#endif
