/* SPDX-License-Identifier: MIT */
/* log - the journal if systemd reads our standard error, else plain lines on it */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hellod/log.h"

/* "PRIORITY=", "SYSLOG_IDENTIFIER=" and "MESSAGE_ID=" come before the fields. */
#define OWN_FIELDS 3

static bool journal_reads_stderr;
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
	priority_max = max_priority;
}

bool log_wants(int priority)
{
	return priority <= priority_max;
}

/* Whatever is in a path: lines are what the journal tells fields by, and people messages. */
static void make_one_line(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
}

struct journal_entry {
	char text[OWN_FIELDS + LOG_FIELDS_MAX][LOG_FIELD_BYTES];
	struct iovec lines[2 + OWN_FIELDS + LOG_FIELDS_MAX]; /* the message takes 2 */
	size_t fields, count;
};

static void add_bytes(struct journal_entry *entry, char *bytes, size_t length)
{
	entry->lines[entry->count++] = (struct iovec){.iov_base = bytes, .iov_len = length};
}

static void add_field(struct journal_entry *entry, const char *name, const char *value)
{
	char *text = entry->text[entry->fields++];
	size_t length;

	snprintf(text, LOG_FIELD_BYTES, "%s=%s", name, value);
	make_one_line(text);
	length = strlen(text);
	text[length] = '\n';
	add_bytes(entry, text, length + 1);
}

/*
 * Sends a datagram of lines, as on https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. Not by
 * sd_journal_sendv(3), which waits for a journal that has no room, and with it would wait all
 * clients: then the message is dropped.
 *
 * Returns 0, or -errno when there is no journal.
 */
static int send_to_journal(struct journal_entry *entry)
{
	static int journal_fd = -1;
	struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/socket",
	};
	const struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = entry->lines,
		.msg_iovlen = entry->count,
	};

	if (journal_fd < 0)
		journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal_fd < 0)
		return -errno;
	if (sendmsg(journal_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

/* `message` begins with "MESSAGE=". Returns 0, or -errno when there is no journal. */
static int write_journal(int priority, const char *message_id, const struct log_field *fields,
			 size_t field_count, char *message)
{
	struct journal_entry entry = {.count = 0};
	const char digit[] = {(char)('0' + priority), '\0'};
	char newline = '\n';

	add_bytes(&entry, message, strlen(message));
	add_bytes(&entry, &newline, 1);
	add_field(&entry, "PRIORITY", digit);
	add_field(&entry, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	if (message_id != NULL)
		add_field(&entry, "MESSAGE_ID", message_id);
	for (size_t i = 0; i < field_count && i < LOG_FIELDS_MAX; i++)
		add_field(&entry, fields[i].name, fields[i].value);
	return send_to_journal(&entry);
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
	char entry[sizeof(name) + LOG_LINE_BYTES] = "MESSAGE=", prefix[LOG_FIELD_BYTES];
	char *text = entry + sizeof(name) - 1;
	va_list arguments;

	if (!log_wants(priority))
		return;

	va_start(arguments, format);
	vsnprintf(text, LOG_LINE_BYTES, format, arguments);
	va_end(arguments);
	make_one_line(text);

	if (journal_reads_stderr &&
	    write_journal(priority, message_id, fields, field_count, entry) >= 0)
		return;
	if (journal_reads_stderr) /* SyslogLevelPrefix= in systemd.exec(5) */
		snprintf(prefix, sizeof(prefix), "<%d>", priority);
	else
		snprintf(prefix, sizeof(prefix), "%s: ", program_invocation_short_name);
	write_line(prefix, text);
}
