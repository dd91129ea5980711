/* SPDX-License-Identifier: MIT */
/* options - the command line of hellod */
#include "config.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/clock.h"
#include "common/number.h"
#include "common/stdio.h"
#include "hellod/options.h"

#define IDLE_DEFAULT_SEC 60U
#define IDLE_MIN_USEC 1000U
#define IDLE_MAX_SEC 86400U

static const struct option long_options[] = {
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
	       "Greet the clients of the sockets that systemd passes: see hello.socket(8).\n"
	       "\n"
	       "  -g, --greeting=TEXT        greet with TEXT, in UTF-8\n"
	       "  -f, --greeting-file=PATH   greet with the text in PATH, in UTF-8; one trailing\n"
	       "                             newline is ignored (default: %s\n"
	       "                             if it exists, else %s)\n"
	       "  -l, --log-greetings=yes|no log a line for each greeting (default: yes for a\n"
	       "                             passed connection, no for a passed listener)\n"
	       "  -v, --verbose              also log every connection, and how it ended\n"
	       "  -h, --help                 print this help and exit\n"
	       "  -V, --version              print the version and exit\n"
	       "\n"
	       "With a passed listener:\n"
	       "  -i, --idle-timeout=SEC     exit after SEC without a client, 0 means never\n"
	       "                             (default: %u)\n"
	       "  -m, --max-connections=N    maximum number of concurrent clients (default: the\n"
	       "                             limit of file descriptors, less a few)\n"
	       "\n"
	       "Before its first client, hellod gives up all access except to its sockets,\n"
	       "standard error and, with a passed listener, the files beside PATH and\n"
	       "below: see CONFINEMENT in hellod(8).\n"
	       "\n"
	       "Exit status: %d done, %d wrong usage, %d system error, %d output not written,\n"
	       "%d bad greeting or unusable socket.\n",
	       GREETING_PATH, GREETING_DEFAULT, IDLE_DEFAULT_SEC, EX_OK, EX_USAGE, EX_OSERR,
	       EX_IOERR, EX_CONFIG);
}

__attribute__((noreturn)) static void wrong_usage(void)
{
	fprintf(stderr, "Try 'hellod --help'.\n");
	exit(EX_USAGE);
}

void options_parse(int argc, char **argv, struct options *ret_options)
{
	int c;

	*ret_options = (struct options){
		.greeting = {.path = GREETING_PATH, .path_may_be_absent = true},
		.idle_usec = (uint64_t)IDLE_DEFAULT_SEC * USEC_PER_SEC,
	};
	while ((c = getopt_long(argc, argv, "g:f:i:m:l:vhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'g':
			ret_options->greeting.text = optarg;
			break;
		case 'f':
			ret_options->greeting.path = optarg;
			ret_options->greeting.path_may_be_absent = false;
			break;
		case 'i':
			/* 0.0000001 is too short, although as microseconds it is 0. */
			if (number_parse_seconds(optarg, 0, IDLE_MAX_SEC * USEC_PER_SEC,
						 &ret_options->idle_usec) < 0 ||
			    (ret_options->idle_usec < IDLE_MIN_USEC &&
			     strpbrk(optarg, "123456789") != NULL)) {
				warnx("--idle-timeout: '%s' is not 0 or between %g and %u seconds",
				      optarg, (double)IDLE_MIN_USEC / USEC_PER_SEC, IDLE_MAX_SEC);
				wrong_usage();
			}
			if (ret_options->idle_usec == 0)
				ret_options->idle_usec = CLOCK_NEVER;
			break;
		case 'm':
			if (number_parse(optarg, 1, OPTIONS_CONNECTIONS_MAX,
					 &ret_options->max_connections) < 0) {
				warnx("--max-connections: '%s' is not a number from 1 to %u",
				      optarg, OPTIONS_CONNECTIONS_MAX);
				wrong_usage();
			}
			break;
		case 'l':
			ret_options->log_greetings =
				optarg[0] == 'y' ? LOG_GREETINGS_YES : LOG_GREETINGS_NO;
			if (strcmp(optarg, "yes") != 0 && strcmp(optarg, "no") != 0) {
				warnx("--log-greetings: '%s' is not yes or no", optarg);
				wrong_usage();
			}
			break;
		case 'v':
			ret_options->verbose = true;
			break;
		case 'h':
		case 'V':
			if (c == 'h')
				print_help();
			else
				puts(PACKAGE_STRING);
			exit(stdio_close() < 0 ? EX_IOERR : EX_OK);
		default:
			wrong_usage(); /* getopt_long() has named the option */
		}
	}
	if (optind < argc) {
		warnx("'%s': no operand is expected", argv[optind]);
		wrong_usage();
	}
}
