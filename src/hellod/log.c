/* SPDX-License-Identifier: MIT */
/* log - messages to the journal, or to standard error */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "hellod/log.h"

/* With PRIORITY=, SYSLOG_IDENTIFIER= and MESSAGE_ID=. */
#define ENTRY_BYTES (LOG_MESSAGE_BYTES + (3 + LOG_FIELDS_MAX) * LOG_FIELD_BYTES)

static bool journal_reads_stderr; /* standard error is a stream to the journal */
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

/* Makes standard error a stream to the journal. Returns false if no journal runs. */
static bool open_stderr(void)
{
	int fd = sd_journal_stream_fd(program_invocation_short_name, LOG_ERR, true);

	if (fd < 0)
		return false;
	dup2(fd, STDERR_FILENO);
	close(fd);
	return true;
}

void log_open(bool need_stderr)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char device_and_inode[48];
	bool is_null = false;
	struct stat st;

	if (fstat(STDERR_FILENO, &st) == 0) {
		snprintf(device_and_inode, sizeof(device_and_inode), "%ju:%ju",
			 (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
		journal_reads_stderr = stream != NULL && strcmp(stream, device_and_inode) == 0;
		is_null = S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) &&
			  getenv("INVOCATION_ID") != NULL;
	}
	if (is_null && need_stderr)
		journal_reads_stderr = open_stderr();
	if (journal_reads_stderr || is_null)
		journal_fd = connect_journal();
}

void log_set_max(int priority)
{
	priority_max = priority;
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

	if (journal_fd >= 0 && write_journal(priority, message_id, fields, message))
		return;
	if (journal_reads_stderr)
		end = put_line(line, sizeof(line), prefix, "", message);
	else
		end = put_line(line, sizeof(line), program_invocation_short_name, ": ", message);
	/* One write, so that the lines of several processes do not mix. */
	(void)!write(STDERR_FILENO, line, (size_t)(end - line));
}
