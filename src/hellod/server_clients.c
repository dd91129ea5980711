/* SPDX-License-Identifier: MIT */
/* server_clients - the clients of the server, from accept4(2) to their end, and datagrams */
#include "config.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <syslog.h>
#include <unistd.h>

#include "hellod/accept.h"
#include "hellod/server_internal.h"

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

int server_poll_fd(struct server *server, int operation, int fd, short events)
{
	struct epoll_event event = {.events = (uint32_t)events, .data.fd = fd};

	return epoll_ctl(server->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

void server_remove_client(struct server *server, struct client *client)
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
		r = server_poll_fd(server, operation, client->fd, client->events);
	if (r < 0)
		client_back_off(client, -r, server->now_usec);
	if (client->backing_off && client->polled_events != 0)
		(void)server_poll_fd(server, EPOLL_CTL_DEL, client->fd, 0);
	client->polled_events = client->backing_off ? 0 : client->events;
}

/*
 * Moves a client to its place in a queue, which is nearly always the last one. But a new client may
 * have been greeted one iteration before others that are first stepped with it.
 */
static void move_client(struct client *client, struct client_queue *queue)
{
	struct client *before;

	TAILQ_REMOVE(client->queue, client, link);
	before = TAILQ_LAST(queue, client_queue);
	while (before != NULL && before->wake_usec > client->wake_usec)
		before = TAILQ_PREV(before, client_queue, link);
	if (before != NULL)
		TAILQ_INSERT_AFTER(queue, before, client, link);
	else
		TAILQ_INSERT_HEAD(queue, client, link);
	client->queue = queue;
}

/* Defers a client that was greeted in the last iteration, in a crowd. Returns false if it is not. */
static bool defer_client(struct server *server, struct client *client)
{
	if (client->queue != &server->queues[UNPOLLED] || client->state != CLIENT_LINGERING ||
	    client->backing_off || !pace_is_crowd(&server->pace_before))
		return false;
	client->wake_usec = MIN(client->deadline_usec, deadline_in(server, PACE_DEFER_USEC));
	move_client(client, &server->queues[DEFERRED]);
	return true;
}

void server_step_client(struct server *server, struct client *client)
{
	struct client_queue *queue;

	if (client_step(client, server->now_usec) == CLIENT_CLOSED) {
		server_remove_client(server, client);
		return;
	}
	if (defer_client(server, client))
		return;
	poll_client(server, client);
	queue = &server->queues[client->backing_off		  ? UNPOLLED
				: client->state == CLIENT_SENDING ? SENDING
								  : LINGERING];
	if (queue != client->queue || client->backing_off)
		move_client(client, queue);
}

void server_step_due(struct server *server, struct client_queue *queue)
{
	struct client *client;

	while ((client = TAILQ_FIRST(queue)) != NULL && is_due(server, client->wake_usec))
		server_step_client(server, client);
}

/*
 * Sends at once. Usually only the peer's close is then left to wait for, and has arrived by the
 * next iteration: the step of that iteration saves most clients an epoll_ctl().
 */
void server_start_client(struct server *server, int fd, const struct address *peer)
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
		server_remove_client(server, client);
	else
		client->wake_usec = server->now_usec;
}

/* Accepting */

/*
 * Removes a deferred client that has closed by now, or drops the client that was greeted longest
 * ago. Returns false if none can be dropped yet.
 */
static bool make_room(struct server *server)
{
	struct client *unpolled = TAILQ_FIRST(&server->queues[UNPOLLED]), *oldest;
	uint64_t open = server->counts.open;

	while (server->counts.open == open && !TAILQ_EMPTY(&server->queues[DEFERRED]))
		server_step_client(server, TAILQ_FIRST(&server->queues[DEFERRED]));
	if (server->counts.open < open)
		return true;
	oldest = TAILQ_FIRST(&server->queues[LINGERING]);
	/* The next iteration steps the new clients, and most of them have closed by then. */
	if (oldest == NULL || (unpolled != NULL && is_due(server, unpolled->wake_usec)))
		return false;
	server_remove_client(server, oldest);
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
			message_cannot("accept connections", error);
		if (!make_room(server) && TAILQ_EMPTY(&server->queues[LINGERING]))
			server->accept_usec =
				deadline_in(server, SERVER_PAUSE_MSEC * USEC_PER_MSEC);
		return 1;
	default:
		return -error;
	}
}

int server_accept_clients(struct server *server, int listen_fd)
{
	/* On a blocking socket, accept only once per EPOLLIN, or accept4() could block. */
	unsigned batch =
		server->blocking ? 1 : pace_batch(&server->pace_before, server->counts.open);
	int r = 0;

	for (; r == 0 && batch > 0 && (server->counts.open < server->open_max || make_room(server));
	     batch--) {
		struct address peer = {.length = sizeof(peer.storage)};
		int fd = accept4(listen_fd, (struct sockaddr *)&peer.storage, &peer.length,
				 SOCK_CLOEXEC);

		if (fd >= 0 && (uint64_t)fd < server->table_size) {
			server->pace.accepted++;
			server_start_client(server, fd, &peer);
			continue;
		}
		r = handle_accept_error(server, fd < 0 ? errno : EMFILE);
		if (fd >= 0)
			close(fd); /* RLIMIT_NOFILE was raised since the start */
	}
	server->pace.more |= batch == 0;
	return r < 0 ? r : 0;
}

void server_answer_datagrams(struct server *server)
{
	struct datagram_counts *counts = &server->counts.datagrams, before = *counts;
	int r = datagram_answer(server->datagram_fd, server->greeting, counts);

	if (counts->answered > before.answered) {
		schedule_status(server);
		if (server->counts.open == 0)
			server->idle_usec = deadline_in(server, server->options->idle_usec);
	}
	if (r < 0 && may_log_error(server))
		message_cannot("receive datagrams", -r);
	if (r < 0)
		server->receive_usec = deadline_in(server, SERVER_PAUSE_MSEC * USEC_PER_MSEC);
}
