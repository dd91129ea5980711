/* SPDX-License-Identifier: MIT */
/* client - one client of the daemon: send the frame, linger, close */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "common/clock.h"
#include "hellod/client.h"

void client_start(struct client *client, int fd, struct greeting *greeting, uint64_t now_usec)
{
	client->fd = fd;
	client->greeting = greeting_ref(greeting);
	client->state = CLIENT_SENDING;
	client->end = CLIENT_END_PENDING;
	client->events = POLLIN | POLLOUT;
	client->polled_events = 0;
	client->backing_off = false;
	client->error = 0;
	client->sent = client->drained = 0;
	client->deadline_usec = now_usec + CLIENT_SEND_MSEC * USEC_PER_MSEC;
	client->wake_usec = now_usec;
}

void client_close(struct client *client, enum client_end end)
{
	close(client->fd);
	client->fd = -1;
	client->events = 0;
	client->state = CLIENT_CLOSED;
	client->end = end;
}

void client_back_off(struct client *client, int error, uint64_t now_usec)
{
	client->backing_off = true;
	client->error = error;
	client->wake_usec = now_usec + CLIENT_RETRY_MSEC * USEC_PER_MSEC;
}

/* Of the errnos of send(2), recv(2) and shutdown(2), the peer or the network cause the default. */
static void handle_error(struct client *client, int error, uint64_t now_usec)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
		break;
	case ENOBUFS:
	case ENOMEM:
		client_back_off(client, error, now_usec);
		break;
	case EACCES: /* a security module of this host forbids it */
	case EPERM:
		client->error = error;
		client_close(client, CLIENT_END_LOCAL_ERROR);
		break;
	default:
		client_close(client, CLIENT_END_RESET);
	}
}

/*
 * Sends with MSG_MORE: the kernel holds the end of the frame back until shutdown() pushes it, so
 * that greeting and FIN travel in one segment and the peer wakes once.
 */
static void send_frame(struct client *client, uint64_t now_usec)
{
	const struct greeting *greeting = client->greeting;

	client->error = 0;
	while (client->sent < greeting->length) {
		ssize_t n = send(client->fd, greeting->frame + client->sent,
				 greeting->length - client->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);

		if (n < 0) {
			handle_error(client, errno, now_usec);
			return;
		}
		client->sent += (size_t)n;
	}
	if (shutdown(client->fd, SHUT_WR) < 0) {
		handle_error(client, errno, now_usec);
		return;
	}
	client->state = CLIENT_LINGERING;
	client->events = POLLIN;
	client->deadline_usec = now_usec + CLIENT_LINGER_MSEC * USEC_PER_MSEC;
}

/* Discards input, while sending too: else a peer that writes before it reads would never read. */
static void drain(struct client *client, uint64_t now_usec)
{
	/* Static: 64 KiB of stack would be probed page by page (-fstack-clash-protection). */
	static char discarded[CLIENT_DRAIN_STEP_BYTES];
	ssize_t n = recv(client->fd, discarded, sizeof(discarded), MSG_DONTWAIT);

	if (n > 0) {
		client->drained += (size_t)n;
		if (client->drained > CLIENT_DRAIN_BYTES_MAX)
			client_close(client, CLIENT_END_FLOOD);
	} else if (n == 0 && client->state == CLIENT_LINGERING) {
		client_close(client, CLIENT_END_CLOSED);
	} else if (n == 0) {
		/* The peer half-closed: stop polling for input, keep sending. */
		client->events = POLLOUT;
	} else {
		handle_error(client, errno, now_usec);
	}
}

enum client_state client_step(struct client *client, uint64_t now_usec)
{
	enum client_state before = client->state;

	if (client->state == CLIENT_SENDING)
		send_frame(client, now_usec);
	if (client->state == before && (client->events & POLLIN))
		drain(client, now_usec);

	if (client->state != CLIENT_CLOSED && now_usec >= client->deadline_usec)
		client_close(client, client->state == CLIENT_LINGERING ? CLIENT_END_LINGER_TIMEOUT
				     : client->error != 0	       ? CLIENT_END_LOCAL_ERROR
								       : CLIENT_END_SEND_TIMEOUT);
	client->wake_usec = client->backing_off ? now_usec + CLIENT_RETRY_MSEC * USEC_PER_MSEC
						: client->deadline_usec;
	return client->state;
}

bool client_greeted(const struct client *client)
{
	return client->sent > 0 && client->sent == client->greeting->length;
}

const char *client_end_name(enum client_end end)
{
	/* In the order of the enum. */
	static const char *const names[] = {
		"pending",	  "closed", "reset",   "send-timeout",
		"linger-timeout", "flood",  "dropped", "local-error",
	};

	return names[end];
}
