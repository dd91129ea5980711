/* SPDX-License-Identifier: MIT */
/* options - the command line of check_hello */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_hello/options.h"
#include "check_hello/text.h"
#include "common/stdio.h"
#include "probe/datagram.h"
#include "probe/target.h"

#define LETTERS TARGET_LETTERS "H:w:c:t:vhV"

/* The end of a message about wrong usage, which says what to give, is not cut. */
#define END_BYTES 100

static const struct option long_options[] = {
	{"hostname", required_argument, NULL, 'H'},
	TARGET_LONG_OPTIONS,
	{"warning", required_argument, NULL, 'w'},
	{"critical", required_argument, NULL, 'c'},
	{"timeout", required_argument, NULL, 't'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static const char usage[] =
	"Usage: check_hello [-46uv] [-H HOST] [-p PORT] [-w RANGE] [-c RANGE]\n"
	"                   [-t SECONDS[:STATUS]] [-e TEXT] [--request-size=BYTES]\n";

static void print_version(void)
{
	printf("check_hello (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
}

static void print_help(void)
{
	print_version();
	printf("%s"
	       "Check that a hellod greets, and how long that takes.\n"
	       "\n"
	       "  -H, --hostname=HOST     a name or an address (default: %s), HOST:PORT,\n"
	       "                          [IPV6]:PORT, /PATH, unix:PATH, @NAME, vsock:CID[:PORT]\n"
	       "  -p, --port=PORT         a number or the name of a service (default: %s)\n"
	       "  -4, --ipv4              use IPv4 only\n"
	       "  -6, --ipv6              use IPv6 only\n"
	       "  -u, --udp               ask by datagrams instead of connecting\n"
	       "      --request-size=BYTES  length of a request (default: %u)\n"
	       "  -w, --warning=RANGE     WARNING if the seconds are outside RANGE\n"
	       "  -c, --critical=RANGE    CRITICAL if they are outside RANGE\n"
	       "  -t, --timeout=SECONDS   give up after SECONDS, 0.001 to %u (default: %u);\n"
	       "                          after SECONDS:STATUS with STATUS, not CRITICAL\n"
	       "  -e, --expect=TEXT       CRITICAL unless the greeting is exactly TEXT\n"
	       "  -v, --verbose           print more; up to three times\n"
	       "  -h, --help              print this help and exit\n"
	       "  -V, --version           print the version and exit\n"
	       "\n"
	       "RANGE is END, START:, START:END or ~:END (~ is minus infinity), of numbers that\n"
	       "may have a fraction; both ends belong to it. With @ in front, an alert is raised\n"
	       "inside RANGE. STATUS is ok, warning, critical, unknown, or 0 to 3.\n"
	       "\n"
	       "Exit status: 0 OK, 1 WARNING, 2 CRITICAL (no valid greeting), 3 UNKNOWN (wrong\n"
	       "usage, this host's fault, --help, --version).\n",
	       usage, ENDPOINT_HOST_DEFAULT, ENDPOINT_PORT_DEFAULT, DATAGRAM_REQUEST_BYTES_DEFAULT,
	       TARGET_SECONDS_MAX, TARGET_TIMEOUT_DEFAULT_SEC);
}

int usage_print(const char *message)
{
	size_t length = strlen(message), end = length > END_BYTES ? length - END_BYTES : 0;

	/* Not within a character. */
	while ((message[end] & 0xC0) == 0x80)
		end++;
	printf("HELLO %s: ", status_word(STATUS_UNKNOWN));
	text_print(message, end, TEXT_CHARACTERS_MAX);
	text_print(message + end, length - end, TEXT_WHOLE);
	printf("\n%s", usage);
	stdio_close();
	return STATUS_UNKNOWN;
}

static void parse_range(const char *option, const char *text, struct threshold *ret_threshold)
{
	int r = range_parse(text, &ret_threshold->range);

	if (r == -EDOM)
		usage_error(
			"--%s: '%s' starts above its end: give START:END, or ~:END for no start",
			option, text);
	if (r == -ERANGE)
		usage_error("--%s: '%s' is too large: give numbers up to %lld", option, text,
			    RANGE_WHOLE_MAX);
	if (r < 0)
		usage_error("--%s: '%s' is no range: give END, START:, START:END or ~:END, and @ "
			    "in front for an alert inside it",
			    option, text);
	ret_threshold->given = text;
}

/* SECONDS[:STATUS], as the plugins of monitoring-plugins take it. Cuts `text` at the colon. */
static void parse_timeout(char *text, struct options *options)
{
	char *colon = strchr(text, ':');

	options->timeout_status = STATUS_CRITICAL;
	if (colon != NULL) {
		*colon = '\0';
		if (status_parse(colon + 1, &options->timeout_status) < 0)
			usage_error("--timeout: '%s' is no status: give ok, warning, critical, "
				    "unknown, or 0 to 3",
				    colon + 1);
	}
	options->target.timeout_usec =
		target_parse_seconds("timeout", text, TARGET_TIMEOUT_MIN_USEC);
}

static void parse_option(int c, char *argument, struct options *options)
{
	switch (c) {
	case 'w':
		parse_range("warning", argument, &options->warning);
		break;
	case 'c':
		parse_range("critical", argument, &options->critical);
		break;
	case 't':
		parse_timeout(argument, options);
		break;
	case 'v':
		options->verbosity++;
		break;
	case 'h':
	case 'V':
		/* Not STATUS_OK, or a service that is only asked for help would be well for ever. */
		if (c == 'h')
			print_help();
		else
			print_version();
		stdio_close();
		exit(STATUS_UNKNOWN);
	}
}

void options_parse(int argc, char **argv, struct options *ret_options)
{
	struct target_server server = {0};
	const char *message;
	int c;

	*ret_options = (struct options){
		.target = target_default(),
		.timeout_status = STATUS_CRITICAL,
	};
	while ((c = target_next_option(argc, argv, LETTERS, long_options, &message)) != -1) {
		if (c == '?')
			usage_error("%s", message);
		if (c == 'H')
			server.host = optarg;
		else if (!target_option(c, optarg, &server, &ret_options->target))
			parse_option(c, optarg, ret_options);
	}
	if (optind < argc)
		usage_error("'%s' is not an option: give the host with -H, the port with -p",
			    argv[optind]);
	target_complete(&server, &ret_options->target);
}
