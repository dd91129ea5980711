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
#include <syslog.h>
#include <unistd.h>

#include "common/clock.h"
#include "hellod/accept.h"
#include "hellod/client.h"
#include "hellod/messages.h"
#include "hellod/server.h"

#define EVENTS_MAX 256
#define RESERVED_FDS 16U /* for standard streams, epoll, signals, the journal and files */

/* Queues of clients, ordered by wake_usec. New clients, and those backing off, are unpolled. */
enum { UNPOLLED, SENDING, LINGERING, QUEUES };

/* Functions that return an int return 0 or -errno, unless they say otherwise. */

struct server {
	int first_fd, end_fd; /* the passed sockets are first_fd to end_fd - 1 */
	const struct options *options;
	struct greeting *greeting; /* for new clients */
	struct message_counts counts;
	int greeted_priority;	/* of the message for a greeting */
	bool listening;		/* false with passed connections */
	bool failed;		/* this host failed to greet a client */
	struct client *clients; /* by file descriptor */
	uint64_t table_size, open_max;
	struct client_queue queues[QUEUES];
	int epoll_fd, signal_fd;
	bool accepting;	   /* until it is idle or stopped; never with passed connections */
	bool polling;	   /* the listening sockets are in the epoll set */
	bool blocking;	   /* one of them is without O_NONBLOCK */
	bool idle;	   /* why it stopped accepting */
	uint64_t now_usec; /* of this iteration */
	/* The earliest time to accept after a local error, and to log the next one. */
	uint64_t accept_usec, log_error_usec;
	/* The time to stop for lack of clients, and to notify systemd; or CLOCK_NEVER. */
	uint64_t idle_usec, status_usec, watchdog_usec;
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
	if (server->listening) /* passed connections are few: each may log its error */
		server->log_error_usec = deadline_in(server, SERVER_ERROR_MSEC * USEC_PER_MSEC);
	return true;
}

static void schedule_status(struct server *server)
{
	if (server->status_usec == CLOCK_NEVER)
		server->status_usec = deadline_in(server, SERVER_STATUS_MSEC * USEC_PER_MSEC);
}

static int poll_fd(struct server *server, int operation, int fd, short events)
{
	struct epoll_event event = {.events = (uint32_t)events, .data.fd = fd};

	return epoll_ctl(server->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

/* Clients */

/* Removes a closed client, or drops an open one. */
static void remove_client(struct server *server, struct client *client)
{
	bool greeted = client_greeted(client);
	bool failed = !greeted && client->end == CLIENT_END_LOCAL_ERROR;

	if (client->state != CLIENT_CLOSED)
		client_close(client, CLIENT_END_DROPPED);
	message_client(client, greeted				 ? server->greeted_priority
			       : failed && may_log_error(server) ? LOG_ERR
								 : LOG_DEBUG);
	TAILQ_REMOVE(client->queue, client, link);
	greeting_unref(client->greeting);
	client->state = CLIENT_NONE;
	server->counts.greeted += greeted;
	server->failed |= failed;
	server->accept_usec = 0;
	schedule_status(server);
	if (--server->counts.open == 0)
		server->idle_usec = deadline_in(server, server->options->idle_usec);
}

/* Polls for client->events. Removes a client that is backing off from the epoll set. */
static void poll_client(struct server *server, struct client *client)
{
	int operation = client->polled_events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, r = 0;

	if (!client->backing_off && client->events != client->polled_events)
		r = poll_fd(server, operation, client->fd, client->events);
	if (r < 0)
		client_back_off(client, -r, server->now_usec);
	if (client->backing_off && client->polled_events != 0)
		(void)poll_fd(server, EPOLL_CTL_DEL, client->fd, 0);
	client->polled_events = client->backing_off ? 0 : client->events;
}

static void step_client(struct server *server, struct client *client)
{
	struct client_queue *queue;

	if (client_step(client, server->now_usec) == CLIENT_CLOSED) {
		remove_client(server, client);
		return;
	}
	poll_client(server, client);
	queue = &server->queues[client->backing_off		  ? UNPOLLED
				: client->state == CLIENT_SENDING ? SENDING
								  : LINGERING];
	if (queue == client->queue && !client->backing_off)
		return;
	TAILQ_REMOVE(client->queue, client, link);
	TAILQ_INSERT_TAIL(queue, client, link);
	client->queue = queue;
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
static void start_client(struct server *server, int fd, const struct address *peer)
{
	struct client *client = &server->clients[fd];

	client_start(client, fd, server->greeting, server->now_usec);
	client->peer = *peer;
	client->queue = &server->queues[UNPOLLED];
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

/* Polls the listening sockets, but only while one more client can be accepted. */
static void poll_listeners(struct server *server)
{
	bool has_room =
		server->counts.open < server->open_max || !TAILQ_EMPTY(&server->queues[LINGERING]);
	bool polling = server->accepting && has_room && is_due(server, server->accept_usec);

	for (int fd = server->first_fd; polling != server->polling && fd < server->end_fd; fd++)
		(void)poll_fd(server, EPOLL_CTL_MOD, fd, polling ? EPOLLIN : 0);
	server->polling = polling;
}

static void stop_accepting(struct server *server, bool idle)
{
	if (!server->accepting)
		return;
	server->accepting = false;
	server->idle = idle;
	notify_stopping(idle);
}

/* Drops the client that was greeted longest ago. Returns false if none can be dropped yet. */
static bool make_room(struct server *server)
{
	struct client *unpolled = TAILQ_FIRST(&server->queues[UNPOLLED]);
	struct client *oldest = TAILQ_FIRST(&server->queues[LINGERING]);

	/* The next iteration steps the new clients, and most of them have closed by then. */
	if (oldest == NULL || (unpolled != NULL && is_due(server, unpolled->wake_usec)))
		return false;
	remove_client(server, oldest);
	return true;
}

/* Returns 1 to accept no more in this iteration. */
static int handle_accept_error(struct server *server, int error)
{
	switch (accept_error_kind(error)) {
	case ACCEPT_EMPTY:
		return 1;
	case ACCEPT_TRANSIENT:
		return 0;
	case ACCEPT_LOCAL_ERROR:
		if (may_log_error(server))
			message_accept_error(error);
		if (!make_room(server) && TAILQ_EMPTY(&server->queues[LINGERING]))
			server->accept_usec =
				deadline_in(server, SERVER_PAUSE_MSEC * USEC_PER_MSEC);
		return 1;
	default:
		return -error;
	}
}

static int accept_clients(struct server *server, int listen_fd)
{
	/* On a blocking socket, accept only once per EPOLLIN, or accept4() could block. */
	int r = 0, batch = server->blocking ? 1 : SERVER_ACCEPT_BATCH;

	while (r == 0 && batch-- > 0 &&
	       (server->counts.open < server->open_max || make_room(server))) {
		struct address peer = {.length = sizeof(peer.storage)};
		int fd = accept4(listen_fd, (struct sockaddr *)&peer.storage, &peer.length,
				 SOCK_CLOEXEC);

		if (fd >= 0 && (uint64_t)fd < server->table_size) {
			start_client(server, fd, &peer);
			continue;
		}
		r = handle_accept_error(server, fd < 0 ? errno : EMFILE);
		if (fd >= 0)
			close(fd); /* RLIMIT_NOFILE was raised since the start */
	}
	return r < 0 ? r : 0;
}

/* Signals and timers */

static sigset_t handled_signals;

void server_block_signals(void)
{
	sigemptyset(&handled_signals);
	sigaddset(&handled_signals, SIGHUP);
	sigaddset(&handled_signals, SIGINT);
	sigaddset(&handled_signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &handled_signals, NULL);
}

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
		message_config_error(MESSAGE_GREETING_BAD, why);
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
	uint64_t next = MIN(server->status_usec, server->watchdog_usec);

	if (server->accepting)
		next = MIN(next, server->idle_usec);
	if (server->accepting && !is_due(server, server->accept_usec))
		next = MIN(next, server->accept_usec);
	for (int i = 0; i < QUEUES; i++)
		if (!TAILQ_EMPTY(&server->queues[i]))
			next = MIN(next, TAILQ_FIRST(&server->queues[i])->wake_usec);
	return next;
}

static void run_timers(struct server *server, bool found_nothing)
{
	step_due(server, &server->queues[SENDING]);
	step_due(server, &server->queues[LINGERING]);
	if (is_due(server, server->watchdog_usec))
		server->watchdog_usec = deadline_in(server, notify_watchdog());
	if (is_due(server, server->status_usec)) {
		server->status_usec = CLOCK_NEVER;
		if (server->accepting)
			notify_status(&server->counts);
	}
	/* Stop only if epoll_wait() found nothing: a client may have connected in the meantime. */
	if (is_due(server, server->idle_usec) && found_nothing)
		stop_accepting(server, true);
}

/* The loop */

/* After its client has ended, a descriptor may have another one: an extra step is harmless. */
static int dispatch(struct server *server, int fd)
{
	if (fd == server->signal_fd)
		handle_signals(server);
	else if (server->clients[fd].state != CLIENT_NONE)
		step_client(server, &server->clients[fd]);
	else if (server->accepting && fd >= server->first_fd && fd < server->end_fd)
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
		step_due(server, &server->queues[UNPOLLED]);
		for (int i = 0; r == 0 && i < n; i++)
			r = dispatch(server, events[i].data.fd);
		run_timers(server, n == 0);
		poll_listeners(server);
	}
	return r;
}

/* The descriptors of accepted clients are below RLIMIT_NOFILE as it is now. */
static int make_table(struct server *server)
{
	uint64_t others = RESERVED_FDS + (uint64_t)(server->end_fd - server->first_fd);
	struct rlimit files = {.rlim_cur = OPTIONS_CONNECTIONS_MAX};

	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = MIN(files.rlim_cur, OPTIONS_CONNECTIONS_MAX);
	server->open_max = files.rlim_cur > others ? files.rlim_cur - others : 1;
	if (server->options->max_connections > 0)
		server->open_max = MIN(server->open_max, server->options->max_connections);
	server->table_size = MAX((uint64_t)server->end_fd, server->listening ? files.rlim_cur : 0);
	server->clients = calloc(server->table_size, sizeof(*server->clients));
	return server->clients == NULL ? -ENOMEM : 0;
}

static int start_listening(struct server *server)
{
	int r;

	server->signal_fd = signalfd(-1, &handled_signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (server->signal_fd < 0)
		return -errno;
	r = poll_fd(server, EPOLL_CTL_ADD, server->signal_fd, EPOLLIN);
	for (int fd = server->first_fd; r == 0 && fd < server->end_fd; fd++) {
		server->blocking |= !(fcntl(fd, F_GETFL) & O_NONBLOCK);
		r = poll_fd(server, EPOLL_CTL_ADD, fd, EPOLLIN);
	}
	if (r < 0)
		return r;
	server->accepting = server->polling = true;
	server->idle_usec = deadline_in(server, server->options->idle_usec);
	server->watchdog_usec = deadline_in(server, notify_watchdog());
	notify_ready();
	return 0;
}

static void start_connections(struct server *server)
{
	for (int fd = server->first_fd; fd < server->end_fd; fd++) {
		struct address peer = {.length = sizeof(peer.storage)};

		(void)getpeername(fd, (struct sockaddr *)&peer.storage, &peer.length);
		start_client(server, fd, &peer);
	}
}

int server_run(const struct activation *sockets, const struct options *options,
	       struct greeting *greeting)
{
	struct server server = {
		.first_fd = sockets->first_fd,
		.end_fd = sockets->first_fd + sockets->fd_count,
		.options = options,
		.greeting = greeting,
		.listening = sockets->kind == ACTIVATION_LISTENERS,
		.signal_fd = -1,
		.now_usec = clock_now_usec(),
		.idle_usec = CLOCK_NEVER,
		.status_usec = CLOCK_NEVER,
		.watchdog_usec = CLOCK_NEVER,
	};
	bool logged = options->log_greetings == LOG_GREETINGS_YES ||
		      (options->log_greetings == LOG_GREETINGS_DEFAULT && !server.listening);
	int r;

	server.greeted_priority = logged ? LOG_NOTICE : LOG_DEBUG;
	for (int i = 0; i < QUEUES; i++)
		TAILQ_INIT(&server.queues[i]);
	r = make_table(&server);
	server.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r == 0 && server.epoll_fd < 0)
		r = -errno;
	if (r == 0 && server.listening)
		r = start_listening(&server);
	else if (r == 0)
		start_connections(&server);
	if (r == 0)
		r = server_loop(&server);
	if (r == 0 && server.listening)
		message_summary(&server.counts, server.idle);
	/* Only an error leaves clients. */
	for (int i = 0; i < QUEUES; i++)
		while (!TAILQ_EMPTY(&server.queues[i]))
			remove_client(&server, TAILQ_FIRST(&server.queues[i]));
	if (server.signal_fd >= 0)
		close(server.signal_fd);
	if (server.epoll_fd >= 0)
		close(server.epoll_fd);
	greeting_unref(server.greeting);
	free(server.clients);
	return r == 0 && server.failed && !server.listening ? 1 : r;
}
