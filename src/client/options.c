/* SPDX-License-Identifier: MIT */
/* options - the command line of hello-client */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/options.h"
#include "common/clock.h"
#include "common/number.h"
#include "common/stdio.h"
#include "probe/datagram.h"
#include "probe/escape.h"
#include "probe/target.h"

#define INTERVAL_DEFAULT_SEC 1U

#define LETTERS TARGET_LETTERS "t:c:i:o:qvhV"

/* For getopt_long(3): an option without a letter. */
#define OPTION_HISTOGRAM (TARGET_REQUEST_SIZE + 1)

static const struct option long_options[] = {
	TARGET_LONG_OPTIONS,
	{"timeout", required_argument, NULL, 't'},
	{"count", required_argument, NULL, 'c'},
	{"interval", required_argument, NULL, 'i'},
	{"output", required_argument, NULL, 'o'},
	{"histogram", no_argument, NULL, OPTION_HISTOGRAM},
	{"quiet", no_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

/* With the prompt after it, it fits on a terminal of 80 columns and 24 lines. */
static void print_help(void)
{
	printf("Usage: hello-client [OPTION]... [HOST [PORT]]\n"
	       "Print the greeting of a hellod. HOST (default: %s) is a name, an address,\n"
	       "HOST:PORT, [IPV6]:PORT, /PATH, unix:PATH, @NAME or vsock:CID[:PORT].\n"
	       "\n"
	       "Connection:\n"
	       "  -4, --ipv4          use IPv4 only\n"
	       "  -6, --ipv6          use IPv6 only\n"
	       "  -p, --port=PORT     a number or the name of a service (default: %s)\n"
	       "  -u, --udp           ask by datagrams instead of connecting\n"
	       "      --request-size=BYTES  length of a request (default: %u)\n"
	       "  -t, --timeout=SEC   give up after %g to %u seconds (default: %u)\n"
	       "Greetings:\n"
	       "  -c, --count=N       repeat N times, 0 without end, and print a summary\n"
	       "  -i, --interval=SEC  from one greeting to the next, 0 to %u (default: %u)\n"
	       "  -e, --expect=TEXT   require the greeting to be exactly TEXT\n"
	       "Output:\n"
	       "  -o, --output=FORMAT text, json or openmetrics (default: text)\n"
	       "      --histogram     add a histogram of the times to the summary\n"
	       "  -q, --quiet         print nothing but the summary or the metrics\n"
	       "  -v, --verbose       print each connection attempt and each phase\n"
	       "  -h, --help          print this help and exit\n"
	       "  -V, --version       print the version and exit\n"
	       "Exit status: %d greeted, %d no valid greeting, %d not tried or printed.\n",
	       ENDPOINT_HOST_DEFAULT, ENDPOINT_PORT_DEFAULT, DATAGRAM_REQUEST_BYTES_DEFAULT,
	       (double)TARGET_TIMEOUT_MIN_USEC / USEC_PER_SEC, TARGET_SECONDS_MAX,
	       TARGET_TIMEOUT_DEFAULT_SEC, TARGET_SECONDS_MAX, INTERVAL_DEFAULT_SEC, EXIT_GREETED,
	       EXIT_NO_GREETING, EXIT_NOT_TRIED);
}

int usage_print(const char *message)
{
	char *escaped = escape(message, strlen(message));

	fprintf(stderr, "hello-client: %s\nTry 'hello-client --help'.\n",
		escaped != NULL ? escaped : strerror(ENOMEM));
	free(escaped);
	return EXIT_NOT_TRIED;
}

static const struct report_format *parse_format(const char *text)
{
	static const struct report_format *const formats[] = {&report_text, &report_json,
							      &report_openmetrics};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(text, formats[i]->name) == 0)
			return formats[i];
	if (strcmp(text, "nagios") == 0)
		usage_error("--output: for monitoring, use check_hello: see check_hello(1)");
	usage_error("--output: '%s' is wrong: give text, json or openmetrics", text);
}

static void parse_option(int c, const char *argument, struct options *options)
{
	switch (c) {
	case 't':
		options->target.timeout_usec =
			target_parse_seconds("timeout", argument, TARGET_TIMEOUT_MIN_USEC);
		break;
	case 'c':
		options->style.counting = true;
		if (number_parse(argument, 0, UINT64_MAX, &options->count) < 0)
			usage_error("--count: '%s' is wrong: give a number of greetings from 1 to "
				    "%" PRIu64 ", or 0 for no end",
				    argument, UINT64_MAX);
		break;
	case 'i':
		options->interval_usec = target_parse_seconds("interval", argument, 0);
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
	}
}

static void parse_operands(int count, char **operands, struct target_server *server)
{
	if (count > 2)
		usage_error("'%s': give only a host and a port", operands[2]);
	if (count > 1 && server->port != NULL)
		usage_error("'%s' and --port=%s: give the port once", operands[1], server->port);
	if (count > 0)
		server->host = operands[0];
	if (count > 1)
		server->port = operands[1];
}

/* Whether an unknown option, which is a letter or a word, is one of monitoring plugins. */
static bool is_of_plugin(int letter, const char *word)
{
	static const char *const words[] = {"--hostname", "--warning", "--critical"};
	size_t length = strcspn(word, "=");

	if (letter != 0)
		return letter == 'H' || letter == 'w' || letter == 'C';
	/* Abbreviated, too, but not to one letter: --h may be --help. */
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (length > strlen("--h") && strncmp(word, words[i], length) == 0)
			return true;
	return false;
}

void options_parse(int argc, char **argv, struct options *ret_options)
{
	struct target_server server = {0};
	const char *message;
	int c;

	*ret_options = (struct options){
		.target = target_default(),
		.format = &report_text,
		.interval_usec = (uint64_t)INTERVAL_DEFAULT_SEC * USEC_PER_SEC,
	};
	while ((c = target_next_option(argc, argv, LETTERS, long_options, &message)) != -1) {
		if (c == '?')
			usage_error("%s%s", message,
				    is_of_plugin(optopt, argv[optind - 1])
					    ? ": for monitoring, use check_hello -H HOST -w RANGE "
					      "-c RANGE: see check_hello(1)"
					    : "");
		if (!target_option(c, optarg, &server, &ret_options->target))
			parse_option(c, optarg, ret_options);
	}
	parse_operands(argc - optind, argv + optind, &server);
	target_complete(&server, &ret_options->target);
	/* Wait for the server to close only if that is reported. */
	ret_options->target.await_close = ret_options->style.verbose && !ret_options->style.quiet &&
					  ret_options->format != &report_openmetrics;
}
