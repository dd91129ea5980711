/* SPDX-License-Identifier: MIT */
/* log - the journal if systemd reads our standard error, else plain lines on it */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Where in the source a message was written is of no use to those who read the journal. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "log.h"

/* "MESSAGE=", "PRIORITY=" and "MESSAGE_ID=" come before the fields. */
#define OWN_FIELDS 3

/* Without this socket sd_journal_sendv() reports success, and the message is lost. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static bool journal_reads_stderr;
static bool journal_takes_messages;
static int priority_max = LOG_NOTICE;

static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(int max_priority)
{
	journal_reads_stderr = stderr_is_journal();
	journal_takes_messages = journal_reads_stderr && access(JOURNAL_SOCKET, W_OK) == 0;
	priority_max = max_priority;
}

bool log_wants(int priority)
{
	return priority <= priority_max;
}

struct journal_entry {
	char text[OWN_FIELDS + LOG_FIELDS_MAX][LOG_FIELD_BYTES];
	struct iovec iov[OWN_FIELDS + LOG_FIELDS_MAX];
	int count;
};

static void add_field(struct journal_entry *entry, const char *name, const char *value)
{
	char *text = entry->text[entry->count];
	int length = snprintf(text, LOG_FIELD_BYTES, "%s=%s", name, value);

	entry->iov[entry->count++] = (struct iovec){
		.iov_base = text,
		.iov_len = length < LOG_FIELD_BYTES ? (size_t)length : LOG_FIELD_BYTES - 1,
	};
}

/* `message` begins with "MESSAGE=". Returns 0, or -errno when the journal cannot be reached. */
static int write_journal(int priority, const char *message_id, const struct log_field *fields,
			 size_t field_count, char *message, size_t message_length)
{
	struct journal_entry entry = {.count = 0};
	const char digit[] = {(char)('0' + priority), '\0'};

	entry.iov[entry.count++] = (struct iovec){.iov_base = message, .iov_len = message_length};
	add_field(&entry, "PRIORITY", digit);
	if (message_id != NULL)
		add_field(&entry, "MESSAGE_ID", message_id);
	for (size_t i = 0; i < field_count && i < LOG_FIELDS_MAX; i++)
		add_field(&entry, fields[i].name, fields[i].value);
	return sd_journal_sendv(entry.iov, entry.count);
}

static void write_line(const char *prefix, const char *text)
{
	char line[LOG_LINE_BYTES + LOG_FIELD_BYTES];
	int length = snprintf(line, sizeof(line), "%s%s\n", prefix, text);

	/* One write, so that the lines of several processes do not mix. With no one to tell of a
	 * failure, the result is only looked at because the C library insists. */
	if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}

void log_event(int priority, const char *message_id, const struct log_field *fields,
	       size_t field_count, const char *format, ...)
{
	static const char name[] = "MESSAGE=";
	const size_t name_length = sizeof(name) - 1;
	char entry[sizeof(name) + LOG_LINE_BYTES] = "MESSAGE=", prefix[LOG_FIELD_BYTES];
	char *text = entry + name_length;
	va_list arguments;

	if (!log_wants(priority))
		return;

	va_start(arguments, format);
	vsnprintf(text, LOG_LINE_BYTES, format, arguments);
	va_end(arguments);
	/* One line, whatever is in a path. */
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';

	if (journal_takes_messages && write_journal(priority, message_id, fields, field_count,
						    entry, name_length + strlen(text)) >= 0)
		return;
	if (journal_reads_stderr) /* SyslogLevelPrefix= in systemd.exec(5) */
		snprintf(prefix, sizeof(prefix), "<%d>", priority);
	else
		snprintf(prefix, sizeof(prefix), "%s: ", program_invocation_short_name);
	write_line(prefix, text);
}
