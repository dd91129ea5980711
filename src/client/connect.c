/* SPDX-License-Identifier: MIT */
/* connect - client side: connects to the first of several addresses that answers */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/connect.h"
#include "client/signals.h"
#include "common/clock.h"

static void end(struct dial_attempt *attempt, enum dial_outcome outcome, int error)
{
	attempt->outcome = outcome;
	attempt->error = error;
	attempt->ended_usec = clock_now_usec();
	if (outcome != DIAL_CONNECTED && attempt->fd >= 0) {
		close(attempt->fd);
		attempt->fd = -1;
	}
}

static void try_connect(const struct resolve_address *to, struct dial_attempt *attempt)
{
	attempt->retry = 0;
	if (connect(attempt->fd, (const struct sockaddr *)&to->address, to->length) == 0)
		end(attempt, DIAL_CONNECTED, 0);
	else if (errno == EAGAIN && to->address.ss_family == AF_UNIX)
		attempt->retry = 1;
	else if (errno != EINPROGRESS)
		end(attempt, DIAL_FAILED, errno);
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void begin(const struct resolve_address *to, struct dial_attempt *attempt)
{
	attempt->started_usec = clock_now_usec();
	attempt->outcome = DIAL_PENDING;
	attempt->fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd >= 0)
		try_connect(to, attempt);
	else
		end(attempt, DIAL_FAILED, errno);
}

/* The connection was made or failed: sees which. */
static void settle(struct dial_attempt *attempt)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	end(attempt, error == 0 ? DIAL_CONNECTED : DIAL_FAILED, error);
}

/* Waits for one of the pending attempts. Returns 0, also when the time is over, or -errno. */
static int wait_for_any(const struct resolve_list *list, struct dial_attempt *attempts,
			size_t started, struct pollfd *polled, uint64_t until_usec)
{
	uint64_t retry_usec = clock_now_usec() + DIAL_RETRY_MSEC * USEC_PER_MSEC;
	int r;

	for (size_t i = 0; i < started; i++) {
		bool pending = attempts[i].outcome == DIAL_PENDING;

		polled[i] = (struct pollfd){
			.fd = pending && !attempts[i].retry ? attempts[i].fd : -1,
			.events = POLLOUT,
		};
		if (pending && attempts[i].retry && retry_usec < until_usec)
			until_usec = retry_usec;
	}
	r = wait_poll(polled, started, until_usec);
	if (r < 0)
		return r;
	for (size_t i = 0; i < started; i++) {
		if (polled[i].revents != 0)
			settle(&attempts[i]);
		else if (attempts[i].outcome == DIAL_PENDING && attempts[i].retry)
			try_connect(&list->addresses[i], &attempts[i]);
	}
	return 0;
}

static size_t find(const struct dial_attempt *attempts, size_t count, enum dial_outcome outcome)
{
	size_t i = 0;

	while (i < count && attempts[i].outcome != outcome)
		i++;
	return i;
}

/* How long the next address is held back, with so many to come. */
static uint64_t stagger_usec(uint64_t left_usec, size_t to_come)
{
	uint64_t share = left_usec / (to_come + 1), most = DIAL_STAGGER_MSEC * USEC_PER_MSEC;

	return share < most ? share : most;
}

/* A shortage on our side says nothing about the addresses, unlike what else makes them fail. */
static int all_failed(const struct dial_attempt *attempts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_shortage(attempts[i].error))
			return -attempts[i].error;
	return -ECONNREFUSED;
}

/* Returns 0 once an attempt is DIAL_CONNECTED, or as dial() does. */
static int race(const struct resolve_list *list, uint64_t deadline_usec,
		struct dial_attempt *attempts, struct pollfd *polled)
{
	size_t started = 0;
	uint64_t next_usec = 0;
	int r = 0;

	while (r == 0 && find(attempts, started, DIAL_CONNECTED) == started) {
		uint64_t now = clock_now_usec(), until = deadline_usec;
		bool pending = find(attempts, started, DIAL_PENDING) < started;
		bool last_failed = started > 0 && attempts[started - 1].outcome == DIAL_FAILED;

		if (now >= deadline_usec)
			return -ETIMEDOUT;
		if (started < list->count && (last_failed || now >= next_usec)) {
			begin(&list->addresses[started], &attempts[started]);
			started++;
			next_usec = now + stagger_usec(deadline_usec - now, list->count - started);
			continue;
		}
		if (!pending)
			return all_failed(attempts, started);
		if (started < list->count && next_usec < deadline_usec)
			until = next_usec;
		r = wait_for_any(list, attempts, started, polled, until);
	}
	return r;
}

int dial(const struct resolve_list *list, uint64_t deadline_usec, struct dial_attempt *attempts,
	 int *fd, size_t *winner)
{
	struct pollfd *polled = calloc(list->count, sizeof(*polled));
	int r = -ENOMEM;

	for (size_t i = 0; i < list->count; i++)
		attempts[i] = (struct dial_attempt){.outcome = DIAL_NOT_TRIED, .fd = -1};
	if (polled != NULL)
		r = race(list, deadline_usec, attempts, polled);
	free(polled);

	if (r == 0) {
		*winner = find(attempts, list->count, DIAL_CONNECTED);
		*fd = attempts[*winner].fd;
	}
	for (size_t i = 0; i < list->count; i++) {
		bool is_loser = r == 0 && i != *winner;

		if (attempts[i].outcome == DIAL_PENDING)
			end(&attempts[i], r == 0 ? DIAL_OVERTAKEN : DIAL_TIMED_OUT, 0);
		else if (is_loser && attempts[i].outcome == DIAL_CONNECTED)
			end(&attempts[i], DIAL_OVERTAKEN, 0);
	}
	return r;
}
