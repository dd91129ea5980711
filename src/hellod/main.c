/* SPDX-License-Identifier: MIT */
/* main - hellod, a socket-activated greeting daemon */
#include "config.h"

#include <errno.h>
#include <sysexits.h>

#include "common/stdio.h"
#include "hellod/activation.h"
#include "hellod/greeting.h"
#include "hellod/log.h"
#include "hellod/messages.h"
#include "hellod/notify.h"
#include "hellod/options.h"
#include "hellod/server.h"

int main(int argc, char **argv)
{
	struct activation sockets;
	struct greeting *greeting;
	struct options options;
	int status = EX_OK, r;
	char *why;

	server_block_signals();
	stdio_sanitise(EX_OSERR);
	log_open(argc > 1); /* options_parse() complains there, but not without arguments */
	options_parse(argc, argv, &options);
	if (options.verbose)
		log_set_max(LOG_DEBUG);
	message_unnotified(notify_open());

	if (activation_receive(&sockets, &why) < 0) {
		message_config_error(MESSAGE_SOCKET_BAD, why);
		return EX_CONFIG;
	}
	if (sockets.kind == ACTIVATION_NOTHING) {
		message_no_socket();
		return EX_USAGE;
	}
	if (greeting_load(&options.greeting, &greeting, &why) < 0) {
		message_config_error(MESSAGE_GREETING_BAD, why);
		/* The clients of listening sockets stay in their queues until it is mended. */
		if (sockets.kind == ACTIVATION_LISTENERS)
			return EX_CONFIG;
		status = EX_CONFIG;
		greeting = greeting_new(0);
	}
	r = greeting != NULL ? server_run(&sockets, &options, greeting) : -ENOMEM;
	if (r < 0)
		message_fatal(-r);
	return r != 0 ? EX_OSERR : status;
}
