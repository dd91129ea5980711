/* SPDX-License-Identifier: MIT */
/* server - greets the clients of the passed sockets */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clock.h"
#include "hellod/accept.h"
#include "hellod/client.h"
#include "hellod/messages.h"
#include "hellod/server.h"

#define EVENTS_MAX 256

/* Descriptors that are not clients: standard streams, epoll, signals, the journal, files. */
#define RESERVED_FDS 16U

struct server {
	const struct activation *sockets;
	const struct options *options;
	struct greeting *greeting; /* for new clients */
	struct message_counts counts;
	int greeted_priority; /* of the message for a greeting */
	bool failed;	      /* this host failed to greet a client */

	struct client *clients; /* by file descriptor */
	uint64_t clients_size;
	uint64_t open_max;
	/* Each client is in one of these, in the order of wake_usec. */
	struct client_queue unpolled; /* not in the epoll set: accepted just now, or starved */
	struct client_queue sending;
	struct client_queue lingering;

	int epoll_fd;
	int signal_fd;
	bool accepting; /* until it is idle or stopped; never with passed connections */
	bool idle;	/* why it stopped accepting */
	bool blocking;	/* a listening socket is without O_NONBLOCK */

	uint64_t now_usec;	 /* the time of this iteration */
	uint64_t resume_usec;	 /* when to poll the listening sockets again, or CLOCK_NEVER: now */
	uint64_t idle_usec;	 /* when to stop because there was no client, or CLOCK_NEVER */
	uint64_t status_usec;	 /* when to send STATUS=, or CLOCK_NEVER */
	uint64_t watchdog_usec;	 /* when to send WATCHDOG=1, or CLOCK_NEVER */
	uint64_t log_error_usec; /* when an error of this host may be logged again */
};

static uint64_t deadline_in(const struct server *server, uint64_t usec)
{
	return usec == CLOCK_NEVER ? CLOCK_NEVER : server->now_usec + usec;
}

static bool is_due(const struct server *server, uint64_t deadline_usec)
{
	return deadline_usec <= server->now_usec;
}

static bool may_log_error(struct server *server)
{
	if (!is_due(server, server->log_error_usec))
		return false;
	server->log_error_usec = deadline_in(server, SERVER_ERROR_MSEC * USEC_PER_MSEC);
	return true;
}

static void schedule_status(struct server *server)
{
	if (server->status_usec == CLOCK_NEVER)
		server->status_usec = deadline_in(server, SERVER_STATUS_MSEC * USEC_PER_MSEC);
}

/* There is room for one more client: a client has ended or can be dropped. */
static void note_room(struct server *server)
{
	if (server->resume_usec != CLOCK_NEVER)
		server->resume_usec = server->now_usec;
}

static int poll_fd(struct server *server, int operation, int fd, short events)
{
	struct epoll_event event = {.events = (uint32_t)events, .data.fd = fd};

	return epoll_ctl(server->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

/* Clients */

static void remove_client(struct server *server, struct client *client)
{
	bool greeted = client_greeted(client);
	bool failed = client->end == CLIENT_END_LOCAL_ERROR;

	message_client(client, greeted				 ? server->greeted_priority
			       : failed && may_log_error(server) ? LOG_ERR
								 : LOG_DEBUG);
	TAILQ_REMOVE(client->queue, client, link);
	greeting_unref(client->greeting);
	client->state = CLIENT_NONE;
	server->counts.greeted += greeted;
	server->failed |= failed;
	note_room(server);
	schedule_status(server);
	if (--server->counts.open == 0)
		server->idle_usec = deadline_in(server, server->options->idle_usec);
}

static void drop_client(struct server *server, struct client *client)
{
	client_close(client, CLIENT_END_DROPPED);
	server->counts.dropped++;
	remove_client(server, client);
}

/* Has epoll wait for what the client waits for, or not at all if the client is starved. */
static void poll_client(struct server *server, struct client *client)
{
	int operation = client->polled_events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, r = 0;

	if (!client->starved && client->events != client->polled_events)
		r = poll_fd(server, operation, client->fd, client->events);
	if (r < 0)
		client_starve(client, -r, server->now_usec);
	if (client->starved && client->polled_events != 0)
		(void)poll_fd(server, EPOLL_CTL_DEL, client->fd, 0);
	client->polled_events = client->starved ? 0 : client->events;
}

static void step_client(struct server *server, struct client *client)
{
	struct client_queue *queue;

	if (client_step(client, server->now_usec) == CLIENT_CLOSED) {
		remove_client(server, client);
		return;
	}
	poll_client(server, client);
	queue = client->starved			  ? &server->unpolled
		: client->state == CLIENT_SENDING ? &server->sending
						  : &server->lingering;
	if (queue == client->queue && !client->starved)
		return;
	TAILQ_REMOVE(client->queue, client, link);
	client_enqueue(client, queue);
	if (queue == &server->lingering)
		note_room(server);
}

static void step_due(struct server *server, struct client_queue *queue)
{
	struct client *client;

	while ((client = TAILQ_FIRST(queue)) != NULL && is_due(server, client->wake_usec))
		step_client(server, client);
}

/*
 * Greets a new client at once. Usually only the peer's close is then left to wait for, and has
 * arrived by the next iteration: the step of that iteration saves most clients an epoll_ctl().
 */
static void start_client(struct server *server, int fd, const struct sockaddr_storage *peer,
			 socklen_t peer_length)
{
	struct client *client = &server->clients[fd];

	client_start(client, fd, server->greeting, server->now_usec);
	client->peer = *peer;
	client->peer_length = peer_length;
	client->polled_events = 0;
	client->queue = &server->unpolled;
	TAILQ_INSERT_HEAD(client->queue, client, link);
	server->counts.accepted++;
	server->counts.open++;
	server->idle_usec = CLOCK_NEVER;
	schedule_status(server);
	if (client_step(client, server->now_usec) == CLIENT_CLOSED)
		remove_client(server, client);
	else
		client->wake_usec = server->now_usec;
}

/* Accepting */

/* Returns 0 or -errno. */
static int poll_listeners(struct server *server, int operation, short events)
{
	int r = 0;

	for (int i = 0; r == 0 && i < server->sockets->fd_count; i++)
		r = poll_fd(server, operation, server->sockets->first_fd + i, events);
	return r;
}

/* Returns 0 or -errno. */
static int pause_accepting(struct server *server, bool pause)
{
	server->resume_usec =
		pause ? deadline_in(server, SERVER_PAUSE_MSEC * USEC_PER_MSEC) : CLOCK_NEVER;
	return poll_listeners(server, EPOLL_CTL_MOD, pause ? 0 : EPOLLIN);
}

static void stop_accepting(struct server *server, bool idle)
{
	if (!server->accepting)
		return;
	server->accepting = false;
	server->idle = idle;
	server->resume_usec = CLOCK_NEVER;
	(void)poll_listeners(server, EPOLL_CTL_DEL, 0);
	notify_stopping(idle);
}

/* Returns 0 if there is room for one more client; 1 if not in this iteration; or -errno. */
static int make_room(struct server *server)
{
	struct client *unpolled = TAILQ_FIRST(&server->unpolled);
	int r;

	if (unpolled != NULL && is_due(server, unpolled->wake_usec))
		return 1; /* the next iteration may find it closed */
	if (!TAILQ_EMPTY(&server->lingering)) {
		drop_client(server, TAILQ_FIRST(&server->lingering));
		return 0;
	}
	r = pause_accepting(server, true);
	return r < 0 ? r : 1;
}

/* Returns as make_room() does. */
static int accept_client(struct server *server, int listen_fd)
{
	struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(peer);
	int fd;

	if (server->counts.open >= server->open_max) {
		int r = make_room(server);

		if (r != 0)
			return r;
	}
	fd = accept4(listen_fd, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
	if (fd >= 0) {
		start_client(server, fd, &peer, length);
		return 0;
	}
	switch (accept_error_kind(errno)) {
	case ACCEPT_EMPTY:
		return 1;
	case ACCEPT_TRANSIENT:
		return 0;
	case ACCEPT_SHORTAGE:
		if (may_log_error(server))
			message_accept_error(errno);
		return make_room(server);
	default:
		return -errno;
	}
}

/* Returns 0 or -errno. */
static int accept_clients(struct server *server, int listen_fd)
{
	/* On a blocking socket, accept only once per EPOLLIN, or accept4() could block. */
	int r = 0, batch = server->blocking ? 1 : SERVER_ACCEPT_BATCH;

	while (r == 0 && batch-- > 0)
		r = accept_client(server, listen_fd);
	return r < 0 ? r : 0;
}

/* Signals and timers */

static void reload_greeting(struct server *server)
{
	struct greeting *greeting;
	char *why;
	int r;

	notify_reloading();
	r = greeting_load(&server->options->greeting, &greeting, &why);
	if (r == 0) {
		greeting_unref(server->greeting);
		server->greeting = greeting;
	} else {
		message_bad_greeting(why);
	}
	message_reloaded(r == 0);
	notify_ready();
}

static void handle_signals(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload_greeting(server);
		else
			stop_accepting(server, false);
	}
}

static uint64_t next_deadline(const struct server *server)
{
	const struct client *first[] = {
		TAILQ_FIRST(&server->unpolled),
		TAILQ_FIRST(&server->sending),
		TAILQ_FIRST(&server->lingering),
	};
	uint64_t next = MIN(server->status_usec, server->watchdog_usec);

	if (server->accepting)
		next = MIN(next, MIN(server->resume_usec, server->idle_usec));
	for (size_t i = 0; i < 3; i++)
		if (first[i] != NULL)
			next = MIN(next, first[i]->wake_usec);
	return next;
}

/* Returns 0 or -errno. */
static int run_timers(struct server *server, bool had_events)
{
	step_due(server, &server->sending);
	step_due(server, &server->lingering);
	if (is_due(server, server->watchdog_usec))
		server->watchdog_usec = deadline_in(server, notify_watchdog());
	if (is_due(server, server->status_usec)) {
		server->status_usec = CLOCK_NEVER;
		if (server->accepting)
			notify_status(&server->counts);
	}
	if (!server->accepting)
		return 0;
	/* With events, look once more: a client may have connected in the meantime. */
	if (is_due(server, server->idle_usec) && !had_events)
		stop_accepting(server, true);
	else if (is_due(server, server->resume_usec))
		return pause_accepting(server, false);
	return 0;
}

/* The loop */

/* Returns 0 or -errno. */
static int dispatch(struct server *server, int fd)
{
	int listener = fd - server->sockets->first_fd;

	if (fd == server->signal_fd)
		handle_signals(server);
	else if (server->clients[fd].state != CLIENT_NONE)
		/* If this client has only inherited the descriptor, the step does no harm. */
		step_client(server, &server->clients[fd]);
	else if (server->accepting && listener >= 0 && listener < server->sockets->fd_count)
		return accept_clients(server, fd);
	return 0;
}

static int server_loop(struct server *server)
{
	struct epoll_event events[EVENTS_MAX];
	int r = 0;

	while (r == 0 && (server->accepting || server->counts.open > 0)) {
		int timeout = clock_timeout_msec(next_deadline(server), clock_now_usec());
		int n = epoll_wait(server->epoll_fd, events, EVENTS_MAX, timeout);

		if (n < 0 && errno != EINTR)
			return -errno;
		server->now_usec = clock_now_usec();
		step_due(server, &server->unpolled);
		for (int i = 0; r == 0 && i < n; i++)
			r = dispatch(server, events[i].data.fd);
		if (r == 0)
			r = run_timers(server, n > 0);
	}
	return r;
}

/* Returns 0 or -errno. */
static int start_listening(struct server *server, const sigset_t *signals)
{
	const struct activation *sockets = server->sockets;
	int r;

	for (int i = 0; i < sockets->fd_count; i++)
		server->blocking |= !(fcntl(sockets->first_fd + i, F_GETFL) & O_NONBLOCK);
	server->signal_fd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (server->signal_fd < 0)
		return -errno;
	r = poll_fd(server, EPOLL_CTL_ADD, server->signal_fd, EPOLLIN);
	if (r == 0)
		r = poll_listeners(server, EPOLL_CTL_ADD, EPOLLIN);
	if (r < 0)
		return r;
	server->accepting = true;
	server->idle_usec = deadline_in(server, server->options->idle_usec);
	server->watchdog_usec = deadline_in(server, notify_watchdog());
	notify_ready();
	return 0;
}

static void start_connections(struct server *server)
{
	for (int i = 0; i < server->sockets->fd_count; i++) {
		int fd = server->sockets->first_fd + i;
		struct sockaddr_storage peer;
		socklen_t length = activation_peer(fd, &peer);

		start_client(server, fd, &peer, length);
	}
}

/* Makes the table of clients, one for each descriptor that RLIMIT_NOFILE allows. */
static int make_table(struct server *server)
{
	uint64_t others = RESERVED_FDS + (uint64_t)server->sockets->fd_count;
	uint64_t open_max = server->options->max_connections;
	struct rlimit files = {.rlim_cur = RLIM_INFINITY};

	(void)getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur > OPTIONS_CONNECTIONS_MAX) {
		files.rlim_cur = OPTIONS_CONNECTIONS_MAX;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	server->open_max = files.rlim_cur > others ? files.rlim_cur - others : 1;
	if (open_max > 0)
		server->open_max = MIN(server->open_max, open_max);
	server->clients_size = files.rlim_cur;
	server->clients = calloc(files.rlim_cur, sizeof(*server->clients));
	return server->clients == NULL ? -ENOMEM : 0;
}

static int start(struct server *server, bool listening)
{
	sigset_t signals;
	int r = make_table(server);

	if (r < 0)
		return r;
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0)
		return -errno;
	/* With passed connections they stay blocked: the clients' deadlines end the server. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (listening)
		return start_listening(server, &signals);
	start_connections(server);
	return 0;
}

int server_run(const struct activation *sockets, const struct options *options,
	       struct greeting *greeting)
{
	bool listening = sockets->kind == ACTIVATION_LISTENERS;
	bool logged = options->log_greetings == LOG_GREETINGS_YES ||
		      (options->log_greetings == LOG_GREETINGS_DEFAULT && !listening);
	struct server server = {
		.sockets = sockets,
		.options = options,
		.greeting = greeting,
		.greeted_priority = logged ? LOG_NOTICE : LOG_DEBUG,
		.unpolled = TAILQ_HEAD_INITIALIZER(server.unpolled),
		.sending = TAILQ_HEAD_INITIALIZER(server.sending),
		.lingering = TAILQ_HEAD_INITIALIZER(server.lingering),
		.epoll_fd = -1,
		.signal_fd = -1,
		.now_usec = clock_now_usec(),
		.resume_usec = CLOCK_NEVER,
		.idle_usec = CLOCK_NEVER,
		.status_usec = CLOCK_NEVER,
		.watchdog_usec = CLOCK_NEVER,
	};
	int r = start(&server, listening);

	if (r == 0)
		r = server_loop(&server);
	if (r == 0 && listening)
		message_summary(&server.counts, server.idle);
	/* Only an error leaves clients. */
	for (uint64_t fd = 0; server.counts.open > 0 && fd < server.clients_size; fd++)
		if (server.clients[fd].state != CLIENT_NONE)
			drop_client(&server, &server.clients[fd]);
	if (server.signal_fd >= 0)
		close(server.signal_fd);
	if (server.epoll_fd >= 0)
		close(server.epoll_fd);
	greeting_unref(server.greeting);
	free(server.clients);
	return r == 0 && server.failed && !listening ? 1 : r;
}
