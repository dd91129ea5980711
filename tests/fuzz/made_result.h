/* SPDX-License-Identifier: MIT */
/* made_result - any result that a probe can have, and what is printed about it */
#ifndef HELLOD_FUZZ_MADE_RESULT_H
#define HELLOD_FUZZ_MADE_RESULT_H

#include "fuzz.h"
#include "probe/probe.h"

/* Takes a target, and what probe_run() may say of it. Both are for made_free(). */
void made_target(struct fuzz_input *input, struct probe_target *ret_target);
void made_result(struct fuzz_input *input, const struct probe_target *target,
		 struct probe_result *ret_result);
void made_free(struct probe_target *target, struct probe_result *result);

/* Catches what is printed to a standard stream, until it is taken, as a string to free. */
void made_catch(FILE **stream);
char *made_take(FILE **stream, size_t *ret_length);

/* Whether it is UTF-8 that does nothing to a terminal but begin new lines. */
bool made_is_harmless(const char *text, size_t length);

#endif
