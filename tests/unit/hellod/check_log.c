/* SPDX-License-Identifier: MIT */
/* log - the journal if systemd reads our standard error, else plain lines on it */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../unit.h"
#include "hellod/log.h"

/* The longest text: a NUL counts too. */
#define TEXT_BYTES_MAX (LOG_LINE_BYTES - 1)

#define CAPTURE_BYTES (4 * LOG_LINE_BYTES)

/* Stands in for the journal: it is sent a datagram of NAME=value lines, or that fails so. */
static int journal_error;
static char journal_entry[CAPTURE_BYTES];
static size_t journal_entries;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	size_t length = 0;

	(void)fd;
	ck_assert_int_ne(flags & MSG_DONTWAIT, 0);
	ck_assert_int_ne(flags & MSG_NOSIGNAL, 0);
	ck_assert_str_eq(((const struct sockaddr_un *)message->msg_name)->sun_path,
			 "/run/systemd/journal/socket");
	if (journal_error != 0) {
		errno = journal_error;
		return -1;
	}
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		const struct iovec *part = &message->msg_iov[i];

		ck_assert_uint_lt(length + part->iov_len, sizeof(journal_entry));
		memcpy(journal_entry + length, part->iov_base, part->iov_len);
		length += part->iov_len;
	}
	journal_entry[length] = '\0';
	journal_entries++;
	return (ssize_t)length;
}

static int holds_line(const char *text, const char *line)
{
	const char *found = strstr(text, line);

	return found != NULL && (found == text || found[-1] == '\n') && found[strlen(line)] == '\n';
}

/* The end of standard error that is read from. */
static int capture = -1;

static void redirect(int domain, int type)
{
	int fds[2];

	ck_assert_int_eq(domain == AF_UNIX ? socketpair(domain, type, 0, fds) : pipe(fds), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	capture = fds[0];
}

static void redirect_to_pipe(void)
{
	redirect(AF_UNSPEC, 0);
}

/* What was written to standard error since, by one write if it is a socket of packets. */
static const char *captured(void)
{
	static char text[CAPTURE_BYTES];
	ssize_t n = read(capture, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *plain_line(const char *text)
{
	static char line[CAPTURE_BYTES];

	snprintf(line, sizeof(line), "%s: %s\n", program_invocation_short_name, text);
	return line;
}

/* Sets $JOURNAL_STREAM to what standard error is, or to next to it. */
static void name_stream(unsigned int device_more, unsigned int inode_more)
{
	char stream[64];
	struct stat st;

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev + device_more,
		 (unsigned long long)st.st_ino + inode_more);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
}

static const struct log_field fields[LOG_FIELDS_MAX + 1] = {
	{"FIELD_0", "zero"}, {"FIELD_1", ""},	    {"FIELD_2", "a=b"},
	{"FIELD_3", "3"},    {"FIELD_4", "\u00E9"}, {"FIELD_5", "5"},
	{"FIELD_6", "6"},    {"FIELD_7", "7"},	    {"FIELD_8", "one too many"},
};

static void log_with_fields(int priority, size_t field_count)
{
	log_event(priority, MESSAGE_GREETED, fields, field_count, "%s, %d", "text", 42);
}

static void assert_is_plain(void)
{
	log_with_fields(LOG_ERR, 2);
	ck_assert_str_eq(captured(), plain_line("text, 42"));
	ck_assert_uint_eq(journal_entries, 0);
}

START_TEST(lines_are_plain_until_opened)
{
	redirect_to_pipe();
	name_stream(0, 0);
	assert_is_plain();
	log_with_fields(LOG_NOTICE, 0);
	ck_assert_str_eq(captured(), plain_line("text, 42"));
	log_with_fields(LOG_INFO, 0);
	ck_assert_str_eq(captured(), "");
}
END_TEST

START_TEST(unimportant_ones_are_dropped)
{
	redirect_to_pipe();
	log_open(_i);
	for (int priority = LOG_EMERG; priority <= LOG_DEBUG; priority++) {
		ck_assert_int_eq(log_wants(priority) != 0, priority <= _i);
		log_with_fields(priority, 0);
		ck_assert_str_eq(captured(), priority <= _i ? plain_line("text, 42") : "");
	}
}
END_TEST

START_TEST(another_stream_is_not_the_journal)
{
	static const char *const malformed[] = {"", ":", "x", "1", "1:", ":1", "x:1", "1:x"};

	redirect(_i == 0 ? AF_UNIX : AF_UNSPEC, SOCK_STREAM);
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_DEBUG);
	assert_is_plain();

	name_stream(1, 0);
	log_open(LOG_DEBUG);
	assert_is_plain();

	name_stream(0, 1);
	log_open(LOG_DEBUG);
	assert_is_plain();

	for (int i = 0; i < UNIT_COUNT(malformed); i++) {
		setenv("JOURNAL_STREAM", malformed[i], 1);
		log_open(LOG_DEBUG);
		assert_is_plain();
	}
}
END_TEST

START_TEST(journal_is_told_of_fields)
{
	redirect(_i == 0 ? AF_UNIX : AF_UNSPEC, SOCK_STREAM);
	name_stream(0, 0);
	log_open(LOG_NOTICE);
	log_with_fields(LOG_WARNING, LOG_FIELDS_MAX + 1);
	ck_assert_uint_eq(journal_entries, 1);
	ck_assert_str_eq(captured(), "");

	ck_assert(holds_line(journal_entry, "MESSAGE=text, 42"));
	ck_assert(holds_line(journal_entry, "PRIORITY=4"));
	ck_assert(holds_line(journal_entry, "MESSAGE_ID=" MESSAGE_GREETED));
	ck_assert(holds_line(journal_entry, "SYSLOG_IDENTIFIER=check_log"));
	for (int i = 0; i < LOG_FIELDS_MAX; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%s=%s", fields[i].name, fields[i].value);
		ck_assert_msg(holds_line(journal_entry, line), "no %s", line);
	}
	ck_assert_ptr_null(strstr(journal_entry, fields[LOG_FIELDS_MAX].name));
	ck_assert_ptr_null(strstr(journal_entry, "CODE_"));

	log_event(LOG_NOTICE, NULL, NULL, 0, "bare");
	ck_assert_uint_eq(journal_entries, 2);
	ck_assert(holds_line(journal_entry, "MESSAGE=bare"));
	ck_assert_ptr_null(strstr(journal_entry, "MESSAGE_ID="));

	log_event(LOG_INFO, NULL, NULL, 0, "unimportant");
	ck_assert_uint_eq(journal_entries, 2);
}
END_TEST

/* sendmsg(2) fails like this with: no journal, none that listens, one out of reach. */
START_TEST(nothing_is_lost_without_the_journal)
{
	static const int errors[] = {ENOENT, ECONNREFUSED, EACCES};

	redirect_to_pipe();
	name_stream(0, 0);
	journal_error = errors[_i];
	log_open(LOG_DEBUG);
	log_with_fields(LOG_ERR, 2);
	ck_assert_str_eq(captured(), "<3>text, 42\n");
	log_with_fields(LOG_DEBUG, 2);
	ck_assert_str_eq(captured(), "<7>text, 42\n");
}
END_TEST

/* Clients would have to wait for it: EAGAIN is what sendmsg(2) says instead of waiting. */
START_TEST(journal_without_room_is_not_waited_for)
{
	redirect_to_pipe();
	name_stream(0, 0);
	journal_error = EAGAIN;
	log_open(LOG_DEBUG);
	log_with_fields(LOG_ERR, 2);
	ck_assert_str_eq(captured(), "");
	journal_error = 0;
	log_with_fields(LOG_ERR, 2);
	ck_assert_uint_eq(journal_entries, 1);
}
END_TEST

START_TEST(fields_are_one_line_each)
{
	static const struct log_field odd[] = {{"HELLO_PATH", "/a\nPRIORITY=0"}};
	static char letters[LOG_FIELD_BYTES * 2], cut[LOG_FIELD_BYTES];
	const struct log_field many[] = {{"HELLO_LONG", letters}};

	redirect_to_pipe();
	name_stream(0, 0);
	log_open(LOG_NOTICE);
	log_event(LOG_ERR, NULL, odd, 1, "text");
	ck_assert(holds_line(journal_entry, "HELLO_PATH=/a PRIORITY=0"));
	ck_assert(!holds_line(journal_entry, "PRIORITY=0"));

	memset(letters, 'x', sizeof(letters) - 1);
	log_event(LOG_ERR, NULL, many, 1, "text");
	memset(cut, 'x', sizeof(cut) - 1);
	memcpy(cut, "HELLO_LONG=", strlen("HELLO_LONG="));
	ck_assert(holds_line(journal_entry, cut));
}
END_TEST

static const struct {
	size_t length, kept;
} lengths[] = {
	{0, 0},
	{1, 1},
	{TEXT_BYTES_MAX - 1, TEXT_BYTES_MAX - 1},
	{TEXT_BYTES_MAX, TEXT_BYTES_MAX},
	{TEXT_BYTES_MAX + 1, TEXT_BYTES_MAX},
	{100000, TEXT_BYTES_MAX},
};

/* Logs so many letters, and says what should be left of them. */
static const char *log_long(size_t length, size_t kept)
{
	static char text[TEXT_BYTES_MAX + 1];
	char *letters = malloc(length + 1);

	memset(letters, 'x', length);
	letters[length] = '\0';
	log_event(LOG_ERR, NULL, NULL, 0, "%s", letters);
	free(letters);

	memset(text, 'x', kept);
	text[kept] = '\0';
	return text;
}

/* ck_assert_str_eq() would fail to say that such long strings differ. */
static void assert_same(const char *text, const char *expected)
{
	ck_assert_msg(strcmp(text, expected) == 0, "%zu bytes differ from %zu", strlen(text),
		      strlen(expected));
}

START_TEST(long_lines_are_cut)
{
	char line[CAPTURE_BYTES];
	const char *kept;

	redirect_to_pipe();
	kept = log_long(lengths[_i].length, lengths[_i].kept);
	assert_same(captured(), plain_line(kept));

	name_stream(0, 0);
	log_open(LOG_DEBUG);
	kept = log_long(lengths[_i].length, lengths[_i].kept);
	snprintf(line, sizeof(line), "MESSAGE=%s", kept);
	ck_assert(holds_line(journal_entry, line));

	journal_error = ECONNREFUSED;
	kept = log_long(lengths[_i].length, lengths[_i].kept);
	snprintf(line, sizeof(line), "<3>%s\n", kept);
	assert_same(captured(), line);
}
END_TEST

START_TEST(message_is_one_line)
{
	redirect_to_pipe();
	log_event(LOG_ERR, NULL, NULL, 0, "%s", "one\ntwo\n\n");
	ck_assert_str_eq(captured(), plain_line("one two  "));

	name_stream(0, 0);
	log_open(LOG_DEBUG);
	log_event(LOG_ERR, NULL, NULL, 0, "%s", "one\ntwo");
	ck_assert(holds_line(journal_entry, "MESSAGE=one two"));
}
END_TEST

START_TEST(line_is_one_write)
{
	const char *kept;

	redirect(AF_UNIX, SOCK_SEQPACKET);
	kept = log_long(lengths[_i].length, lengths[_i].kept);
	assert_same(captured(), plain_line(kept));
}
END_TEST

START_TEST(failure_to_write_is_ignored)
{
	signal(SIGPIPE, SIG_IGN);
	redirect_to_pipe();
	close(capture);
	log_with_fields(LOG_ERR, 0);

	close(STDERR_FILENO);
	log_with_fields(LOG_ERR, 0);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "0:0", 1), 0);
	log_open(LOG_DEBUG);
	log_with_fields(LOG_ERR, 0);
	ck_assert_uint_eq(journal_entries, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");

	tcase_add_test(tcase, lines_are_plain_until_opened);
	tcase_add_loop_test(tcase, unimportant_ones_are_dropped, LOG_EMERG, LOG_DEBUG + 1);
	tcase_add_loop_test(tcase, another_stream_is_not_the_journal, 0, 2);
	tcase_add_loop_test(tcase, journal_is_told_of_fields, 0, 2);
	tcase_add_loop_test(tcase, nothing_is_lost_without_the_journal, 0, 3);
	tcase_add_test(tcase, journal_without_room_is_not_waited_for);
	tcase_add_test(tcase, fields_are_one_line_each);
	tcase_add_loop_test(tcase, long_lines_are_cut, 0, UNIT_COUNT(lengths));
	tcase_add_test(tcase, message_is_one_line);
	tcase_add_loop_test(tcase, line_is_one_write, 0, UNIT_COUNT(lengths));
	tcase_add_test(tcase, failure_to_write_is_ignored);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
