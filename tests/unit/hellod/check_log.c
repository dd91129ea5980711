/* SPDX-License-Identifier: MIT */
/* log - messages to the journal, or to standard error */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include <systemd/sd-journal.h>

#include "../unit.h"
#include "hellod/log.h"

#define ID "0123456789abcdef0123456789abcdef"

/* The journal: keeps the last datagram, or fails. */
static int connect_error, journal_error, entries;
static char entry[4 * LOG_MESSAGE_BYTES];

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	(void)length;
	ck_assert_int_ge(fd, 0);
	ck_assert_str_eq(address->sa_data, "/run/systemd/journal/socket");
	errno = connect_error;
	return connect_error != 0 ? -1 : 0;
}

/* The journal's end of a stream, or -errno. */
static int stream_fd;

int sd_journal_stream_fd(const char *identifier, int priority, int level_prefix)
{
	ck_assert_str_eq(identifier, "check_log");
	ck_assert_int_eq(priority, LOG_ERR);
	ck_assert_int_eq(level_prefix, true);
	return stream_fd;
}

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	if (fd < 0) {
		errno = EBADF;
		return -1;
	}
	ck_assert_int_eq(flags, MSG_DONTWAIT | MSG_NOSIGNAL);
	ck_assert_uint_lt(length, sizeof(entry));
	errno = journal_error;
	if (journal_error != 0)
		return -1;
	memcpy(entry, buffer, length);
	entry[length] = '\0';
	entries++;
	return (ssize_t)length;
}

static int capture; /* the other end of standard error */

/* Makes standard error a socket that keeps the bounds of each write. */
static void start(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	capture = fds[0];
}

/* Sets $JOURNAL_STREAM to standard error, or to others. */
static void name_stream(unsigned more_device, unsigned more_inode)
{
	char stream[64];
	struct stat st;

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev + more_device,
		 (unsigned long long)st.st_ino + more_inode);
	setenv("JOURNAL_STREAM", stream, 1);
}

static void open_log(int max_priority)
{
	log_open(false);
	log_set_max(max_priority);
}

static void log_text(int priority)
{
	static const struct log_field fields[] = {{"FIELD", "value"}, {0}};

	log_event(priority, ID, fields, "%s,\n%d\n", "text", 42);
}

/* This was written to standard error, by one write; or nothing. */
static void assert_stderr(const char *wanted)
{
	char got[4 * LOG_MESSAGE_BYTES];
	ssize_t n = recv(capture, got, sizeof(got) - 1, MSG_DONTWAIT);

	got[n > 0 ? n : 0] = '\0';
	/* ck_assert_str_eq() cannot print such long strings. */
	ck_assert_msg(strcmp(got, wanted) == 0, "got %zu bytes: %.80s", strlen(got), got);
}

/* Before log_open(), there is no journal, and LOG_NOTICE applies. */
START_TEST(unimportant_messages_are_dropped)
{
	int max = _i > LOG_DEBUG ? LOG_NOTICE : _i;

	start();
	name_stream(_i <= LOG_DEBUG, 0);
	if (_i <= LOG_DEBUG)
		open_log(_i);
	for (int priority = LOG_EMERG; priority <= LOG_DEBUG; priority++) {
		ck_assert_int_eq(log_wants(priority), priority <= max);
		log_text(priority);
		assert_stderr(priority <= max ? "check_log: text, 42 \n" : "");
	}
}
END_TEST

START_TEST(another_stream_is_not_the_journal)
{
	static const char *const streams[] = {"", ":", "x", "1", "1:", ":1", "x:1", "1:x"};

	start();
	name_stream(_i == 0, _i == 1);
	if (_i == 2)
		unsetenv("JOURNAL_STREAM");
	else if (_i > 2)
		setenv("JOURNAL_STREAM", streams[_i - 3], 1);
	open_log(LOG_DEBUG);
	log_text(LOG_ERR);
	assert_stderr("check_log: text, 42 \n");
	ck_assert_int_eq(entries, 0);
}
END_TEST

/* Standard error of a unit with StandardError=null, and of a command with 2>/dev/null. */
START_TEST(null_device_is_replaced_by_the_journal)
{
	bool by_systemd = _i == 0;
	int fd = open("/dev/null", O_WRONLY);

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	unsetenv("JOURNAL_STREAM");
	unsetenv("INVOCATION_ID");
	if (by_systemd)
		setenv("INVOCATION_ID", "0123456789abcdef0123456789abcdef", 1);
	open_log(LOG_NOTICE);
	log_text(LOG_ERR);
	ck_assert_int_eq(entries, by_systemd);
	ck_assert_int_eq(entries, strstr(entry, "\nMESSAGE=text, 42 \n") != NULL);
}
END_TEST

/* What the C library writes to the null device, such as of a wrong option, goes there, too. */
START_TEST(journal_reads_stderr_in_place_of_the_null_device)
{
	int fd = open("/dev/null", O_WRONLY);

	start();
	stream_fd = _i == 0 ? dup(STDERR_FILENO) : -ENOENT;
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	unsetenv("JOURNAL_STREAM");
	setenv("INVOCATION_ID", "0123456789abcdef0123456789abcdef", 1);
	connect_error = ENOENT;
	log_open(true);
	ck_assert_int_eq(write(STDERR_FILENO, "wrong\n", 6), 6);
	assert_stderr(_i == 0 ? "wrong\n" : "");
	log_text(LOG_ERR);
	assert_stderr(_i == 0 ? "<3>text, 42 \n" : "");
	ck_assert_int_eq(fcntl(stream_fd, F_GETFD), -1);
}
END_TEST

/* A newline would end a field. */
/* T7 of hellod-security(7) */
START_TEST(journal_gets_fields)
{
	static const struct log_field fields[LOG_FIELDS_MAX + 2] = {
		{"F_0", ""},  {"F_1", "a=b\nF_9="}, {"F_2", "2"},
		{"F_3", "3"}, {"F_4", "4"},	    {"F_5", "5"},
		{"F_6", "6"}, {"F_7", "7"},	    {"F_8", "one too many"},
		{0}};

	start();
	name_stream(0, 0);
	open_log(LOG_DEBUG);
	log_event(LOG_WARNING, ID, fields, "%s,\n%d", "text", 42);
	ck_assert_str_eq(entry, "PRIORITY=4\nSYSLOG_IDENTIFIER=check_log\nMESSAGE_ID=" ID "\n"
				"F_0=\nF_1=a=b F_9=\nF_2=2\nF_3=3\nF_4=4\nF_5=5\nF_6=6\nF_7=7\n"
				"MESSAGE=text, 42\n");
	log_event(LOG_NOTICE, NULL, NULL, "bare");
	ck_assert_str_eq(entry, "PRIORITY=5\nSYSLOG_IDENTIFIER=check_log\nMESSAGE=bare\n");
	open_log(LOG_NOTICE);
	log_text(LOG_INFO);
	ck_assert_int_eq(entries, 2);
	assert_stderr("");
}
END_TEST

/* A journal that has ended, is out of reach, and whose queue is full. */
START_TEST(stderr_replaces_a_missing_journal)
{
	static const int errors[] = {ECONNREFUSED, EACCES, EAGAIN};

	start();
	name_stream(0, 0);
	open_log(LOG_DEBUG);
	journal_error = errors[_i];
	log_text(LOG_DEBUG);
	assert_stderr(errors[_i] == EAGAIN ? "" : "<7>text, 42 \n");
	journal_error = 0;
	log_text(LOG_ERR);
	assert_stderr("");
	ck_assert_int_eq(entries, 1);
}
END_TEST

/* When hellod starts: no journal, none that listens, one out of reach. */
START_TEST(stderr_replaces_an_unreachable_journal)
{
	static const int errors[] = {ENOENT, ECONNREFUSED, EACCES};

	start();
	name_stream(0, 0);
	connect_error = errors[_i];
	open_log(LOG_DEBUG);
	log_text(LOG_DEBUG);
	assert_stderr("<7>text, 42 \n");
	ck_assert_int_eq(entries, 0);
}
END_TEST

START_TEST(long_lines_are_cut)
{
	static const char *const prefixes[] = {"check_log: ", "<3>", "MESSAGE=", "HELLO_LONG="};
	static const int excess[] = {-1, 0, 1, 100000};
	static char text[LOG_MESSAGE_BYTES + 100000], line[LOG_MESSAGE_BYTES + 1];
	const struct log_field fields[] = {{"HELLO_LONG", text}, {0}};
	size_t size = _i % 4 < 3 ? LOG_MESSAGE_BYTES : LOG_FIELD_BYTES;
	size_t fits = size - strlen(prefixes[_i % 4]) - 1;

	memset(text, 'x', fits + (size_t)excess[_i / 4]);
	snprintf(line, sizeof(line), "%s%.*s\n", prefixes[_i % 4], (int)fits, text);
	start();
	name_stream(0, 0);
	if (_i % 4 > 0)
		open_log(LOG_DEBUG);
	journal_error = _i % 4 == 1 ? ENOENT : 0;
	log_event(LOG_ERR, NULL, fields, "%s", text);
	if (_i % 4 < 2)
		assert_stderr(line);
	else
		ck_assert(strstr(entry, line) != NULL);
}
END_TEST

START_TEST(failure_to_write_is_ignored)
{
	signal(SIGPIPE, SIG_IGN);
	start();
	close(capture);
	log_text(LOG_ERR);
	close(STDERR_FILENO);
	log_text(LOG_ERR);
	setenv("JOURNAL_STREAM", "0:0", 1);
	open_log(LOG_DEBUG);
	log_text(LOG_ERR);
	ck_assert_int_eq(entries, 0);
}
END_TEST

int main(void)
{
	return UNIT_RUN("log", {unimportant_messages_are_dropped, LOG_DEBUG + 2},
			{another_stream_is_not_the_journal, 11},
			{null_device_is_replaced_by_the_journal, 2},
			{journal_reads_stderr_in_place_of_the_null_device, 2},
			{journal_gets_fields, 1}, {stderr_replaces_a_missing_journal, 3},
			{stderr_replaces_an_unreachable_journal, 3}, {long_lines_are_cut, 16},
			{failure_to_write_is_ignored, 1});
}
