/* SPDX-License-Identifier: MIT */
/* options - the command line of hello-client */
#ifndef HELLOD_CLIENT_OPTIONS_H
#define HELLOD_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/outcome.h"
#include "client/probe.h"
#include "client/report.h"

struct client_options {
	struct probe_target target;
	struct expectation expectation;
	char *expected; /* owned: what expectation.text points to, or NULL */
	enum report_format format;
	bool counting;	/* --count was given */
	uint64_t count; /* how many greetings; 0 for no end */
	uint64_t interval_usec;
	bool quiet;
	bool verbose;
	bool histogram;
};

/* What client_options_parse() returns to have the client run. */
#define CLIENT_OPTIONS_RUN (-1)

/*
 * Fills in *options from the defaults and the command line; what is wrong with that is told on
 * standard error. --help and --version print to standard output, and close it.
 *
 * Returns CLIENT_OPTIONS_RUN, or the exit status to end with. client_options_free() is due in
 * either case.
 */
int client_options_parse(int argc, char **argv, struct client_options *options);

void client_options_free(struct client_options *options);

#endif
