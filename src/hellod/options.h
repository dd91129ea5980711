/* SPDX-License-Identifier: MIT */
/* options - the command line of hellod */
#ifndef HELLOD_OPTIONS_H
#define HELLOD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "hellod/greeting.h"

/* The file that is read without --greeting-file. */
#define GREETING_PATH SYSCONFDIR "/hello/greeting"

/* Whether to write a line for each greeting. */
enum log_greetings {
	LOG_GREETINGS_DEFAULT, /* for a passed connection, not for a passed listener */
	LOG_GREETINGS_YES,
	LOG_GREETINGS_NO,
};

/* No process may have more file descriptors: fs.nr_open in proc(5), as shipped. */
#define HELLOD_CONNECTIONS_MAX 1048576U

struct hellod_options {
	struct greeting_source greeting;
	enum log_greetings log_greetings;
	uint64_t idle_usec;	  /* or CLOCK_NEVER */
	uint64_t max_connections; /* or 0 for what RLIMIT_NOFILE allows */
	bool verbose;
};

/* What hellod_options_parse() returns to have the daemon run. */
#define HELLOD_OPTIONS_RUN (-1)

/*
 * Fills in *options from the defaults and the command line; what is wrong with that is told on
 * standard error. --help and --version print to standard output, and close it.
 *
 * Returns HELLOD_OPTIONS_RUN, or the exit status to end with.
 */
int hellod_options_parse(int argc, char **argv, struct hellod_options *options);

#endif
