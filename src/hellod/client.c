/* SPDX-License-Identifier: MIT */
/* client - one client: send, linger, close */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "hellod/client.h"

void session_start(struct session *session, int fd, const struct greeting *greeting,
		   uint64_t now_usec)
{
	*session = (struct session){
		.greeting = greeting,
		.deadline_usec = now_usec + SESSION_SEND_MSEC * USEC_PER_MSEC,
		.fd = fd,
		.state = SESSION_SENDING,
		.events = POLLOUT | POLLIN,
	};
}

void session_close(struct session *session, enum session_end end)
{
	close(session->fd);
	session->fd = -1;
	session->events = 0;
	session->state = SESSION_CLOSED;
	session->end = end;
}

/*
 * The last of the frame goes out with MSG_MORE: the kernel holds it back for shutdown() to push,
 * so that greeting and FIN travel in one segment and the peer wakes once.
 */
static void send_frame(struct session *session, uint64_t now_usec)
{
	const struct greeting *greeting = session->greeting;

	while (session->sent < greeting->frame_length) {
		ssize_t n = send(session->fd, greeting->frame + session->sent,
				 greeting->frame_length - session->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);

		if (n >= 0) {
			session->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			session_close(session, SESSION_END_RESET);
			return;
		}
	}

	if (shutdown(session->fd, SHUT_WR) < 0) {
		session_close(session, SESSION_END_RESET);
		return;
	}
	session->state = SESSION_LINGERING;
	session->deadline_usec = now_usec + SESSION_LINGER_MSEC * USEC_PER_MSEC;
	session->events = POLLIN;
}

/*
 * Reads and throws away what the peer sends, also while the frame is still going out: a peer
 * that writes before it reads would wait for us as we wait for it.
 */
static void drain(struct session *session)
{
	/* Static, because nobody reads it, and not on the stack, where each page is probed. */
	static char waste[SESSION_DRAIN_STEP_BYTES];
	ssize_t n;

	do
		n = recv(session->fd, waste, sizeof(waste), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);

	if (n > 0) {
		session->drained += (size_t)n;
		if (session->drained > SESSION_DRAIN_BYTES_MAX)
			session_close(session, SESSION_END_FLOOD);
	} else if (n == 0 && session->state == SESSION_LINGERING) {
		session_close(session, SESSION_END_CLOSED);
	} else if (n == 0) {
		/* It has said all it wants to, but may still read: only wait to send on. */
		session->events = POLLOUT;
	} else if (errno != EAGAIN) {
		session_close(session, SESSION_END_RESET);
	}
}

enum session_state session_step(struct session *session, uint64_t now_usec)
{
	enum session_state before = session->state;

	if (session->state == SESSION_SENDING)
		send_frame(session, now_usec);
	if (session->state == before && (session->events & POLLIN))
		drain(session);
	if (session->state != SESSION_CLOSED && now_usec >= session->deadline_usec)
		session_close(session, session->state == SESSION_SENDING
					       ? SESSION_END_SEND_TIMEOUT
					       : SESSION_END_LINGER_TIMEOUT);
	return session->state;
}

bool session_greeted(const struct session *session)
{
	return session->sent > 0 && session->sent == session->greeting->frame_length;
}

const char *session_end_name(enum session_end end)
{
	static const char *const names[] = {
		[SESSION_END_PENDING] = "pending",
		[SESSION_END_CLOSED] = "closed",
		[SESSION_END_RESET] = "reset",
		[SESSION_END_SEND_TIMEOUT] = "send-timeout",
		[SESSION_END_LINGER_TIMEOUT] = "linger-timeout",
		[SESSION_END_FLOOD] = "flood",
		[SESSION_END_DROPPED] = "dropped",
	};

	return names[end];
}
