/* SPDX-License-Identifier: MIT */
/* options - the command line of check_hello */
#ifndef HELLOD_CHECK_OPTIONS_H
#define HELLOD_CHECK_OPTIONS_H

#include "check_hello/range.h"
#include "check_hello/status.h"
#include "probe/probe.h"

/* A range of seconds. */
struct threshold {
	const char *given; /* on the command line; NULL if not */
	struct range range;
};

struct options {
	struct probe_target target;
	struct threshold warning;
	struct threshold critical;
	enum status timeout_status; /* of OUTCOME_TIMED_OUT */
	unsigned verbosity;	    /* how often -v is given */
};

/*
 * Fills in *ret_options from the command line and the defaults, with strings of argv.
 *
 * Ends the process with STATUS_UNKNOWN after --help and --version, and if the command line is wrong:
 * then with a message on standard output, where monitoring systems read it.
 */
void options_parse(int argc, char **argv, struct options *ret_options);

#endif
