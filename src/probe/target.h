/* SPDX-License-Identifier: MIT */
/* target - the options that say what to probe */
#ifndef HELLOD_TARGET_H
#define HELLOD_TARGET_H

#include <getopt.h>

#include "probe/probe.h"

/* The options that hello-client and check_hello have in common, for getopt_long(3). */
#define TARGET_LETTERS "46p:ue:"
#define TARGET_REQUEST_SIZE 256 /* an option without a letter; the next one is 257 */
#define TARGET_LONG_OPTIONS \
	{"ipv4", no_argument, NULL, '4'}, {"ipv6", no_argument, NULL, '6'}, \
		{"port", required_argument, NULL, 'p'}, {"udp", no_argument, NULL, 'u'}, \
		{"request-size", required_argument, NULL, TARGET_REQUEST_SIZE}, \
	{ \
		"expect", required_argument, NULL, 'e' \
	}

#define TARGET_TIMEOUT_MIN_USEC 1000U
#define TARGET_TIMEOUT_DEFAULT_SEC 10U
#define TARGET_SECONDS_MAX 86400U /* of --timeout and of any other option with seconds */

/* The server as given, which is parsed after the last option. */
struct target_server {
	const char *host; /* NULL for ENDPOINT_HOST_DEFAULT */
	const char *port; /* given apart, or NULL */
	bool udp;
};

/* The target before the first option: every family, and the default timeout. */
struct probe_target target_default(void);

/*
 * Like getopt_long(3), but its message is not printed. If it returns '?', *ret_message is the
 * message, without the name of the program and not escaped, for usage_error().
 */
int target_next_option(int argc, char **argv, const char *letters,
		       const struct option *long_options, const char **ret_message);

/* Takes one of TARGET_LETTERS or TARGET_REQUEST_SIZE. Returns false if `c` is another option. */
bool target_option(int c, const char *argument, struct target_server *server,
		   struct probe_target *target);

/*
 * Returns the seconds of an option in microseconds: from `min_usec` to TARGET_SECONDS_MAX, or it is
 * wrong usage.
 */
uint64_t target_parse_seconds(const char *option, const char *text, uint64_t min_usec);

/* Parses the server after the last option, and checks the options that depend on each other. */
void target_complete(const struct target_server *server, struct probe_target *target);

/* Ends the process after a message about wrong usage, which usage_print() prints. */
__attribute__((format(printf, 1, 2))) _Noreturn void usage_error(const char *format, ...);

/*
 * Each program defines this in its options.c, for usage_error(): escapes and prints the message, and
 * how to get help. Returns the exit status for wrong usage.
 */
int usage_print(const char *message);

#endif
