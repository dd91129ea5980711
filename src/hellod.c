/* SPDX-License-Identifier: MIT */
/* hellod - greets whoever connects to the sockets that systemd passes */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "activation.h"
#include "connections.h"
#include "greeting.h"
#include "listener.h"
#include "log.h"
#include "output.h"
#include "paths.h"

/* Whether to write a line for each greeting. */
enum log_greetings {
	LOG_GREETINGS_DEFAULT, /* for a passed connection, not for a passed listener */
	LOG_GREETINGS_YES,
	LOG_GREETINGS_NO,
};

struct options {
	struct greeting_source greeting;
	enum log_greetings log_greetings;
	bool verbose;
};

/* What parse_options() returns to have hellod run; anything else is an exit status. */
#define PARSED (-1)

/* The priority of the line for a greeting, as --log-greetings and the mode have it. */
static int log_greetings_at = LOG_NOTICE;

static void print_help(void)
{
	printf("Usage: hellod [OPTION]...\n"
	       "Greet every client of the sockets that systemd passes: see hello.socket(8).\n"
	       "\n"
	       "  -g, --greeting=TEXT        greet with TEXT, in UTF-8\n"
	       "  -f, --greeting-file=PATH   greet with the text in PATH, in UTF-8, less a final\n"
	       "                             newline (default: %s if it exists,\n"
	       "                             else %s)\n"
	       "  -l, --log-greetings=yes|no log a line for each greeting (default: yes for a\n"
	       "                             passed connection, no for a passed listener)\n"
	       "  -v, --verbose              also log what peers did wrong\n"
	       "  -h, --help                 print this help and exit\n"
	       "  -V, --version              print the version and exit\n"
	       "\n"
	       "Exit status: 0 done, %d wrong usage, %d system error, %d output not written,\n"
	       "%d bad greeting or unusable socket.\n",
	       GREETING_PATH, GREETING_DEFAULT, EX_USAGE, EX_OSERR, EX_IOERR, EX_CONFIG);
}

static int print_and_exit(void (*print)(void))
{
	print();
	return output_close() < 0 ? EX_IOERR : EX_OK;
}

static void print_version(void)
{
	printf("%s\n", PACKAGE_STRING);
}

static int wrong_usage(void)
{
	fprintf(stderr, "Try 'hellod --help'.\n");
	return EX_USAGE;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"greeting", required_argument, NULL, 'g'},
		{"greeting-file", required_argument, NULL, 'f'},
		{"log-greetings", required_argument, NULL, 'l'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "g:f:l:vhV", known, NULL)) != -1) {
		switch (c) {
		case 'g':
			options->greeting.text = optarg;
			break;
		case 'f':
			options->greeting.path = optarg;
			options->greeting.path_may_be_absent = false;
			break;
		case 'l':
			if (strcmp(optarg, "yes") == 0) {
				options->log_greetings = LOG_GREETINGS_YES;
			} else if (strcmp(optarg, "no") == 0) {
				options->log_greetings = LOG_GREETINGS_NO;
			} else {
				fprintf(stderr, "hellod: --log-greetings: '%s' is not yes or no\n",
					optarg);
				return wrong_usage();
			}
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'h':
			return print_and_exit(print_help);
		case 'V':
			return print_and_exit(print_version);
		default:
			return wrong_usage();
		}
	}
	if (optind < argc) {
		fprintf(stderr, "hellod: '%s': no operand is expected\n", argv[optind]);
		return wrong_usage();
	}
	return PARSED;
}

static int started_by_hand(void)
{
	log_event(LOG_ERR, NULL, NULL, 0,
		  "no socket was passed: systemd starts this program when a client connects");
	log_event(LOG_ERR, NULL, NULL, 0,
		  "try 'systemctl start hello.socket', or without installing "
		  "'systemd-socket-activate --accept -l 6666 %s'",
		  program_invocation_name);
	return EX_USAGE;
}

/* Logs a mistake that an administrator must mend. Takes `why`. */
static int misconfigured(const char *message_id, char *why)
{
	log_event(LOG_ERR, message_id, NULL, 0, "%s", why != NULL ? why : strerror(ENOMEM));
	free(why);
	return EX_CONFIG;
}

static void log_session(const struct session *session, const struct address_text *peer)
{
	bool greeted = session_greeted(session);
	const char *end = session_end_name(session->end);
	int priority = greeted ? log_greetings_at : LOG_DEBUG;
	char bytes[32], joined[ADDRESS_BYTES];
	const struct log_field fields[] = {
		{"HELLO_PEER_ADDRESS", peer->host},
		{"HELLO_PEER_PORT", peer->port},
		{"HELLO_BYTES", bytes},
		{"HELLO_END", end},
	};

	if (!log_wants(priority))
		return;
	snprintf(bytes, sizeof(bytes), "%zu", session->sent);
	address_join(peer, joined);
	if (greeted)
		log_event(priority, MESSAGE_GREETED, fields, sizeof(fields) / sizeof(*fields),
			  "greeted %s (%s)", joined, end);
	else
		log_event(priority, NULL, fields, sizeof(fields) / sizeof(*fields),
			  "did not greet %s: %s after %zu of %zu bytes", joined, end, session->sent,
			  session->greeting->frame_length);
}

static int run(const struct options *options)
{
	static struct greeting greeting;
	struct activation activation;
	int status = EX_OK, r;
	bool log_each;
	char *why = NULL;

	if (activation_receive(&activation, &why) < 0)
		return misconfigured(MESSAGE_SOCKET_BAD, why);
	if (activation.kind == ACTIVATION_NOTHING)
		return started_by_hand();

	if (greeting_load(&options->greeting, &greeting, &why) < 0) {
		status = misconfigured(MESSAGE_GREETING_BAD, why);
		/* A connection is still ended properly, without a byte being sent; the clients in
		 * the queue of a listener are left there for when the greeting is mended. */
		if (activation.kind == ACTIVATION_LISTENERS)
			return status;
	}

	log_each = options->log_greetings == LOG_GREETINGS_YES ||
		   (options->log_greetings == LOG_GREETINGS_DEFAULT &&
		    activation.kind == ACTIVATION_CONNECTIONS);
	log_greetings_at = log_each ? LOG_NOTICE : LOG_DEBUG;

	if (activation.kind == ACTIVATION_CONNECTIONS)
		r = connections_serve(activation.first_fd, activation.fd_count, &greeting,
				      log_session);
	else
		r = listener_run(activation.first_fd, activation.fd_count, &greeting, log_session);
	if (r < 0) {
		log_event(LOG_ERR, NULL, NULL, 0, "cannot go on: %s", strerror(-r));
		return EX_OSERR;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct options options = {
		.greeting = {.path = GREETING_PATH, .path_may_be_absent = true},
	};
	int status;

	output_reserve_streams();
	status = parse_options(argc, argv, &options);
	if (status != PARSED)
		return status;
	/* Whoever reads standard error may go away; the clients are greeted all the same. */
	signal(SIGPIPE, SIG_IGN);
	log_open(options.verbose ? LOG_DEBUG : LOG_NOTICE);
	return run(&options);
}
