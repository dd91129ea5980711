/* SPDX-License-Identifier: MIT */
/* messages - what the daemon says to the journal and to systemd */
#ifndef HELLOD_MESSAGES_H
#define HELLOD_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "hellod/client.h"
#include "hellod/confine.h"
#include "hellod/datagram.h"

/* Values of MESSAGE_ID=, which systemd/hellod.catalog explains. Never change or reuse one. */
#define MESSAGE_GREETED "46f9530514c14616a03f0fb2053ce493"
#define MESSAGE_GREETING_BAD "9320f0a01a3242f8ae3a0d459390222a"
#define MESSAGE_SOCKET_BAD "a83ed450f3244e6298e89e8894fcf88a"
#define MESSAGE_LOCAL_ERROR "87ea194663ff41b29ef3f83f9a63724b"
#define MESSAGE_SUMMARY "ec239c1c69eb490eb5b82d7f12327e60"
#define MESSAGE_NO_DATAGRAMS "97de2fd8dce44fcfad49cc19786bace7"

struct message_counts {
	uint64_t accepted;  /* clients */
	uint64_t greeted;   /* clients that were sent the whole frame, and have ended */
	uint64_t open;	    /* clients connected now */
	bool has_datagrams; /* there is a datagram socket */
	struct datagram_counts datagrams;
};

/* To the journal or to standard error: log.h. An `error` is an errno; `why` is a line or NULL, and
 * freed; `client` is closed; without `changed` the old greeting is kept. */
void message_no_socket(void);
void message_config_error(const char *message_id, char *why);
void message_reloaded(bool changed);
void message_cannot(const char *what, int error); /* "accept connections" */
void message_no_datagrams(size_t frame_length);
void message_client(const struct client *client, int priority);
void message_summary(const struct message_counts *counts, bool idle);
void message_confined(const struct confine_result *result); /* what failed, for debugging */
void message_unnotified(int r); /* of notify.h: that a notification was lost, if it was */
void message_fatal(int error);

/* To the service manager, if there is one: notify.h. notify_watchdog() returns when to call it
 * again, in microseconds from now; CLOCK_NEVER without a watchdog. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(bool idle);
void notify_status(const struct message_counts *counts);
uint64_t notify_watchdog(void);

#endif
