/* SPDX-License-Identifier: MIT */
/* stdio - usable standard streams, and write errors that are reported */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/stdio.h"

static int first_error;

void stdio_sanitise(int failure_status)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* Input is opened for writing and output for reading, so that using them fails. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			err(failure_status, "/dev/null");
}

int stdio_flush(void)
{
	/* EIO stands for the lost errno of an earlier write. */
	if (first_error == 0)
		first_error = fflush(stdout) != 0 ? errno : ferror(stdout) ? EIO : 0;
	return -first_error;
}

int stdio_close(void)
{
	stdio_flush();
	/* After a successful flush, EBADF means that it was never open and nothing was printed. */
	if (fclose(stdout) != 0 && first_error == 0 && errno != EBADF)
		first_error = errno;
	/* Of a pipe, the reader has ended, or a signal has ended the wait for it. */
	if (first_error == EPIPE || first_error == EINTR)
		warnx("standard output: %s", strerror(first_error));
	else if (first_error != 0)
		warnx("standard output: %s: redirect it to a file that can be written",
		      strerror(first_error));
	return -first_error;
}
