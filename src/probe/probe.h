/* SPDX-License-Identifier: MIT */
/* probe - one greeting, timed and compared with what is expected */
#ifndef HELLOD_PROBE_H
#define HELLOD_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/frame.h"
#include "probe/connect.h"
#include "probe/outcome.h"
#include "probe/resolve.h"

/* How long to wait for the server to close, if asked to: a hellod closes at once. */
#define PROBE_CLOSE_MSEC 1000U

/* What to probe, and what to expect. The strings are never freed or changed: see resolve.h. */
struct probe_target {
	const char *host;	/* a name, an address, or the path of a UNIX socket */
	const char *port;	/* decimal */
	int family;		/* AF_INET, AF_INET6, or AF_UNSPEC for both */
	uint64_t timeout_usec;	/* total, including name resolution; data that has arrived by then
				 * is still read */
	const char *expected;	/* the greeting in UTF-8, or NULL for any */
	uint64_t warning_usec;	/* a greeting that takes longer is slow; CLOCK_NEVER for no limit */
	uint64_t critical_usec; /* a greeting that takes longer is too slow; the same */
	bool await_close;	/* whether to wait until the server closes after its greeting */
};

/* Times are monotonic, in microseconds; 0 if that phase was not reached. */
struct probe_result {
	enum outcome outcome;
	int error; /* OUTCOME_UNKNOWN_HOST: for resolve_strerror();
		    * OUTCOME_RESET, OUTCOME_SYSTEM_ERROR: an errno */

	struct resolve_list addresses;
	struct connect_attempt *attempts;  /* one for each address, or NULL */
	struct connect_attempt *connected; /* one of them, or NULL; its fd is closed */

	uint8_t frame[FRAME_BYTES_MAX];
	size_t frame_have; /* the bytes of it that have arrived */
	char *text;	   /* a valid greeting in UTF-8, not NUL-terminated, or NULL */
	size_t text_length;
	size_t bad_offset; /* OUTCOME_MALFORMED: of the bad group in the greeting */

	uint64_t started_usec;
	uint64_t resolved_usec;
	uint64_t connected_usec;
	uint64_t first_byte_usec;
	uint64_t ended_usec;  /* when the frame was whole, or the probe failed; never 0 */
	uint64_t time_usec;   /* from started_usec to ended_usec */
	uint64_t closed_usec; /* when the server closed, if within PROBE_CLOSE_MSEC */
};

/*
 * Resolves, connects, reads one frame and not a byte more, decodes it, and closes. Fills in
 * *ret_result, whose old contents are lost. probe_clear() frees what it then owns.
 */
void probe_run(const struct probe_target *target, struct probe_result *ret_result);

/* Frees the text, the attempts and the addresses, and sets the pointers to NULL. */
void probe_clear(struct probe_result *result);

#endif
