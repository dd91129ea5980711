/* SPDX-License-Identifier: MIT */
/* main - hellod, a socket-activated greeting daemon */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sysexits.h>

#include "common/stdio.h"
#include "hellod/activation.h"
#include "hellod/greeting.h"
#include "hellod/log.h"
#include "hellod/messages.h"
#include "hellod/options.h"
#include "hellod/server.h"

/* Returns the exit status. */
static int run(const struct options *options)
{
	struct activation sockets;
	struct greeting *greeting;
	int status = EX_OK, r;
	char *why;

	if (activation_receive(&sockets, &why) < 0) {
		message_bad_socket(why);
		return EX_CONFIG;
	}
	if (sockets.kind == ACTIVATION_NOTHING) {
		message_no_socket();
		return EX_USAGE;
	}
	if (greeting_load(&options->greeting, &greeting, &why) < 0) {
		message_bad_greeting(why);
		status = EX_CONFIG;
		/* The clients in a listening socket's queue stay there until it is mended. */
		if (sockets.kind == ACTIVATION_LISTENERS)
			return status;
		greeting = greeting_new_empty();
	}

	r = greeting != NULL ? server_run(&sockets, options, greeting) : -ENOMEM;
	if (r < 0)
		message_fatal(-r);
	return r != 0 ? EX_OSERR : status;
}

int main(int argc, char **argv)
{
	struct options options;

	stdio_sanitise();
	options_parse(argc, argv, &options);
	/* The reader of standard error may go away; clients are greeted all the same. */
	signal(SIGPIPE, SIG_IGN);
	log_open(options.verbose ? LOG_DEBUG : LOG_NOTICE);
	return run(&options);
}
