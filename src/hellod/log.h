/* SPDX-License-Identifier: MIT */
/* log - the journal if systemd reads our standard error, else plain lines on it */
#ifndef HELLOD_LOG_H
#define HELLOD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <syslog.h>

/*
 * What the journal can find a message by, and systemd/hellod.catalog explains. Never change one,
 * and never use one again for another message.
 */
#define MESSAGE_GREETED "46f9530514c14616a03f0fb2053ce493"
#define MESSAGE_GREETING_BAD "9320f0a01a3242f8ae3a0d459390222a"
#define MESSAGE_SOCKET_BAD "a83ed450f3244e6298e89e8894fcf88a"
#define MESSAGE_SHORTAGE "87ea194663ff41b29ef3f83f9a63724b"
#define MESSAGE_SUMMARY "ec239c1c69eb490eb5b82d7f12327e60"

/* A field of a journal entry; a plain line leaves it out. */
#define LOG_FIELDS_MAX 8
#define LOG_FIELD_BYTES 512
struct log_field {
	const char *name; /* capital letters, digits and underscores */
	const char *value;
};

/*
 * Chooses where messages go: to the journal with their fields if $JOURNAL_STREAM names standard
 * error (systemd.exec(5)), else as plain lines to standard error. Messages less important than
 * `max_priority`, a priority of syslog(3), are dropped. Until the first call plain lines are
 * written, up to LOG_NOTICE.
 */
void log_open(int max_priority);

/* Whether a message of this priority is kept: to save the making of one that is not. */
bool log_wants(int priority);

/*
 * Writes one message of one line, in the manner of printf(3), longer ones being cut at
 * LOG_LINE_BYTES. `message_id` is one of the above, or NULL. Fields past LOG_FIELDS_MAX are
 * dropped, and one is cut when NAME=value takes LOG_FIELD_BYTES or more. A failure to write is
 * ignored: there is no one to tell. Neither is a journal waited for that is too busy to take the
 * message at once, or does not run: clients come first.
 */
#define LOG_LINE_BYTES 8192
void log_event(int priority, const char *message_id, const struct log_field *fields,
	       size_t field_count, const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
