/* SPDX-License-Identifier: MIT */
/* hellod - greets whoever connects to the sockets that systemd passes */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include <systemd/sd-daemon.h>

#include "common/clock.h"
#include "common/stdio.h"
#include "hellod/activation.h"
#include "hellod/connections.h"
#include "hellod/greeting.h"
#include "hellod/log.h"
#include "hellod/options.h"
#include "hellod/server.h"

/* File descriptors that are not connections: standard ones, epoll, signals, the journal, files. */
#define RESERVED_FDS 16U

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static struct hellod_options options;

/* Logs a mistake that an administrator must mend. Takes `why`. */
static int misconfigured(const char *message_id, char *why)
{
	log_event(LOG_ERR, message_id, NULL, 0, "%s", why != NULL ? why : strerror(ENOMEM));
	free(why);
	return EX_CONFIG;
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

static int load_greeting(struct greeting *greeting)
{
	char *why = NULL;
	int r = greeting_load(&options.greeting, greeting, &why);

	if (r < 0)
		misconfigured(MESSAGE_GREETING_BAD, why);
	return r;
}

/* `priority` is that of the line for a greeting; what went wrong is for the curious. */
static void log_session(const struct session *session, const struct address_text *peer,
			int priority)
{
	const char *end = session_end_name(session->end);
	bool greeted = session_greeted(session);
	char bytes[32], joined[ADDRESS_BYTES];
	const struct log_field fields[] = {
		{"HELLO_PEER_ADDRESS", peer->host},
		{"HELLO_PEER_PORT", peer->port},
		{"HELLO_BYTES", bytes},
		{"HELLO_END", end},
	};

	snprintf(bytes, sizeof(bytes), "%zu", session->sent);
	address_join(peer, joined);
	if (greeted)
		log_event(priority, MESSAGE_GREETED, fields, COUNT_OF(fields), "greeted %s (%s)",
			  joined, end);
	else
		log_event(LOG_DEBUG, NULL, fields, COUNT_OF(fields),
			  "did not greet %s: %s after %zu of %zu bytes", joined, end, session->sent,
			  session->greeting->frame_length);
}

/* A passed connection is narrated unless that is not wanted, a passed listener's only if it is. */
static void connection_done(const struct session *session, const struct address_text *peer)
{
	bool narrated = options.log_greetings != LOG_GREETINGS_NO;

	log_session(session, peer, narrated ? LOG_NOTICE : LOG_DEBUG);
}

static void client_done(const struct session *session, const struct address_text *peer)
{
	bool narrated = options.log_greetings == LOG_GREETINGS_YES;

	if (peer != NULL)
		log_session(session, peer, narrated ? LOG_NOTICE : LOG_DEBUG);
}

static void tell_ready(void)
{
	sd_notify(0, "READY=1");
}

static void tell_stopping(enum listener_end why)
{
	sd_notify(0, why == LISTENER_IDLE ? "STOPPING=1\nSTATUS=Nobody to greet"
					  : "STOPPING=1\nSTATUS=Finishing with the last clients");
}

static void tell_counts(const struct listener_counts *counts)
{
	sd_notifyf(0, "STATUS=Greeted %" PRIu64 " clients, %" PRIu32 " connected", counts->greeted,
		   counts->open);
}

static void tell_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

static void tell_shortage(int error)
{
	log_event(LOG_ERR, MESSAGE_SHORTAGE, NULL, 0, "short of something for new clients: %s; %s",
		  strerror(-error),
		  error == -EMFILE ? "raise LimitNOFILE= or lower --max-connections"
				   : "relieve this host of other work");
}

static int reload_greeting(struct greeting *greeting)
{
	int r;

	/* systemd 253 wants to know since when (Type=notify-reload). */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_usec());
	r = load_greeting(greeting);
	log_event(LOG_NOTICE, NULL, NULL, 0,
		  r < 0 ? "keeping the greeting as it was" : "reloaded the greeting");
	tell_ready();
	return r;
}

/* How many clients at a time: what was asked for, as far as there are file descriptors. */
static uint32_t sessions_max(int listeners)
{
	uint64_t reserved = RESERVED_FDS + (uint64_t)listeners, most = 1;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > reserved)
		most = files.rlim_cur - reserved;
	if (options.max_connections > 0 && options.max_connections < most)
		most = options.max_connections;
	return most < HELLOD_CONNECTIONS_MAX ? (uint32_t)most : HELLOD_CONNECTIONS_MAX;
}

static int listen_for_clients(const struct activation *activation, const struct greeting *greeting)
{
	uint64_t watchdog_usec = 0;
	struct listener_counts counts;
	enum listener_end end;
	struct listener_setup setup = {
		.first_fd = activation->first_fd,
		.fd_count = activation->fd_count,
		.sessions_max = sessions_max(activation->fd_count),
		.idle_usec = options.idle_usec,
		.watchdog_usec = CLOCK_NEVER,
		.greeting = greeting,
		.want_peers = options.log_greetings == LOG_GREETINGS_YES || options.verbose,
		.ready = tell_ready,
		.reload = reload_greeting,
		.stopping = tell_stopping,
		.status = tell_counts,
		.alive = tell_alive,
		.ended = client_done,
		.shortage = tell_shortage,
	};
	char greeted[32];
	const struct log_field fields[] = {{"HELLO_GREETED", greeted}};
	int r;

	/* Twice as often as systemd looks: sd_watchdog_enabled(3). */
	if (sd_watchdog_enabled(0, &watchdog_usec) > 0)
		setup.watchdog_usec = (watchdog_usec + 1) / 2;

	r = listener_run(&setup, &counts, &end);
	if (r < 0)
		return r;
	snprintf(greeted, sizeof(greeted), "%" PRIu64, counts.greeted);
	log_event(LOG_NOTICE, MESSAGE_SUMMARY, fields, COUNT_OF(fields),
		  "greeted %" PRIu64 " of %" PRIu64 " clients (%s)", counts.greeted,
		  counts.accepted, end == LISTENER_IDLE ? "idle" : "stopped");
	return 0;
}

static int run(void)
{
	static struct greeting greeting;
	struct activation activation;
	int status = EX_OK, r;
	char *why = NULL;

	if (activation_receive(&activation, &why) < 0)
		return misconfigured(MESSAGE_SOCKET_BAD, why);
	if (activation.kind == ACTIVATION_NOTHING)
		return started_by_hand();

	if (load_greeting(&greeting) < 0) {
		status = EX_CONFIG;
		/* A connection is still ended properly, without a byte being sent; the clients in
		 * the queue of a listener are left there for when the greeting is mended. */
		if (activation.kind == ACTIVATION_LISTENERS)
			return status;
	}

	if (activation.kind == ACTIVATION_CONNECTIONS)
		r = connections_serve(activation.first_fd, activation.fd_count, &greeting,
				      connection_done);
	else
		r = listen_for_clients(&activation, &greeting);
	if (r < 0) {
		log_event(LOG_ERR, NULL, NULL, 0, "cannot go on: %s", strerror(-r));
		return EX_OSERR;
	}
	return status;
}

int main(int argc, char **argv)
{
	int status;

	stdio_sanitise();
	status = hellod_options_parse(argc, argv, &options);
	if (status != HELLOD_OPTIONS_RUN)
		return status;
	/* Whoever reads standard error may go away; the clients are greeted all the same. */
	signal(SIGPIPE, SIG_IGN);
	log_open(options.verbose ? LOG_DEBUG : LOG_NOTICE);
	return run();
}
