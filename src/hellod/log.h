/* SPDX-License-Identifier: MIT */
/* log - messages to the journal, or to standard error */
#ifndef HELLOD_LOG_H
#define HELLOD_LOG_H

#include <stdbool.h>
#include <syslog.h>

/* A longer message, or NAME=value of a field, is cut; fields past LOG_FIELDS_MAX are left out. */
#define LOG_MESSAGE_BYTES 8192
#define LOG_FIELD_BYTES 512
#define LOG_FIELDS_MAX 8

/* A field of a journal entry; standard error has none. */
struct log_field {
	const char *name; /* capital letters, digits and underscores; NULL ends an array */
	const char *value;
};

/*
 * Opens the journal's socket, and chooses where messages go. They go to the journal if
 * $JOURNAL_STREAM names standard error (systemd.exec(5)), or if standard error is /dev/null and
 * systemd has started the process ($INVOCATION_ID): StandardError=null saves systemd and the
 * journal a stream for each process. Else, or if no journal runs, they go to standard error. With
 * `need_stderr`, because others may write to standard error, it becomes such a stream in place of
 * /dev/null.
 */
void log_open(bool need_stderr);

/* Messages less important than `priority`, of syslog(3), are dropped; at first LOG_NOTICE. */
void log_set_max(int priority);

/* True if this priority is logged. Lets callers skip preparing messages that are not. */
bool log_wants(int priority);

/*
 * Logs one line, formatted as by printf(3), in which newlines become spaces. `message_id` is a
 * MESSAGE_ID= or NULL, `fields` an array or NULL. A message is dropped if the journal's queue is
 * full, because clients must not wait for it.
 */
void log_event(int priority, const char *message_id, const struct log_field *fields,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
