/* SPDX-License-Identifier: MIT */
/* explain - what went wrong with a probe, in words */
#ifndef HELLOD_EXPLAIN_H
#define HELLOD_EXPLAIN_H

#include "probe/probe.h"

/*
 * Says in one line of UTF-8, safe for a terminal, which address failed and how, or what was
 * expected: see DIAGNOSTICS in hello-client(1). The name that the address is of comes first. Says
 * nothing ("") for OUTCOME_GREETED.
 *
 * Untrusted text, such as the host or the greeting, is cut after `most` characters, and "..."
 * stands for the rest; a list of addresses ends with "..." after the address that exceeds `most`.
 * With ESCAPE_WHOLE (escape.h) nothing is cut.
 *
 * Returns a string for the caller to free, or NULL without memory.
 */
char *explain_result(const struct probe_target *target, const struct probe_result *result,
		     size_t most);

/* The state of an attempt in words, such as "timed out". Static. */
const char *explain_attempt_state(const struct connect_attempt *attempt);

/* Says what a person may do about it, to come after the explanation. Returns a static string, or
 * NULL if there is nothing to add. */
const char *explain_advice(const struct probe_target *target, const struct probe_result *result);

#endif
