/* SPDX-License-Identifier: MIT */
/* options - the command line of hello-client */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>

#include "../unit.h"
#include "client/options.h"
#include "common/clock.h"

#define ARGUMENTS_MAX 8

/* Prints the options on one line, without those at their default. */
static void describe(const struct options *options)
{
	const struct probe_target *target = &options->target;

	printf("%s %s", target->host, target->port);
	if (target->family != AF_UNSPEC)
		printf(" %s", target->family == AF_INET ? "ipv4" : "ipv6");
	if (target->timeout_usec != 10000000)
		printf(" t=%" PRIu64, target->timeout_usec);
	if (target->await_close)
		printf(" close");
	if (target->expected != NULL)
		printf(" e='%s'", target->expected);
	if (target->warning_usec != CLOCK_NEVER)
		printf(" w=%" PRIu64, target->warning_usec);
	if (target->critical_usec != CLOCK_NEVER)
		printf(" C=%" PRIu64, target->critical_usec);
	if (options->style.counting)
		printf(" c=%" PRIu64, options->count);
	if (options->interval_usec != 1000000)
		printf(" i=%" PRIu64, options->interval_usec);
	printf(" %s%s%s%s", options->format->name, options->style.quiet ? " quiet" : "",
	       options->style.verbose ? " verbose" : "",
	       options->style.histogram ? " histogram" : "");
}

#define USAGE "\nTry 'hello-client --help'.\n"
#define SECONDS "is not a number of seconds" USAGE
#define BETWEEN "is not between 0 and 86400 seconds" USAGE
#define PORT "is not a port: give a number from 1 to 65535" USAGE

static const struct {
	const char *arguments[ARGUMENTS_MAX]; /* without the name of the program */
	int status;			      /* -1 to run */
	const char *printed;		      /* the description, or after "hello-client: " */
} lines[] = {
	/* The defaults, and each option, short and long. */
	{{NULL}, -1, "localhost 6666 text"},
	{{"-4"}, -1, "localhost 6666 ipv4 text"},
	{{"--ipv4"}, -1, "localhost 6666 ipv4 text"},
	{{"-6"}, -1, "localhost 6666 ipv6 text"},
	{{"--ipv6"}, -1, "localhost 6666 ipv6 text"},
	{{"-t", "2.5"}, -1, "localhost 6666 t=2500000 text"},
	{{"--timeout=2.5"}, -1, "localhost 6666 t=2500000 text"},
	{{"-c", "3"}, -1, "localhost 6666 c=3 text"},
	{{"--count=3"}, -1, "localhost 6666 c=3 text"},
	{{"-i", "0.25"}, -1, "localhost 6666 i=250000 text"},
	{{"--interval=0.25"}, -1, "localhost 6666 i=250000 text"},
	{{"-e", "HELLO"}, -1, "localhost 6666 e='HELLO' text"},
	{{"--expect=HELLO"}, -1, "localhost 6666 e='HELLO' text"},
	{{"-w", "0.5"}, -1, "localhost 6666 w=500000 text"},
	{{"--warning=0.5"}, -1, "localhost 6666 w=500000 text"},
	{{"-C", "2"}, -1, "localhost 6666 C=2000000 text"},
	{{"--critical=2"}, -1, "localhost 6666 C=2000000 text"},
	{{"-o", "json"}, -1, "localhost 6666 json"},
	{{"--output=nagios"}, -1, "localhost 6666 nagios"},
	{{"--histogram"}, -1, "localhost 6666 text histogram"},
	{{"-q"}, -1, "localhost 6666 text quiet"},
	{{"--quiet"}, -1, "localhost 6666 text quiet"},
	{{"-v"}, -1, "localhost 6666 close text verbose"},
	{{"--verbose"}, -1, "localhost 6666 close text verbose"},

	/* The server's close is only waited for if it is reported. */
	{{"-vo", "json"}, -1, "localhost 6666 close json verbose"},
	{{"-vo", "nagios"}, -1, "localhost 6666 nagios verbose"},
	{{"-qv"}, -1, "localhost 6666 text quiet verbose"},

	/* Operands, before and after options. */
	{{"host.example"}, -1, "host.example 6666 text"},
	{{"::1", "1"}, -1, "::1 1 text"},
	{{"192.0.2.1", "65535"}, -1, "192.0.2.1 65535 text"},
	{{"/run/x"}, -1, "/run/x 6666 text"},
	{{"a", "-4", "17", "-q"}, -1, "a 17 ipv4 text quiet"},
	{{"-q", "--", "-host"}, -1, "-host 6666 text quiet"},

	/* The last one counts. */
	{{"-4", "-6"}, -1, "localhost 6666 ipv6 text"},
	{{"-t", "1", "-t", "2"}, -1, "localhost 6666 t=2000000 text"},
	{{"-e", "A", "-e", "Gr\u00FC\u00DFe"}, -1, "localhost 6666 e='Gr\u00FC\u00DFe' text"},
	{{"-e", ""}, -1, "localhost 6666 e='' text"},

	/* Both ends of the ranges, and past them. */
	{{"-t", "0.001"}, -1, "localhost 6666 t=1000 text"},
	{{"-t", "86400"}, -1, "localhost 6666 t=86400000000 text"},
	{{"-t", "0.000999"},
	 3,
	 "--timeout: '0.000999' is not between 0.001 and 86400 seconds" USAGE},
	{{"-i", "0"}, -1, "localhost 6666 i=0 text"},
	{{"-i", "86400.000001"}, 3, "--interval: '86400.000001' " BETWEEN},
	{{"-w", "0", "-C", "0"}, -1, "localhost 6666 w=0 C=0 text"},
	{{"-w", "86400.000001"}, 3, "--warning: '86400.000001' " BETWEEN},
	{{"-C", "86400.000001"}, 3, "--critical: '86400.000001' " BETWEEN},
	{{"-c", "0"}, -1, "localhost 6666 c=0 text"},
	{{"-c", "18446744073709551615"}, -1, "localhost 6666 c=18446744073709551615 text"},
	{{"-c", "18446744073709551616"},
	 3,
	 "--count: '18446744073709551616' is not a number of greetings" USAGE},
	{{"a", "0"}, 3, "'0' " PORT},
	{{"a", "65536"}, 3, "'65536' " PORT},
	{{"-C", "2", "-w", "1.999999"}, -1, "localhost 6666 w=1999999 C=2000000 text"},
	{{"-w", "1.500001", "-C", "1.5"}, 3, "--warning is more than --critical: swap them" USAGE},

	/* Malformed values. */
	{{"-t", "x"}, 3, "--timeout: 'x' " SECONDS},
	{{"--timeout="}, 3, "--timeout: '' " SECONDS},
	{{"-i", "1s"}, 3, "--interval: '1s' " SECONDS},
	{{"-c", "1.5"}, 3, "--count: '1.5' is not a number of greetings" USAGE},
	{{"-o", "JSON"}, 3, "--output: 'JSON' is not text, json or nagios" USAGE},
	{{"-e", "A\xFF"}, 3, "--expect: 'A\xFF' is not UTF-8" USAGE},
	{{"a", "-q", "http"}, 3, "'http' " PORT},
	{{"a", "1", "b", "c"}, 3, "'b': only a host and a port are taken" USAGE},
	{{""}, 3, "the host is empty" USAGE},
	{{"/run/x", "6666"}, 3, "'6666': a UNIX socket has no port" USAGE},

	/* Errors from getopt_long(3). Parsing stops at the first error. */
	{{"-H"}, 3, "invalid option -- 'H'" USAGE},
	{{"--ipv4=1"}, 3, "option '--ipv4' doesn't allow an argument" USAGE},
	{{"-t"}, 3, "option requires an argument -- 't'" USAGE},
	{{"-e", "A", "-t", "x", "-c", "y"}, 3, "--timeout: 'x' " SECONDS},
	{{"--nope", "-h"}, 3, "unrecognized option '--nope'" USAGE},

	{{"-V", "--nope"}, 0, "hello-client (" PACKAGE_NAME ") " PACKAGE_VERSION "\n"},
};

/* Parses in a child process. Returns its exit status or -1 to run, and the printed text. */
static int parse_one(const char *const *arguments, char *printed, size_t size)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char name[] = "hello-client", *argv[ARGUMENTS_MAX + 2] = {name};
	struct options options;
	int argc = 1, status;

	while (arguments[argc - 1] != NULL)
		argc++;
	memcpy(argv + 1, arguments, (size_t)argc * sizeof(*argv));
	if (fork() == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		memset(&options, 0xFF, sizeof(options));
		options_parse(argc, argv, &options);
		describe(&options);
		fflush(stdout);
		_exit(99);
	}
	wait(&status);
	ck_assert(WIFEXITED(status));
	status = WEXITSTATUS(status);
	memset(printed, 0, size);
	ck_assert_int_ge(pread(fileno(status == 3 ? err : out), printed, size - 1, 0), 0);
	ck_assert_int_eq(fseek(status == 3 ? out : err, 0, SEEK_END), 0);
	ck_assert_int_eq((int)ftell(status == 3 ? out : err), 0);
	fclose(out);
	fclose(err);
	return status == 99 ? -1 : status;
}

START_TEST(options_are_parsed)
{
	char printed[4096], wanted[512];
	int status = parse_one(lines[_i].arguments, printed, sizeof(printed));

	snprintf(wanted, sizeof(wanted), "%s%s", status == 3 ? "hello-client: " : "",
		 lines[_i].printed);
	ck_assert_str_eq(printed, wanted);
	ck_assert_int_eq(status, lines[_i].status);
}
END_TEST

/* A terminal of 80 columns. tests/man/options.sh checks that no option is missing. */
START_TEST(help_fits_the_terminal)
{
	static const char *const arguments[][ARGUMENTS_MAX] = {{"-h"}, {"-e", "A", "--help", "-x"}};
	char printed[4096], *line;

	ck_assert_int_eq(parse_one(arguments[_i], printed, sizeof(printed)), 0);
	line = strtok(printed, "\n");
	ck_assert_str_eq(line, "Usage: hello-client [OPTION]... [HOST [PORT]]");
	for (; line != NULL; line = strtok(NULL, "\n"))
		ck_assert_msg(strlen(line) <= 80, "too wide: '%s'", line);
}
END_TEST

int main(void)
{
	return UNIT_RUN("options", {options_are_parsed, UNIT_COUNT(lines)},
			{help_fits_the_terminal, 2});
}
