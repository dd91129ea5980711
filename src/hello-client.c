/* SPDX-License-Identifier: MIT */
/* hello-client - prints the greeting of a hellod */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monotonic.h"
#include "output.h"
#include "parse.h"
#include "probe.h"
#include "report.h"

#define HOST_DEFAULT "localhost"
#define PORT_DEFAULT "6666"
#define PORT_MAX 65535U

#define TIMEOUT_DEFAULT_SEC 10U
#define TIMEOUT_MIN_USEC 1000U
#define TIMEOUT_MAX_SEC 86400U

/* What parse_options() returns to have the client run; anything else is an exit status. */
#define PARSED (-1)

static void print_help(void)
{
	printf("Usage: hello-client [OPTION]... [HOST [PORT]]\n"
	       "Connect to a hellod, read one greeting, print it.\n"
	       "\n"
	       "HOST is a name, an address, or the path of a UNIX socket that begins with '/'\n"
	       "(default: %s). PORT is a number (default: %s).\n"
	       "\n"
	       "  -4, --ipv4         use IPv4 only\n"
	       "  -6, --ipv6         use IPv6 only\n"
	       "  -t, --timeout=SEC  give up after SEC seconds, from the name to the last byte,\n"
	       "                     0.001 to %u (default: %u)\n"
	       "  -h, --help         print this help and exit\n"
	       "  -V, --version      print the version and exit\n"
	       "\n"
	       "Exit status: %d greeted, %d no valid greeting (refused, timed out, reset, cut\n"
	       "short, malformed), %d could not try (wrong usage, unknown host) or print.\n",
	       HOST_DEFAULT, PORT_DEFAULT, TIMEOUT_MAX_SEC, TIMEOUT_DEFAULT_SEC,
	       REPORT_EXIT_GREETED, REPORT_EXIT_NO_GREETING, REPORT_EXIT_NOT_TRIED);
}

static void print_version(void)
{
	printf("hello-client (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
}

static int print_and_exit(void (*print)(void))
{
	print();
	return output_close() < 0 ? REPORT_EXIT_NOT_TRIED : REPORT_EXIT_GREETED;
}

static int wrong_usage(void)
{
	fprintf(stderr, "Try 'hello-client --help'.\n");
	return REPORT_EXIT_NOT_TRIED;
}

static int parse_timeout(const char *text, struct probe_target *target)
{
	int r = parse_seconds(text, TIMEOUT_MIN_USEC, (uint64_t)TIMEOUT_MAX_SEC * USEC_PER_SEC,
			      &target->timeout_usec);

	if (r == 0)
		return PARSED;
	fprintf(stderr, "hello-client: --timeout: '%s' is not %s\n", text,
		r == -EINVAL ? "a number of seconds" : "between 0.001 and 86400 seconds");
	return wrong_usage();
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
	else if (parse_number(target->port, 1, PORT_MAX, &port) < 0)
		fprintf(stderr, "hello-client: '%s' is not a port: give a number from 1 to %u\n",
			target->port, PORT_MAX);
	else if (target->host[0] == '/' && count > 1)
		fprintf(stderr, "hello-client: '%s': a UNIX socket has no port\n", operands[1]);
	else
		return PARSED;
	return wrong_usage();
}

static int parse_options(int argc, char **argv, struct probe_target *target)
{
	static const struct option known[] = {
		{"ipv4", no_argument, NULL, '4'},	   {"ipv6", no_argument, NULL, '6'},
		{"timeout", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},	   {0},
	};
	int c, r;

	while ((c = getopt_long(argc, argv, "46t:hV", known, NULL)) != -1) {
		switch (c) {
		case '4':
			target->family = AF_INET;
			break;
		case '6':
			target->family = AF_INET6;
			break;
		case 't':
			r = parse_timeout(optarg, target);
			if (r != PARSED)
				return r;
			break;
		case 'h':
			return print_and_exit(print_help);
		case 'V':
			return print_and_exit(print_version);
		default:
			return wrong_usage();
		}
	}
	return parse_operands(argc - optind, argv + optind, target);
}

static int run(const struct probe_target *target)
{
	static struct probe_result result;
	int status;

	probe_run(target, &result);
	status = (int)report_exit_status(&result);
	if (result.status == PROBE_GREETED) {
		report_greeting(&result, isatty(STDOUT_FILENO), stdout);
	} else {
		fputs("hello-client: ", stderr);
		report_failure(target, &result, stderr);
		putc('\n', stderr);
	}
	probe_clear(&result);

	if (output_close() < 0)
		return REPORT_EXIT_NOT_TRIED;
	return status;
}

int main(int argc, char **argv)
{
	struct probe_target target = {
		.host = HOST_DEFAULT,
		.port = PORT_DEFAULT,
		.family = AF_UNSPEC,
		.timeout_usec = (uint64_t)TIMEOUT_DEFAULT_SEC * USEC_PER_SEC,
	};
	int status;

	/* A reader of our output that goes away is an output error like any other. */
	signal(SIGPIPE, SIG_IGN);
	status = parse_options(argc, argv, &target);
	return status == PARSED ? run(&target) : status;
}
