/* SPDX-License-Identifier: MIT */
/* outcome - client side: what a probe's outcome means to the one who asked */
#ifndef HELLOD_OUTCOME_H
#define HELLOD_OUTCOME_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/probe.h"

/* What a greeting is expected to be. */
struct expectation {
	const char *text;	/* UTF-8, or NULL for any */
	uint64_t warning_usec;	/* CLOCK_NEVER for no such limit */
	uint64_t critical_usec; /* the same */
};

enum verdict {
	VERDICT_GREETED,
	VERDICT_SLOW,	     /* greeted, but took longer than the warning limit */
	VERDICT_TOO_SLOW,    /* greeted, but took longer than the critical limit */
	VERDICT_UNEXPECTED,  /* greeted with another text */
	VERDICT_REFUSED,     /* every address failed, and one of them was refused */
	VERDICT_UNREACHABLE, /* every address failed, and none was refused */
	VERDICT_TIMED_OUT,   /* no whole frame by the deadline */
	VERDICT_RESET, /* the connection broke, or was reset at once, before the end of the frame */
	VERDICT_CLOSED,	      /* the peer closed before the end of the frame */
	VERDICT_MALFORMED,    /* the greeting is no modified UTF-8 */
	VERDICT_UNKNOWN_HOST, /* the name stands for no address */
	VERDICT_SYSTEM_ERROR, /* out of memory, files and the like */
	VERDICT_INTERRUPTED,  /* by a signal, before the outcome was clear */
};

/* The exit statuses of a monitoring plugin, which hello-client keeps to in every mode. */
enum verdict_exit {
	VERDICT_EXIT_GREETED = 0,
	VERDICT_EXIT_SLOW = 1,
	VERDICT_EXIT_NO_GREETING = 2, /* or not as expected */
	VERDICT_EXIT_NOT_TRIED = 3,   /* wrong usage, unknown host, no output, no resources */
};

enum verdict verdict_of(const struct probe_result *result, const struct expectation *expectation);

/* The stable word for it, as in the JSON output: "greeted", "timed-out"... Static. */
const char *verdict_word(enum verdict verdict);

enum verdict_exit verdict_exit(enum verdict verdict);

/* The worse of two exit statuses: 2, then 3, then 1, then 0, as monitoring systems rank them. */
enum verdict_exit verdict_worse(enum verdict_exit a, enum verdict_exit b);

/* From the start to the outcome, in microseconds. */
uint64_t verdict_time_usec(const struct probe_result *result);

/*
 * Writes what went wrong, in words on one line, without a newline: which address failed and how,
 * or what was expected. In UTF-8, safe for a terminal. Nothing for VERDICT_GREETED.
 */
void verdict_explain(enum verdict verdict, const struct probe_target *target,
		     const struct expectation *expectation, const struct probe_result *result,
		     FILE *stream);

#endif
