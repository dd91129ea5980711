/* SPDX-License-Identifier: MIT */
/* client - one client: send, linger, close */
#ifndef HELLOD_CLIENT_H
#define HELLOD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hellod/greeting.h"

/*
 *	sending --- whole frame sent, half-closed ---> lingering --- peer closed ---> closed
 *	   |                                               |                             ^
 *	   +--- peer gone, deadline, flood                 +--- peer gone, deadline,     |
 *	   |                                                    flood                    |
 *	   +--------------------------------------------------------------------------->-+
 *
 * Lingering is what makes the greeting safe: closing a TCP socket that holds unread input sends
 * a reset, and a reset can destroy what the peer has not read yet (RFC 1122, 4.2.2.13; RFC 2525,
 * 2.17). So what the peer sends is read and thrown away until it closes too.
 *
 * A session never blocks, and never touches the flags of the file description: it is shared with
 * whoever passed the socket.
 */

/* For the whole frame to go out. A reader that takes 2.2 kB/s gets even the longest one. */
#define SESSION_SEND_MSEC 30000U

/* For the peer to close, once it was sent everything: nginx's lingering_timeout, but in all. */
#define SESSION_LINGER_MSEC 5000U

/*
 * What is read and thrown away for one peer. Enough for any honest client that talks first; a
 * flood does not get a busy server for longer than a moment.
 */
#define SESSION_DRAIN_BYTES_MAX ((size_t)16 << 20)

/* What one step reads at the most, so that one peer does not hold up the others. */
#define SESSION_DRAIN_STEP_BYTES ((size_t)64 << 10)

enum session_state {
	SESSION_SENDING,
	SESSION_LINGERING,
	SESSION_CLOSED,
};

/* How a session ended. All of it is normal life on a public port. */
enum session_end {
	SESSION_END_PENDING,	    /* it did not yet */
	SESSION_END_CLOSED,	    /* greeted, and the peer closed */
	SESSION_END_RESET,	    /* the peer reset the connection, or was gone before */
	SESSION_END_SEND_TIMEOUT,   /* the peer did not take the frame by the deadline */
	SESSION_END_LINGER_TIMEOUT, /* greeted, but the peer did not close by the deadline */
	SESSION_END_FLOOD,	    /* the peer sent more than SESSION_DRAIN_BYTES_MAX */
	SESSION_END_DROPPED, /* greeted or not, closed from our side to make room or to end */
};

struct session {
	const struct greeting *greeting; /* not owned */
	uint64_t deadline_usec;		 /* monotonic, of the present state */
	size_t sent;			 /* bytes of the frame */
	size_t drained;			 /* bytes that the peer sent */
	int fd;				 /* owned; -1 once closed */
	enum session_state state;
	enum session_end end;
	short events; /* what to poll(2) for; never 0 before the end */
};

/*
 * Begins a session on a connected stream socket, which it owns from here on. The greeting must
 * stay as it is until the session is closed; one whose frame_length is 0 sends nothing and only
 * ends the connection properly. Sends nothing yet.
 */
void session_start(struct session *session, int fd, const struct greeting *greeting,
		   uint64_t now_usec);

/*
 * Goes as far as it can without waiting, but not on from sending to reading: that is better done
 * when there is something to read. To be called at the start, when the socket is ready for
 * session->events, and when session->deadline_usec has come.
 *
 * Returns the state that it reached. In SESSION_CLOSED the socket is closed and session->end
 * tells how it ended.
 */
enum session_state session_step(struct session *session, uint64_t now_usec);

/* Closes the socket of a session that is not closed yet, for this reason. */
void session_close(struct session *session, enum session_end end);

/* Whether the peer was sent a whole frame. */
bool session_greeted(const struct session *session);

/* A word for the journal and for people: "closed", "reset", "send-timeout"... Static. */
const char *session_end_name(enum session_end end);

#endif
