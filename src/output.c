/* SPDX-License-Identifier: MIT */
/* output - standard output, with nothing lost unnoticed */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

int output_close(void)
{
	/* An earlier failure may have left no errno: a plain EIO stands for it. */
	int error = ferror(stdout) ? EIO : 0;

	if (fclose(stdout) != 0 && errno != EBADF)
		error = errno;
	if (error == 0)
		return 0;
	fprintf(stderr, "%s: standard output: %s\n", program_invocation_short_name,
		strerror(error));
	return -error;
}
