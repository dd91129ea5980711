/* SPDX-License-Identifier: MIT */
/* hellod_options - the command line of hellod */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sysexits.h>

#include "../unit.h"
#include "common/clock.h"
#include "hellod/options.h"

#define WORDS_MAX 6
#define OUTPUT_BYTES_MAX 8192

static struct hellod_options options;
static char out[OUTPUT_BYTES_MAX], err[OUTPUT_BYTES_MAX];

static int new_file(void)
{
	char path[] = "/tmp/check_hellod_options.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	return fd;
}

static void read_back(int fd, char *text)
{
	ssize_t n = pread(fd, text, OUTPUT_BYTES_MAX - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(fd);
}

/*
 * Parses the words up to the first NULL, with standard output and standard error going to `out` and
 * `err`; or standard output to `out_path`. Some close it, so each test is a process of its own.
 */
static int parse_to(const char *out_path, const char *const *words)
{
	static char name[] = "hellod";
	static char *argv[WORDS_MAX + 2] = {name};
	int argc = 1, out_fd = new_file(), err_fd = new_file();
	int own_out = dup(STDOUT_FILENO), own_err = dup(STDERR_FILENO);
	int out_end = out_path != NULL ? open(out_path, O_WRONLY) : dup(out_fd);
	int r;

	for (int i = 1; i < WORDS_MAX + 2; i++) {
		free(argv[i]);
		argv[i] = NULL;
	}
	for (; argc <= WORDS_MAX && words[argc - 1] != NULL; argc++)
		argv[argc] = unit_copy(words[argc - 1], strlen(words[argc - 1]) + 1);
	ck_assert_int_ge(out_end, 0);
	fflush(stdout);
	fflush(stderr);
	dup2(out_end, STDOUT_FILENO);
	dup2(err_fd, STDERR_FILENO);
	close(out_end);

	memset(&options, 0xA5, sizeof(options));
	optind = 0; /* from the start: getopt(3) */
	program_invocation_short_name = name;
	r = hellod_options_parse(argc, argv, &options);

	fflush(stderr);
	dup2(own_out, STDOUT_FILENO);
	dup2(own_err, STDERR_FILENO);
	close(own_out);
	close(own_err);
	read_back(out_fd, out);
	read_back(err_fd, err);
	/* The options point into the words, which so stay until the next ones. */
	return r;
}

static int parse(const char *const *words)
{
	return parse_to(NULL, words);
}

static void assert_runs(const char *const *words)
{
	ck_assert_int_eq(parse(words), HELLOD_OPTIONS_RUN);
	ck_assert_str_eq(out, "");
	ck_assert_str_eq(err, "");
}

/* A NULL is told with another word than a string that is empty. */
static const char *shown(const char *text)
{
	return text != NULL ? text : "(none)";
}

#define DEFAULT_IDLE (60 * UINT64_C(1000000))

static const struct {
	const char *words[WORDS_MAX + 1];
	struct hellod_options options;
} good[] = {
	{{NULL}, {.greeting = {NULL, GREETING_PATH, true}, .idle_usec = DEFAULT_IDLE}},

	{{"--greeting=Moin"},
	 {.greeting = {"Moin", GREETING_PATH, true}, .idle_usec = DEFAULT_IDLE}},
	{{"--greeting="}, {.greeting = {"", GREETING_PATH, true}, .idle_usec = DEFAULT_IDLE}},
	{{"-g", "Moin"}, {.greeting = {"Moin", GREETING_PATH, true}, .idle_usec = DEFAULT_IDLE}},
	{{"-g", "--help"},
	 {.greeting = {"--help", GREETING_PATH, true}, .idle_usec = DEFAULT_IDLE}},
	{{"--greeting=Moin", "--greeting=Servus"},
	 {.greeting = {"Servus", GREETING_PATH, true}, .idle_usec = DEFAULT_IDLE}},

	/* A file that was asked for must exist. */
	{{"--greeting-file=/motd"},
	 {.greeting = {NULL, "/motd", false}, .idle_usec = DEFAULT_IDLE}},
	{{"-f", "/motd"}, {.greeting = {NULL, "/motd", false}, .idle_usec = DEFAULT_IDLE}},
	{{"-f", "/motd", "-g", "Moin"},
	 {.greeting = {"Moin", "/motd", false}, .idle_usec = DEFAULT_IDLE}},

	{{"--log-greetings=yes"},
	 {.greeting = {NULL, GREETING_PATH, true},
	  .idle_usec = DEFAULT_IDLE,
	  .log_greetings = LOG_GREETINGS_YES}},
	{{"-l", "no"},
	 {.greeting = {NULL, GREETING_PATH, true},
	  .idle_usec = DEFAULT_IDLE,
	  .log_greetings = LOG_GREETINGS_NO}},
	{{"--verbose"},
	 {.greeting = {NULL, GREETING_PATH, true}, .idle_usec = DEFAULT_IDLE, .verbose = true}},
	{{"-v"},
	 {.greeting = {NULL, GREETING_PATH, true}, .idle_usec = DEFAULT_IDLE, .verbose = true}},

	{{"--idle-timeout=0"}, {.greeting = {NULL, GREETING_PATH, true}, .idle_usec = CLOCK_NEVER}},
	{{"--idle-timeout=0.000"},
	 {.greeting = {NULL, GREETING_PATH, true}, .idle_usec = CLOCK_NEVER}},
	{{"--idle-timeout=0.001"}, {.greeting = {NULL, GREETING_PATH, true}, .idle_usec = 1000}},
	{{"-i", "1.5"}, {.greeting = {NULL, GREETING_PATH, true}, .idle_usec = 1500000}},
	{{"--idle-timeout=86400"},
	 {.greeting = {NULL, GREETING_PATH, true}, .idle_usec = UINT64_C(86400000000)}},

	{{"--max-connections=1"},
	 {.greeting = {NULL, GREETING_PATH, true},
	  .idle_usec = DEFAULT_IDLE,
	  .max_connections = 1}},
	{{"-m", "4096"},
	 {.greeting = {NULL, GREETING_PATH, true},
	  .idle_usec = DEFAULT_IDLE,
	  .max_connections = 4096}},
	{{"--max-connections=1048576"},
	 {.greeting = {NULL, GREETING_PATH, true},
	  .idle_usec = DEFAULT_IDLE,
	  .max_connections = 1048576}},

	/* Together, and abbreviated as far as it is clear what is meant. */
	{{"-vlyes", "-m2", "-i3", "--greeting-f=/motd"},
	 {.greeting = {NULL, "/motd", false},
	  .idle_usec = 3000000,
	  .log_greetings = LOG_GREETINGS_YES,
	  .max_connections = 2,
	  .verbose = true}},
};

START_TEST(options_are_taken)
{
	const struct hellod_options *wanted = &good[_i].options;

	assert_runs(good[_i].words);
	ck_assert_str_eq(shown(options.greeting.text), shown(wanted->greeting.text));
	ck_assert_str_eq(shown(options.greeting.path), shown(wanted->greeting.path));
	ck_assert_int_eq(options.greeting.path_may_be_absent, wanted->greeting.path_may_be_absent);
	ck_assert_int_eq((int)options.log_greetings, (int)wanted->log_greetings);
	ck_assert_uint_eq(options.idle_usec, wanted->idle_usec);
	ck_assert_uint_eq(options.max_connections, wanted->max_connections);
	ck_assert_int_eq(options.verbose, wanted->verbose);
}
END_TEST

#define REMEDY "Try 'hellod --help'.\n"
#define IDLE(text) \
	"hellod: --idle-timeout: '" text "' is not 0 or between 0.001 and 86400 seconds\n"
#define MAX(text) "hellod: --max-connections: '" text "' is not a number from 1 to 1048576\n"
#define LOG(text) "hellod: --log-greetings: '" text "' is not yes or no\n"

static const struct {
	const char *words[WORDS_MAX + 1];
	const char *message;
} bad[] = {
	{{"--idle-timeout=86400.000001"}, IDLE("86400.000001")},
	{{"--idle-timeout=86401"}, IDLE("86401")},
	{{"--idle-timeout=0.000999"}, IDLE("0.000999")},
	{{"--idle-timeout=0.000001"}, IDLE("0.000001")},
	{{"--idle-timeout=-1"}, IDLE("-1")},
	{{"--idle-timeout=1s"}, IDLE("1s")},
	{{"--idle-timeout="}, IDLE("")},
	{{"--idle-timeout= 1"}, IDLE(" 1")},
	{{"--idle-timeout=infinity"}, IDLE("infinity")},
	{{"--idle-timeout=18446744073709551617"}, IDLE("18446744073709551617")},
	{{"-i", "1,5"}, IDLE("1,5")},

	{{"--max-connections=0"}, MAX("0")},
	{{"--max-connections=1048577"}, MAX("1048577")},
	{{"--max-connections=-1"}, MAX("-1")},
	{{"--max-connections=+1"}, MAX("+1")},
	{{"--max-connections=1.0"}, MAX("1.0")},
	{{"--max-connections="}, MAX("")},
	{{"--max-connections=many"}, MAX("many")},
	{{"--max-connections=18446744073709551617"}, MAX("18446744073709551617")},
	{{"-m", "4096 "}, MAX("4096 ")},

	{{"--log-greetings=maybe"}, LOG("maybe")},
	{{"--log-greetings=YES"}, LOG("YES")},
	{{"--log-greetings="}, LOG("")},
	{{"-l", "yess"}, LOG("yess")},

	{{"Moin"}, "hellod: 'Moin': no operand is expected\n"},
	{{"--", "-v"}, "hellod: '-v': no operand is expected\n"},
	{{"-v", ""}, "hellod: '': no operand is expected\n"},

	/* These words are the C library's. */
	{{"--nonsense"}, NULL},
	{{"-x"}, NULL},
	{{"--greeting"}, NULL},
	{{"--idle-timeout"}, NULL},
	{{"-m"}, NULL},
	{{"--verbose=yes"}, NULL},
	{{"--help=me"}, NULL},

	/* What is right before or behind it does not make it better. */
	{{"-v", "-m", "0", "--help"}, MAX("0")},
};

START_TEST(mistakes_are_told)
{
	char wanted[OUTPUT_BYTES_MAX];
	const char *end;

	ck_assert_int_eq(parse(bad[_i].words), EX_USAGE);
	ck_assert_str_eq(out, "");
	if (bad[_i].message != NULL) {
		snprintf(wanted, sizeof(wanted), "%s" REMEDY, bad[_i].message);
		ck_assert_str_eq(err, wanted);
		return;
	}
	/* One line that names the program, and the remedy. */
	ck_assert_int_eq(strncmp(err, "hellod: ", 8), 0);
	end = strchr(err, '\n');
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end + 1, REMEDY);
}
END_TEST

/* Every option, and every number that it speaks of. */
START_TEST(help_tells_all)
{
	static const char *const topics[] = {
		"Usage: hellod [OPTION]...\n",
		"  -g, --greeting=TEXT ",
		"  -f, --greeting-file=PATH ",
		"(default: " GREETING_PATH "\n",
		"else HELLO)",
		"  -l, --log-greetings=yes|no ",
		"  -v, --verbose ",
		"  -h, --help ",
		"  -V, --version ",
		"  -i, --idle-timeout=SEC ",
		"0 for never (default: 60)",
		"  -m, --max-connections=N ",
		"Exit status: 0 done, 64 wrong usage, 71 system error, 74 output not written,\n",
		"78 bad greeting or unusable socket.\n",
	};
	static const char *const words[][3] = {{"--help"}, {"-h"}, {"-v", "-h"}, {"--h"}};

	ck_assert_int_eq(parse(words[_i]), EX_OK);
	ck_assert_str_eq(err, "");
	for (int i = 0; i < UNIT_COUNT(topics); i++)
		ck_assert_msg(strstr(out, topics[i]) != NULL, "no '%s' in\n%s", topics[i], out);
	for (const char *line = out; *line != '\0'; line = strchr(line, '\n') + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 80 + strlen(GREETING_PATH));
}
END_TEST

START_TEST(version_is_told)
{
	static const char *const words[][2] = {{"--version"}, {"-V"}};

	ck_assert_int_eq(parse(words[_i]), EX_OK);
	ck_assert_str_eq(err, "");
	ck_assert_str_eq(out, PACKAGE_STRING "\n");
}
END_TEST

START_TEST(output_that_is_not_written_is_an_error)
{
	static const char *const words[][2] = {{"--help"}, {"--version"}};

	ck_assert_int_eq(parse_to("/dev/full", words[_i]), EX_IOERR);
	ck_assert_str_eq(err, "hellod: standard output: No space left on device\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hellod_options");
	TCase *tcase = tcase_create("hellod_options");

	tcase_add_loop_test(tcase, options_are_taken, 0, UNIT_COUNT(good));
	tcase_add_loop_test(tcase, mistakes_are_told, 0, UNIT_COUNT(bad));
	tcase_add_loop_test(tcase, help_tells_all, 0, 4);
	tcase_add_loop_test(tcase, version_is_told, 0, 2);
	tcase_add_loop_test(tcase, output_that_is_not_written_is_an_error, 0, 2);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
