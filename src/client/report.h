/* SPDX-License-Identifier: MIT */
/* report - the results of the probes, in one of several formats */
#ifndef HELLOD_REPORT_H
#define HELLOD_REPORT_H

#include <stdbool.h>
#include <time.h>

#include "client/stats.h"
#include "probe/probe.h"

struct report_style {
	bool counting;	/* number the greetings, and summarize them at the end */
	bool quiet;	/* text and JSON: print only the summary; openmetrics: print no problem */
	bool verbose;	/* text: also print the addresses and the phases */
	bool histogram; /* text: add a histogram to the summary */
};

/* The number of limited buckets of the histogram in report_openmetrics. */
#define REPORT_BUCKETS 16

/* What there is to report so far. */
struct report {
	const struct probe_target *target;
	const struct report_style *style;
	const struct report_format *format;
	struct stats stats; /* including the probe that is being reported */
	int worst;    /* exit status of the probes before that one; EXIT_NOT_TRIED without any */
	time_t ended; /* openmetrics: the UNIX time of the end of the last probe; 0 without any */
	uint64_t outcomes[OUTCOME_INTERRUPTED]; /* openmetrics: the number of probes with each */
	uint64_t buckets[REPORT_BUCKETS];	/* openmetrics: of greetings, cumulative */
};

/*
 * Prints to standard error what went wrong with a probe, if something did, and unless it is to be
 * quiet. Returns 0, or -ENOMEM.
 */
int report_text_problem(const struct report *report, const struct probe_result *result);

/*
 * Both functions print to standard output; those of text and openmetrics also to standard error.
 * Output errors are found by common/stdio.h. Both return 0, or -ENOMEM.
 */
struct report_format {
	const char *name; /* for --output */
	int (*probe)(struct report *report, const struct probe_result *result);
	int (*summary)(struct report *report); /* after the last probe, if counting */
	bool interim;			       /* SIGQUIT prints a summary; else it is ignored */
};

extern const struct report_format report_text; /* for people, like ping(8) */
extern const struct report_format report_json; /* one object per line: JSON in hello-client(1) */
extern const struct report_format report_openmetrics; /* METRICS in hello-client(1) */

#endif
