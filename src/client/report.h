/* SPDX-License-Identifier: MIT */
/* report - client side: tells what came of the probes, as text, JSON or for Nagios */
#ifndef HELLOD_REPORT_H
#define HELLOD_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/outcome.h"
#include "client/probe.h"
#include "client/stats.h"

enum report_format {
	REPORT_TEXT,   /* for people: greetings to `out`, what went wrong to `err` */
	REPORT_JSON,   /* for programs: an object a line, all to `out`; hello-client(1) */
	REPORT_NAGIOS, /* for monitoring: one line with performance data, to `out` */
};

/* How to report. What it points to is not owned, but for last_failure. */
struct report {
	enum report_format format;
	bool counting;	  /* -c: number the greetings, and sum up at the end */
	bool quiet;	  /* text and JSON: only the summary */
	bool verbose;	  /* text: also the addresses and the phases, to `err` */
	bool histogram;	  /* text: a histogram in the summary */
	bool on_terminal; /* text: show characters that a terminal might act upon */
	const struct probe_target *target;
	const struct expectation *expectation;
	FILE *out;
	FILE *err;
	char *last_failure;	 /* internal, NULL at first; freed by report_summary() */
	enum verdict_exit worst; /* internal, 0 at first */
};

/*
 * Reports one probe, the `sequence`-th counted from 1. Errors of the streams stay there, for
 * ferror(3).
 *
 * Returns 0, or -errno when a message could not be composed: out of memory.
 */
int report_probe(struct report *report, uint64_t sequence, enum verdict verdict,
		 const struct probe_result *result);

/*
 * Sums up after the last probe: `worst` is the worst exit status. To be called once, also without
 * counting: then it may have nothing to say. Returns as report_probe().
 */
int report_summary(struct report *report, enum verdict_exit worst, struct stats *stats);

#endif
