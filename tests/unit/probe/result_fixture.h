/* SPDX-License-Identifier: MIT */
/* result_fixture - made-up results of probes */
#ifndef HELLOD_TEST_RESULT_FIXTURE_H
#define HELLOD_TEST_RESULT_FIXTURE_H

#include "../unit.h"
#include "probe/probe.h"

/* Start of each made-up probe. */
#define STARTED_USEC 5000000U

/* Makes a result without a greeting, after 20 ms. */
void result_make(struct probe_result *result, enum outcome outcome);

/*
 * Adds an attempt to an IPv4 or IPv6 address or vsock:CID, port 6666, or to the path of a UNIX
 * socket.
 */
void result_add_attempt(struct probe_result *result, const char *where, enum attempt_state state,
			int error);

/* Makes a result with a greeting from this address after this time. */
void result_make_greeting(struct probe_result *result, const char *where, const char *text,
			  size_t length, uint64_t time_usec);

#endif
