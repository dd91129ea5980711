/* SPDX-License-Identifier: MIT */
/* connect - client side: connects to the first of several addresses that answers */
#ifndef HELLOD_CONNECT_H
#define HELLOD_CONNECT_H

#include <stdint.h>

#include "client/resolve.h"

/*
 * How long the next address is held back while the last one has not failed: the Connection Attempt
 * Delay of RFC 8305, section 5. This is what a dead address family costs. Where the deadline is so
 * near that some address would not get its turn, the time left is shared out instead.
 */
#define DIAL_STAGGER_MSEC 250U

/*
 * How long to wait before asking again for a connection to a UNIX socket whose queue is full:
 * nothing tells when there is room in it.
 */
#define DIAL_RETRY_MSEC 10U

enum dial_outcome {
	DIAL_NOT_TRIED, /* another address answered, or the deadline came, before its turn */
	DIAL_PENDING,	/* internal; never seen by the caller */
	DIAL_CONNECTED,
	DIAL_FAILED,
	DIAL_TIMED_OUT,
	DIAL_OVERTAKEN, /* closed, because another address answered first */
};

/* How it went with one address. Times are monotonic, in microseconds. */
struct dial_attempt {
	enum dial_outcome outcome;
	int error; /* errno if DIAL_FAILED */
	int fd;	   /* internal */
	int retry; /* internal */
	uint64_t started_usec;
	uint64_t ended_usec;
};

/*
 * Connects to one of the addresses: starts with the first, adds the next one whenever the last
 * one failed or DIAL_STAGGER_MSEC have passed, and takes the first that answers. All others are
 * closed before it returns. `attempts` has an entry for each address, which it fills in.
 *
 * Returns 0, with a stream socket that the caller closes in *fd, and its index in *winner;
 *         -ETIMEDOUT at the deadline;
 *         -ECONNREFUSED if every address failed, in whatever way;
 *         -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM the same, if for one there was no socket to be had;
 *         -EINTR after a signal (wait.h); the -errno of ppoll(2), or -ENOMEM.
 */
int dial(const struct resolve_list *list, uint64_t deadline_usec, struct dial_attempt *attempts,
	 int *fd, size_t *winner);

#endif
