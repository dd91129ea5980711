/* SPDX-License-Identifier: MIT */
/* client - one client of the daemon: send the frame, linger, close */
#ifndef HELLOD_CLIENT_H
#define HELLOD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "hellod/greeting.h"

/*
 *	sending --- whole frame sent, half-closed ---> lingering --- peer closed ---> closed
 *
 * Either state also leads to closed when the peer is gone, at its deadline, or after too much
 * input. Lingering keeps the greeting safe: closing a TCP socket that holds unread input sends a
 * reset, and a reset can destroy what the peer has not read yet (RFC 1122, 4.2.2.13; RFC 2525,
 * 2.17). So the peer's input is read and discarded until the peer closes too.
 *
 * A client never blocks, and never changes the flags of the file description, because they are
 * shared with the process that passed the socket.
 */

/* For the whole frame. A reader of 2.2 kB/s gets even the longest one in time. */
#define CLIENT_SEND_MSEC 30000U

/* For the peer to close afterwards: like nginx's lingering_timeout, but not restarted by input. */
#define CLIENT_LINGER_MSEC 5000U

/* Between two attempts while the kernel lacks memory (ENOBUFS, ENOMEM): no event tells its end. */
#define CLIENT_RETRY_MSEC 100U

/* Input discarded in all, enough for an honest client that talks first, and in one step, so that
 * one client does not delay the others. */
#define CLIENT_DRAIN_BYTES_MAX ((size_t)16 << 20)
#define CLIENT_DRAIN_STEP_BYTES ((size_t)64 << 10)

enum client_state {
	CLIENT_NONE, /* no client: the struct is all zeros, or its client was removed */
	CLIENT_SENDING,
	CLIENT_LINGERING,
	CLIENT_CLOSED,
};

/* How the connection ended. All but the last are normal on a public port. */
enum client_end {
	CLIENT_END_PENDING,	   /* not yet */
	CLIENT_END_CLOSED,	   /* greeted, and the peer closed */
	CLIENT_END_RESET,	   /* the peer reset the connection, or the network lost it */
	CLIENT_END_SEND_TIMEOUT,   /* the peer did not take the frame by the deadline */
	CLIENT_END_LINGER_TIMEOUT, /* greeted, but the peer did not close by the deadline */
	CLIENT_END_FLOOD,	   /* the peer sent more than CLIENT_DRAIN_BYTES_MAX */
	CLIENT_END_DROPPED,	   /* closed by the server to make room, or because it ends */
	CLIENT_END_LOCAL_ERROR,	   /* this host could not serve it: see client->error */
};

TAILQ_HEAD(client_queue, client);

struct client {
	TAILQ_ENTRY(client) link; /* of the queue that the server keeps it in */
	struct client_queue *queue;
	short polled_events; /* that epoll waits for; 0 outside of the epoll set */

	struct sockaddr_storage peer; /* filled in by the caller; of peer_length bytes */
	socklen_t peer_length;
	int fd;			   /* owned; -1 once closed */
	struct greeting *greeting; /* a reference, which the server drops */
	enum client_state state;
	enum client_end end;
	short events;		/* to wait for, as of poll(2); 0 to wait for wake_usec only */
	bool starved;		/* the kernel lacks memory: step again at wake_usec */
	int error;		/* the errno behind `starved` and CLIENT_END_LOCAL_ERROR */
	size_t sent;		/* bytes of the frame */
	size_t drained;		/* bytes of input discarded */
	uint64_t deadline_usec; /* of this state, on the clock of clock.h */
	uint64_t wake_usec;	/* when to step the client without an event, by the deadline */
};

/*
 * Starts greeting a connected stream socket, which the client owns from here on, and takes a
 * reference to the greeting; one of length 0 sends nothing and only closes the connection
 * properly. Sends nothing yet.
 */
void client_start(struct client *client, int fd, struct greeting *greeting, uint64_t now_usec);

/*
 * Goes as far as possible without waiting, but not from sending to reading, because the peer's
 * input arrives later. Call it first after client_start(), then whenever the socket is ready for
 * client->events or has an error, and at client->wake_usec; an extra call does no harm.
 *
 * Returns the state reached. In CLIENT_CLOSED the socket is closed and client->end says how.
 */
enum client_state client_step(struct client *client, uint64_t now_usec);

/* Waits CLIENT_RETRY_MSEC for what the kernel lacked, `error`: the next step tries again. */
void client_starve(struct client *client, int error, uint64_t now_usec);

/*
 * Inserts a client that is in no queue, in the order of wake_usec. That is the tail, unless the
 * client was starved.
 */
void client_enqueue(struct client *client, struct client_queue *queue);

/* Closes the socket of a client that is not closed yet. */
void client_close(struct client *client, enum client_end end);

/* True if the client was sent a whole frame. */
bool client_greeted(const struct client *client);

/* The value of HELLO_END= in the journal: "closed", "reset", "send-timeout"... Static. */
const char *client_end_name(enum client_end end);

#endif
