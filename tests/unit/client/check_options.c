/* SPDX-License-Identifier: MIT */
/* client_options - the command line of hello-client */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "../unit.h"
#include "client/charset.h"
#include "client/options.h"
#include "common/clock.h"

#define ARGUMENTS_MAX 8
#define OUTPUT_BYTES 4096

struct line {
	const char *arguments[ARGUMENTS_MAX]; /* without the name of the program */
};

/* As main() would. The options are for client_options_free(). */
static int parse_line(const struct line *line, struct client_options *options)
{
	/* Static, because the operands are pointed to for as long as the options are in use. */
	static char *argv[ARGUMENTS_MAX + 2];
	int argc = 1;

	argv[0] = strdup("hello-client");
	for (; argc <= ARGUMENTS_MAX && line->arguments[argc - 1] != NULL; argc++)
		argv[argc] = strdup(line->arguments[argc - 1]);
	/* glibc: from the start again. */
	optind = 0;
	memset(options, 0xFF, sizeof(*options));
	return client_options_parse(argc, argv, options);
}

/* Has a standard stream lead to a file. */
static FILE *divert(int fd, const char *path)
{
	FILE *file = path != NULL ? fopen(path, "we") : tmpfile();

	ck_assert_ptr_nonnull(file);
	fflush(NULL);
	ck_assert_int_eq(dup2(fileno(file), fd), fd);
	return file;
}

static void assert_printed(FILE *file, const char *wanted)
{
	char printed[OUTPUT_BYTES];

	rewind(file);
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = '\0';
	fclose(file);
	ck_assert_str_eq(printed, wanted);
}

static void say_limit(FILE *stream, const char *name, uint64_t usec)
{
	if (usec != CLOCK_NEVER)
		fprintf(stream, " %s=%" PRIu64, name, usec);
}

static void say_flag(FILE *stream, const char *name, bool flag)
{
	if (flag)
		fprintf(stream, " %s", name);
}

/* All of it on one line; of what is off and unlimited nothing. The caller frees it. */
static char *describe(const struct client_options *options)
{
	static const char *const formats[] = {"text", "json", "nagios"};
	const struct probe_target *target = &options->target;
	char *line;
	size_t length;
	FILE *stream = open_memstream(&line, &length);

	fprintf(stream, "%s %s", target->host, target->port);
	if (target->family != AF_UNSPEC)
		fprintf(stream, " %s", target->family == AF_INET ? "ipv4" : "ipv6");
	fprintf(stream, " t=%" PRIu64, target->timeout_usec);
	say_flag(stream, "close", target->await_close != 0);
	if (options->expectation.text != NULL)
		fprintf(stream, " e='%s'", options->expectation.text);
	say_limit(stream, "w", options->expectation.warning_usec);
	say_limit(stream, "C", options->expectation.critical_usec);
	if (options->counting)
		fprintf(stream, " c=%" PRIu64, options->count);
	fprintf(stream, " i=%" PRIu64 " %s", options->interval_usec, formats[options->format]);
	say_flag(stream, "quiet", options->quiet);
	say_flag(stream, "verbose", options->verbose);
	say_flag(stream, "histogram", options->histogram);
	fclose(stream);
	return line;
}

#define T "t=10000000"
#define I "i=1000000"

static const struct {
	struct line line;
	const char *meaning;
} good[] = {
	/* The defaults. */
	{{{NULL}}, "localhost 6666 " T " " I " text"},

	{{{"-4"}}, "localhost 6666 ipv4 " T " " I " text"},
	{{{"--ipv4"}}, "localhost 6666 ipv4 " T " " I " text"},
	{{{"-6"}}, "localhost 6666 ipv6 " T " " I " text"},
	{{{"--ipv6"}}, "localhost 6666 ipv6 " T " " I " text"},
	{{{"-t", "2.5"}}, "localhost 6666 t=2500000 " I " text"},
	{{{"--timeout=2.5"}}, "localhost 6666 t=2500000 " I " text"},
	{{{"-c", "3"}}, "localhost 6666 " T " c=3 " I " text"},
	{{{"--count=3"}}, "localhost 6666 " T " c=3 " I " text"},
	{{{"-i", "0.25"}}, "localhost 6666 " T " i=250000 text"},
	{{{"--interval=0.25"}}, "localhost 6666 " T " i=250000 text"},
	{{{"-e", "HELLO"}}, "localhost 6666 " T " e='HELLO' " I " text"},
	{{{"--expect=HELLO"}}, "localhost 6666 " T " e='HELLO' " I " text"},
	{{{"-w", "0.5"}}, "localhost 6666 " T " w=500000 " I " text"},
	{{{"--warning=0.5"}}, "localhost 6666 " T " w=500000 " I " text"},
	{{{"-C", "2"}}, "localhost 6666 " T " C=2000000 " I " text"},
	{{{"--critical=2"}}, "localhost 6666 " T " C=2000000 " I " text"},
	{{{"-o", "json"}}, "localhost 6666 " T " " I " json"},
	{{{"--output=json"}}, "localhost 6666 " T " " I " json"},
	{{{"-o", "nagios"}}, "localhost 6666 " T " " I " nagios"},
	{{{"-o", "json", "-o", "text"}}, "localhost 6666 " T " " I " text"},
	{{{"--histogram"}}, "localhost 6666 " T " " I " text histogram"},
	{{{"-q"}}, "localhost 6666 " T " " I " text quiet"},
	{{{"--quiet"}}, "localhost 6666 " T " " I " text quiet"},
	{{{"-v"}}, "localhost 6666 " T " close " I " text verbose"},
	{{{"--verbose"}}, "localhost 6666 " T " close " I " text verbose"},

	/* Operands, before and behind options. */
	{{{"host.example"}}, "host.example 6666 " T " " I " text"},
	{{{"::1", "1"}}, "::1 1 " T " " I " text"},
	{{{"192.0.2.1", "65535"}}, "192.0.2.1 65535 " T " " I " text"},
	{{{"/run/x"}}, "/run/x 6666 " T " " I " text"},
	{{{"a", "-4", "17", "-q"}}, "a 17 ipv4 " T " " I " text quiet"},
	{{{"-q", "--", "-host"}}, "-host 6666 " T " " I " text quiet"},
	{{{"-4vc2", "a"}}, "a 6666 ipv4 " T " close c=2 " I " text verbose"},

	/* The last one counts. */
	{{{"-4", "-6"}}, "localhost 6666 ipv6 " T " " I " text"},
	{{{"-t", "1", "-t", "2"}}, "localhost 6666 t=2000000 " I " text"},
	{{{"-e", "A", "-e", "B"}}, "localhost 6666 " T " e='B' " I " text"},
	{{{"-e", ""}}, "localhost 6666 " T " e='' " I " text"},
	{{{"-e", "Gr\u00FC\u00DFe"}}, "localhost 6666 " T " e='Gr\u00FC\u00DFe' " I " text"},

	/* Both ends of the ranges. */
	{{{"-t", "0.001"}}, "localhost 6666 t=1000 " I " text"},
	{{{"-t", "86400"}}, "localhost 6666 t=86400000000 " I " text"},
	{{{"-i", "0"}}, "localhost 6666 " T " i=0 text"},
	{{{"-i", "86400"}}, "localhost 6666 " T " i=86400000000 text"},
	{{{"-w", "0"}}, "localhost 6666 " T " w=0 " I " text"},
	{{{"-w", "86400"}}, "localhost 6666 " T " w=86400000000 " I " text"},
	{{{"-C", "0"}}, "localhost 6666 " T " C=0 " I " text"},
	{{{"-C", "86400"}}, "localhost 6666 " T " C=86400000000 " I " text"},
	{{{"-c", "0"}}, "localhost 6666 " T " c=0 " I " text"},
	{{{"-c", "18446744073709551615"}},
	 "localhost 6666 " T " c=18446744073709551615 " I " text"},
	{{{"-w", "1.5", "-C", "1.5"}}, "localhost 6666 " T " w=1500000 C=1500000 " I " text"},
	{{{"-C", "2", "-w", "1.999999"}}, "localhost 6666 " T " w=1999999 C=2000000 " I " text"},
};

START_TEST(test_good)
{
	FILE *out = divert(STDOUT_FILENO, NULL), *err = divert(STDERR_FILENO, NULL);
	struct client_options options;
	char *line;

	ck_assert_int_eq(parse_line(&good[_i].line, &options), CLIENT_OPTIONS_RUN);
	line = describe(&options);
	ck_assert_str_eq(line, good[_i].meaning);
	free(line);
	client_options_free(&options);
	client_options_free(&options);
	assert_printed(out, "");
	assert_printed(err, "");
}
END_TEST

static const struct {
	struct line line;
	const char *message; /* behind the name of the program */
} bad[] = {
	{{{"-t", "x"}}, "--timeout: 'x' is not a number of seconds"},
	{{{"-t", ""}}, "--timeout: '' is not a number of seconds"},
	{{{"--timeout=-1"}}, "--timeout: '-1' is not a number of seconds"},
	{{{"-t", "1s"}}, "--timeout: '1s' is not a number of seconds"},
	{{{"-t", "0"}}, "--timeout: '0' is not between 0.001 and 86400 seconds"},
	{{{"-t", "0.000999"}}, "--timeout: '0.000999' is not between 0.001 and 86400 seconds"},
	{{{"-t", "86400.000001"}},
	 "--timeout: '86400.000001' is not between 0.001 and 86400 seconds"},
	{{{"-i", "x"}}, "--interval: 'x' is not a number of seconds"},
	{{{"-i", "86400.000001"}}, "--interval: '86400.000001' is not between 0 and 86400 seconds"},
	{{{"-w", "x"}}, "--warning: 'x' is not a number of seconds"},
	{{{"-w", "86400.000001"}}, "--warning: '86400.000001' is not between 0 and 86400 seconds"},
	{{{"-C", "x"}}, "--critical: 'x' is not a number of seconds"},
	{{{"-C", "86400.000001"}}, "--critical: '86400.000001' is not between 0 and 86400 seconds"},
	{{{"-C", "99999999999999999999"}},
	 "--critical: '99999999999999999999' is not between 0 and 86400 seconds"},
	{{{"-w", "1.500001", "-C", "1.5"}}, "--warning is more than --critical: swap them"},
	{{{"-C", "0", "-w", "86400"}}, "--warning is more than --critical: swap them"},

	{{{"-c", "x"}}, "--count: 'x' is not a number of greetings"},
	{{{"-c", ""}}, "--count: '' is not a number of greetings"},
	{{{"-c", "-1"}}, "--count: '-1' is not a number of greetings"},
	{{{"-c", "1.5"}}, "--count: '1.5' is not a number of greetings"},
	{{{"-c", "18446744073709551616"}}, "--count: '18446744073709551616' is too many"},

	{{{"-o", "xml"}}, "--output: 'xml' is not text, json or nagios"},
	{{{"-o", "JSON"}}, "--output: 'JSON' is not text, json or nagios"},
	{{{"-o", "jso"}}, "--output: 'jso' is not text, json or nagios"},
	{{{"-o", ""}}, "--output: '' is not text, json or nagios"},
	/* Not UTF-8, in a locale that is. */
	{{{"-e", "A\xFF"}}, "--expect: 'A\xFF': Invalid or incomplete multibyte or wide character"},

	{{{"a", "0"}}, "'0' is not a port: give a number from 1 to 65535"},
	{{{"a", "65536"}}, "'65536' is not a port: give a number from 1 to 65535"},
	{{{"a", "-q", "http"}}, "'http' is not a port: give a number from 1 to 65535"},
	{{{"a", ""}}, "'' is not a port: give a number from 1 to 65535"},
	{{{"a", "+1"}}, "'+1' is not a port: give a number from 1 to 65535"},
	{{{"a", "1", "b"}}, "'b': only a host and a port are taken"},
	{{{"a", "1", "b", "c"}}, "'b': only a host and a port are taken"},
	{{{""}}, "the host is empty"},
	{{{"/run/x", "6666"}}, "'6666': a UNIX socket has no port"},

	/* As getopt_long(3) has it. */
	{{{"--nope"}}, "unrecognized option '--nope'"},
	{{{"-x"}}, "invalid option -- 'x'"},
	{{{"-H"}}, "invalid option -- 'H'"},
	{{{"--ipv4=1"}}, "option '--ipv4' doesn't allow an argument"},
	{{{"-t"}}, "option requires an argument -- 't'"},
	{{{"-c"}}, "option requires an argument -- 'c'"},
	{{{"-i"}}, "option requires an argument -- 'i'"},
	{{{"-e"}}, "option requires an argument -- 'e'"},
	{{{"-w"}}, "option requires an argument -- 'w'"},
	{{{"-C"}}, "option requires an argument -- 'C'"},
	{{{"-o"}}, "option requires an argument -- 'o'"},
	{{{"--timeout"}}, "option '--timeout' requires an argument"},

	/* The first mistake ends it: one message. An expectation before it is freed. */
	{{{"-e", "A", "-t", "x", "-c", "y"}}, "--timeout: 'x' is not a number of seconds"},
	{{{"--nope", "-h"}}, "unrecognized option '--nope'"},
};

START_TEST(test_bad)
{
	FILE *out = divert(STDOUT_FILENO, NULL), *err = divert(STDERR_FILENO, NULL);
	struct client_options options;
	char wanted[OUTPUT_BYTES];

	ck_assert_int_eq(parse_line(&bad[_i].line, &options), 3);
	client_options_free(&options);
	snprintf(wanted, sizeof(wanted), "hello-client: %s\nTry 'hello-client --help'.\n",
		 bad[_i].message);
	assert_printed(err, wanted);
	assert_printed(out, "");
}
END_TEST

/* From the locale's character set: in an ASCII locale it is taken for UTF-8. */
START_TEST(test_expect_in_c_locale)
{
	static const struct line line = {{"-e", "Gr\u00FC\u00DFe"}};
	struct client_options options;

	setenv("LC_ALL", "C", 1);
	charset_init();
	ck_assert_int_eq(parse_line(&line, &options), CLIENT_OPTIONS_RUN);
	ck_assert_str_eq(options.expectation.text, "Gr\u00FC\u00DFe");
	client_options_free(&options);
}
END_TEST

static const struct line versions[] = {
	{{"-V"}},
	{{"--version"}},
	{{"-q", "-V", "--nope"}},
};

START_TEST(test_version)
{
	FILE *out = divert(STDOUT_FILENO, NULL), *err = divert(STDERR_FILENO, NULL);
	struct client_options options;

	ck_assert_int_eq(parse_line(&versions[_i], &options), 0);
	client_options_free(&options);
	assert_printed(out, "hello-client (" PACKAGE_NAME ") " PACKAGE_VERSION "\n");
	assert_printed(err, "");
}
END_TEST

static const struct line helps[] = {
	{{"-h"}},
	{{"--help"}},
	{{"-e", "A", "-h", "--nope"}},
};

/* Every option is there, short and long, on a terminal of 80 columns. */
START_TEST(test_help)
{
	static const char *const options_told[] = {
		"-4, --ipv4 ",	      "-6, --ipv6 ",	     "-t, --timeout=SEC ",
		"-c, --count=N ",     "-i, --interval=SEC ", "-e, --expect=TEXT ",
		"-w, --warning=SEC ", "-C, --critical=SEC ", "-o, --output=FORMAT ",
		"    --histogram ",   "-q, --quiet ",	     "-v, --verbose ",
		"-h, --help ",	      "-V, --version ",
	};
	FILE *out = divert(STDOUT_FILENO, NULL), *err = divert(STDERR_FILENO, NULL);
	struct client_options options;
	char printed[OUTPUT_BYTES], *line;

	ck_assert_int_eq(parse_line(&helps[_i], &options), 0);
	client_options_free(&options);
	assert_printed(err, "");
	rewind(out);
	printed[fread(printed, 1, sizeof(printed) - 1, out)] = '\0';
	ck_assert_int_eq(strncmp(printed, "Usage: hello-client [OPTION]... [HOST [PORT]]\n", 46),
			 0);
	for (int i = 0; i < UNIT_COUNT(options_told); i++)
		ck_assert_msg(strstr(printed, options_told[i]) != NULL, "no %s", options_told[i]);
	for (line = strtok(printed, "\n"); line != NULL; line = strtok(NULL, "\n"))
		ck_assert_msg(strlen(line) <= 80, "too wide: '%s'", line);
	fclose(out);
}
END_TEST

static const struct line lost[] = {{{"--help"}}, {{"--version"}}};

/* What cannot be printed is told on standard error. */
START_TEST(test_full)
{
	FILE *out = divert(STDOUT_FILENO, "/dev/full"), *err = divert(STDERR_FILENO, NULL);
	struct client_options options;

	ck_assert_int_eq(parse_line(&lost[_i], &options), 3);
	client_options_free(&options);
	fseek(err, 0, SEEK_END);
	ck_assert_int_gt(ftell(err), 0);
	fclose(err);
	fclose(out);
}
END_TEST

static Suite *client_options_suite(void)
{
	Suite *suite = suite_create("client_options");
	TCase *tcase = tcase_create("client_options");

	tcase_add_loop_test(tcase, test_good, 0, UNIT_COUNT(good));
	tcase_add_loop_test(tcase, test_bad, 0, UNIT_COUNT(bad));
	tcase_add_test(tcase, test_expect_in_c_locale);
	tcase_add_loop_test(tcase, test_version, 0, UNIT_COUNT(versions));
	tcase_add_loop_test(tcase, test_help, 0, UNIT_COUNT(helps));
	tcase_add_loop_test(tcase, test_full, 0, UNIT_COUNT(lost));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return unit_run(client_options_suite());
}
