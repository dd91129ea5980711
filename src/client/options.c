/* SPDX-License-Identifier: MIT */
/* options - the command line of hello-client */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/charset.h"
#include "client/options.h"
#include "common/clock.h"
#include "common/number.h"
#include "common/stdio.h"

#define HOST_DEFAULT "localhost"
#define PORT_DEFAULT "6666"
#define PORT_MAX 65535U

#define TIMEOUT_DEFAULT_SEC 10U
#define INTERVAL_DEFAULT_SEC 1U
#define SECONDS_MAX 86400U
#define SECONDS_MIN_USEC 1000U

/* For getopt_long(3): an option without a letter. */
#define OPTION_HISTOGRAM 256

static const struct option known[] = {
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
	       "(default: %s). PORT is a number (default: %s). SEC are seconds, and may\n"
	       "have a fraction.\n"
	       "\n"
	       "  -4, --ipv4          use IPv4 only\n"
	       "  -6, --ipv6          use IPv6 only\n"
	       "  -t, --timeout=SEC   give up after SEC, from the name to the last byte,\n"
	       "                      0.001 to %u (default: %u)\n"
	       "  -c, --count=N       greet N times, 0 for no end, and sum up\n"
	       "  -i, --interval=SEC  from one greeting to the next, 0 to %u (default: %u)\n"
	       "  -e, --expect=TEXT   take no other greeting than TEXT\n"
	       "  -w, --warning=SEC   a greeting that takes longer is slow\n"
	       "  -C, --critical=SEC  a greeting that takes longer is too slow\n"
	       "  -o, --output=FORMAT text, json (an object a line) or nagios (one line with\n"
	       "                      performance data) (default: text)\n"
	       "      --histogram     show how the times are spread, with --count\n"
	       "  -q, --quiet         print only the summary; without --count nothing,\n"
	       "                      but with nagios its line\n"
	       "  -v, --verbose       tell of each address and each phase\n"
	       "  -h, --help          print this help and exit\n"
	       "  -V, --version       print the version and exit\n"
	       "\n"
	       "Exit status: %d greeted, %d slow, %d no valid greeting (refused, timed out,\n"
	       "reset, cut short, malformed, unexpected, too slow), %d could not try (wrong\n"
	       "usage, unknown host) or print. With --count the worst: 2, then 3, then 1.\n",
	       HOST_DEFAULT, PORT_DEFAULT, SECONDS_MAX, TIMEOUT_DEFAULT_SEC, SECONDS_MAX,
	       INTERVAL_DEFAULT_SEC, VERDICT_EXIT_GREETED, VERDICT_EXIT_SLOW,
	       VERDICT_EXIT_NO_GREETING, VERDICT_EXIT_NOT_TRIED);
}

static void print_version(void)
{
	printf("hello-client (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
}

static int print_and_exit(void (*print)(void))
{
	print();
	return stdio_close() < 0 ? VERDICT_EXIT_NOT_TRIED : VERDICT_EXIT_GREETED;
}

static int wrong_usage(void)
{
	fprintf(stderr, "Try 'hello-client --help'.\n");
	return VERDICT_EXIT_NOT_TRIED;
}

static int parse_sec(const char *option, const char *text, uint64_t min_usec, uint64_t *usec)
{
	int r = number_parse_seconds(text, min_usec, (uint64_t)SECONDS_MAX * USEC_PER_SEC, usec);

	if (r == 0)
		return CLIENT_OPTIONS_RUN;
	if (r == -EINVAL)
		fprintf(stderr, "hello-client: --%s: '%s' is not a number of seconds\n", option,
			text);
	else
		fprintf(stderr, "hello-client: --%s: '%s' is not between %g and %u seconds\n",
			option, text, (double)min_usec / USEC_PER_SEC, SECONDS_MAX);
	return wrong_usage();
}

static int parse_count(const char *text, struct client_options *options)
{
	int r = number_parse(text, 0, UINT64_MAX, &options->count);

	if (r < 0) {
		fprintf(stderr, "hello-client: --count: '%s' is %s\n", text,
			r == -ERANGE ? "too many" : "not a number of greetings");
		return wrong_usage();
	}
	options->counting = true;
	return CLIENT_OPTIONS_RUN;
}

static int parse_expect(const char *text, struct client_options *options)
{
	int r;

	free(options->expected);
	options->expected = NULL;
	r = charset_from_locale(text, &options->expected);
	if (r < 0) {
		fprintf(stderr, "hello-client: --expect: '%s': %s\n", text, strerror(-r));
		return wrong_usage();
	}
	options->expectation.text = options->expected;
	return CLIENT_OPTIONS_RUN;
}

static int parse_format(const char *text, enum report_format *format)
{
	static const char *const names[] = {
		[REPORT_TEXT] = "text",
		[REPORT_JSON] = "json",
		[REPORT_NAGIOS] = "nagios",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*format = (enum report_format)i;
			return CLIENT_OPTIONS_RUN;
		}
	}
	fprintf(stderr, "hello-client: --output: '%s' is not text, json or nagios\n", text);
	return wrong_usage();
}

static int parse_option(int c, const char *argument, struct client_options *options)
{
	switch (c) {
	case '4':
		options->target.family = AF_INET;
		break;
	case '6':
		options->target.family = AF_INET6;
		break;
	case 't':
		return parse_sec("timeout", argument, SECONDS_MIN_USEC,
				 &options->target.timeout_usec);
	case 'c':
		return parse_count(argument, options);
	case 'i':
		return parse_sec("interval", argument, 0, &options->interval_usec);
	case 'e':
		return parse_expect(argument, options);
	case 'w':
		return parse_sec("warning", argument, 0, &options->expectation.warning_usec);
	case 'C':
		return parse_sec("critical", argument, 0, &options->expectation.critical_usec);
	case 'o':
		return parse_format(argument, &options->format);
	case OPTION_HISTOGRAM:
		options->histogram = true;
		break;
	case 'q':
		options->quiet = true;
		break;
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
	return CLIENT_OPTIONS_RUN;
}

static int parse_operands(int count, char **operands, struct probe_target *target)
{
	uint64_t port;

	if (count > 0)
		target->host = operands[0];
	if (count > 1)
		target->port = operands[1];

	if (count > 2)
		fprintf(stderr, "hello-client: '%s': only a host and a port are taken\n",
			operands[2]);
	else if (target->host[0] == '\0')
		fprintf(stderr, "hello-client: the host is empty\n");
	else if (number_parse(target->port, 1, PORT_MAX, &port) < 0)
		fprintf(stderr, "hello-client: '%s' is not a port: give a number from 1 to %u\n",
			target->port, PORT_MAX);
	else if (target->host[0] == '/' && count > 1)
		fprintf(stderr, "hello-client: '%s': a UNIX socket has no port\n", operands[1]);
	else
		return CLIENT_OPTIONS_RUN;
	return wrong_usage();
}

int client_options_parse(int argc, char **argv, struct client_options *options)
{
	int c;

	*options = (struct client_options){
		.target =
			{
				.host = HOST_DEFAULT,
				.port = PORT_DEFAULT,
				.family = AF_UNSPEC,
				.timeout_usec = (uint64_t)TIMEOUT_DEFAULT_SEC * USEC_PER_SEC,
			},
		.expectation =
			{
				.warning_usec = CLOCK_NEVER,
				.critical_usec = CLOCK_NEVER,
			},
		.interval_usec = (uint64_t)INTERVAL_DEFAULT_SEC * USEC_PER_SEC,
	};

	while ((c = getopt_long(argc, argv, "46t:c:i:e:w:C:o:qvhV", known, NULL)) != -1) {
		int r = parse_option(c, optarg, options);

		if (r != CLIENT_OPTIONS_RUN)
			return r;
	}
	if (options->expectation.critical_usec != CLOCK_NEVER &&
	    options->expectation.warning_usec != CLOCK_NEVER &&
	    options->expectation.warning_usec > options->expectation.critical_usec) {
		fprintf(stderr, "hello-client: --warning is more than --critical: swap them\n");
		return wrong_usage();
	}
	/* Only wait for the close if it is going to be told. */
	options->target.await_close =
		options->verbose && !options->quiet && options->format != REPORT_NAGIOS;
	return parse_operands(argc - optind, argv + optind, &options->target);
}

void client_options_free(struct client_options *options)
{
	free(options->expected);
	options->expected = NULL;
}
