/* SPDX-License-Identifier: MIT */
/* options - the command line of hellod */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "common/clock.h"
#include "common/number.h"
#include "common/stdio.h"
#include "hellod/options.h"

#define IDLE_DEFAULT_SEC 60U
#define IDLE_MIN_USEC 1000U
#define IDLE_MAX_SEC 86400U

static const struct option known[] = {
	{"greeting", required_argument, NULL, 'g'},
	{"greeting-file", required_argument, NULL, 'f'},
	{"idle-timeout", required_argument, NULL, 'i'},
	{"max-connections", required_argument, NULL, 'm'},
	{"log-greetings", required_argument, NULL, 'l'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static void print_help(void)
{
	printf("Usage: hellod [OPTION]...\n"
	       "Greet every client of the sockets that systemd passes: see hello.socket(8).\n"
	       "\n"
	       "  -g, --greeting=TEXT        greet with TEXT, in UTF-8\n"
	       "  -f, --greeting-file=PATH   greet with the text in PATH, in UTF-8, less a final\n"
	       "                             newline (default: %s\n"
	       "                             if it exists, else %s)\n"
	       "  -l, --log-greetings=yes|no log a line for each greeting (default: yes for a\n"
	       "                             passed connection, no for a passed listener)\n"
	       "  -v, --verbose              also log what peers did wrong\n"
	       "  -h, --help                 print this help and exit\n"
	       "  -V, --version              print the version and exit\n"
	       "\n"
	       "With a passed listener:\n"
	       "  -i, --idle-timeout=SEC     end when there was no client for SEC, which may have\n"
	       "                             a fraction, 0 for never (default: %u)\n"
	       "  -m, --max-connections=N    serve N clients at a time (default: as many as there\n"
	       "                             may be file descriptors, less a few)\n"
	       "\n"
	       "Exit status: %d done, %d wrong usage, %d system error, %d output not written,\n"
	       "%d bad greeting or unusable socket.\n",
	       GREETING_PATH, GREETING_DEFAULT, IDLE_DEFAULT_SEC, EX_OK, EX_USAGE, EX_OSERR,
	       EX_IOERR, EX_CONFIG);
}

static void print_version(void)
{
	printf("%s\n", PACKAGE_STRING);
}

static int print_and_exit(void (*print)(void))
{
	print();
	return stdio_close() < 0 ? EX_IOERR : EX_OK;
}

static int wrong_usage(void)
{
	fprintf(stderr, "Try 'hellod --help'.\n");
	return EX_USAGE;
}

static int parse_log_greetings(const char *text, struct hellod_options *options)
{
	if (strcmp(text, "yes") == 0) {
		options->log_greetings = LOG_GREETINGS_YES;
	} else if (strcmp(text, "no") == 0) {
		options->log_greetings = LOG_GREETINGS_NO;
	} else {
		fprintf(stderr, "hellod: --log-greetings: '%s' is not yes or no\n", text);
		return wrong_usage();
	}
	return HELLOD_OPTIONS_RUN;
}

static int parse_idle_timeout(const char *text, struct hellod_options *options)
{
	uint64_t usec;
	int r = number_parse_seconds(text, 0, (uint64_t)IDLE_MAX_SEC * USEC_PER_SEC, &usec);

	if (r < 0 || (usec > 0 && usec < IDLE_MIN_USEC)) {
		fprintf(stderr,
			"hellod: --idle-timeout: '%s' is not 0 or between %g and %u seconds\n",
			text, (double)IDLE_MIN_USEC / USEC_PER_SEC, IDLE_MAX_SEC);
		return wrong_usage();
	}
	options->idle_usec = usec > 0 ? usec : CLOCK_NEVER;
	return HELLOD_OPTIONS_RUN;
}

static int parse_max_connections(const char *text, struct hellod_options *options)
{
	if (number_parse(text, 1, HELLOD_CONNECTIONS_MAX, &options->max_connections) == 0)
		return HELLOD_OPTIONS_RUN;
	fprintf(stderr, "hellod: --max-connections: '%s' is not a number from 1 to %u\n", text,
		HELLOD_CONNECTIONS_MAX);
	return wrong_usage();
}

static int parse_option(int c, const char *argument, struct hellod_options *options)
{
	switch (c) {
	case 'g':
		options->greeting.text = argument;
		break;
	case 'f':
		options->greeting.path = argument;
		options->greeting.path_may_be_absent = false;
		break;
	case 'i':
		return parse_idle_timeout(argument, options);
	case 'm':
		return parse_max_connections(argument, options);
	case 'l':
		return parse_log_greetings(argument, options);
	case 'v':
		options->verbose = true;
		break;
	case 'h':
		return print_and_exit(print_help);
	case 'V':
		return print_and_exit(print_version);
	default:
		return wrong_usage();
	}
	return HELLOD_OPTIONS_RUN;
}

int hellod_options_parse(int argc, char **argv, struct hellod_options *options)
{
	int c;

	*options = (struct hellod_options){
		.greeting = {.path = GREETING_PATH, .path_may_be_absent = true},
		.idle_usec = (uint64_t)IDLE_DEFAULT_SEC * USEC_PER_SEC,
	};
	while ((c = getopt_long(argc, argv, "g:f:i:m:l:vhV", known, NULL)) != -1) {
		int r = parse_option(c, optarg, options);

		if (r != HELLOD_OPTIONS_RUN)
			return r;
	}
	if (optind < argc) {
		fprintf(stderr, "hellod: '%s': no operand is expected\n", argv[optind]);
		return wrong_usage();
	}
	return HELLOD_OPTIONS_RUN;
}
