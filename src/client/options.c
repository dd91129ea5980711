/* SPDX-License-Identifier: MIT */
/* options - the command line of hello-client */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/options.h"
#include "common/clock.h"
#include "common/mutf8.h"
#include "common/number.h"
#include "common/stdio.h"

#define HOST_DEFAULT "localhost"
#define PORT_DEFAULT "6666"
#define PORT_MAX 65535U

#define TIMEOUT_DEFAULT_SEC 10U
#define TIMEOUT_MIN_USEC 1000U
#define INTERVAL_DEFAULT_SEC 1U
#define SECONDS_MAX 86400U

/* For getopt_long(3): an option without a letter. */
#define OPTION_HISTOGRAM 256

static const struct option long_options[] = {
	{"ipv4", no_argument, NULL, '4'},
	{"ipv6", no_argument, NULL, '6'},
	{"timeout", required_argument, NULL, 't'},
	{"count", required_argument, NULL, 'c'},
	{"interval", required_argument, NULL, 'i'},
	{"expect", required_argument, NULL, 'e'},
	{"warning", required_argument, NULL, 'w'},
	{"critical", required_argument, NULL, 'C'},
	{"output", required_argument, NULL, 'o'},
	{"histogram", no_argument, NULL, OPTION_HISTOGRAM},
	{"quiet", no_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static void print_help(void)
{
	printf("Usage: hello-client [OPTION]... [HOST [PORT]]\n"
	       "Connect to a hellod, read one greeting, print it.\n"
	       "\n"
	       "HOST is a name, an address, or the path of a UNIX socket that begins with '/'\n"
	       "(default: %s). PORT is a number (default: %s). SEC is a number of\n"
	       "seconds, which may have a fraction.\n"
	       "\n"
	       "  -4, --ipv4          use IPv4 only\n"
	       "  -6, --ipv6          use IPv6 only\n"
	       "  -t, --timeout=SEC   give up after SEC, from the name to the last byte,\n"
	       "                      0.001 to %u (default: %u)\n"
	       "  -c, --count=N       repeat N times, 0 without end, and print a summary\n"
	       "  -i, --interval=SEC  from one greeting to the next, 0 to %u (default: %u)\n"
	       "  -e, --expect=TEXT   require the greeting to be exactly TEXT\n"
	       "  -w, --warning=SEC   a greeting that takes longer is slow\n"
	       "  -C, --critical=SEC  a greeting that takes longer is too slow\n"
	       "  -o, --output=FORMAT text, json or nagios (default: text)\n"
	       "      --histogram     with --count, add a histogram of the times to the summary\n"
	       "  -q, --quiet         print nothing but the summary; no effect with nagios\n"
	       "  -v, --verbose       print each connection attempt and each phase\n"
	       "  -h, --help          print this help and exit\n"
	       "  -V, --version       print the version and exit\n"
	       "\n"
	       "Exit status: %d greeted, %d slow, %d no valid greeting (refused, timed out,\n"
	       "reset, cut short, malformed, unexpected, too slow), %d could not try (wrong\n"
	       "usage, unknown host) or print. With --count the worst: 2, then 3, then 1.\n",
	       HOST_DEFAULT, PORT_DEFAULT, SECONDS_MAX, TIMEOUT_DEFAULT_SEC, SECONDS_MAX,
	       INTERVAL_DEFAULT_SEC, EXIT_GREETED, EXIT_SLOW, EXIT_NO_GREETING, EXIT_NOT_TRIED);
}

/* Ends the process after a message about wrong usage. */
static _Noreturn void exit_usage(void)
{
	fputs("Try 'hello-client --help'.\n", stderr);
	exit(EXIT_NOT_TRIED);
}

__attribute__((format(printf, 1, 2))) static _Noreturn void usage_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("hello-client: ", stderr);
	vfprintf(stderr, format, arguments);
	putc('\n', stderr);
	va_end(arguments);
	exit_usage();
}

static uint64_t parse_seconds(const char *option, const char *text, uint64_t min_usec)
{
	uint64_t usec = 0;
	int r = number_parse_seconds(text, min_usec, (uint64_t)SECONDS_MAX * USEC_PER_SEC, &usec);

	if (r == -ERANGE)
		usage_error("--%s: '%s' is not between %g and %u seconds", option, text,
			    (double)min_usec / USEC_PER_SEC, SECONDS_MAX);
	if (r < 0)
		usage_error("--%s: '%s' is not a number of seconds", option, text);
	return usec;
}

static const char *parse_expected(const char *text)
{
	size_t length, bad_offset;

	if (mutf8_encode(text, strlen(text), NULL, 0, &length, &bad_offset) == -EILSEQ)
		usage_error("--expect: '%s' is not UTF-8", text);
	return text;
}

static const struct report_format *parse_format(const char *text)
{
	static const struct report_format *const formats[] = {&report_text, &report_json,
							      &report_nagios};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(text, formats[i]->name) == 0)
			return formats[i];
	usage_error("--output: '%s' is not text, json or nagios", text);
}

static void parse_option(int c, const char *argument, struct options *options)
{
	struct probe_target *target = &options->target;

	switch (c) {
	case '4':
		target->family = AF_INET;
		break;
	case '6':
		target->family = AF_INET6;
		break;
	case 't':
		target->timeout_usec = parse_seconds("timeout", argument, TIMEOUT_MIN_USEC);
		break;
	case 'c':
		options->style.counting = true;
		if (number_parse(argument, 0, UINT64_MAX, &options->count) < 0)
			usage_error("--count: '%s' is not a number of greetings", argument);
		break;
	case 'i':
		options->interval_usec = parse_seconds("interval", argument, 0);
		break;
	case 'e':
		target->expected = parse_expected(argument);
		break;
	case 'w':
		target->warning_usec = parse_seconds("warning", argument, 0);
		break;
	case 'C':
		target->critical_usec = parse_seconds("critical", argument, 0);
		break;
	case 'o':
		options->format = parse_format(argument);
		break;
	case OPTION_HISTOGRAM:
		options->style.histogram = true;
		break;
	case 'q':
		options->style.quiet = true;
		break;
	case 'v':
		options->style.verbose = true;
		break;
	case 'h':
	case 'V':
		if (c == 'h')
			print_help();
		else
			printf("hello-client (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
		exit(stdio_close() < 0 ? EXIT_NOT_TRIED : EXIT_GREETED);
	default:
		exit_usage();
	}
}

static void parse_operands(int count, char **operands, struct probe_target *target)
{
	uint64_t port;

	if (count > 0)
		target->host = operands[0];
	if (count > 1)
		target->port = operands[1];
	if (count > 2)
		usage_error("'%s': only a host and a port are taken", operands[2]);
	if (target->host[0] == '\0')
		usage_error("the host is empty");
	if (number_parse(target->port, 1, PORT_MAX, &port) < 0)
		usage_error("'%s' is not a port: give a number from 1 to %u", target->port,
			    PORT_MAX);
	if (target->host[0] == '/' && count > 1)
		usage_error("'%s': a UNIX socket has no port", operands[1]);
}

void options_parse(int argc, char **argv, struct options *ret_options)
{
	struct probe_target *target = &ret_options->target;
	int c;

	*ret_options = (struct options){
		.target = {.host = HOST_DEFAULT,
			   .port = PORT_DEFAULT,
			   .family = AF_UNSPEC,
			   .timeout_usec = (uint64_t)TIMEOUT_DEFAULT_SEC * USEC_PER_SEC,
			   .warning_usec = CLOCK_NEVER,
			   .critical_usec = CLOCK_NEVER},
		.format = &report_text,
		.interval_usec = (uint64_t)INTERVAL_DEFAULT_SEC * USEC_PER_SEC,
	};
	while ((c = getopt_long(argc, argv, "46t:c:i:e:w:C:o:qvhV", long_options, NULL)) != -1)
		parse_option(c, optarg, ret_options);
	if (target->warning_usec > target->critical_usec && target->warning_usec != CLOCK_NEVER)
		usage_error("--warning is more than --critical: swap them");
	parse_operands(argc - optind, argv + optind, target);
	/* Wait for the server to close only if that is reported. */
	target->await_close = ret_options->style.verbose && !ret_options->style.quiet &&
			      ret_options->format != &report_nagios;
}
