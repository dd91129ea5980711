/* SPDX-License-Identifier: MIT */
/* target - the options that say what to probe */
#include "config.h"

#include <inttypes.h>
#include <sys/wait.h>

#include "../unit.h"
#include "probe/target.h"

#define ARGUMENTS_MAX 8
#define WRONG_USAGE 98

/* Prints it as it is: to escape it is left to the program. */
int usage_print(const char *message)
{
	printf("%s", message);
	return WRONG_USAGE;
}

/* The options of both programs, and two of their own. */
static void parse(int argc, char **argv)
{
	static const struct option long_options[] = {
		TARGET_LONG_OPTIONS,
		{"own", no_argument, NULL, TARGET_REQUEST_SIZE + 1},
		{0},
	};
	struct target_server server = {0};
	struct probe_target target = target_default();
	char endpoint[ENDPOINT_BYTES];
	int c;

	while ((c = getopt_long(argc, argv, TARGET_LETTERS "H:", long_options, NULL)) != -1) {
		if (target_option(c, optarg, &server, &target))
			continue;
		if (c == 'H')
			server.host = optarg;
		else
			printf("own ");
	}
	target_complete(&server, &target);
	printf("%s", endpoint_format(&target.endpoint, endpoint));
	if (target.family != AF_UNSPEC)
		printf(" %s", target.family == AF_INET ? "ipv4" : "ipv6");
	if (target.request_bytes > 0)
		printf(" udp=%zu", target.request_bytes);
	if (target.timeout_usec != 10000000)
		printf(" t=%" PRIu64, target.timeout_usec);
	if (target.expected != NULL)
		printf(" e='%s'", target.expected);
}

#define DEFAULT "localhost:6666"
#define BYTES " is wrong: give a number of bytes from 1 to 65507"

static const struct {
	const char *arguments[ARGUMENTS_MAX];
	int status; /* 0, or WRONG_USAGE */
	const char *printed;
} lines[] = {
	{{NULL}, 0, DEFAULT},
	{{"-4"}, 0, DEFAULT " ipv4"},
	{{"--ipv6"}, 0, DEFAULT " ipv6"},
	{{"-p", "7"}, 0, "localhost:7"},
	{{"--port=hello", "-H", "a"}, 0, "a:hello"},
	{{"-e", "Gr\u00FC\u00DFe"}, 0, DEFAULT " e='Gr\u00FC\u00DFe'"},
	{{"--expect="}, 0, DEFAULT " e=''"},
	{{"-u"}, 0, DEFAULT " udp=1232"},
	{{"--udp", "--request-size=1"}, 0, DEFAULT " udp=1"},
	{{"--request-size=65507", "-u"}, 0, DEFAULT " udp=65507"},
	{{"-u", "-H", "/run/x"}, 0, "/run/x udp=1232"},
	{{"-H", "vsock:2", "-p", "7"}, 0, "vsock:2:7"},

	/* The last one counts. Other options are left to the program. */
	{{"-4", "-6", "-p1", "-p2", "-e", "A", "-eB"}, 0, "localhost:2 ipv6 e='B'"},
	{{"--own", "-4"}, 0, "own " DEFAULT " ipv4"},
	{{"-4", "-H", "127.1"}, 0, "127.1:6666 ipv4"},
	{{"-6", "-H", "[::1]:7"}, 0, "[::1]:7 ipv6"},
	{{"-4", "-H", "::ffff:127.0.0.1"}, 0, "[::ffff:127.0.0.1]:6666 ipv4"},
	{{"-6", "-H", "::ffff:127.0.0.1"}, 0, "[::ffff:127.0.0.1]:6666 ipv6"},

	/* Mistakes. */
	{{"-u", "--request-size=0"}, WRONG_USAGE, "--request-size: '0'" BYTES},
	{{"-u", "--request-size=65508"}, WRONG_USAGE, "--request-size: '65508'" BYTES},
	{{"-u", "--request-size=1k"}, WRONG_USAGE, "--request-size: '1k'" BYTES},
	{{"--request-size=9"},
	 WRONG_USAGE,
	 "--request-size is the length of a datagram: add --udp"},
	{{"-4", "-H", "/run/x"}, WRONG_USAGE, "'/run/x' is not an IP address: leave out -4 and -6"},
	{{"--ipv6", "-H", "@x"}, WRONG_USAGE, "'@x' is not an IP address: leave out -4 and -6"},
	{{"-6", "-H", "vsock:2"},
	 WRONG_USAGE,
	 "'vsock:2' is not an IP address: leave out -4 and -6"},
	{{"-4", "-H", "[::1]:7"}, WRONG_USAGE, "'::1' is not an IPv4 address: leave out -4"},
	{{"-4", "-H", "fe80::1%lo"},
	 WRONG_USAGE,
	 "'fe80::1%lo' is not an IPv4 address: leave out -4"},
	{{"-6", "-H", "127.1"}, WRONG_USAGE, "'127.1' is not an IPv6 address: leave out -6"},
	{{"-u", "-H", "vsock:2"},
	 WRONG_USAGE,
	 "'vsock:2': vsock has no datagrams: leave out --udp"},
	{{"-e", "A\xFF"}, WRONG_USAGE, "--expect: 'A\xFF' is not UTF-8: give the text in UTF-8"},
	{{"-H", "a\n", "-p", "7"},
	 WRONG_USAGE,
	 "'a\n 7': a host has no blanks: give HOST:PORT, or -p PORT"},
	{{"-p", ""}, WRONG_USAGE, "'': the port is empty: give a number, or leave it out"},
};

/* In a process of its own, which a mistake ends. */
START_TEST(options_are_parsed)
{
	char name[] = "target", *argv[ARGUMENTS_MAX + 2] = {name}, printed[512];
	const char *const *arguments = lines[_i].arguments;
	int argc = 1, status;

	unit_capture(STDOUT_FILENO);
	while (arguments[argc - 1] != NULL)
		argc++;
	memcpy(argv + 1, arguments, (size_t)argc * sizeof(*argv));
	if (fork() == 0) {
		parse(argc, argv);
		exit(0);
	}
	wait(&status);
	ck_assert(WIFEXITED(status));
	unit_take(STDOUT_FILENO, printed, sizeof(printed));
	ck_assert_str_eq(printed, lines[_i].printed);
	ck_assert_int_eq(WEXITSTATUS(status), lines[_i].status);
}
END_TEST

static const struct {
	const char *text;
	uint64_t min_usec, usec; /* usec: 0 for a mistake */
	const char *printed;
} seconds[] = {
	{"0.001", 1000, 1000, ""},
	{"86400", 1000, UINT64_C(86400000000), ""},
	{"0.000999", 1000, 0, "--name: '0.000999' is wrong: give seconds from 0.001 to 86400"},
	{"86400.000001", 0, 0, "--name: '86400.000001' is wrong: give seconds from 0 to 86400"},
	{"1s", 0, 0, "--name: '1s' is wrong: give seconds from 0 to 86400"},
};

START_TEST(seconds_are_parsed)
{
	char printed[512];
	int status;

	unit_capture(STDOUT_FILENO);
	if (fork() == 0)
		exit(target_parse_seconds("name", seconds[_i].text, seconds[_i].min_usec) !=
		     seconds[_i].usec);
	wait(&status);
	unit_take(STDOUT_FILENO, printed, sizeof(printed));
	ck_assert_str_eq(printed, seconds[_i].printed);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), seconds[_i].usec > 0 ? 0 : WRONG_USAGE);
}
END_TEST

int main(void)
{
	return UNIT_RUN("target", {options_are_parsed, UNIT_COUNT(lines)},
			{seconds_are_parsed, UNIT_COUNT(seconds)});
}
