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
#define ADDRESS_BYTES (ADDRESS_HOST_BYTES + ADDRESS_PORT_BYTES + 3)

/* An address as text. The port is "" for families without ports. */
struct address_text {
	char host[ADDRESS_HOST_BYTES];
	char port[ADDRESS_PORT_BYTES];
};

/*
 * Formats an address, without a name service. Bytes of a UNIX name that are not printable ASCII
 * are shown as \xNN.
 *
 *	IPv4, and IPv4-mapped IPv6                          192.0.2.1        6666
 *	IPv6, with the number of its zone if it has one     fe80::1%2        6666
 *	UNIX: path, abstract name, no name                  /run/x  @x  unix
 *	vsock                                               vsock:3          6666
 *	any other family, no address                        unknown
 */
void address_format(const struct address *address, struct address_text *ret_text);

/* Joins the parts: 192.0.2.1:6666, [fe80::1%2]:6666, /run/x. `ret_joined`: ADDRESS_BYTES. */
void address_join(const struct address_text *text, char *ret_joined);

/* Formats and joins. Returns `ret_joined`. */
const char *address_string(const struct address *address, char *ret_joined);

#endif
