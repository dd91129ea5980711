/* SPDX-License-Identifier: MIT */
/* output - standard output, with nothing lost unnoticed */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>

#include "output.h"

int output_close(void)
{
	bool printed = __fpending(stdout) > 0;
	/* An earlier failure may have left no errno: a plain EIO stands for it. */
	int error = ferror(stdout) ? EIO : 0;

	/* Standard output may be closed from the start, as long as nothing was printed. */
	if (fclose(stdout) != 0 && (printed || errno != EBADF))
		error = errno;
	if (error == 0)
		return 0;
	fprintf(stderr, "%s: standard output: %s\n", program_invocation_short_name,
		strerror(error));
	return -error;
}
