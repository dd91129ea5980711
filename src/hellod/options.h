/* SPDX-License-Identifier: MIT */
/* options - the command line of hellod */
#ifndef HELLOD_OPTIONS_H
#define HELLOD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "hellod/greeting.h"

/* The file to read without --greeting-file. */
#define GREETING_PATH SYSCONFDIR "/hello/greeting"

/* No process may have more file descriptors: fs.nr_open in proc(5), by default. */
#define OPTIONS_CONNECTIONS_MAX 1048576U

/* Whether to log each greeting; the default is yes for passed connections, no for listeners. */
enum log_greetings { LOG_GREETINGS_DEFAULT, LOG_GREETINGS_YES, LOG_GREETINGS_NO };

struct options {
	struct greeting_source greeting;
	enum log_greetings log_greetings;
	uint64_t idle_usec;	  /* or CLOCK_NEVER */
	uint64_t max_connections; /* or 0 for what RLIMIT_NOFILE allows */
	bool verbose;
};

/*
 * Fills in *ret_options, with strings of argv. Exits after --help and --version with EX_OK, or
 * with EX_IOERR if standard output could not be written, and after wrong usage with EX_USAGE.
 */
void options_parse(int argc, char **argv, struct options *ret_options);

#endif
