/* SPDX-License-Identifier: MIT */
/* prove - client: every step from every state that can be reached, whatever the kernel returns */
#include "prove.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/frame.h"
#include "hellod/client.h"

#define FD 7
/* For each step: else it has as many as the frame has bytes. */
#define SENDS_MAX 4

/*
 * The system calls of one step, as models that return all that their manuals allow, and more errnos
 * than those. The promises in them are about what a client may ask the kernel for.
 */
static struct {
	const struct client *client;
	bool shut, closed, received, end_of_input;
	size_t sends, discarded;
	int error; /* the errno of the last failed call; or 0 */
} kernel;

static int fail(void)
{
	errno = nondet_int();
	given(errno > 0 && errno < 134); /* EHWPOISON is the last one */
	kernel.error = errno;
	return -1;
}

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	size_t n = nondet_size();

	promise(fd == FD && !kernel.closed);
	promise(!kernel.shut);	   /* nothing is sent after the half-close */
	promise(!kernel.received); /* a step does not read and then send */
	promise(kernel.client->state == CLIENT_SENDING);
	promise((flags & MSG_DONTWAIT) != 0); /* a client never blocks */
	promise((flags & MSG_NOSIGNAL) != 0);
	promise(length > 0 && __CPROVER_r_ok(buffer, length));
	/* What is sent is the frame, in order, and all that is left of it. */
	promise(buffer == kernel.client->greeting->frame + kernel.client->sent);
	promise(length == kernel.client->greeting->length - kernel.client->sent);
	given(++kernel.sends <= SENDS_MAX);
	if (nondet_bool())
		return fail();
	given(n >= 1 && n <= length);
	return (ssize_t)n;
}

int shutdown(int fd, int how)
{
	promise(fd == FD && !kernel.closed && !kernel.shut);
	promise(how == SHUT_WR);
	promise(kernel.client->sent == kernel.client->greeting->length); /* the whole frame */
	if (nondet_bool())
		return fail();
	kernel.shut = true;
	return 0;
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	size_t n = nondet_size();

	promise(fd == FD && !kernel.closed);
	promise(!kernel.received); /* one read for each step, to be fair */
	promise((flags & MSG_DONTWAIT) != 0);
	promise(length > 0 && __CPROVER_w_ok(buffer, length));
	kernel.received = true;
	if (nondet_bool())
		return fail();
	given(n <= length);
	kernel.end_of_input = n == 0;
	kernel.discarded = n;
	return (ssize_t)n;
}

int close(int fd)
{
	promise(fd == FD);
	promise(!kernel.closed); /* once */
	kernel.closed = true;
	return nondet_int(); /* what it says makes no difference */
}

struct greeting *greeting_ref(struct greeting *greeting)
{
	greeting->references++;
	return greeting;
}

static struct greeting *any_greeting(void)
{
	size_t length = nondet_size();
	given(length <= FRAME_BYTES_MAX);
	struct greeting *greeting = any_bytes(sizeof(*greeting) + length);

	greeting->length = length;
	return greeting;
}

/* Time in microseconds since the start of the host: 500 years leave room for any deadline. */
static uint64_t any_time(void)
{
	uint64_t now = nondet_u64();

	given(now < (uint64_t)1 << 54);
	return now;
}

static bool is_local(int error)
{
	return error == EACCES || error == EPERM || error == ENOBUFS || error == ENOMEM;
}

/*
 * What is true of a client between two steps. prove_client_start() shows that it is true at first,
 * and prove_client_step() that a step keeps it; so it is true after every number of steps.
 */
static bool holds(const struct client *c)
{
	switch (c->state) {
	case CLIENT_SENDING:
		return c->fd == FD && c->end == CLIENT_END_PENDING &&
		       c->sent <= c->greeting->length &&
		       (c->events == (POLLIN | POLLOUT) || c->events == POLLOUT) &&
		       c->drained <= CLIENT_DRAIN_BYTES_MAX &&
		       (c->error == 0 || is_local(c->error));
	case CLIENT_LINGERING:
		return c->fd == FD && c->end == CLIENT_END_PENDING &&
		       c->sent == c->greeting->length && c->events == POLLIN &&
		       c->drained <= CLIENT_DRAIN_BYTES_MAX &&
		       (c->error == 0 || is_local(c->error));
	case CLIENT_CLOSED:
		return c->fd == -1 && c->events == 0 && c->end != CLIENT_END_PENDING &&
		       c->sent <= c->greeting->length &&
		       c->drained <= CLIENT_DRAIN_BYTES_MAX + CLIENT_DRAIN_STEP_BYTES;
	default:
		return false;
	}
}

/* Any client in one of the three states. */
static void any_client(struct client *ret_client)
{
	struct client any;

	*ret_client = any;
	ret_client->greeting = any_greeting();
	given(holds(ret_client));
	kernel.client = ret_client;
	kernel.shut = ret_client->state == CLIENT_LINGERING;
	kernel.closed = ret_client->state == CLIENT_CLOSED;
}

/* Owns the socket, takes a reference, and sends nothing yet. */
void prove_client_start(void)
{
	struct client c;
	struct greeting *greeting = any_greeting();
	unsigned references = greeting->references;
	uint64_t now = any_time();

	client_start(&c, FD, greeting, now);

	promise(holds(&c) && c.state == CLIENT_SENDING && c.events == (POLLIN | POLLOUT));
	promise(c.greeting == greeting && greeting->references == references + 1);
	promise(c.sent == 0 && c.drained == 0 && c.error == 0 && !c.backing_off);
	promise(c.deadline_usec == now + 30 * USEC_PER_SEC);
	promise(c.wake_usec <= now);
	promise(kernel.sends == 0 && !kernel.received && !kernel.shut && !kernel.closed);
}

/* sending --- whole frame sent, half-closed ---> lingering --- peer closed ---> closed */
/* T6 of hellod-security(7) */
void prove_client_step(void)
{
	struct client c;
	uint64_t now = any_time();

	any_client(&c);
	struct client before = c;
	enum client_state state = client_step(&c, now);

	promise(state == c.state && holds(&c));
	promise(c.greeting == before.greeting && c.sent >= before.sent);
	promise(c.sent - before.sent == 0 || before.state == CLIENT_SENDING);
	promise(c.drained == before.drained + kernel.discarded);
	promise(kernel.closed == (c.state == CLIENT_CLOSED));
	promise(kernel.shut == (before.state == CLIENT_LINGERING || c.state == CLIENT_LINGERING) ||
		c.state == CLIENT_CLOSED);

	switch (before.state) {
	case CLIENT_SENDING:
		if (c.state == CLIENT_LINGERING) {
			promise(!kernel.received); /* input arrives later */
			promise(c.deadline_usec == now + 5 * USEC_PER_SEC);
		}
		if (c.state == CLIENT_SENDING) {
			promise(c.deadline_usec == before.deadline_usec);
			/* After the peer's half-close input is no longer polled for. */
			promise((c.events == POLLOUT) ==
				(before.events == POLLOUT || kernel.end_of_input));
			promise(before.events == POLLOUT ? !kernel.received : kernel.received);
		}
		break;
	case CLIENT_LINGERING:
		promise(c.state != CLIENT_SENDING);
		promise(kernel.sends == 0 && kernel.received);
		promise(c.deadline_usec == before.deadline_usec || c.state == CLIENT_CLOSED);
		break;
	default: /* a closed client makes no system call */
		promise(c.state == CLIENT_CLOSED && c.end == before.end);
		promise(kernel.sends == 0 && !kernel.received);
	}
	if (c.state != CLIENT_CLOSED) {
		promise(now < c.deadline_usec);
		promise(c.wake_usec > now); /* no spin without an event */
		promise(c.wake_usec == c.deadline_usec ||
			(c.backing_off && c.wake_usec == now + 100 * USEC_PER_MSEC));
	}
}

/* How the connection ended, for each value of the enum. */
/* T1 of hellod-security(7) */
void prove_client_end(void)
{
	struct client c;
	uint64_t now = any_time();

	any_client(&c);
	given(c.state != CLIENT_CLOSED);
	struct client before = c;
	if (client_step(&c, now) != CLIENT_CLOSED)
		return;

	switch (c.end) {
	case CLIENT_END_CLOSED: /* greeted, and the peer closed */
		promise(before.state == CLIENT_LINGERING && kernel.end_of_input);
		break;
	case CLIENT_END_RESET: /* the peer or the network: not this host, and nothing to wait for */
		promise(kernel.error != 0 && !is_local(kernel.error));
		promise(kernel.error != EAGAIN && kernel.error != EINTR);
		break;
	case CLIENT_END_SEND_TIMEOUT:
		promise(before.state == CLIENT_SENDING && c.error == 0);
		promise(now >= before.deadline_usec && !kernel.shut);
		break;
	case CLIENT_END_LINGER_TIMEOUT: /* greeted, but the peer did not close by the deadline */
		promise(before.state == CLIENT_LINGERING && now >= before.deadline_usec);
		promise(!kernel.end_of_input);
		break;
	case CLIENT_END_FLOOD:
		promise(c.drained > CLIENT_DRAIN_BYTES_MAX && kernel.discarded > 0);
		break;
	case CLIENT_END_LOCAL_ERROR: /* this host could not serve it: client->error */
		promise(is_local(c.error));
		break;
	default:
		promise(false); /* CLIENT_END_DROPPED is the server's choice */
	}
	/* A shortage of this host is not the end before the deadline. */
	promise(now >= before.deadline_usec || c.end == CLIENT_END_CLOSED ||
		c.end == CLIENT_END_FLOOD || c.end == CLIENT_END_RESET ||
		c.end == CLIENT_END_LOCAL_ERROR);
	promise(client_end_name(c.end) != NULL);
	promise(client_greeted(&c) == (c.sent > 0 && c.sent == c.greeting->length));
}
