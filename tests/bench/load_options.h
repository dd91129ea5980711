/* SPDX-License-Identifier: MIT */
/* load_options - the command line of load */
#ifndef HELLOD_LOAD_OPTIONS_H
#define HELLOD_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Exit status: a client was not greeted. */
#define LOAD_LOST 1

/* load_options_parse(): load is to run. */
#define LOAD_OPTIONS_RUN (-1)

struct load_options {
	const char *host;
	const char *port;
	const char *path; /* of a UNIX socket, instead of host and port */
	const char *greeting;
	const char *bytes; /* expected instead of the frame of the greeting */
	uint64_t concurrency;
	uint64_t count;
	uint64_t hold; /* 0: off */
	uint64_t rate; /* clients per second; 0: whenever another client ends */
	uint64_t talk;
	uint64_t usec;
	uint64_t timeout_usec;
	bool json;
};

/*
 * Parses the arguments, which the strings of *ret_options point into. Prints --help, or what is
 * wrong.
 *
 * Returns LOAD_OPTIONS_RUN or an exit status.
 */
int load_options_parse(int argc, char **argv, struct load_options *ret_options);

/* Prints what is wrong with an option. Returns EX_USAGE. */
int load_options_wrong(const char *option, const char *problem);

#endif
