/* SPDX-License-Identifier: MIT */
/* messages - what the daemon says to the journal and to systemd */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "common/address.h"
#include "common/clock.h"
#include "hellod/log.h"
#include "hellod/messages.h"
#include "hellod/notify.h"

void message_no_socket(void)
{
	log_event(LOG_ERR, NULL, NULL,
		  "no socket was passed: systemd starts this program when a client connects");
	log_event(LOG_ERR, NULL, NULL,
		  "try 'systemctl start hello.socket', or without installing "
		  "'systemd-socket-activate --accept -l 6666 %s'",
		  program_invocation_name);
}

void message_config_error(const char *message_id, char *why)
{
	log_event(LOG_ERR, message_id, NULL, "%s", why != NULL ? why : strerror(ENOMEM));
	free(why);
}

void message_reloaded(bool changed)
{
	log_event(LOG_NOTICE, NULL, NULL,
		  changed ? "reloaded the greeting" : "keeping the greeting as it was");
}

static const char *remedy(int error)
{
	return error == EMFILE ? "raise LimitNOFILE= or lower --max-connections"
	       : error == EACCES || error == EPERM
		       ? "check the firewall and the security policy of this host"
		       : "free memory or file descriptors on this host";
}

void message_cannot(const char *what, int error)
{
	log_event(LOG_ERR, MESSAGE_LOCAL_ERROR, NULL, "cannot %s: %s; %s", what, strerror(error),
		  remedy(error));
}

void message_no_datagrams(size_t frame_length)
{
	log_event(LOG_WARNING, MESSAGE_NO_DATAGRAMS, NULL,
		  "datagrams are not answered: the greeting's frame is %zu bytes long, but at most "
		  "%zu fit; shorten the greeting, or remove ListenDatagram=",
		  frame_length, DATAGRAM_FRAME_BYTES_MAX);
}

void message_client(const struct client *client, int priority)
{
	const char *end = client_end_name(client->end), *remote = getenv("REMOTE_ADDR");
	char bytes[32];
	struct address_text peer;
	const struct log_field fields[] = {
		{"HELLO_PEER_ADDRESS", peer.host},
		{"HELLO_PEER_PORT", peer.port},
		{"HELLO_BYTES", bytes},
		{"HELLO_END", end},
		{0},
	};

	if (!log_wants(priority))
		return;
	address_format(&client->peer, &peer);
	/* Of a connection that was reset before it was passed only systemd knows the peer. */
	if (client->peer.storage.ss_family == AF_UNSPEC && remote != NULL) {
		snprintf(peer.host, sizeof(peer.host), "%s", remote);
		strcpy(peer.whole, peer.host);
	}
	snprintf(bytes, sizeof(bytes), "%zu", client->sent);
	if (client_greeted(client))
		log_event(priority, MESSAGE_GREETED, fields, "greeted %s (%s)", peer.whole, end);
	else if (client->end == CLIENT_END_LOCAL_ERROR)
		log_event(priority, MESSAGE_LOCAL_ERROR, fields, "cannot greet %s: %s; %s",
			  peer.whole, strerror(client->error), remedy(client->error));
	else
		log_event(priority, NULL, fields, "did not greet %s: %s after %zu of %zu bytes",
			  peer.whole, end, client->sent, client->greeting->length);
}

void message_summary(const struct message_counts *counts, bool idle)
{
	char greeted[32], answered[32], datagrams[96] = "";
	const struct log_field fields[] = {
		{"HELLO_GREETED", greeted},
		{counts->has_datagrams ? "HELLO_DATAGRAMS" : NULL, answered},
		{0},
	};

	snprintf(greeted, sizeof(greeted), "%" PRIu64, counts->greeted);
	snprintf(answered, sizeof(answered), "%" PRIu64, counts->datagrams.answered);
	if (counts->has_datagrams)
		snprintf(datagrams, sizeof(datagrams),
			 ", answered %" PRIu64 " of %" PRIu64 " datagrams",
			 counts->datagrams.answered, counts->datagrams.received);
	log_event(LOG_NOTICE, MESSAGE_SUMMARY, fields,
		  "greeted %" PRIu64 " of %" PRIu64 " clients%s (%s)", counts->greeted,
		  counts->accepted, datagrams, idle ? "idle" : "stopped");
}

/* The kernel is too old, or does not permit it: no reason not to serve. */
static void message_unconfined(const char *step, int r)
{
	if (r < 0)
		log_event(LOG_DEBUG, NULL, NULL, "not confined by %s: %s", step, strerror(-r));
}

void message_confined(const struct confine_result *result)
{
	message_unconfined("no_new_privs", result->no_new_privs);
	message_unconfined("Landlock", result->landlock);
	message_unconfined("seccomp", result->seccomp);
}

void message_fatal(int error)
{
	log_event(LOG_ERR, NULL, NULL, "fatal: %s", strerror(error));
}

void message_unnotified(int r)
{
	if (r < 0)
		log_event(LOG_WARNING, NULL, NULL, "cannot notify the service manager: %s",
			  strerror(-r));
}

void notify_ready(void)
{
	message_unnotified(notify_send(0, "READY=1"));
}

void notify_reloading(void)
{
	/* Type=notify-reload (systemd 253) requires the time. */
	message_unnotified(
		notify_send(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_usec()));
}

void notify_stopping(bool idle)
{
	notify_send(MSG_DONTWAIT, "STOPPING=1\nSTATUS=%s",
		    idle ? "Idle, exiting" : "Finishing with connected clients");
}

void notify_status(const struct message_counts *counts)
{
	char datagrams[64] = "";

	if (counts->has_datagrams)
		snprintf(datagrams, sizeof(datagrams), ", %" PRIu64 " datagrams answered",
			 counts->datagrams.answered);
	notify_send(MSG_DONTWAIT, "STATUS=Greeted %" PRIu64 " clients, %" PRIu64 " connected%s",
		    counts->greeted, counts->open, datagrams);
}

uint64_t notify_watchdog(void)
{
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return CLOCK_NEVER;
	message_unnotified(notify_send(MSG_DONTWAIT, "WATCHDOG=1"));
	return (usec + 1) / 2; /* as sd_watchdog_enabled(3) advises */
}
