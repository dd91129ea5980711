/* SPDX-License-Identifier: MIT */
/* probe - client side: one greeting, timed and classified */
#ifndef HELLOD_PROBE_H
#define HELLOD_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "client/connect.h"
#include "client/resolve.h"
#include "common/frame.h"

/*
 * How long to wait for the peer to close, if asked to: a hellod closes at once, and the greeting
 * is whole already.
 */
#define PROBE_CLOSE_MSEC 1000U

struct probe_target {
	const char *host;      /* a name, an address, or the path of a UNIX socket */
	const char *port;      /* decimal */
	int family;	       /* AF_INET, AF_INET6, or AF_UNSPEC for both */
	uint64_t timeout_usec; /* to wait in all, from the name to the last byte; what is there by
				* then still counts */
	int await_close;       /* also see how long the peer takes to close after the frame */
};

enum probe_status {
	PROBE_GREETED,
	PROBE_UNRESOLVED,   /* the name stands for no address: resolve_error */
	PROBE_UNCONNECTED,  /* no address could be connected to: attempts */
	PROBE_RESET,	    /* the connection broke before the end of the frame: system_error */
	PROBE_CLOSED,	    /* the peer closed it before the end of the frame */
	PROBE_TIMED_OUT,    /* the deadline came, in whatever phase */
	PROBE_MALFORMED,    /* the frame is whole, but its greeting is no modified UTF-8 */
	PROBE_SYSTEM_ERROR, /* out of memory, files and the like: system_error */
	PROBE_INTERRUPTED,  /* a signal came first (wait.h) */
};

/* What came of it. Times are monotonic, in microseconds; 0 if it did not come to that. */
struct probe_result {
	enum probe_status status;
	int resolve_error; /* as resolve() returned it */
	int system_error;  /* errno */

	struct resolve_list addresses;
	struct dial_attempt *attempts; /* one for each address, or NULL */
	size_t winner;		       /* the one that connected; the count if none did */

	uint8_t frame[FRAME_BYTES_MAX];
	size_t frame_have; /* bytes of it that came */
	char *text;	   /* the greeting in UTF-8, not NUL-terminated, or NULL */
	size_t text_length;
	size_t bad_offset; /* if malformed: of the bad group within the greeting */

	uint64_t started_usec;
	uint64_t resolved_usec;
	uint64_t connected_usec;
	uint64_t first_byte_usec;
	uint64_t ended_usec;  /* when the outcome was clear; always there */
	uint64_t closed_usec; /* if asked to await that, and it came in PROBE_CLOSE_MSEC */
};

/*
 * Resolves, connects, reads one frame and not a byte more, decodes it, and closes. Fills in
 * *result, whose old content does not matter; probe_clear() frees what it holds.
 */
void probe_run(const struct probe_target *target, struct probe_result *result);

void probe_clear(struct probe_result *result);

#endif
