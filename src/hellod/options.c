/* SPDX-License-Identifier: MIT */
/* options - the command line of hellod */
#include "config.h"

#include <getopt.h>
#include <stdarg.h>
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
	       "  -i, --idle-timeout=SEC     exit after SEC without a client; fractions are "
	       "allowed,\n"
	       "                             0 means never (default: %u)\n"
	       "  -m, --max-connections=N    maximum number of concurrent clients (default: the\n"
	       "                             limit of file descriptors, less a few)\n"
	       "\n"
	       "Exit status: %d done, %d wrong usage, %d system error, %d output not written,\n"
	       "%d bad greeting or unusable socket.\n",
	       GREETING_PATH, GREETING_DEFAULT, IDLE_DEFAULT_SEC, EX_OK, EX_USAGE, EX_OSERR,
	       EX_IOERR, EX_CONFIG);
}

static void print_version(void)
{
	puts(PACKAGE_STRING);
}

static void print_and_exit(void (*print)(void))
{
	print();
	exit(stdio_close() < 0 ? EX_IOERR : EX_OK);
}

__attribute__((noreturn)) static void wrong_usage(void)
{
	fprintf(stderr, "Try 'hellod --help'.\n");
	exit(EX_USAGE);
}

__attribute__((format(printf, 1, 2), noreturn)) static void refuse(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "hellod: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	wrong_usage();
}

static enum log_greetings parse_log_greetings(const char *text)
{
	if (strcmp(text, "yes") == 0)
		return LOG_GREETINGS_YES;
	if (strcmp(text, "no") == 0)
		return LOG_GREETINGS_NO;
	refuse("--log-greetings: '%s' is not yes or no", text);
}

static uint64_t parse_idle_timeout(const char *text)
{
	uint64_t usec;
	int r = number_parse_seconds(text, 0, (uint64_t)IDLE_MAX_SEC * USEC_PER_SEC, &usec);

	if (r < 0 || (usec > 0 && usec < IDLE_MIN_USEC))
		refuse("--idle-timeout: '%s' is not 0 or between %g and %u seconds", text,
		       (double)IDLE_MIN_USEC / USEC_PER_SEC, IDLE_MAX_SEC);
	return usec > 0 ? usec : CLOCK_NEVER;
}

static uint64_t parse_max_connections(const char *text)
{
	uint64_t number;

	if (number_parse(text, 1, OPTIONS_CONNECTIONS_MAX, &number) < 0)
		refuse("--max-connections: '%s' is not a number from 1 to %u", text,
		       OPTIONS_CONNECTIONS_MAX);
	return number;
}

void options_parse(int argc, char **argv, struct options *options)
{
	int c;

	*options = (struct options){
		.greeting = {.path = GREETING_PATH, .path_may_be_absent = true},
		.idle_usec = (uint64_t)IDLE_DEFAULT_SEC * USEC_PER_SEC,
	};
	while ((c = getopt_long(argc, argv, "g:f:i:m:l:vhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'g':
			options->greeting.text = optarg;
			break;
		case 'f':
			options->greeting.path = optarg;
			options->greeting.path_may_be_absent = false;
			break;
		case 'i':
			options->idle_usec = parse_idle_timeout(optarg);
			break;
		case 'm':
			options->max_connections = parse_max_connections(optarg);
			break;
		case 'l':
			options->log_greetings = parse_log_greetings(optarg);
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'h':
			print_and_exit(print_help);
			break;
		case 'V':
			print_and_exit(print_version);
			break;
		default:
			wrong_usage(); /* getopt_long() has named the option */
		}
	}
	if (optind < argc)
		refuse("'%s': no operand is expected", argv[optind]);
}
