/* SPDX-License-Identifier: MIT */
/* stdio - usable standard streams, and write errors that are reported */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "common/stdio.h"

/* More than the buffer of stdout. */
#define LARGE_BYTES 300000

enum output {
	OUTPUT_FILE,
	OUTPUT_FULL,	/* /dev/full */
	OUTPUT_BROKEN,	/* a pipe without a reader */
	OUTPUT_LIMITED, /* a file that may not grow: RLIMIT_FSIZE */
	OUTPUT_CLOSED,	/* no file descriptor 1 */
	OUTPUT_MENDED,	/* /dev/full, then the file: only stdio remembers the error */
};

static const struct {
	enum output output;
	size_t bytes; /* to print */
	int error;    /* of stdio_close(), without the sign */
	int or_error; /* because stdio does not always keep the errno */
} cases[] = {
	{OUTPUT_FILE, 0, 0, 0},
	{OUTPUT_FILE, 5, 0, 0},
	{OUTPUT_FILE, LARGE_BYTES, 0, 0},
	{OUTPUT_FULL, 0, 0, 0},
	{OUTPUT_FULL, 5, ENOSPC, ENOSPC},
	{OUTPUT_FULL, LARGE_BYTES, ENOSPC, EIO},
	{OUTPUT_BROKEN, 5, EPIPE, EPIPE},
	{OUTPUT_BROKEN, LARGE_BYTES, EPIPE, EIO},
	{OUTPUT_LIMITED, 5, EFBIG, EFBIG},
	{OUTPUT_LIMITED, LARGE_BYTES, EFBIG, EIO},
	{OUTPUT_CLOSED, 0, 0, 0},
	{OUTPUT_CLOSED, 5, EBADF, EBADF},
	{OUTPUT_CLOSED, LARGE_BYTES, EBADF, EIO},
	{OUTPUT_MENDED, LARGE_BYTES, EIO, ENOSPC},
};

/* Runs in a child. Its exit status is the error of stdio_close(). */
static void print_and_close(enum output output, size_t bytes, FILE *out, FILE *err)
{
	const struct rlimit limit = {LARGE_BYTES, LARGE_BYTES};
	int full = open("/dev/full", O_WRONLY), ends[2];

	if (full < 0 || pipe(ends) < 0)
		_exit(99);
	close(ends[0]);
	stdio_sanitise(98);
	dup2(fileno(err), STDERR_FILENO);
	dup2(output == OUTPUT_BROKEN ? ends[1] : full, STDOUT_FILENO);
	if (output == OUTPUT_FILE || output == OUTPUT_LIMITED)
		dup2(fileno(out), STDOUT_FILENO);
	if (output == OUTPUT_LIMITED && (setrlimit(RLIMIT_FSIZE, &limit) < 0 ||
					 lseek(STDOUT_FILENO, LARGE_BYTES, SEEK_SET) < 0))
		_exit(97);
	if (output == OUTPUT_CLOSED)
		close(STDOUT_FILENO);
	for (size_t i = 0; i < bytes; i++)
		putchar("HELLO"[i % 5]);
	if (output == OUTPUT_MENDED)
		dup2(fileno(out), STDOUT_FILENO);
	errno = ENOTTY; /* that of an earlier call says nothing */
	_exit(-stdio_close());
}

START_TEST(close_reports_lost_output)
{
	static char printed[LARGE_BYTES + 1];
	char message[256] = "", expected[256] = "";
	FILE *out = tmpfile(), *err = tmpfile();
	int status, error;
	size_t length;

	ck_assert(out != NULL && err != NULL);
	fflush(NULL);
	if (fork() == 0)
		print_and_close(cases[_i].output, cases[_i].bytes, out, err);
	ck_assert_int_gt(wait(&status), 0);
	ck_assert(WIFEXITED(status));
	error = WEXITSTATUS(status);
	ck_assert_msg(error == cases[_i].error || error == cases[_i].or_error, "error %d", error);

	if (error != 0)
		snprintf(expected, sizeof(expected), "%s: standard output: %s%s\n",
			 program_invocation_short_name, strerror(error),
			 error != EPIPE ? ": redirect it to a file that can be written" : "");
	ck_assert_int_ge(pread(fileno(err), message, sizeof(message) - 1, 0), 0);
	ck_assert_str_eq(message, expected);

	rewind(out);
	length = fread(printed, 1, sizeof(printed), out);
	ck_assert(cases[_i].output == OUTPUT_MENDED ||
		  length == (cases[_i].output == OUTPUT_FILE ? cases[_i].bytes : 0));
	for (size_t i = 0; cases[_i].output == OUTPUT_FILE && i < length; i++)
		if (printed[i] != "HELLO"[i % 5]) /* an assertion for each byte takes seconds */
			ck_abort_msg("byte %zu is wrong", i);
	fclose(out);
	fclose(err);
}
END_TEST

/* An fclose(3) of stdout can fail with this errno, as on a network file system with a quota. */
static int close_error;

int fclose(FILE *stream)
{
	int (*next)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fclose");
	int r = next(stream);

	if (stream != stdout || close_error == 0)
		return r;
	errno = close_error;
	return EOF;
}

static const struct {
	const char *path; /* of the output */
	int close_error, error;
} closes[] = {
	{"/dev/null", EDQUOT, EDQUOT},
	{"/dev/null", EINTR, EINTR},
	{"/dev/full", EDQUOT, ENOSPC},
	/* It was never open. */
	{"/dev/null", EBADF, 0},
};

/* Runs in a child, whose exit status is the error of stdio_close(). */
static void flush_and_close(int i)
{
	int fd = open(closes[i].path, O_WRONLY), null = open("/dev/null", O_WRONLY);
	int flushed = strcmp(closes[i].path, "/dev/full") == 0 ? -ENOSPC : 0;

	dup2(null, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	errno = ENOTTY; /* that of an earlier call says nothing */
	if (stdio_flush() != 0)
		_exit(98);
	putchar('x');
	if (stdio_flush() != flushed)
		_exit(99);
	/* A later success does not hide it. */
	dup2(null, STDOUT_FILENO);
	putchar('x');
	if (stdio_flush() != flushed)
		_exit(100);
	close_error = closes[i].close_error;
	_exit(-stdio_close());
}

START_TEST(first_error_is_returned)
{
	int status;

	fflush(NULL);
	if (fork() == 0)
		flush_and_close(_i);
	ck_assert_int_gt(wait(&status), 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), closes[_i].error);
}
END_TEST

/* The descriptors of standard streams to close, as bits. */
static const int closed_streams[] = {0, 1, 2, 4, 3, 7};

START_TEST(closed_streams_cannot_be_used)
{
	int closed = closed_streams[_i], status;

	if (fork() == 0) {
		char byte = 0;

		close(3);
		for (int fd = 0; fd < 3; fd++)
			if (closed & 1 << fd)
				close(fd);
			else
				fcntl(fd, F_SETFD, fd % 2 == 0 ? FD_CLOEXEC : 0);
		stdio_sanitise(1);
		/* Nothing else is opened or changed. */
		for (int fd = 0; fd < 3; fd++)
			if (!(closed & 1 << fd) &&
			    fcntl(fd, F_GETFD) != (fd % 2 == 0 ? FD_CLOEXEC : 0))
				_exit(3);
		if (dup(STDERR_FILENO) != 3)
			_exit(1);
		for (int fd = 0; fd < 3; fd++) {
			ssize_t n = fd == 0 ? read(fd, &byte, 1) : write(fd, &byte, 0);

			if ((closed & 1 << fd) && (n >= 0 || errno != EBADF))
				_exit(2);
		}
		_exit(0);
	}
	ck_assert_int_gt(wait(&status), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Ends the process without the leak check of sanitizers, which needs file descriptors. */
static void leave(int status, void *unused)
{
	(void)unused;
	_exit(status);
}

START_TEST(closed_stream_that_stays_closed_is_an_error)
{
	int closed = closed_streams[_i], status;
	const struct rlimit none = {0};

	if (fork() == 0) {
		for (int fd = 0; fd < 3; fd++)
			if (closed & 1 << fd)
				close(fd);
		setrlimit(RLIMIT_NOFILE, &none);
		on_exit(leave, NULL);
		stdio_sanitise(99);
		_exit(0);
	}
	ck_assert_int_gt(wait(&status), 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), closed != 0 ? 99 : 0);
}
END_TEST

int main(void)
{
	return UNIT_RUN("stdio", {close_reports_lost_output, UNIT_COUNT(cases)},
			{first_error_is_returned, UNIT_COUNT(closes)},
			{closed_streams_cannot_be_used, UNIT_COUNT(closed_streams)},
			{closed_stream_that_stays_closed_is_an_error, UNIT_COUNT(closed_streams)});
}
