/* SPDX-License-Identifier: MIT */
/* datagram - asking for a frame with a datagram, and asking again */
#ifndef HELLOD_PROBE_DATAGRAM_H
#define HELLOD_PROBE_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

/*
 * A request is a datagram of zeros, and the answer is one datagram with a frame. hellod drops a
 * request that is not longer than its frame: see hello-frame(5).
 *
 * Because datagrams get lost, a socket asks again. The first answer to any of its requests is
 * taken, and the others are never read. Each probe has its own socket and port, which a late answer
 * to an earlier probe does not reach.
 */

/* A UDP datagram that passes every path of IPv6: 1280 bytes without both headers (RFC 8200). */
#define DATAGRAM_REQUEST_BYTES_DEFAULT 1232U

/* The longest of IPv4: 65,535 bytes without both headers. */
#define DATAGRAM_REQUEST_BYTES_MAX 65507U

/*
 * Prepares a datagram socket of that family, which connect(2) has connected: the kernel drops what
 * comes from elsewhere.
 *
 * An IP socket then reports all ICMP errors; without this, Linux reports refusal but not an
 * unreachable host. A UNIX socket gets an abstract name, without which it cannot be answered. Such
 * names belong to a network namespace: a server's socket in another one cannot answer.
 *
 * Returns 0 or -errno.
 */
int datagram_prepare(int fd, int family);

/*
 * Sends a request of 1 to DATAGRAM_REQUEST_BYTES_MAX bytes. Returns 0 or -errno, which may be an
 * error that ICMP reported about an earlier request. A full queue, of the server or of an interface
 * of this host, is not an error, but loses the request.
 */
int datagram_ask(int fd, size_t request_bytes);

/* Returns the time to ask again: 1, 3, 7, 15... seconds after the first of `asked` requests. */
uint64_t datagram_again_usec(uint64_t first_usec, unsigned asked);

/*
 * Looks for an answer, and leaves it for recv(2). Returns 1 if there is one, 0 if not, or the
 * -errno that ICMP reported, such as -ECONNREFUSED. "Fragmentation needed" is not an error, but
 * loses the request: the kernel sends the next one in fragments.
 */
int datagram_check(int fd);

#endif
