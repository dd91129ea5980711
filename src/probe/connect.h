/* SPDX-License-Identifier: MIT */
/* connect - a socket of the first of several addresses that answers */
#ifndef HELLOD_CONNECT_H
#define HELLOD_CONNECT_H

#include <stddef.h>
#include <stdint.h>

#include "probe/outcome.h"
#include "probe/resolve.h"

/*
 * The Connection Attempt Delay of RFC 8305, section 5: the time from one attempt to the next while
 * the first has neither succeeded nor failed. An unreachable address family costs this much. If
 * the deadline would come before the last address gets its turn, the time left is divided instead.
 */
#define CONNECT_ATTEMPT_DELAY_MSEC 250U

enum attempt_state {
	ATTEMPT_NOT_TRIED, /* another address answered, or the deadline came, before its turn */
	ATTEMPT_PENDING,   /* only while connect_any() runs */
	ATTEMPT_CONNECTED, /* or, with datagrams, answered */
	ATTEMPT_FAILED,
	ATTEMPT_TIMED_OUT,  /* no answer by the deadline, or before a signal */
	ATTEMPT_SUPERSEDED, /* closed, because another address answered first */
};

/* An attempt with one address. Times are monotonic, in microseconds. */
struct connect_attempt {
	const struct address *to;
	enum attempt_state state;
	int error;	/* errno if ATTEMPT_FAILED, or 0; vsock: ECONNREFUSED for ECONNRESET */
	int fd;		/* a connected socket if ATTEMPT_CONNECTED, or -1 */
	unsigned asked; /* number of requests, if by datagrams */
	uint64_t started_usec; /* 0 if ATTEMPT_NOT_TRIED */
	uint64_t ended_usec;   /* the same */
};

/*
 * Connects to one address of the list, which is not empty: starts with the first, adds the next one
 * when the last one has failed or after CONNECT_ATTEMPT_DELAY_MSEC, and takes the first that
 * answers. Fills in `ret_attempts`, one for each address, which point into the list. All sockets
 * but the connected one are closed.
 *
 * If request_bytes is not 0, it asks by datagrams of that length (datagram.h) instead, in the same
 * order and at the same pace, and asks each address again until one has answered. The answer is
 * then there to be read.
 *
 * Returns OUTCOME_NONE, with the only attempt that is ATTEMPT_CONNECTED in *ret_connected: the
 *         caller closes its fd;
 *         OUTCOME_REFUSED, OUTCOME_RESET, OUTCOME_TIMED_OUT or OUTCOME_UNREACHABLE if every
 *         address failed; of several reasons the first of these counts;
 *         OUTCOME_TIMED_OUT at the deadline, OUTCOME_INTERRUPTED after a signal (signals.h);
 *         OUTCOME_SYSTEM_ERROR, with the errno in *ret_error, if every address failed, and this
 *         host lacked what it takes to try one.
 */
enum outcome connect_any(const struct resolve_list *list, size_t request_bytes,
			 uint64_t deadline_usec, struct connect_attempt *ret_attempts,
			 struct connect_attempt **ret_connected, int *ret_error);

#endif
