/* SPDX-License-Identifier: MIT */
/* datagram - requests and answers without a connection */
#ifndef HELLOD_DATAGRAM_H
#define HELLOD_DATAGRAM_H

#include <stdint.h>

#include "hellod/greeting.h"

/*
 * A request is a datagram of any bytes, and the answer is one frame. A request must be longer than
 * the answer, or it is dropped: forged requests then never make the daemon send more than it got.
 * A frame is no request, and is dropped too: two servers that are set upon each other by a forged
 * request then do not answer each other's answer.
 *
 * The answer leaves from the address that was asked. A request is dropped if that is a broadcast or
 * multicast address, which nothing can leave from, or if the sender has no address (AF_UNIX). What
 * cannot be sent at once is dropped too, because the sender asks again.
 */

#define DATAGRAM_BATCH 64 /* requests read from a socket before the others' turn */

/* A longer frame is never sent: over IPv4 a request, which is longer, has at most 65,507 bytes. */
#define DATAGRAM_FRAME_BYTES_MAX ((size_t)65506)

struct datagram_counts {
	uint64_t received; /* requests, whether or not they were answered */
	uint64_t answered;
};

/*
 * Takes a socket if it is a datagram socket: adds it to the epoll set *epoll_fd, which is made with
 * the first one, if it is -1, and has nothing else. The flags of the socket are not changed.
 *
 * Returns 1; 0 if it is another socket; or -errno, of getsockopt(2), setsockopt(2),
 * epoll_create1(2) or epoll_ctl(2).
 */
int datagram_take(int fd, int *epoll_fd);

/*
 * Answers up to DATAGRAM_BATCH requests of each socket of the set that has some, without waiting,
 * and counts them.
 *
 * Returns 0; or -errno if this host could not receive from one of them, which is likely to last.
 * Errors of the network (ICMP) and of sending are not returned.
 */
int datagram_answer(int epoll_fd, struct greeting *greeting, struct datagram_counts *counts);

#endif
