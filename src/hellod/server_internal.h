/* SPDX-License-Identifier: MIT */
/* server_internal - the server, as server.c and server_clients.c share it */
#ifndef HELLOD_SERVER_INTERNAL_H
#define HELLOD_SERVER_INTERNAL_H

#include "common/clock.h"
#include "hellod/client.h"
#include "hellod/messages.h"
#include "hellod/pace.h"
#include "hellod/server.h"

/*
 * Queues of clients, ordered by wake_usec. New clients, and those backing off, are unpolled; so are
 * the deferred ones: greeted in a crowd, they may close before it is worth to poll them.
 */
enum { UNPOLLED, DEFERRED, SENDING, LINGERING, QUEUES };

struct server {
	int first_fd, end_fd; /* the passed sockets are first_fd to end_fd - 1 */
	const struct options *options;
	struct greeting *greeting; /* for new clients */
	struct message_counts counts;
	int greeted_priority;	/* of the message for a greeting */
	bool listening;		/* false with passed connections */
	bool failed;		/* this host failed to greet a client */
	struct client *clients; /* by file descriptor */
	uint64_t table_size, open_max;
	struct client_queue queues[QUEUES];
	int epoll_fd, signal_fd, datagram_fd; /* the last is of datagram_take(); -1 without */
	bool accepting; /* until it is idle or stopped; never with passed connections */
	bool polling;	/* the listening sockets are in the epoll set */
	bool receiving; /* the datagram sockets are */
	bool blocking;	/* one of them is without O_NONBLOCK */
	bool idle;	/* why it stopped accepting */
	struct pace pace, pace_before; /* of this iteration, and of the last one */
	uint64_t now_usec;	       /* of this iteration */
	/* The earliest time to accept or receive after a local error, and to log the next one. */
	uint64_t accept_usec, receive_usec, log_error_usec;
	/* The time to stop for lack of clients, and to notify systemd; or CLOCK_NEVER. */
	uint64_t idle_usec, status_usec, watchdog_usec;
};

static inline uint64_t deadline_in(const struct server *server, uint64_t usec)
{
	return usec == CLOCK_NEVER ? CLOCK_NEVER : server->now_usec + usec;
}

static inline bool is_due(const struct server *server, uint64_t deadline_usec)
{
	return deadline_usec <= server->now_usec;
}

/* Functions that return an int return 0 or -errno. */

/* As epoll_ctl(2), for events of poll(2). */
int server_poll_fd(struct server *server, int operation, int fd, short events);

/* Greets a new client at once. Owns `fd`, which is below server->table_size. */
void server_start_client(struct server *server, int fd, const struct address *peer);

/* Goes on with a client as far as possible; with all of a queue that are due. */
void server_step_client(struct server *server, struct client *client);
void server_step_due(struct server *server, struct client_queue *queue);

/* Removes a closed client, or drops an open one. */
void server_remove_client(struct server *server, struct client *client);

/* Accepts at most pace_batch() clients. An error that is not returned was logged. */
int server_accept_clients(struct server *server, int listen_fd);

/* Answers a batch of datagrams, or logs the error. */
void server_answer_datagrams(struct server *server);

#endif
