/* SPDX-License-Identifier: MIT */
/* options - the command line of check_hello */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <sys/wait.h>

#include "../unit.h"
#include "check_hello/options.h"

#define ARGUMENTS_MAX 8

/* Prints all options on one line, but no defaults. */
static void describe(const struct options *options)
{
	const struct probe_target *target = &options->target;
	char endpoint[ENDPOINT_BYTES];

	printf("%s", endpoint_format(&target->endpoint, endpoint));
	if (target->family != AF_UNSPEC)
		printf(" %s", target->family == AF_INET ? "ipv4" : "ipv6");
	if (target->request_bytes > 0)
		printf(" udp=%zu", target->request_bytes);
	if (options->warning.given != NULL)
		printf(" w=%s", options->warning.given);
	if (options->critical.given != NULL)
		printf(" c=%s", options->critical.given);
	if (options->warning.given != NULL && options->critical.given != NULL)
		printf(" %s%" PRId64 "-%" PRId64, options->critical.range.inside ? "@" : "",
		       options->warning.range.end, options->critical.range.end);
	if (target->timeout_usec != 10000000)
		printf(" t=%" PRIu64, target->timeout_usec);
	if (options->timeout_status != STATUS_CRITICAL)
		printf(" %s", status_word(options->timeout_status));
	if (target->expected != NULL)
		printf(" e='%s'", target->expected);
	if (options->verbosity != 0)
		printf(" v=%u", options->verbosity);
	if (target->await_close)
		printf(" close");
}

#define DEFAULT "localhost:6666"
#define NO_RANGE \
	" is no range: give END, START:, START:END or ~:END, and @ in front for an alert " \
	"inside it"
#define NO_STATUS " is no status: give ok, warning, critical, unknown, or 0 to 3"

static const struct {
	const char *arguments[ARGUMENTS_MAX]; /* without the name of the program */
	const char *description;
} good[] = {
	/* The defaults, and each option, short and long. */
	{{NULL}, DEFAULT},
	{{"-H", "host.example"}, "host.example:6666"},
	{{"--hostname=host.example"}, "host.example:6666"},
	{{"-p", "7777"}, "localhost:7777"},
	{{"--port=7777"}, "localhost:7777"},
	{{"-4"}, DEFAULT " ipv4"},
	{{"--ipv4"}, DEFAULT " ipv4"},
	{{"-6"}, DEFAULT " ipv6"},
	{{"--ipv6"}, DEFAULT " ipv6"},
	{{"-u"}, DEFAULT " udp=1232"},
	{{"--udp", "--request-size=1"}, DEFAULT " udp=1"},
	{{"-w", "10"}, DEFAULT " w=10"},
	{{"--warning=~:10"}, DEFAULT " w=~:10"},
	{{"-c", "10"}, DEFAULT " c=10"},
	{{"--critical=@10:20"}, DEFAULT " c=@10:20"},
	{{"-t", "2.5"}, DEFAULT " t=2500000"},
	{{"--timeout=2.5"}, DEFAULT " t=2500000"},
	{{"-e", "HELLO"}, DEFAULT " e='HELLO'"},
	{{"--expect=HELLO"}, DEFAULT " e='HELLO'"},
	{{"-v"}, DEFAULT " v=1"},
	{{"-vv"}, DEFAULT " v=2"},
	{{"--verbose", "-v", "-v"}, DEFAULT " v=3"},
	{{"-vvvvv"}, DEFAULT " v=5"},

	/* Host and port, together and apart. tests/endpoints has all forms. */
	{{"-H", "[::1]:7777"}, "[::1]:7777"},
	{{"-p", "7777", "-H", "::1"}, "[::1]:7777"},
	{{"-H", "/run/x"}, "/run/x"},
	{{"-H", "-x"}, "-x:6666"},

	/* Both thresholds. One need not be in the other. A range may begin with a minus sign. */
	{{"-w", "10:", "-c", "@20"}, DEFAULT " w=10: c=@20 @9223372036854775807-20000000"},
	{{"-w-5:5", "-c", "-0.5:0.25"}, DEFAULT " w=-5:5 c=-0.5:0.25 5000000-250000"},

	/* The status of a time-out. */
	{{"-t", "5:ok"}, DEFAULT " t=5000000 OK"},
	{{"-t", "10:UNKNOWN"}, DEFAULT " UNKNOWN"},
	{{"-t", "0.001:1"}, DEFAULT " t=1000 WARNING"},
	{{"-t", "86400:Critical"}, DEFAULT " t=86400000000"},

	/* The last one counts. */
	{{"-4", "-6", "-w", "1", "-w", "2"}, DEFAULT " ipv6 w=2"},
	{{"-e", "A", "-e", "Gr\u00FC\u00DFe"}, DEFAULT " e='Gr\u00FC\u00DFe'"},
	{{"-H", "a", "-H", "b"}, "b:6666"},
	{{"-t", "1:ok", "-t", "2"}, DEFAULT " t=2000000"},
};

static const struct {
	const char *arguments[ARGUMENTS_MAX];
	const char *message; /* after "HELLO UNKNOWN: " */
} bad[] = {
	{{"-w", "x"}, "--warning: 'x'" NO_RANGE},
	{{"-c", ""}, "--critical: ''" NO_RANGE},
	{{"-c", "1:2:3"}, "--critical: '1:2:3'" NO_RANGE},
	{{"-w", "20:10"},
	 "--warning: '20:10' starts above its end: give START:END, or ~:END for no start"},
	{{"-c", "-5"},
	 "--critical: '-5' starts above its end: give START:END, or ~:END for no start"},
	{{"-c", "1000000000000"},
	 "--critical: '1000000000000' is too large: give numbers up to 999999999999"},
	{{"-t", "x"}, "--timeout: 'x' is wrong: give seconds from 0.001 to 86400"},
	{{"-t", ":ok"}, "--timeout: '' is wrong: give seconds from 0.001 to 86400"},
	{{"-t", "5:"}, "--timeout: ''" NO_STATUS},
	{{"-t", "5:4"}, "--timeout: '4'" NO_STATUS},
	{{"-t", "5:ok:ok"}, "--timeout: 'ok:ok'" NO_STATUS},
	{{"-t", "0:ok"}, "--timeout: '0' is wrong: give seconds from 0.001 to 86400"},
	{{"-t", "86400.000001"},
	 "--timeout: '86400.000001' is wrong: give seconds from 0.001 to 86400"},
	{{"-e", "A\xFF"}, "--expect: 'A\\xff' is not UTF-8: give the text in UTF-8"},
	{{"-H", ""}, "'': the host is empty: give HOST or HOST:PORT"},
	{{"-H", "[::1", "-p", "1"}, "'[::1 1': the ']' is missing: give [IPV6] or [IPV6]:PORT"},
	{{"-p", "0"},
	 "'0': the port is wrong: give a number from 1 to 65535, or the name of a service"},
	{{"--request-size=9"}, "--request-size is the length of a datagram: add --udp"},
	{{"-u", "-H", "vsock:2"}, "'vsock:2': vsock has no datagrams: leave out --udp"},
	{{"host", "7777"}, "'host' is not an option: give the host with -H, the port with -p"},
	{{"-v", "a|b\n"},
	 "'a\\x7cb\\x0a' is not an option: give the host with -H, the port with -p"},

	/* As getopt_long(3) has it. The first mistake ends it. */
	{{"-Z"}, "invalid option -- 'Z'"},
	{{"-?"}, "invalid option -- '?'"},
	{{"-vH"}, "option requires an argument -- 'H'"},
	{{"--port"}, "option '--port' requires an argument"},
	{{"--ipv4=1"}, "option '--ipv4' doesn't allow an argument"},
	{{"--a|\n"}, "unrecognized option '--a\\x7c\\x0a'"},
	{{"--ver"}, "option '--ver' is ambiguous; possibilities: '--verbose' '--version'"},
	{{"-w", "x", "-c", "y"}, "--warning: 'x'" NO_RANGE},
	{{"--nope", "-h"}, "unrecognized option '--nope'"},
};

/* Parses in a process of its own. Returns its exit status, or 99 to run, and its output. */
static int parse_one(const char *const *arguments, char *ret_printed, size_t size)
{
	char name[] = "/usr/lib/nagios/plugins/check_hello", *argv[ARGUMENTS_MAX + 2] = {name};
	struct options options;
	int argc = 1, status;

	unit_capture(STDOUT_FILENO);
	unit_capture(STDERR_FILENO);
	/* Copies, because options_parse() may change them. */
	for (; arguments[argc - 1] != NULL; argc++)
		argv[argc] = strdup(arguments[argc - 1]);
	if (fork() == 0) {
		memset(&options, 0xFF, sizeof(options));
		options_parse(argc, argv, &options);
		describe(&options);
		fflush(stdout);
		_exit(99);
	}
	wait(&status);
	ck_assert(WIFEXITED(status));
	/* Nagios does not read it. */
	unit_take(STDERR_FILENO, ret_printed, size);
	ck_assert_str_eq(ret_printed, "");
	unit_take(STDOUT_FILENO, ret_printed, size);
	while (--argc > 0)
		free(argv[argc]);
	return WEXITSTATUS(status);
}

START_TEST(options_are_parsed)
{
	char printed[4096];

	ck_assert_int_eq(parse_one(good[_i].arguments, printed, sizeof(printed)), 99);
	ck_assert_str_eq(printed, good[_i].description);
}
END_TEST

START_TEST(mistakes_are_unknown)
{
	char printed[4096], wanted[512];

	ck_assert_int_eq(parse_one(bad[_i].arguments, printed, sizeof(printed)), STATUS_UNKNOWN);
	snprintf(wanted, sizeof(wanted),
		 "HELLO UNKNOWN: %s\n"
		 "Usage: check_hello [-46uv] [-H HOST] [-p PORT] [-w RANGE] [-c RANGE]\n"
		 "                   [-t SECONDS[:STATUS]] [-e TEXT] [--request-size=BYTES]\n",
		 bad[_i].message);
	ck_assert_str_eq(printed, wanted);
}
END_TEST

/* A terminal of 80 columns. tests/man/options.sh checks that no option is missing. */
START_TEST(help_fits_the_terminal)
{
	static const char *const arguments[][ARGUMENTS_MAX] = {{"-h"}, {"-v", "--help", "-x"}};
	char printed[4096], *line;

	ck_assert_int_eq(parse_one(arguments[_i], printed, sizeof(printed)), STATUS_UNKNOWN);
	line = strtok(printed, "\n");
	ck_assert_str_eq(line, "check_hello (" PACKAGE_NAME ") " PACKAGE_VERSION);
	for (; line != NULL; line = strtok(NULL, "\n"))
		ck_assert_msg(strlen(line) <= 80, "too wide: '%s'", line);
}
END_TEST

START_TEST(version_is_unknown)
{
	static const char *const arguments[][ARGUMENTS_MAX] = {{"-V"}, {"-v", "--version", "-x"}};
	char printed[4096];

	ck_assert_int_eq(parse_one(arguments[_i], printed, sizeof(printed)), STATUS_UNKNOWN);
	ck_assert_str_eq(printed, "check_hello (" PACKAGE_NAME ") " PACKAGE_VERSION "\n");
}
END_TEST

int main(void)
{
	return UNIT_RUN("options", {options_are_parsed, UNIT_COUNT(good)},
			{mistakes_are_unknown, UNIT_COUNT(bad)}, {help_fits_the_terminal, 2},
			{version_is_unknown, 2});
}
