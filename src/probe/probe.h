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

/* What to probe, and what to expect. */
struct probe_target {
	struct endpoint endpoint;
	int family;	       /* AF_INET, AF_INET6, or AF_UNSPEC for both */
	size_t request_bytes;  /* ask by datagrams of this length (datagram.h); 0 to connect */
	uint64_t timeout_usec; /* total, including name resolution; data that has arrived by then
				 * is still read */
	const char *expected;  /* the greeting in UTF-8, or NULL for any */
	bool await_close;      /* whether to wait until the server closes a connection */
};

/* Times are monotonic, in microseconds; 0 if that phase was not reached. */
struct probe_result {
	enum outcome outcome;
	int error; /* OUTCOME_UNKNOWN_HOST: for gai_strerror(3);
		    * OUTCOME_RESET, OUTCOME_SYSTEM_ERROR: an errno */

	struct resolve_list addresses;
	struct connect_attempt *attempts;  /* one for each address, or NULL */
	struct connect_attempt *connected; /* one of them, or NULL; its fd is closed */

	uint8_t frame[FRAME_BYTES_MAX];
	size_t frame_have; /* the bytes of it that have arrived; of a datagram all its bytes, which
			    * may be more than the frame, and more than have room here */
	char *text;	   /* a valid greeting in UTF-8, not NUL-terminated, or NULL */
	size_t text_length;
	size_t bad_offset; /* OUTCOME_MALFORMED: of the bad group in the greeting */

	uint64_t started_usec;
	uint64_t resolved_usec;
	uint64_t connected_usec; /* or when the address that answered was first asked */
	uint64_t first_byte_usec;
	uint64_t ended_usec;  /* when the frame was whole, or the probe failed; never 0 */
	uint64_t time_usec;   /* from started_usec to ended_usec */
	uint64_t closed_usec; /* when the server closed, if within PROBE_CLOSE_MSEC */
};

/*
 * Resolves, connects, reads one frame and not a byte more, decodes it, and closes. Or asks by
 * datagrams, and takes one as the answer, which is OUTCOME_MALFORMED unless it is exactly one
 * frame. Fills in *ret_result, whose old contents are lost. probe_clear() frees what it then owns.
 */
void probe_run(const struct probe_target *target, struct probe_result *ret_result);

/* The phases of a probe, in order; PHASE_CLOSE only of a connection, and with await_close. */
enum phase { PHASE_RESOLVE, PHASE_CONNECT, PHASE_FIRST_BYTE, PHASE_FRAME, PHASE_CLOSE };

/* Returns true, with how long the phase took in *ret_usec, if the phase was completed. */
bool probe_phase(const struct probe_result *result, enum phase phase, uint64_t *ret_usec);

/* Frees the text, the attempts and the addresses, and sets the pointers to NULL. */
void probe_clear(struct probe_result *result);

#endif
