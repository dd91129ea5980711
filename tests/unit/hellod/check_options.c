/* SPDX-License-Identifier: MIT */
/* options - the command line of hellod */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "../unit.h"
#include "common/clock.h"
#include "hellod/options.h"

#define WORDS_MAX 4
#define OUTPUT_BYTES 8192

static char out[OUTPUT_BYTES], err[OUTPUT_BYTES];

/* Parses words in a process of its own, which prints the options. Returns its exit status. */
static int parse(const char *const words[WORDS_MAX], int out_fd)
{
	int argc = 1, status, err_fd = memfd_create("err", 0);
	char *argv[WORDS_MAX + 2] = {(char[]){"hellod"}};
	struct options options;

	for (; argc <= WORDS_MAX && words[argc - 1] != NULL; argc++)
		argv[argc] = unit_copy(words[argc - 1], strlen(words[argc - 1]) + 1);
	fflush(stdout);
	if (fork() == 0) {
		dup2(out_fd, STDOUT_FILENO);
		dup2(err_fd, STDERR_FILENO);
		program_invocation_short_name = argv[0];
		memset(&options, 0xA5, sizeof(options));
		options_parse(argc, argv, &options);
		printf("%s %s %d %d %" PRIu64 " %" PRIu64 " %d",
		       options.greeting.text != NULL ? options.greeting.text : "-",
		       options.greeting.path, options.greeting.path_may_be_absent,
		       options.log_greetings, options.idle_usec, options.max_connections,
		       options.verbose);
		fflush(stdout);
		_exit(EX_OK);
	}
	ck_assert_int_gt(wait(&status), 0);
	ck_assert(WIFEXITED(status));
	while (argc > 1)
		free(argv[--argc]);
	out[pread(out_fd, out, OUTPUT_BYTES - 1, 0)] = '\0';
	err[pread(err_fd, err, OUTPUT_BYTES - 1, 0)] = '\0';
	return WEXITSTATUS(status);
}

#define OUT(text, path, may_be_absent, log, idle_usec, max, verbose) \
	text " " path " " #may_be_absent " " #log " " #idle_usec " " #max " " #verbose

#define IDLE(text) "--idle-timeout: '" text "' is not 0 or between 0.001 and 86400 seconds"
#define MAX(text) "--max-connections: '" text "' is not a number from 1 to 1048576"
#define LOG(text) "--log-greetings: '" text "' is not yes or no"

static const struct {
	const char *words[WORDS_MAX];
	int status;
	const char *wanted; /* the output, or the first line of the error; or NULL */
} cases[] = {
	{{NULL}, EX_OK, OUT("-", GREETING_PATH, 1, 0, 60000000, 0, 0)},
	{{"--greeting=Moin"}, EX_OK, OUT("Moin", GREETING_PATH, 1, 0, 60000000, 0, 0)},
	{{"--greeting="}, EX_OK, OUT("", GREETING_PATH, 1, 0, 60000000, 0, 0)},
	{{"-g", "--help"}, EX_OK, OUT("--help", GREETING_PATH, 1, 0, 60000000, 0, 0)},
	{{"-gMoin", "-gServus"}, EX_OK, OUT("Servus", GREETING_PATH, 1, 0, 60000000, 0, 0)},
	{{"--greeting-file=/motd"}, EX_OK, OUT("-", "/motd", 0, 0, 60000000, 0, 0)},
	{{"-f", "/motd", "-g", "Moin"}, EX_OK, OUT("Moin", "/motd", 0, 0, 60000000, 0, 0)},
	{{"--log-greetings=yes"}, EX_OK, OUT("-", GREETING_PATH, 1, 1, 60000000, 0, 0)},
	{{"-l", "no"}, EX_OK, OUT("-", GREETING_PATH, 1, 2, 60000000, 0, 0)},
	{{"--verbose"}, EX_OK, OUT("-", GREETING_PATH, 1, 0, 60000000, 0, 1)},
	{{"-i", "0.0"}, EX_OK, OUT("-", GREETING_PATH, 1, 0, 18446744073709551615, 0, 0)},
	{{"--idle-timeout=0.001"}, EX_OK, OUT("-", GREETING_PATH, 1, 0, 1000, 0, 0)},
	{{"-i", "86400"}, EX_OK, OUT("-", GREETING_PATH, 1, 0, 86400000000, 0, 0)},
	{{"--max-connections=1"}, EX_OK, OUT("-", GREETING_PATH, 1, 0, 60000000, 1, 0)},
	{{"-m", "1048576"}, EX_OK, OUT("-", GREETING_PATH, 1, 0, 60000000, 1048576, 0)},
	{{"-l", "yess"}, EX_USAGE, LOG("yess")},
	{{"-l", "nope"}, EX_USAGE, LOG("nope")},
	{{"--log-greetings="}, EX_USAGE, LOG("")},
	{{"--idle-timeout=0.000999"}, EX_USAGE, IDLE("0.000999")},
	{{"--idle-timeout=0.0000001"}, EX_USAGE, IDLE("0.0000001")},
	{{"-i", "86400.000001"}, EX_USAGE, IDLE("86400.000001")},
	{{"-m", "1048577"}, EX_USAGE, MAX("1048577")},
	{{"-m", "4096 "}, EX_USAGE, MAX("4096 ")},
	{{"-v", "-m", "0", "--help"}, EX_USAGE, MAX("0")},
	/* Together, and abbreviated. */
	{{"-vlyes", "-m2", "-i3", "--greeting-f=/"}, EX_OK, OUT("-", "/", 0, 1, 3000000, 2, 1)},
	{{"Moin"}, EX_USAGE, "'Moin': no operand is expected"},
	{{"--", "-v"}, EX_USAGE, "'-v': no operand is expected"},
	{{"-v", ""}, EX_USAGE, "'': no operand is expected"},
	/* The C library has words for these. */
	{{"--nonsense"}, EX_USAGE, NULL},
	{{"--greeting"}, EX_USAGE, NULL},
	{{"--verbose=yes"}, EX_USAGE, NULL},
	{{"--version"}, EX_OK, PACKAGE_STRING "\n"},
	{{"-V", "--nonsense"}, EX_OK, PACKAGE_STRING "\n"},
};

START_TEST(options_are_parsed)
{
	bool is_good = cases[_i].status == EX_OK;
	size_t line;

	ck_assert_int_eq(parse(cases[_i].words, memfd_create("out", 0)), cases[_i].status);
	ck_assert_str_eq(is_good ? err : out, "");
	if (is_good) {
		ck_assert_str_eq(out, cases[_i].wanted);
		return;
	}
	line = strcspn(err, "\n");
	ck_assert_str_eq(err + line, "\nTry 'hellod --help'.\n");
	err[line] = '\0';
	ck_assert_int_eq(strncmp(err, "hellod: ", 8), 0);
	if (cases[_i].wanted != NULL)
		ck_assert_str_eq(err + 8, cases[_i].wanted);
}
END_TEST

static const char *const topics[] = {
	"Usage: hellod [OPTION]...\n",
	"\n  -g, --greeting=TEXT ",
	"\n  -f, --greeting-file=PATH ",
	"(default: " GREETING_PATH "\n",
	"else HELLO)",
	"\n  -l, --log-greetings=yes|no ",
	"\n  -v, --verbose ",
	"\n  -h, --help ",
	"\n  -V, --version ",
	"\n  -i, --idle-timeout=SEC ",
	"(default: 60)",
	"\n  -m, --max-connections=N ",
	("Exit status: 0 done, 64 wrong usage, 71 system error, 74 output not written,\n"
	 "78 bad greeting or unusable socket.\n")};

START_TEST(help_names_all)
{
	static const char *const words[][WORDS_MAX] = {{"--help"}, {"-h"}, {"-v", "-h"}, {"--h"}};

	ck_assert_int_eq(parse(words[_i], memfd_create("out", 0)), EX_OK);
	ck_assert_str_eq(err, "");
	for (int i = 0; i < UNIT_COUNT(topics); i++)
		ck_assert_msg(strstr(out, topics[i]) != NULL, "no '%s' in\n%s", topics[i], out);
	for (const char *line = out; *line != '\0'; line = strchr(line, '\n') + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 80 + strlen(GREETING_PATH));
}
END_TEST

START_TEST(unwritten_output_is_an_error)
{
	static const char *const words[][WORDS_MAX] = {{"--version"}, {"--help"}};

	ck_assert_int_eq(parse(words[_i], open("/dev/full", O_RDWR)), EX_IOERR);
	ck_assert_str_eq(err, "hellod: standard output: No space left on device: redirect it to a "
			      "file that can be written\n");
}
END_TEST

int main(void)
{
	return UNIT_RUN("options", {options_are_parsed, UNIT_COUNT(cases)}, {help_names_all, 4},
			{unwritten_output_is_an_error, 2});
}
