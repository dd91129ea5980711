/* SPDX-License-Identifier: MIT */
/* server - greets the clients of the passed sockets */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "hellod/confine.h"
#include "hellod/server_internal.h"

#define EVENTS_MAX 256
#define RESERVED_FDS 16U /* for standard streams, epoll, signals, the journal and files */

/* Functions that return an int return 0 or -errno. */

/* Accepting */

/* Polls the listening sockets, but only while one more client can be accepted; and the others. */
static int poll_passed(struct server *server)
{
	bool has_room = server->counts.open < server->open_max ||
			!TAILQ_EMPTY(&server->queues[DEFERRED]) ||
			!TAILQ_EMPTY(&server->queues[LINGERING]);
	bool polling = server->accepting && has_room && is_due(server, server->accept_usec);
	bool receiving = server->accepting && server->datagram_fd >= 0 &&
			 is_due(server, server->receive_usec);
	int r = 0;

	for (int fd = server->first_fd; polling != server->polling && fd < server->end_fd; fd++) {
		r = server_poll_fd(server, EPOLL_CTL_MOD, fd, polling ? EPOLLIN : 0);
		if (r < 0 && r != -ENOENT) /* a datagram socket is not in this set */
			return r;
	}
	if (receiving != server->receiving)
		r = server_poll_fd(server, EPOLL_CTL_MOD, server->datagram_fd,
				   receiving ? EPOLLIN : 0);
	server->polling = polling;
	server->receiving = receiving;
	return r == -ENOENT ? 0 : r;
}

static void stop_accepting(struct server *server, bool idle)
{
	if (!server->accepting)
		return;
	server->accepting = false;
	server->idle = idle;
	notify_stopping(idle);
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

static void check_greeting(const struct server *server)
{
	if (server->datagram_fd >= 0 && server->greeting->length > DATAGRAM_FRAME_BYTES_MAX)
		message_no_datagrams(server->greeting->length);
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
		check_greeting(server);
	} else {
		message_config_error(MESSAGE_GREETING_BAD, why);
	}
	message_reloaded(r == 0);
	notify_ready();
}

static int handle_signals(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload_greeting(server);
		else
			stop_accepting(server, false);
	}
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Those of unpolled and deferred clients are now or soon, but can wait while clients gather. */
static uint64_t next_deadline(const struct server *server, bool of_unpolled)
{
	uint64_t next = MIN(server->status_usec, server->watchdog_usec);

	if (server->accepting)
		next = MIN(next, server->idle_usec);
	if (server->accepting && !is_due(server, server->accept_usec))
		next = MIN(next, server->accept_usec);
	if (server->accepting && !is_due(server, server->receive_usec))
		next = MIN(next, server->receive_usec);
	for (int i = of_unpolled ? UNPOLLED : SENDING; i < QUEUES; i++)
		if (!TAILQ_EMPTY(&server->queues[i]))
			next = MIN(next, TAILQ_FIRST(&server->queues[i])->wake_usec);
	return next;
}

static void run_timers(struct server *server, bool found_nothing)
{
	server_step_due(server, &server->queues[SENDING]);
	server_step_due(server, &server->queues[LINGERING]);
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
		return handle_signals(server);
	if (server->clients[fd].state != CLIENT_NONE)
		server_step_client(server, &server->clients[fd]);
	else if (server->accepting && fd == server->datagram_fd)
		server_answer_datagrams(server);
	else if (server->accepting && fd >= server->first_fd && fd < server->end_fd)
		return server_accept_clients(server, fd);
	return 0;
}

/* Sleeps, if that is due, but not through a signal. */
static void let_clients_gather(struct server *server)
{
	struct pollfd signals = {.fd = server->signal_fd, .events = POLLIN};
	uint64_t usec =
		pace_sleep_usec(&server->pace, server->now_usec, next_deadline(server, false));
	const struct timespec timeout = {.tv_nsec = (long)(usec * NSEC_PER_USEC)};

	server->pace_before = server->pace;
	server->pace = (struct pace){0};
	if (usec > 0)
		(void)ppoll(&signals, 1, &timeout, NULL);
}

static int server_loop(struct server *server)
{
	struct epoll_event events[EVENTS_MAX];
	int r = 0;

	while (r == 0 && (server->accepting || server->counts.open > 0)) {
		int n, timeout;

		let_clients_gather(server);
		timeout = clock_timeout_msec(next_deadline(server, true), clock_now_usec());
		n = epoll_wait(server->epoll_fd, events, EVENTS_MAX, timeout);
		if (n < 0 && errno != EINTR)
			return -errno;
		server->now_usec = clock_now_usec();
		server_step_due(server, &server->queues[DEFERRED]);
		server_step_due(server, &server->queues[UNPOLLED]);
		for (int i = 0; r == 0 && i < n; i++)
			r = dispatch(server, events[i].data.fd);
		run_timers(server, n == 0);
		if (r == 0)
			r = poll_passed(server);
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
	server->clients = calloc((size_t)server->table_size, sizeof(*server->clients));
	return server->clients == NULL ? -ENOMEM : 0;
}

static int start_listening(struct server *server)
{
	int r;

	/* Else each sleep of pace.h takes 50 microseconds more: PR_SET_TIMERSLACK in prctl(2). */
	(void)prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
	server->signal_fd = signalfd(-1, &handled_signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (server->signal_fd < 0)
		return -errno;
	r = server_poll_fd(server, EPOLL_CTL_ADD, server->signal_fd, EPOLLIN);
	for (int fd = server->first_fd; r >= 0 && fd < server->end_fd; fd++) {
		r = datagram_take(fd, &server->datagram_fd);
		if (r != 0)
			continue;
		server->blocking |= !(fcntl(fd, F_GETFL) & O_NONBLOCK);
		r = server_poll_fd(server, EPOLL_CTL_ADD, fd, EPOLLIN);
	}
	if (r >= 0 && server->datagram_fd >= 0)
		r = server_poll_fd(server, EPOLL_CTL_ADD, server->datagram_fd, EPOLLIN);
	if (r < 0)
		return r;
	server->accepting = server->polling = true;
	server->receiving = server->counts.has_datagrams = server->datagram_fd >= 0;
	check_greeting(server);
	server->idle_usec = deadline_in(server, server->options->idle_usec);
	server->watchdog_usec = deadline_in(server, notify_watchdog());
	notify_ready();
	return 0;
}

static void confine_process(const struct server *server)
{
	const struct greeting_source *source = &server->options->greeting;
	bool reads = server->listening && source->text == NULL; /* after SIGHUP */
	const struct confine_needs needs = {
		.accept = server->listening,
		.datagrams = server->datagram_fd >= 0,
		.read_path = reads ? source->path : NULL,
	};
	struct confine_result result;

	confine(&needs, &result);
	message_confined(&result);
}

static void start_connections(struct server *server)
{
	for (int fd = server->first_fd; fd < server->end_fd; fd++) {
		struct address peer = {.length = sizeof(peer.storage)};

		(void)getpeername(fd, (struct sockaddr *)&peer.storage, &peer.length);
		server_start_client(server, fd, &peer);
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
		.datagram_fd = -1,
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
	if (r == 0)
		confine_process(&server);
	if (r == 0 && !server.listening)
		start_connections(&server);
	if (r == 0)
		r = server_loop(&server);
	if (r == 0 && server.listening)
		message_summary(&server.counts, server.idle);
	/* Only an error leaves clients. */
	for (int i = 0; i < QUEUES; i++)
		while (!TAILQ_EMPTY(&server.queues[i]))
			server_remove_client(&server, TAILQ_FIRST(&server.queues[i]));
	if (server.signal_fd >= 0)
		close(server.signal_fd);
	if (server.datagram_fd >= 0)
		close(server.datagram_fd);
	if (server.epoll_fd >= 0)
		close(server.epoll_fd);
	greeting_unref(server.greeting);
	free(server.clients);
	return r == 0 && server.failed && !server.listening ? 1 : r;
}
