/* SPDX-License-Identifier: MIT */
/* log - messages to the journal, or to standard error */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hellod/log.h"

/* With PRIORITY=, SYSLOG_IDENTIFIER= and MESSAGE_ID=. */
#define ENTRY_BYTES (LOG_MESSAGE_BYTES + (3 + LOG_FIELDS_MAX) * LOG_FIELD_BYTES)

static bool journal_reads_stderr;
static int journal_fd = -1;
static int priority_max = LOG_NOTICE;

/* A confined process cannot make the socket later: confine.h. Returns -1 if no journal runs. */
static int connect_journal(void)
{
	static const struct sockaddr_un journal = {AF_UNIX, "/run/systemd/journal/socket"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&journal, sizeof(journal)) == 0)
		return fd;
	close(fd);
	return -1;
}

void log_open(int max_priority)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	priority_max = max_priority;
	journal_reads_stderr =
		stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
	if (journal_reads_stderr)
		journal_fd = connect_journal();
}

bool log_wants(int priority)
{
	return priority <= priority_max;
}

/* Writes `text` after `prefix`, as one line of at most `size` bytes. Returns its end. */
static char *put_line(char *line, size_t size, const char *prefix, const char *separator,
		      const char *text)
{
	int length = snprintf(line, size, "%s%s%s", prefix, separator, text);
	char *end = line + (length < (int)size ? length : (int)size - 1);

	for (; line < end; line++)
		if (*line == '\n') /* would end a journal field, or the line */
			*line = ' ';
	*line = '\n';
	return line + 1;
}

/*
 * Sends a datagram of https://systemd.io/JOURNAL_NATIVE_PROTOCOL/, because sd_journal_sendv(3)
 * waits for a journal whose queue is full. Returns false if no journal runs.
 */
static bool write_journal(int priority, const char *message_id, const struct log_field *fields,
			  const char *message)
{
	const char digit[] = {(char)('0' + priority), '\0'};
	char entry[ENTRY_BYTES], *end = entry;

	end = put_line(end, LOG_FIELD_BYTES, "PRIORITY", "=", digit);
	end = put_line(end, LOG_FIELD_BYTES, "SYSLOG_IDENTIFIER", "=",
		       program_invocation_short_name);
	if (message_id != NULL)
		end = put_line(end, LOG_FIELD_BYTES, "MESSAGE_ID", "=", message_id);
	for (int i = 0; fields != NULL && fields[i].name != NULL && i < LOG_FIELDS_MAX; i++)
		end = put_line(end, LOG_FIELD_BYTES, fields[i].name, "=", fields[i].value);
	end = put_line(end, LOG_MESSAGE_BYTES, "MESSAGE", "=", message);

	return send(journal_fd, entry, (size_t)(end - entry), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
	       errno == EAGAIN;
}

void log_event(int priority, const char *message_id, const struct log_field *fields,
	       const char *format, ...)
{
	const char prefix[] = {'<', (char)('0' + priority), '>', '\0'}; /* SyslogLevelPrefix= */
	char message[LOG_MESSAGE_BYTES], line[LOG_MESSAGE_BYTES], *end;
	va_list arguments;

	if (!log_wants(priority))
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);

	if (!journal_reads_stderr)
		end = put_line(line, sizeof(line), program_invocation_short_name, ": ", message);
	else if (write_journal(priority, message_id, fields, message))
		return;
	else
		end = put_line(line, sizeof(line), prefix, "", message);
	/* One write, so that the lines of several processes do not mix. */
	(void)!write(STDERR_FILENO, line, (size_t)(end - line));
}
