/* SPDX-License-Identifier: MIT */
/* connect - a socket of the first of several addresses that answers */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/param.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
#include "probe/connect.h"
#include "probe/datagram.h"
#include "probe/signals.h"

/*
 * How long one connect(2) may block on a UNIX socket. It takes no signal mask as ppoll(2) does, so
 * a signal that arrives just before it is noticed this much later.
 */
#define CONNECT_UNIX_MSEC 500U

static void attempt_finish(struct connect_attempt *attempt, enum attempt_state state, int error)
{
	/* By vsock, also a refusal is a reset: virtio has no other packet for it. */
	if (attempt->to->storage.ss_family == AF_VSOCK && error == ECONNRESET)
		error = ECONNREFUSED;
	attempt->state = state;
	attempt->error = error;
	attempt->ended_usec = clock_now_usec();
	if (state != ATTEMPT_CONNECTED && attempt->fd >= 0) {
		close(attempt->fd);
		attempt->fd = -1;
	}
}

/*
 * While the accept queue of a UNIX socket is full, connect(2) blocks for SO_SNDTIMEO, and then
 * fails with EAGAIN. Unlike TCP it cannot go on in the background, so poll(2) is of no use.
 *
 * Returns as connect(2); -1 with EINPROGRESS at the deadline or after a signal.
 */
static int connect_unix(int fd, const struct address *to, uint64_t deadline_usec)
{
	uint64_t now;
	int error = EINPROGRESS;

	/* A wait of no time, for its signals. */
	while (signals_wait(NULL, 0, 0, &error) == OUTCOME_TIMED_OUT &&
	       (now = clock_now_usec()) < deadline_usec) {
		uint64_t most = CONNECT_UNIX_MSEC * USEC_PER_MSEC;
		struct timeval timeout = {.tv_usec = (suseconds_t)MIN(deadline_usec - now, most)};

		if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
			return -1;
		if (connect(fd, (const struct sockaddr *)&to->storage, to->length) == 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
	}
	errno = error;
	return -1;
}

/* Sends a request, from a socket that is prepared for the first one. */
static void attempt_ask(struct connect_attempt *attempt, size_t request_bytes)
{
	int r = 0;

	if (attempt->asked == 0)
		r = datagram_prepare(attempt->fd, attempt->to->storage.ss_family);
	if (r == 0)
		r = datagram_ask(attempt->fd, request_bytes);
	if (r < 0)
		attempt_finish(attempt, ATTEMPT_FAILED, -r);
	else
		attempt->asked++;
}

static void attempt_start(struct connect_attempt *attempt, size_t request_bytes,
			  uint64_t deadline_usec)
{
	const struct address *to = attempt->to;
	int family = to->storage.ss_family, r = -1;
	int type = request_bytes > 0 ? SOCK_DGRAM : SOCK_STREAM;
	bool blocks = family == AF_UNIX && type == SOCK_STREAM;

	attempt->started_usec = clock_now_usec();
	attempt->state = ATTEMPT_PENDING;
	attempt->fd = socket(family, type | SOCK_CLOEXEC | (blocks ? 0 : SOCK_NONBLOCK), 0);
	/* Of connect(2), EACCES may be the answer of a firewall on the way. */
	if (attempt->fd < 0 && errno == EACCES)
		errno = EPERM;
	if (attempt->fd >= 0 && blocks)
		r = connect_unix(attempt->fd, to, deadline_usec);
	else if (attempt->fd >= 0)
		r = connect(attempt->fd, (const struct sockaddr *)&to->storage, to->length);
	if (r == 0 && type == SOCK_DGRAM)
		attempt_ask(attempt, request_bytes);
	else if (r == 0)
		attempt_finish(attempt, ATTEMPT_CONNECTED, 0);
	else if (attempt->fd < 0 || errno != EINPROGRESS)
		attempt_finish(attempt, ATTEMPT_FAILED, errno);
}

/* Reads the result of connect(2). Returns 1 or -errno. */
static int connect_result(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);
	char byte;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	/* It may have been made, and reset since then: what came before the reset is there. */
	if (error != 0 && recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_PEEK) > 0)
		return 1;
	/* Linux says EPIPE if the server has sent a FIN before its reset. */
	if (error == EPIPE)
		return -ECONNRESET;
	return error == 0 ? 1 : -error;
}

/* Finishes the attempt if the connection is made, an answer is there, or either has failed. */
static void attempt_check(struct connect_attempt *attempt)
{
	int r = attempt->asked > 0 ? datagram_check(attempt->fd) : connect_result(attempt->fd);

	if (r > 0)
		attempt_finish(attempt, ATTEMPT_CONNECTED, 0);
	else if (r < 0)
		attempt_finish(attempt, ATTEMPT_FAILED, -r);
}

static struct connect_attempt *first_with(struct connect_attempt *attempts, size_t count,
					  enum attempt_state state)
{
	for (size_t i = 0; i < count; i++)
		if (attempts[i].state == state)
			return &attempts[i];
	return NULL;
}

/* Waits until a pending attempt has a result or until that time. Returns as signals_wait(). */
static enum outcome wait_for_any(struct connect_attempt *attempts, size_t started,
				 struct pollfd *polled, uint64_t until_usec, int *ret_error)
{
	enum outcome outcome;
	nfds_t count = 0;

	/* Without those that have ended, because ppoll(2) takes no more than RLIMIT_NOFILE. */
	for (size_t i = 0; i < started; i++)
		if (attempts[i].state == ATTEMPT_PENDING)
			polled[count++] = (struct pollfd){
				.fd = attempts[i].fd,
				.events = attempts[i].asked > 0 ? POLLIN : POLLOUT,
			};
	outcome = signals_wait(polled, count, until_usec, ret_error);
	for (size_t i = started; i-- > 0;)
		if (attempts[i].state == ATTEMPT_PENDING && polled[--count].revents != 0)
			attempt_check(&attempts[i]);
	return outcome;
}

/* The outcome of an error of socket(2) or connect(2). Of several errors the first row counts. */
static const struct {
	int error;
	enum outcome outcome;
} precedence[] = {
	/* What this host lacks says nothing about the address. */
	{EMFILE, OUTCOME_SYSTEM_ERROR},
	{ENFILE, OUTCOME_SYSTEM_ERROR},
	{ENOBUFS, OUTCOME_SYSTEM_ERROR},
	{ENOMEM, OUTCOME_SYSTEM_ERROR},
	{EAGAIN, OUTCOME_SYSTEM_ERROR},
	{ECONNREFUSED, OUTCOME_REFUSED},
	{ECONNRESET, OUTCOME_RESET},
	{ETIMEDOUT, OUTCOME_TIMED_OUT},
	{0, OUTCOME_UNREACHABLE}, /* every other error */
	/* This host lacks the family, an address or a free port for it, or the permission. */
	{EAFNOSUPPORT, OUTCOME_SYSTEM_ERROR},
	{EADDRNOTAVAIL, OUTCOME_SYSTEM_ERROR},
	{EADDRINUSE, OUTCOME_SYSTEM_ERROR},
	{EPERM, OUTCOME_SYSTEM_ERROR},
};

static size_t precedence_of(int error)
{
	size_t other = 0;

	for (size_t row = 0; row < sizeof(precedence) / sizeof(*precedence); row++) {
		if (precedence[row].error == error)
			return row;
		if (precedence[row].error == 0)
			other = row;
	}
	return other;
}

static enum outcome all_failed(const struct connect_attempt *attempts, size_t count, int *ret_error)
{
	size_t first = precedence_of(attempts[0].error);

	for (size_t i = 1; i < count; i++)
		if (precedence_of(attempts[i].error) < first)
			first = precedence_of(attempts[i].error);
	if (precedence[first].outcome == OUTCOME_SYSTEM_ERROR)
		*ret_error = precedence[first].error;
	return precedence[first].outcome;
}

/* Returns the attempt that asks again first, and when, or NULL and CLOCK_NEVER. */
static struct connect_attempt *next_to_ask(struct connect_attempt *attempts, size_t started,
					   uint64_t *ret_usec)
{
	struct connect_attempt *next = NULL;

	*ret_usec = CLOCK_NEVER;
	for (size_t i = 0; i < started; i++) {
		struct connect_attempt *attempt = &attempts[i];
		uint64_t usec = datagram_again_usec(attempt->started_usec, attempt->asked);

		if (attempt->state == ATTEMPT_PENDING && attempt->asked > 0 && usec < *ret_usec) {
			*ret_usec = usec;
			next = attempt;
		}
	}
	return next;
}

/* Returns OUTCOME_NONE once an attempt is ATTEMPT_CONNECTED, or as connect_any(). */
static enum outcome connect_loop(struct connect_attempt *attempts, size_t count,
				 size_t request_bytes, uint64_t deadline_usec,
				 struct pollfd *polled, int *ret_error)
{
	size_t started = 0;
	uint64_t next_usec = 0, again_usec;

	while (first_with(attempts, started, ATTEMPT_CONNECTED) == NULL) {
		uint64_t now = clock_now_usec(), wake_usec = deadline_usec;
		bool last_failed = started > 0 && attempts[started - 1].state == ATTEMPT_FAILED;
		struct connect_attempt *to_ask = next_to_ask(attempts, started, &again_usec);
		enum outcome outcome;

		/* If this process is late, the answer may be there. */
		if (to_ask != NULL && (now >= deadline_usec || now >= again_usec)) {
			outcome = wait_for_any(attempts, started, polled, 0, ret_error);
			if (outcome == OUTCOME_INTERRUPTED || outcome == OUTCOME_SYSTEM_ERROR)
				return outcome;
			if (first_with(attempts, started, ATTEMPT_CONNECTED) != NULL)
				break;
		}
		if (now >= deadline_usec)
			return OUTCOME_TIMED_OUT;
		if (to_ask != NULL && now >= again_usec && to_ask->state == ATTEMPT_PENDING) {
			attempt_ask(to_ask, request_bytes);
			continue;
		}
		if (started < count && (last_failed || now >= next_usec)) {
			uint64_t share = (deadline_usec - now) / (count - started);
			uint64_t delay = CONNECT_ATTEMPT_DELAY_MSEC * USEC_PER_MSEC;

			attempt_start(&attempts[started++], request_bytes, deadline_usec);
			next_usec = now + MIN(share, delay);
			continue;
		}
		if (first_with(attempts, started, ATTEMPT_PENDING) == NULL)
			return all_failed(attempts, count, ret_error);
		if (started < count)
			wake_usec = next_usec;
		outcome = wait_for_any(attempts, started, polled, MIN(wake_usec, again_usec),
				       ret_error);
		if (outcome == OUTCOME_INTERRUPTED || outcome == OUTCOME_SYSTEM_ERROR)
			return outcome;
	}
	return OUTCOME_NONE;
}

enum outcome connect_any(const struct resolve_list *list, size_t request_bytes,
			 uint64_t deadline_usec, struct connect_attempt *ret_attempts,
			 struct connect_attempt **ret_connected, int *ret_error)
{
	struct pollfd *polled = calloc(list->count, sizeof(*polled));
	struct connect_attempt *connected = NULL;
	enum outcome outcome;

	for (size_t i = 0; i < list->count; i++)
		ret_attempts[i] = (struct connect_attempt){.to = &list->addresses[i], .fd = -1};
	if (polled == NULL)
		return outcome_system_error(ENOMEM, ret_error);
	outcome = connect_loop(ret_attempts, list->count, request_bytes, deadline_usec, polled,
			       ret_error);
	free(polled);

	if (outcome == OUTCOME_NONE)
		*ret_connected = connected =
			first_with(ret_attempts, list->count, ATTEMPT_CONNECTED);
	for (size_t i = 0; i < list->count; i++)
		if (ret_attempts[i].fd >= 0 && &ret_attempts[i] != connected)
			attempt_finish(&ret_attempts[i],
				       connected != NULL ? ATTEMPT_SUPERSEDED : ATTEMPT_TIMED_OUT,
				       0);
	return outcome;
}
