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
		message_config_error(MESSAGE_SOCKET_BAD, why);
		return EX_CONFIG;
	}
	if (sockets.kind == ACTIVATION_NOTHING) {
		message_no_socket();
		return EX_USAGE;
	}
	if (greeting_load(&options->greeting, &greeting, &why) < 0) {
		message_config_error(MESSAGE_GREETING_BAD, why);
		status = EX_CONFIG;
		/* The clients of listening sockets stay in their queues until it is mended. */
		if (sockets.kind == ACTIVATION_LISTENERS)
			return status;
		greeting = greeting_new(0);
	}
	r = greeting != NULL ? server_run(&sockets, options, greeting) : -ENOMEM;
	if (r < 0)
		message_fatal(-r);
	return r != 0 ? EX_OSERR : status;
}

int main(int argc, char **argv)
{
	struct options options;

	server_block_signals();
	stdio_sanitise();
	options_parse(argc, argv, &options);
	signal(SIGPIPE, SIG_IGN); /* the reader of standard error may go away */
	log_open(options.verbose ? LOG_DEBUG : LOG_NOTICE);
	return run(&options);
}
