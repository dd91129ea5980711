/* SPDX-License-Identifier: MIT */
/* listener - greets everyone who connects to the listening sockets that were passed */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "listener.h"

/* How long to leave the listeners alone when accept() fails: most shortages pass by then. */
#define ACCEPT_PAUSE_MSEC 100

/*
 * Takes one client. A socket is only accepted from once poll() has called it readable, so that a
 * blocking one rarely makes us wait: for a client that took itself out of the queue in between,
 * until the next one comes.
 */
static int greet_one(int listen_fd, const struct greeting *greeting, connection_ended *ended)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		return connections_serve(fd, 1, greeting, ended);
	/* A client that left the queue is its own affair; for the rest, never spin. */
	if (errno != ECONNABORTED && errno != EAGAIN && errno != EINTR)
		poll(NULL, 0, ACCEPT_PAUSE_MSEC);
	return 0;
}

int listener_run(int first_fd, int fd_count, const struct greeting *greeting,
		 connection_ended *ended)
{
	size_t count = (size_t)fd_count;
	struct pollfd *polled = calloc(count, sizeof(*polled));
	int r = polled == NULL ? -ENOMEM : 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		polled[i] = (struct pollfd){.fd = first_fd + (int)i, .events = POLLIN};

	while (r == 0) {
		if (poll(polled, count, -1) < 0) {
			r = errno == EINTR ? 0 : -errno;
			continue;
		}
		for (size_t i = 0; r == 0 && i < count; i++)
			if (polled[i].revents != 0)
				r = greet_one(polled[i].fd, greeting, ended);
	}

	free(polled);
	return r;
}
