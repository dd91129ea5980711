/* SPDX-License-Identifier: MIT */
/* endpoint - where a server is, as given on a command line */
#ifndef HELLOD_ENDPOINT_H
#define HELLOD_ENDPOINT_H

#include "common/address.h"

#define ENDPOINT_HOST_DEFAULT "localhost"
#define ENDPOINT_PORT_DEFAULT "6666"

/* Longer than any name of the DNS and any path of a socket: NI_MAXHOST of getaddrinfo(3). */
#define ENDPOINT_HOST_BYTES 1025
/* Longer than any name in services(5): NI_MAXSERV. */
#define ENDPOINT_PORT_BYTES 32
#define ENDPOINT_BYTES (ENDPOINT_HOST_BYTES + ENDPOINT_PORT_BYTES + 8)

enum endpoint_kind {
	ENDPOINT_HOST, /* a name or a numeric address, for getaddrinfo(3) */
	ENDPOINT_UNIX,
	ENDPOINT_VSOCK,
};

struct endpoint {
	enum endpoint_kind kind;
	char host[ENDPOINT_HOST_BYTES]; /* without brackets; /run/x, @name, vsock:2 */
	char port[ENDPOINT_PORT_BYTES]; /* decimal, or the name of a service; "" for UNIX */
	struct address address;		/* for connect(2); unknown for ENDPOINT_HOST */
};

/*
 * Parses a server's address, without a name service. `text` is NULL for localhost. `port` is one
 * that was given apart, or NULL. A port may be in one of them; without any it is 6666.
 *
 *	HOST  HOST:PORT                   a name or IPv4; PORT is a number or a name of services(5)
 *	IPV6  [IPV6]  [IPV6]:PORT         with a zone if link-local: fe80::1%eth0
 *	/PATH  unix:PATH                  the path of a UNIX socket
 *	@NAME  unix:@NAME                 a UNIX socket with an abstract name: unix(7)
 *	vsock:CID  vsock:CID:PORT         numbers of 32 bits: vsock(7)
 *
 * Without brackets, the last group of an IPv6 address is not a port: ::1:6666.
 *
 * Returns 0; -EINVAL, with what is wrong and the form to use in *ret_why, a static string, to come
 *         after `text` and `port`.
 */
int endpoint_parse(const char *text, const char *port, struct endpoint *ret_endpoint,
		   const char **ret_why);

/*
 * Formats an endpoint as one string that endpoint_parse() takes, with its port: localhost:6666,
 * [::1]:6666, /run/x, unix:x, @name, vsock:2:6666. `ret_text`: ENDPOINT_BYTES. Returns `ret_text`.
 */
const char *endpoint_format(const struct endpoint *endpoint, char *ret_text);

/*
 * Returns the text of an address of the endpoint: `formatted`, or for a UNIX socket the path as it
 * was given, of which address_format() escapes more than a terminal needs.
 */
const char *endpoint_address(const struct endpoint *endpoint, const char *formatted);

/*
 * Tells what was probably meant by a name that does not resolve, because it looks like another
 * form. Returns a static string, or NULL.
 */
const char *endpoint_hint(const struct endpoint *endpoint);

#endif
