/* SPDX-License-Identifier: MIT */
/* bare - the least that can be done for a client: accept, send, close */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The floor that the benchmark measures against, and an example of what not to do. It loses data:
 * without a half-close and a drain, a client that had sent anything gets a reset, which can
 * destroy the greeting before it is read. It has no deadlines, no limits, no signals, no log, and
 * one client that does not read a long greeting stops it.
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
			fprintf(stderr, "bare: accept: %s\n", strerror(errno));
			return 1;
		}
		(void)!send(fd, frame, sizeof(frame), MSG_NOSIGNAL);
		close(fd);
	}
}
