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

	printf("%s %s", target->endpoint.host, target->endpoint.port);
	if (target->family != AF_UNSPEC)
		printf(" %s", target->family == AF_INET ? "ipv4" : "ipv6");
	if (target->request_bytes != 0)
		printf(" udp=%zu", target->request_bytes);
	if (target->timeout_usec != 10000000)
		printf(" t=%" PRIu64, target->timeout_usec);
	if (target->await_close)
		printf(" close");
	if (target->expected != NULL)
		printf(" e='%s'", target->expected);
	if (options->style.counting)
		printf(" c=%" PRIu64, options->count);
	if (options->interval_usec != 1000000)
		printf(" i=%" PRIu64, options->interval_usec);
	printf(" %s%s%s%s", options->format->name, options->style.quiet ? " quiet" : "",
	       options->style.verbose ? " verbose" : "",
	       options->style.histogram ? " histogram" : "");
}

#define USAGE "\nTry 'hello-client --help'.\n"
#define PLUGIN \
	": for monitoring, use check_hello -H HOST -w RANGE -c RANGE: see " \
	"check_hello(1)" USAGE
#define SECONDS "is wrong: give seconds from 0 to 86400" USAGE
#define TIMEOUT "is wrong: give seconds from 0.001 to 86400" USAGE
#define COUNT \
	"is wrong: give a number of greetings from 1 to 18446744073709551615, or 0 for no " \
	"end" USAGE
#define BYTES "is wrong: give a number of bytes from 1 to 65507" USAGE
#define PORT "the port is wrong: give a number from 1 to 65535, or the name of a service" USAGE

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
	{{"-u"}, -1, "localhost 6666 udp=1232 text"},
	{{"--udp", "--request-size=2000"}, -1, "localhost 6666 udp=2000 text"},
	{{"-p", "hello"}, -1, "localhost hello text"},
	{{"--port=17"}, -1, "localhost 17 text"},
	{{"-t", "2.5"}, -1, "localhost 6666 t=2500000 text"},
	{{"--timeout=2.5"}, -1, "localhost 6666 t=2500000 text"},
	{{"-c", "3"}, -1, "localhost 6666 c=3 text"},
	{{"--count=3"}, -1, "localhost 6666 c=3 text"},
	{{"-i", "0.25"}, -1, "localhost 6666 i=250000 text"},
	{{"--interval=0.25"}, -1, "localhost 6666 i=250000 text"},
	{{"-e", "HELLO"}, -1, "localhost 6666 e='HELLO' text"},
	{{"--expect=HELLO"}, -1, "localhost 6666 e='HELLO' text"},
	{{"-o", "json"}, -1, "localhost 6666 json"},
	{{"--histogram"}, -1, "localhost 6666 text histogram"},
	{{"-q"}, -1, "localhost 6666 text quiet"},
	{{"--quiet"}, -1, "localhost 6666 text quiet"},
	{{"-v"}, -1, "localhost 6666 close text verbose"},
	{{"--verbose"}, -1, "localhost 6666 close text verbose"},

	/* The server's close is only waited for if it is reported. */
	{{"-vo", "json"}, -1, "localhost 6666 close json verbose"},
	{{"-qv"}, -1, "localhost 6666 text quiet verbose"},

	/* Operands, before and after options. */
	{{"host.example"}, -1, "host.example 6666 text"},
	{{"::1", "1"}, -1, "::1 1 text"},
	{{"192.0.2.1", "65535"}, -1, "192.0.2.1 65535 text"},
	{{"/run/x"}, -1, "/run/x  text"},
	{{"-p", "17", "[::1]"}, -1, "::1 17 text"},
	{{"a:17"}, -1, "a 17 text"},
	{{"vsock:2", "-p", "17"}, -1, "vsock:2 17 text"},
	{{"a", "-4", "17", "-q"}, -1, "a 17 ipv4 text quiet"},
	{{"-q", "--", "-host"}, -1, "-host 6666 text quiet"},

	/* The last one counts. */
	{{"-4", "-6"}, -1, "localhost 6666 ipv6 text"},
	{{"-t", "1", "-t", "2"}, -1, "localhost 6666 t=2000000 text"},
	{{"-p", "1", "-p", "2"}, -1, "localhost 2 text"},
	{{"-e", "A", "-e", "Gr\u00FC\u00DFe"}, -1, "localhost 6666 e='Gr\u00FC\u00DFe' text"},
	{{"-e", ""}, -1, "localhost 6666 e='' text"},

	/* Both ends of the ranges, and past them. */
	{{"-t", "0.001"}, -1, "localhost 6666 t=1000 text"},
	{{"-t", "86400"}, -1, "localhost 6666 t=86400000000 text"},
	{{"-t", "0.000999"}, 3, "--timeout: '0.000999' " TIMEOUT},
	{{"--request-size=1", "-u"}, -1, "localhost 6666 udp=1 text"},
	{{"-u", "--request-size=65507"}, -1, "localhost 6666 udp=65507 text"},
	{{"-u", "--request-size=0"}, 3, "--request-size: '0' " BYTES},
	{{"-u", "--request-size=65508"}, 3, "--request-size: '65508' " BYTES},
	{{"-i", "0"}, -1, "localhost 6666 i=0 text"},
	{{"-i", "86400.000001"}, 3, "--interval: '86400.000001' " SECONDS},
	{{"-c", "0"}, -1, "localhost 6666 c=0 text"},
	{{"-c", "18446744073709551615"}, -1, "localhost 6666 c=18446744073709551615 text"},
	{{"-c", "18446744073709551616"}, 3, "--count: '18446744073709551616' " COUNT},
	{{"a", "0"}, 3, "'a 0': " PORT},
	{{"a:65536"}, 3, "'a:65536': " PORT},
	{{"-p", "x y"}, 3, "'x y': " PORT},

	/* Malformed values. */
	{{"-t", "x"}, 3, "--timeout: 'x' " TIMEOUT},
	{{"--timeout="}, 3, "--timeout: '' " TIMEOUT},
	{{"-u", "--request-size=1k"}, 3, "--request-size: '1k' " BYTES},
	{{"--request-size=1232"}, 3, "--request-size is the length of a datagram: add --udp" USAGE},
	{{"-u", "vsock:2"}, 3, "'vsock:2': vsock has no datagrams: leave out --udp" USAGE},
	{{"-i", "1s"}, 3, "--interval: '1s' " SECONDS},
	{{"-c", "1.5"}, 3, "--count: '1.5' " COUNT},
	{{"-o", "JSON"}, 3, "--output: 'JSON' is wrong: give text, json or openmetrics" USAGE},
	{{"-o", "nagios"},
	 3,
	 "--output: for monitoring, use check_hello: see check_hello(1)" USAGE},
	{{"-e", "A\xFF"}, 3, "--expect: 'A\\xff' is not UTF-8: give the text in UTF-8" USAGE},
	{{"a", "1", "b", "c"}, 3, "'b': give only a host and a port" USAGE},
	{{"a", "1", "-p", "1"}, 3, "'1' and --port=1: give the port once" USAGE},
	{{""}, 3, "'': the host is empty: give HOST or HOST:PORT" USAGE},

	/* Errors from getopt_long(3). Parsing stops at the first error. */
	{{"-Z"}, 3, "invalid option -- 'Z'" USAGE},
	{{"--ipv4=1"}, 3, "option '--ipv4' doesn't allow an argument" USAGE},
	{{"-t"}, 3, "option requires an argument -- 't'" USAGE},
	{{"--request-size"}, 3, "option '--request-size' requires an argument" USAGE},
	{{"--histogram=x"}, 3, "option '--histogram' doesn't allow an argument" USAGE},
	{{"-e", "A", "-t", "x", "-c", "y"}, 3, "--timeout: 'x' " TIMEOUT},
	{{"--\x1B[31mA\nB"}, 3, "unrecognized option '--\\x1b[31mA\\x0aB'" USAGE},
	{{"-\x1B"}, 3, "invalid option -- '\\x1b'" USAGE},
	{{"--nope", "-h"}, 3, "unrecognized option '--nope'" USAGE},

	/* Options of monitoring plugins. */
	{{"-H", "a", "-c", "2"}, 3, "invalid option -- 'H'" PLUGIN},
	{{"-qw1"}, 3, "invalid option -- 'w'" PLUGIN},
	{{"-C", "2"}, 3, "invalid option -- 'C'" PLUGIN},
	{{"--hostname=a"}, 3, "unrecognized option '--hostname=a'" PLUGIN},
	{{"--warning", "1"}, 3, "unrecognized option '--warning'" PLUGIN},
	{{"--warn", "5"}, 3, "unrecognized option '--warn'" PLUGIN},
	{{"--ho=a"}, 3, "unrecognized option '--ho=a'" PLUGIN},
	{{"--hosts"}, 3, "unrecognized option '--hosts'" USAGE},
	{{"--h"}, 3, "option '--h' is ambiguous; possibilities: '--histogram' '--help'" USAGE},
	{{"--critical=2"}, 3, "unrecognized option '--critical=2'" PLUGIN},

	{{"-V", "--nope"}, 0, "hello-client (" PACKAGE_NAME ") " PACKAGE_VERSION "\n"},
};

/* Parses in a process of its own. Returns its exit status or -1 to run, and the printed text. */
static int parse_one(const char *const *arguments, char *ret_printed, size_t size)
{
	char name[] = "hello-client", *argv[ARGUMENTS_MAX + 2] = {name};
	struct options options;
	int argc = 1, status;

	unit_capture(STDOUT_FILENO);
	unit_capture(STDERR_FILENO);
	while (arguments[argc - 1] != NULL)
		argc++;
	memcpy(argv + 1, arguments, (size_t)argc * sizeof(*argv));
	if (fork() == 0) {
		memset(&options, 0xFF, sizeof(options));
		options_parse(argc, argv, &options);
		describe(&options);
		fflush(stdout);
		_exit(99);
	}
	wait(&status);
	ck_assert(WIFEXITED(status));
	status = WEXITSTATUS(status);
	/* One stream has the text, and the other one nothing. */
	unit_take(status == 3 ? STDOUT_FILENO : STDERR_FILENO, ret_printed, size);
	ck_assert_str_eq(ret_printed, "");
	unit_take(status == 3 ? STDERR_FILENO : STDOUT_FILENO, ret_printed, size);
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

/* 80 columns, 24 lines with the prompt. tests/man/options.sh checks that no option is missing. */
START_TEST(help_fits_the_terminal)
{
	static const char *const arguments[][ARGUMENTS_MAX] = {{"-h"}, {"-e", "A", "--help", "-x"}};
	char printed[4096], *line;
	int count = 0;

	ck_assert_int_eq(parse_one(arguments[_i], printed, sizeof(printed)), 0);
	for (line = printed; (line = strchr(line, '\n')) != NULL; line++)
		count++;
	ck_assert_int_le(count, 23);
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
