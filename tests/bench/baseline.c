/* SPDX-License-Identifier: MIT */
/* baseline - the minimal server: accept, send, close */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The lower bound that the benchmark compares servers with, and an example of what not to do. It
 * loses data: because it closes without a half-close and without reading, a client that has sent
 * anything gets a reset, which can destroy the greeting. It has no deadlines, limits, signals or
 * log, and a client that does not read a long greeting stops it.
 *
 * The listening socket is standard input.
 */
int main(void)
{
	static const char frame[] = {0, 5, 'H', 'E', 'L', 'L', 'O'};

	for (;;) {
		int fd = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			fprintf(stderr, "baseline: accept: %s\n", strerror(errno));
			return 1;
		}
		(void)!send(fd, frame, sizeof(frame), MSG_NOSIGNAL);
		close(fd);
	}
}
