/* SPDX-License-Identifier: MIT */
/* report - client side: tells what came of a probe */
#ifndef HELLOD_REPORT_H
#define HELLOD_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "probe.h"

/* The exit statuses of a monitoring plugin, which hello-client keeps to in every mode. */
enum report_exit {
	REPORT_EXIT_GREETED = 0,
	REPORT_EXIT_SLOW = 1,	     /* greeted, but slower than it should be */
	REPORT_EXIT_NO_GREETING = 2, /* no valid greeting */
	REPORT_EXIT_NOT_TRIED = 3,   /* wrong usage, unknown host, no output, no resources */
};

/* The exit status for what came of a probe. */
enum report_exit report_exit_status(const struct probe_result *result);

/*
 * Prints the greeting and a newline. If `on_terminal`, characters that a terminal might act upon
 * are shown as printable_write() does; else the text goes out unchanged.
 */
void report_greeting(const struct probe_result *result, bool on_terminal, FILE *stream);

/*
 * Prints what went wrong, in words and without a newline: which address failed and how. For any
 * status but PROBE_GREETED.
 */
void report_failure(const struct probe_target *target, const struct probe_result *result,
		    FILE *stream);

#endif
