/* SPDX-License-Identifier: MIT */
/* client - one client of the daemon: send the frame, linger, close */
#ifndef HELLOD_CLIENT_H
#define HELLOD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/address.h"
#include "hellod/greeting.h"

/*
 *	sending --- whole frame sent, half-closed ---> lingering --- peer closed ---> closed
 *
 * A lost peer, a deadline or too much input lead from either state to closed. Lingering keeps the
 * greeting safe: closing a TCP socket that holds unread input sends a reset, and a reset can
 * destroy what the peer has not read yet (RFC 1122, 4.2.2.13; RFC 2525, 2.17). So input is read
 * and discarded until the peer closes too.
 *
 * A client never blocks, and never changes the flags of the file description, because the process
 * that passed the socket shares them.
 */

/* To send the whole frame: enough for the longest one at 2.2 kB/s. */
#define CLIENT_SEND_MSEC 30000U
/* To wait for the peer's close: like nginx's lingering_timeout, but not restarted by input. */
#define CLIENT_LINGER_MSEC 5000U
/* Between attempts while the kernel lacks memory, because no event reports that it is back. */
#define CLIENT_RETRY_MSEC 100U
/* Input to discard: in total, ample for a client that talks first; per step, to be fair. */
#define CLIENT_DRAIN_BYTES_MAX ((size_t)16 << 20)
#define CLIENT_DRAIN_STEP_BYTES ((size_t)64 << 10)

enum client_state { CLIENT_NONE, CLIENT_SENDING, CLIENT_LINGERING, CLIENT_CLOSED };

/* How the connection ended. All but the last are normal on a public port. */
enum client_end {
	CLIENT_END_PENDING,	   /* not yet */
	CLIENT_END_CLOSED,	   /* greeted, and the peer closed */
	CLIENT_END_RESET,	   /* the peer reset the connection, or the network lost it */
	CLIENT_END_SEND_TIMEOUT,   /* the peer did not take the frame by the deadline */
	CLIENT_END_LINGER_TIMEOUT, /* greeted, but the peer did not close by the deadline */
	CLIENT_END_FLOOD,	   /* more input than CLIENT_DRAIN_BYTES_MAX */
	CLIENT_END_DROPPED,	   /* closed to make room, or because the server ends */
	CLIENT_END_LOCAL_ERROR,	   /* this host could not serve it: client->error */
};

TAILQ_HEAD(client_queue, client);

struct client {
	TAILQ_ENTRY(client) link; /* of the server's queue that it is in */
	struct client_queue *queue;
	short polled_events;	   /* that epoll waits for; 0 outside of the epoll set */
	int fd;			   /* owned; -1 once closed */
	struct greeting *greeting; /* a reference, which the server drops */
	enum client_state state;   /* CLIENT_NONE: all zeros, or removed */
	enum client_end end;
	short events;	      /* to wait for, as of poll(2) */
	bool backing_off;     /* this host lacked memory once: from then on only wake_usec counts */
	int error;	      /* the errno of the last attempt, if this host is at fault; or 0 */
	size_t sent, drained; /* bytes of the frame; of input */
	uint64_t deadline_usec, wake_usec; /* of the state; to step without an event (clock.h) */
	struct address peer;
};

/*
 * Starts greeting a connected stream socket, which the client owns from here on, and takes a
 * reference to the greeting; one of length 0 sends nothing and only closes the connection
 * properly. Sets everything but the peer's address, and sends nothing yet.
 */
void client_start(struct client *client, int fd, struct greeting *greeting, uint64_t now_usec);

/*
 * Goes as far as possible without waiting, but not from sending to reading, because input arrives
 * later. To be called when the socket is ready for client->events or failed, and at
 * client->wake_usec; an extra call does no harm.
 *
 * Returns the state reached. In CLIENT_CLOSED the socket is closed and client->end says how.
 */
enum client_state client_step(struct client *client, uint64_t now_usec);

/* Delays the next step by CLIENT_RETRY_MSEC, because of `error`: a lack of kernel memory. */
void client_back_off(struct client *client, int error, uint64_t now_usec);

/* Closes the socket of a client that is not closed yet. */
void client_close(struct client *client, enum client_end end);

/* True if the client was sent a whole frame. */
bool client_greeted(const struct client *client);

/* The value of HELLO_END= in the journal: "closed", "reset", "send-timeout"... Static. */
const char *client_end_name(enum client_end end);

#endif
