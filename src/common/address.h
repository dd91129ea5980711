/* SPDX-License-Identifier: MIT */
/* address - socket addresses as people write them */
#ifndef HELLOD_ADDRESS_H
#define HELLOD_ADDRESS_H

#include <sys/socket.h>

/* Room for the longest: a UNIX path that fills all 108 bytes, each shown as \xNN. */
#define ADDRESS_HOST_BYTES 436
#define ADDRESS_PORT_BYTES 12
#define ADDRESS_BYTES (ADDRESS_HOST_BYTES + ADDRESS_PORT_BYTES + 3)

/* An address in parts. The port is "" where the family has none. */
struct address_text {
	char host[ADDRESS_HOST_BYTES];
	char port[ADDRESS_PORT_BYTES];
};

/*
 * Writes an address as text, without asking any name service:
 *
 *	IPv4, and IPv6 that holds a mapped IPv4 address     192.0.2.1        6666
 *	IPv6, with the number of its zone if it has one     fe80::1%2        6666
 *	UNIX: a path, an abstract name, no name             /run/x  @x  unix
 *	vsock                                               vsock:3          6666
 *	any other, or none                                  unknown
 *
 * Bytes of a UNIX name that are not printable ASCII come out as \xNN.
 */
void address_format(const struct sockaddr *address, socklen_t length, struct address_text *text);

/*
 * Joins the parts: 192.0.2.1:6666, [fe80::1%2]:6666, /run/x, vsock:3:6666. `joined` has room
 * for ADDRESS_BYTES.
 */
void address_join(const struct address_text *text, char *joined);

#endif
