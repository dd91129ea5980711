/* SPDX-License-Identifier: MIT */
/* connections - greets the clients whose connections were passed */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "hellod/connections.h"

struct connection {
	struct session session;
	struct address_text peer;
};

static void find_peer(int fd, struct address_text *peer)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(address);

	/* Of a peer that is gone already nothing can be told: it stays "unknown". */
	(void)getpeername(fd, (struct sockaddr *)&address, &length);
	address_format((struct sockaddr *)&address, length, peer);
}

/* Steps every open session. Returns how many stay open, with the next deadline. */
static size_t step_all(struct connection *connections, size_t count, connection_ended *ended,
		       uint64_t *deadline_usec)
{
	uint64_t now = clock_now_usec();
	size_t open = 0;

	*deadline_usec = CLOCK_NEVER;
	for (size_t i = 0; i < count; i++) {
		struct session *session = &connections[i].session;

		if (session->state == SESSION_CLOSED)
			continue;
		if (session_step(session, now) == SESSION_CLOSED) {
			ended(session, &connections[i].peer);
			continue;
		}
		open++;
		if (session->deadline_usec < *deadline_usec)
			*deadline_usec = session->deadline_usec;
	}
	return open;
}

int connections_serve(int first_fd, int fd_count, const struct greeting *greeting,
		      connection_ended *ended)
{
	size_t count = (size_t)fd_count;
	struct connection *connections = calloc(count, sizeof(*connections));
	struct pollfd *polled = calloc(count, sizeof(*polled));
	uint64_t deadline;
	int r = 0;

	if (connections == NULL || polled == NULL) {
		for (int fd = first_fd; fd < first_fd + fd_count; fd++)
			close(fd);
		r = -ENOMEM;
		goto finish;
	}

	for (size_t i = 0; i < count; i++) {
		find_peer(first_fd + (int)i, &connections[i].peer);
		session_start(&connections[i].session, first_fd + (int)i, greeting,
			      clock_now_usec());
	}

	/* A handful of sessions: stepping those that are not ready costs a system call each. */
	while (step_all(connections, count, ended, &deadline) > 0) {
		for (size_t i = 0; i < count; i++)
			polled[i] = (struct pollfd){
				.fd = connections[i].session.fd,
				.events = connections[i].session.events,
			};
		if (poll(polled, count, clock_timeout_msec(deadline, clock_now_usec())) < 0 &&
		    errno != EINTR) {
			r = -errno;
			break;
		}
	}
	for (size_t i = 0; i < count; i++)
		if (connections[i].session.state != SESSION_CLOSED)
			close(connections[i].session.fd);

finish:
	free(polled);
	free(connections);
	return r;
}
