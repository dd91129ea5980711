/* SPDX-License-Identifier: MIT */
/* server - greets everyone who connects to the listening sockets that were passed */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "hellod/server.h"
#include "hellod/sessions.h"

#define EVENTS_MAX 256

/* What epoll tells of: a session by its index, a listening socket by its number, or signals. */
#define TAG_LISTENER ((uint64_t)1 << 32)
#define TAG_SIGNALS ((uint64_t)2 << 32)
#define TAG_KIND(tag) ((tag) & ~(uint64_t)UINT32_MAX)
#define TAG_INDEX(tag) ((uint32_t)(tag))

/* A greeting that sessions may still be sending when SIGHUP has brought another one. */
struct generation {
	struct greeting greeting; /* first, so that a session's greeting leads here */
	uint32_t users;		  /* sessions, and one for being the present one */
};

struct peer {
	struct sockaddr_storage address;
	socklen_t length;
};

struct listener {
	const struct listener_setup *setup;
	struct listener_counts counts;
	struct sessions sessions;
	struct peer *peers;	       /* by session, or NULL */
	struct generation *generation; /* the present one */
	uint32_t *fresh;	       /* sessions that epoll does not know of yet */
	uint32_t fresh_count;
	int epoll_fd;
	int signal_fd;
	bool polling;	/* the listening sockets, that is: not left alone */
	bool stopping;	/* no longer accepting */
	bool ended;	/* a session has, since the listening sockets were left alone */
	bool made_room; /* since epoll_wait(): its events may be of sessions that are gone */
	enum listener_end end;
	uint64_t now_usec;
	uint64_t resume_usec;	/* when to look at the listening sockets again */
	uint64_t idle_usec;	/* when idle, or CLOCK_NEVER */
	uint64_t shortage_usec; /* when to tell of a shortage again */
	uint64_t status_usec;	/* when to tell the counts, or CLOCK_NEVER */
	uint64_t watchdog_usec; /* when to tell that it is alive, or CLOCK_NEVER */
};

static uint64_t after(uint64_t now_usec, uint64_t usec)
{
	return usec == CLOCK_NEVER ? CLOCK_NEVER : now_usec + usec;
}

static bool has_come(uint64_t deadline_usec, const struct listener *listener)
{
	return deadline_usec != CLOCK_NEVER && deadline_usec <= listener->now_usec;
}

/* Greetings */

static int generation_new(const struct greeting *greeting, struct generation **generation)
{
	struct generation *new = malloc(sizeof(*new));

	if (new == NULL)
		return -ENOMEM;
	new->greeting = *greeting;
	new->users = 1;
	*generation = new;
	return 0;
}

/* Sessions know their greeting as something that does not change; its users do. */
static struct generation *generation_of(const struct session *session)
{
	return (struct generation *)(uintptr_t)session->greeting;
}

static void generation_release(struct generation *generation)
{
	if (generation != NULL && --generation->users == 0)
		free(generation);
}

static void reload(struct listener *listener)
{
	struct generation *new;

	if (listener->setup->reload == NULL ||
	    generation_new(&listener->generation->greeting, &new) < 0)
		return;
	if (listener->setup->reload(&new->greeting) < 0) {
		generation_release(new);
		return;
	}
	generation_release(listener->generation);
	listener->generation = new;
}

/* Listening sockets */

static int poll_listeners(struct listener *listener, int operation, uint32_t events)
{
	for (int i = 0; i < listener->setup->fd_count; i++) {
		struct epoll_event event = {
			.events = events,
			.data.u64 = TAG_LISTENER | (uint32_t)i,
		};

		if (epoll_ctl(listener->epoll_fd, operation, listener->setup->first_fd + i,
			      &event) < 0)
			return -errno;
	}
	listener->polling = events != 0;
	return 0;
}

/* Leaves the listening sockets alone, until a session ends or some time has passed. */
static int leave_alone(struct listener *listener)
{
	listener->resume_usec = listener->now_usec + LISTENER_PAUSE_MSEC * USEC_PER_MSEC;
	listener->ended = false;
	return poll_listeners(listener, EPOLL_CTL_MOD, 0);
}

static int resume(struct listener *listener)
{
	listener->resume_usec = CLOCK_NEVER;
	return poll_listeners(listener, EPOLL_CTL_MOD, EPOLLIN);
}

static void stop(struct listener *listener, enum listener_end why)
{
	if (listener->stopping)
		return;
	listener->stopping = true;
	listener->end = why;
	listener->resume_usec = CLOCK_NEVER;
	for (int i = 0; i < listener->setup->fd_count; i++)
		epoll_ctl(listener->epoll_fd, EPOLL_CTL_DEL, listener->setup->first_fd + i, NULL);
	if (listener->setup->stopping != NULL)
		listener->setup->stopping(why);
}

/* Sessions */

static void note_change(struct listener *listener)
{
	if (listener->status_usec == CLOCK_NEVER && listener->setup->status != NULL)
		listener->status_usec = listener->now_usec + LISTENER_STATUS_MSEC * USEC_PER_MSEC;
}

/* Takes leave of a session that is closed, or closes it to make room. */
static void end_session(struct listener *listener, uint32_t index)
{
	struct session *session = sessions_get(&listener->sessions, index);
	struct generation *generation = generation_of(session);
	struct address_text peer;

	if (session_greeted(session))
		listener->counts.greeted++;
	if (session->state != SESSION_CLOSED)
		listener->counts.dropped++;
	sessions_remove(&listener->sessions, index);
	listener->counts.open--;
	listener->ended = true;
	note_change(listener);

	if (listener->setup->ended != NULL) {
		if (listener->peers != NULL)
			address_format((struct sockaddr *)&listener->peers[index].address,
				       listener->peers[index].length, &peer);
		listener->setup->ended(session, listener->peers != NULL ? &peer : NULL);
	}
	generation_release(generation);
	if (listener->counts.open == 0)
		listener->idle_usec = after(listener->now_usec, listener->setup->idle_usec);
}

static void step_session(struct listener *listener, uint32_t index)
{
	struct session *session = sessions_get(&listener->sessions, index);
	short events = session->events;

	if (sessions_step(&listener->sessions, index, listener->now_usec) == SESSION_CLOSED) {
		end_session(listener, index);
	} else if (session->events != events) {
		struct epoll_event event = {.events = (uint32_t)session->events, .data.u64 = index};

		if (epoll_ctl(listener->epoll_fd, EPOLL_CTL_MOD, session->fd, &event) < 0)
			end_session(listener, index);
	}
}

/* Has epoll tell when the session's socket is ready. */
static void watch_session(struct listener *listener, uint32_t index)
{
	struct session *session = sessions_get(&listener->sessions, index);
	struct epoll_event event = {.events = (uint32_t)session->events, .data.u64 = index};

	if (epoll_ctl(listener->epoll_fd, EPOLL_CTL_ADD, session->fd, &event) < 0)
		end_session(listener, index);
}

/*
 * Looks after the sessions that began the last time round: by now most clients on a fast network
 * have said goodbye, and epoll never hears of them.
 */
static void step_fresh(struct listener *listener, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = listener->fresh[i];

		if (sessions_step(&listener->sessions, index, listener->now_usec) == SESSION_CLOSED)
			end_session(listener, index);
		else
			watch_session(listener, index);
	}
	listener->fresh_count -= count;
	memmove(listener->fresh, listener->fresh + count,
		listener->fresh_count * sizeof(*listener->fresh));
}

/* Greets a new client at once: most often that is all but for its goodbye. */
static void start_session(struct listener *listener, int fd)
{
	uint32_t index = sessions_add(&listener->sessions, fd, &listener->generation->greeting,
				      listener->now_usec);

	listener->counts.accepted++;
	listener->counts.open++;
	listener->generation->users++;
	listener->idle_usec = CLOCK_NEVER;
	note_change(listener);
	if (listener->peers != NULL) {
		struct peer *peer = &listener->peers[index];

		*peer = (struct peer){.length = sizeof(peer->address)};
		(void)getpeername(fd, (struct sockaddr *)&peer->address, &peer->length);
	}

	if (sessions_step(&listener->sessions, index, listener->now_usec) == SESSION_CLOSED)
		end_session(listener, index);
	else
		listener->fresh[listener->fresh_count++] = index;
}

/* Closes the session that has lingered longest. Returns false if none lingers. */
static bool make_room(struct listener *listener)
{
	uint32_t oldest = sessions_oldest_lingering(&listener->sessions);

	if (oldest == SESSIONS_NONE)
		return false;
	listener->made_room = true;
	end_session(listener, oldest);
	return true;
}

/* Whether what accept() failed of is the end of one connection only (accept(2)). */
static bool is_of_one_connection(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EINTR:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* Deals with a failure of accept(). Returns 0 to go on, 1 to accept no more for now, or -errno. */
static int accept_failed(struct listener *listener, int error)
{
	int r;

	if (error == EAGAIN)
		return 1;
	if (is_of_one_connection(error))
		return 0;
	if (error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT)
		return -error;

	/* A shortage, of file descriptors or memory. */
	if (listener->setup->shortage != NULL && has_come(listener->shortage_usec, listener)) {
		listener->setup->shortage(-error);
		listener->shortage_usec =
			listener->now_usec + LISTENER_SHORTAGE_MSEC * USEC_PER_MSEC;
	}
	if (listener->fresh_count > 0)
		return 1; /* first see whether they are done */
	if (make_room(listener))
		return 0;
	r = leave_alone(listener);
	return r < 0 ? r : 1;
}

/* Accepts a batch. Returns 0 or -errno. */
static int accept_clients(struct listener *listener, uint32_t number)
{
	int listen_fd = listener->setup->first_fd + (int)number;
	int batch = LISTENER_ACCEPT_BATCH;

	/* One that blocks may only be asked once for each time that epoll calls it ready. */
	if (!(fcntl(listen_fd, F_GETFL) & O_NONBLOCK))
		batch = 1;
	while (batch-- > 0 && listener->polling) {
		int fd, r = 0;

		if (sessions_full(&listener->sessions)) {
			if (listener->fresh_count > 0)
				return 0; /* first see whether they are done */
			if (!make_room(listener))
				return leave_alone(listener);
		}
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			start_session(listener, fd);
		} else {
			r = accept_failed(listener, errno);
		}
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return 0;
}

/* Signals */

static int open_signals(struct listener *listener)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	listener->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	return listener->signal_fd < 0 ? -errno : 0;
}

static void take_signals(struct listener *listener)
{
	struct signalfd_siginfo info;

	while (read(listener->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(listener);
		else
			stop(listener, LISTENER_STOPPED);
	}
}

/* Time */

static uint64_t next_deadline(const struct listener *listener)
{
	const uint64_t deadlines[] = {
		sessions_deadline_usec(&listener->sessions),
		listener->resume_usec,
		listener->stopping ? CLOCK_NEVER : listener->idle_usec,
		listener->status_usec,
		listener->watchdog_usec,
	};
	uint64_t first = CLOCK_NEVER;

	for (size_t i = 0; i < sizeof(deadlines) / sizeof(*deadlines); i++)
		first = deadlines[i] < first ? deadlines[i] : first;
	return first;
}

/* No session for long enough: whoever came this very moment is still served. */
static int become_idle(struct listener *listener)
{
	int r = 0;

	listener->idle_usec = after(listener->now_usec, listener->setup->idle_usec);
	for (int i = 0; r == 0 && i < listener->setup->fd_count; i++) {
		struct pollfd polled = {.fd = listener->setup->first_fd + i, .events = POLLIN};

		if (poll(&polled, 1, 0) > 0)
			r = accept_clients(listener, (uint32_t)i);
	}
	if (r == 0 && listener->counts.open == 0)
		stop(listener, LISTENER_IDLE);
	return r;
}

/* Does what is due. Returns 0 or -errno. */
static int keep_time(struct listener *listener)
{
	const struct listener_setup *setup = listener->setup;
	uint32_t index;
	int r = 0;

	while ((index = sessions_expired(&listener->sessions, listener->now_usec)) != SESSIONS_NONE)
		step_session(listener, index);
	if (has_come(listener->watchdog_usec, listener)) {
		listener->watchdog_usec = after(listener->now_usec, setup->watchdog_usec);
		if (setup->alive != NULL)
			setup->alive();
	}
	if (has_come(listener->status_usec, listener)) {
		listener->status_usec = CLOCK_NEVER;
		if (!listener->stopping)
			setup->status(&listener->counts);
	}
	if (!listener->stopping && has_come(listener->idle_usec, listener))
		r = become_idle(listener);
	if (r == 0 && !listener->stopping && !listener->polling &&
	    (has_come(listener->resume_usec, listener) || listener->ended ||
	     sessions_oldest_lingering(&listener->sessions) != SESSIONS_NONE))
		r = resume(listener);
	return r;
}

/* The loop */

/* Returns 0 or -errno. */
static int handle(struct listener *listener, const struct epoll_event *event)
{
	uint32_t index = TAG_INDEX(event->data.u64);

	switch (TAG_KIND(event->data.u64)) {
	case TAG_SIGNALS:
		take_signals(listener);
		return 0;
	case TAG_LISTENER:
		return listener->stopping ? 0 : accept_clients(listener, index);
	default:
		/* Its place may be another's by now. What is true of it will be told again. */
		if (!listener->made_room)
			step_session(listener, index);
		return 0;
	}
}

static int loop(struct listener *listener)
{
	struct epoll_event events[EVENTS_MAX];
	int r = 0;

	while (r == 0 && !(listener->stopping && listener->counts.open == 0)) {
		uint32_t fresh_count = listener->fresh_count;
		uint64_t wake_usec = fresh_count > 0 ? 0 : next_deadline(listener);
		int n = epoll_wait(listener->epoll_fd, events, EVENTS_MAX,
				   clock_timeout_msec(wake_usec, clock_now_usec()));

		if (n < 0 && errno != EINTR)
			return -errno;
		listener->now_usec = clock_now_usec();
		listener->made_room = false;
		step_fresh(listener, fresh_count);
		for (int i = 0; r == 0 && i < n; i++)
			r = handle(listener, &events[i]);
		if (r == 0)
			r = keep_time(listener);
	}
	return r;
}

/* Makes everything that the loop needs. Returns 0 or -errno. */
static int open_all(struct listener *listener)
{
	const struct listener_setup *setup = listener->setup;
	struct epoll_event signals = {.events = EPOLLIN, .data.u64 = TAG_SIGNALS};
	int r;

	r = sessions_init(&listener->sessions, setup->sessions_max);
	if (r == 0)
		r = generation_new(setup->greeting, &listener->generation);
	if (r == 0 && setup->want_peers) {
		listener->peers = calloc(setup->sessions_max, sizeof(*listener->peers));
		r = listener->peers == NULL ? -ENOMEM : 0;
	}
	listener->fresh =
		calloc(LISTENER_ACCEPT_BATCH * (size_t)setup->fd_count, sizeof(*listener->fresh));
	if (r == 0 && listener->fresh == NULL)
		r = -ENOMEM;
	if (r < 0)
		return r;
	listener->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (listener->epoll_fd < 0)
		return -errno;
	r = open_signals(listener);
	if (r < 0)
		return r;
	if (epoll_ctl(listener->epoll_fd, EPOLL_CTL_ADD, listener->signal_fd, &signals) < 0)
		return -errno;
	return poll_listeners(listener, EPOLL_CTL_ADD, EPOLLIN);
}

static void close_all(struct listener *listener)
{
	uint32_t index;

	if (listener->signal_fd >= 0)
		close(listener->signal_fd);
	if (listener->epoll_fd >= 0)
		close(listener->epoll_fd);
	/* Only an error leaves any sessions. */
	while ((index = sessions_any(&listener->sessions)) != SESSIONS_NONE) {
		generation_release(generation_of(sessions_get(&listener->sessions, index)));
		sessions_remove(&listener->sessions, index);
	}
	sessions_free(&listener->sessions);
	generation_release(listener->generation);
	free(listener->fresh);
	free(listener->peers);
}

int listener_run(const struct listener_setup *setup, struct listener_counts *counts,
		 enum listener_end *end)
{
	uint64_t now = clock_now_usec();
	struct listener listener = {
		.setup = setup,
		.epoll_fd = -1,
		.signal_fd = -1,
		.now_usec = now,
		.resume_usec = CLOCK_NEVER,
		.idle_usec = after(now, setup->idle_usec),
		.status_usec = CLOCK_NEVER,
		.watchdog_usec = after(now, setup->watchdog_usec),
	};
	int r = open_all(&listener);

	if (r == 0) {
		if (setup->ready != NULL)
			setup->ready();
		r = loop(&listener);
	}
	if (r == 0) {
		*counts = listener.counts;
		*end = listener.end;
	}
	close_all(&listener);
	return r;
}
