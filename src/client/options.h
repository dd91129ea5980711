/* SPDX-License-Identifier: MIT */
/* options - the command line of hello-client */
#ifndef HELLOD_CLIENT_OPTIONS_H
#define HELLOD_CLIENT_OPTIONS_H

#include <stdint.h>

#include "client/report.h"
#include "probe/probe.h"

struct options {
	struct probe_target target;
	const struct report_format *format;
	struct report_style style;
	uint64_t count;		/* how many greetings; 0 for no end */
	uint64_t interval_usec; /* from the start of one greeting to the start of the next */
};

/*
 * Fills in *ret_options from the command line and the defaults, with strings of argv.
 *
 * Ends the process after --help and --version, and if the command line is wrong: then with a
 * message on standard error and EXIT_NOT_TRIED.
 */
void options_parse(int argc, char **argv, struct options *ret_options);

#endif
