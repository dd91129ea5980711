/* SPDX-License-Identifier: MIT */
/* stdio - standard output, with nothing lost unnoticed */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "common/stdio.h"

void stdio_sanitise(void)
{
	/* Opened the wrong way round: for writing where one would read. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static int first_error;

int stdio_flush(void)
{
	if (fflush(stdout) != 0 && first_error == 0)
		first_error = errno;
	/* What failed in between has left no errno: a plain EIO stands for it. */
	if (ferror(stdout) && first_error == 0)
		first_error = EIO;
	return -first_error;
}

int stdio_close(void)
{
	bool printed = __fpending(stdout) > 0;
	int error = -stdio_flush();

	/* Standard output may be closed from the start, as long as nothing was printed. */
	if (fclose(stdout) != 0 && error == 0 && (printed || errno != EBADF))
		error = errno;
	if (error == 0)
		return 0;
	fprintf(stderr, "%s: standard output: %s\n", program_invocation_short_name,
		strerror(error));
	return -error;
}
