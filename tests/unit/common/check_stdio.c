/* SPDX-License-Identifier: MIT */
/* stdio - standard output whose write errors are reported */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "../unit.h"
#include "common/stdio.h"

/* More than any buffer of stdio. */
#define LARGE_BYTES 300000

/* Where standard output leads. */
enum outlet {
	OUTLET_FILE,   /* takes everything */
	OUTLET_FULL,   /* /dev/full: no space left */
	OUTLET_CLOSED, /* nowhere: file descriptor 1 is not open */
	OUTLET_BROKEN, /* a pipe that nobody reads */
	OUTLET_MENDED, /* /dev/full, but before it is closed a file: only stdio remembers */
};

static const struct {
	enum outlet outlet;
	size_t bytes; /* to print */
	int error;    /* what stdio_close() returns, less the sign */
	int or_error; /* the same: what failed may have been told only as "an error" */
} written[] = {
	{OUTLET_FILE, 0, 0, 0},
	{OUTLET_FILE, 5, 0, 0},
	{OUTLET_FILE, LARGE_BYTES, 0, 0},
	{OUTLET_FULL, 0, 0, 0},
	{OUTLET_FULL, 5, ENOSPC, ENOSPC},
	{OUTLET_FULL, LARGE_BYTES, ENOSPC, EIO},
	{OUTLET_BROKEN, 0, 0, 0},
	{OUTLET_BROKEN, 5, EPIPE, EPIPE},
	{OUTLET_BROKEN, LARGE_BYTES, EPIPE, EIO},
	{OUTLET_MENDED, 0, 0, 0},
	{OUTLET_MENDED, LARGE_BYTES, EIO, ENOSPC},
	/* Nothing was lost if nothing was printed. */
	{OUTLET_CLOSED, 0, 0, 0},
	{OUTLET_CLOSED, 1, EBADF, EBADF},
	{OUTLET_CLOSED, 5, EBADF, EBADF},
	{OUTLET_CLOSED, LARGE_BYTES, EBADF, EIO},
};

static void lead_to(enum outlet outlet, FILE *file)
{
	int ends[2], fd = -1;

	switch (outlet) {
	case OUTLET_FILE:
		fd = fileno(file);
		break;
	case OUTLET_FULL:
	case OUTLET_MENDED:
		fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
		break;
	case OUTLET_BROKEN:
		if (pipe2(ends, O_CLOEXEC) == 0) {
			close(ends[0]);
			fd = ends[1];
		}
		break;
	case OUTLET_CLOSED:
		close(STDOUT_FILENO);
		return;
	}
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(99);
}

/* In a process of its own: prints so much, closes. The exit status is what stdio_close() said. */
static void print_and_close(enum outlet outlet, size_t bytes, FILE *out, FILE *err)
{
	signal(SIGPIPE, SIG_IGN);
	if (dup2(fileno(err), STDERR_FILENO) < 0)
		_exit(99);
	lead_to(outlet, out);
	for (size_t i = 0; i < bytes; i++)
		putchar("HELLO"[i % 5]);
	if (outlet == OUTLET_MENDED)
		lead_to(OUTLET_FILE, out);
	_exit(-stdio_close());
}

static size_t slurp(FILE *file, char *buffer, size_t size)
{
	size_t length;

	rewind(file);
	length = fread(buffer, 1, size - 1, file);
	buffer[length] = '\0';
	fclose(file);
	return length;
}

START_TEST(test_close)
{
	static char printed[LARGE_BYTES + 2];
	char message[256], wanted[256] = "";
	FILE *out = tmpfile(), *err = tmpfile();
	size_t length, bytes = written[_i].bytes;
	int status, error;
	pid_t pid;

	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(err);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		print_and_close(written[_i].outlet, bytes, out, err);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));

	error = WEXITSTATUS(status);
	ck_assert_msg(error == written[_i].error || error == written[_i].or_error,
		      "outlet %d, %zu bytes: returned -%d, not -%d", (int)written[_i].outlet, bytes,
		      error, written[_i].error);
	if (error != 0)
		snprintf(wanted, sizeof(wanted), "%s: standard output: %s\n",
			 program_invocation_short_name, strerror(error));
	slurp(err, message, sizeof(message));
	ck_assert_str_eq(message, wanted);

	length = slurp(out, printed, sizeof(printed));
	if (written[_i].outlet == OUTLET_MENDED)
		return;
	if (written[_i].outlet != OUTLET_FILE)
		bytes = 0;
	ck_assert_uint_eq(length, bytes);
	for (size_t i = 0; i < length; i++)
		ck_assert_int_eq(printed[i], "HELLO"[i % 5]);
}
END_TEST

static Suite *output_suite(void)
{
	Suite *suite = suite_create("stdio");
	TCase *closing = tcase_create("closing");

	tcase_add_loop_test(closing, test_close, 0, UNIT_COUNT(written));
	suite_add_tcase(suite, closing);
	return suite;
}

int main(void)
{
	return unit_run(output_suite());
}
