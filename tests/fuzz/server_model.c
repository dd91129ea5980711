/* SPDX-License-Identifier: MIT */
/* server_model - what server.h and client.h promise, checked at every wait and every message */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/param.h>
#include <systemd/sd-daemon.h>

#include "common/clock.h"
#include "common/frame.h"
#include "hellod/client.h"
#include "hellod/confine.h"
#include "hellod/datagram.h"
#include "hellod/log.h"
#include "hellod/messages.h"
#include "hellod/notify.h"
#include "hellod/pace.h"
#include "hellod/server.h"
#include "server_model.h"

struct model model;

#define SEND_USEC (CLIENT_SEND_MSEC * MSEC)
#define LINGER_USEC (CLIENT_LINGER_MSEC * MSEC)
#define RETRY_USEC (CLIENT_RETRY_MSEC * MSEC)
#define PAUSE_USEC (SERVER_PAUSE_MSEC * MSEC)

/* Waits are in whole milliseconds, rounded up. */
#define ROUNDED(usec) ((usec) == CLOCK_NEVER ? CLOCK_NEVER : (usec) + MSEC - 1)

/* Waits in a row that may end although nothing has happened. */
#define IDLE_WAITS_MAX 3

#define GREETINGS_MAX 1024

/* The text to load, and the frames that were loaded; the last one is for new clients. */
static char text[FRAME_GREETING_BYTES_MAX + 1];
static struct greeting *greetings[GREETINGS_MAX];
static unsigned greeting_count;
static uint64_t watchdog_usec, progress;
static unsigned idle_waits, to_answer;

static void add_greeting(void)
{
	struct greeting *greeting;
	char *why;

	REQUIRE(greeting_count < GREETINGS_MAX);
	REQUIRE(greeting_load(&model.options.greeting, &greeting, &why) == 0);
	greetings[greeting_count++] = greeting;
}

void model_reset(uint64_t idle, uint64_t watchdog)
{
	model = (struct model){.options = {.greeting.text = text, .idle_usec = idle},
			       .idle_usec = CLOCK_NEVER};
	watchdog_usec = watchdog;
	progress = idle_waits = to_answer = 0;
	strcpy(text, "HELLO");
}

void model_start(const struct greeting *greeting)
{
	uint64_t others = 16U + model.listener_count + model.has_datagrams;

	add_greeting();
	REQUIRE(greeting->length == greetings[0]->length);
	model.open_max = (unsigned)MAX((uint64_t)kernel.files_limit, others + 1) - (unsigned)others;
	if (model.options.max_connections > 0)
		model.open_max = (unsigned)MIN(model.open_max, model.options.max_connections);
	if (!model.listening)
		model.open_max = PEERS_MAX;
	model.waited_usec = model.watchdog_usec = kernel.now_usec;
	if (model.listening && model.options.idle_usec != CLOCK_NEVER)
		model.idle_usec = kernel.now_usec + model.options.idle_usec;
	for (unsigned i = 0; i < kernel.peer_count; i++)
		kernel.peers[i].greeting = greetings[0];
}

void model_pass(struct peer *peer, unsigned byte)
{
	peer->fd = kernel_open(KIND_CONNECTION);
	kernel.files[peer->fd].peer = peer;
	peer->state = PEER_OPEN;
	peer->accepted_usec = kernel.now_usec;
	peer->fin = byte & 1;
	peer->reset = byte & 2;
	model.open++;
	model.accepted++;
}

void model_set_text(unsigned byte)
{
	static const size_t longest[] = {65504, 65505, 65535};
	size_t length = byte < 0xF8 ? byte % 4 * 100 : longest[byte % 3];

	memset(text, byte % 16 == 15 ? 0xFF : 'A' + (int)byte / 16, length);
	text[length] = '\0';
}

static const struct greeting *newest(void)
{
	return greetings[greeting_count - 1];
}

const struct greeting *kernel_accepted(struct peer *peer)
{
	REQUIRE(model.listening && !model.stopping);
	if (peer->fd >= kernel.files_limit) {
		model.accept_error_usec = kernel.now_usec;
		return newest();
	}
	model.open++;
	model.accepted++;
	model.idle_usec = CLOCK_NEVER;
	REQUIRE(model.open <= model.open_max);
	return newest();
}

void kernel_failed(enum call call, int error)
{
	if ((call == ACCEPT4 && error == EINVAL) || (call == EPOLL_WAIT && error == EBADF))
		model.fatal = error;
	else if (call == ACCEPT4)
		model.accept_error_usec = kernel.now_usec;
	else if (call == RECVMMSG)
		model.receive_error_usec = kernel.now_usec;
}

void kernel_received(unsigned count, unsigned good)
{
	REQUIRE(!model.stopping && to_answer == 0);
	model.received += count;
	to_answer = newest()->length <= DATAGRAM_FRAME_BYTES_MAX ? good : 0;
}

void kernel_answered(unsigned wanted, unsigned sent)
{
	REQUIRE(to_answer >= wanted);
	to_answer -= wanted;
	model.answered += sent;
	if (sent > 0 && model.open == 0 && model.options.idle_usec != CLOCK_NEVER)
		model.idle_usec = model.waited_usec + model.options.idle_usec;
}

/* Whether it could be disconnected to make room. Without memory for it, its turn is not known. */
static bool may_be_dropped(const struct peer *peer)
{
	return peer->state == PEER_OPEN && peer->shut && !peer->no_memory;
}

/* Whether it was the one that was greeted longest ago. */
static bool was_greeted_first(const struct peer *peer)
{
	for (unsigned i = 0; i < kernel.peer_count; i++)
		if (may_be_dropped(&kernel.peers[i]) && kernel.peers[i].shut_usec < peer->shut_usec)
			return false;
	return peer->shut;
}

/* When it has to end. One without memory is looked after ten times a second. */
static uint64_t end_usec(const struct peer *peer)
{
	uint64_t usec =
		peer->shut ? peer->shut_usec + LINGER_USEC : peer->accepted_usec + SEND_USEC;

	return usec + (peer->no_memory ? RETRY_USEC : 0);
}

/* How a client may end. */
static void check_end(const struct peer *peer, enum client_end end)
{
	bool is_late = kernel.now_usec >= end_usec(peer) - (peer->no_memory ? RETRY_USEC : 0);

	switch (end) {
	case CLIENT_END_CLOSED:
		REQUIRE(peer->shut && peer->fin && peer->unread == 0);
		break;
	case CLIENT_END_RESET:
		REQUIRE(peer->reset || peer->lost);
		break;
	case CLIENT_END_SEND_TIMEOUT:
		/* Everything that it would take was sent to it. */
		REQUIRE(!peer->shut && is_late && !peer->last_failed);
		REQUIRE(peer->room == 0 || peer->last_refused);
		break;
	case CLIENT_END_LINGER_TIMEOUT:
		REQUIRE(peer->shut && is_late);
		break;
	case CLIENT_END_FLOOD:
		REQUIRE(peer->read > CLIENT_DRAIN_BYTES_MAX);
		break;
	case CLIENT_END_DROPPED:
		REQUIRE(model.fatal != 0 || (model.listening && was_greeted_first(peer)));
		REQUIRE(model.fatal != 0 || model.open == model.open_max ||
			model.accept_error_usec == kernel.now_usec);
		break;
	case CLIENT_END_LOCAL_ERROR:
		REQUIRE(peer->forbidden || (peer->no_memory && is_late && !peer->shut));
		model.failed |= peer->sent < peer->greeting->length;
		break;
	default:
		REQUIRE(false);
	}
	REQUIRE(end == CLIENT_END_FLOOD || peer->read <= CLIENT_DRAIN_BYTES_MAX);
}

static void check_client_message(const char *message_id, const struct log_field *fields)
{
	const struct peer *peer = kernel.last_closed;
	enum client_end end = CLIENT_END_CLOSED;
	bool greeted = peer != NULL && peer->sent == peer->greeting->length;
	char number[32];

	REQUIRE(peer != NULL && peer->state == PEER_GONE);
	kernel.last_closed = NULL;
	REQUIRE(strcmp(fields[0].name, "HELLO_PEER_ADDRESS") == 0);
	snprintf(number, sizeof(number), "%u", PEER_PORT + (unsigned)(peer - kernel.peers));
	REQUIRE(strcmp(fields[1].value, number) == 0 || strcmp(fields[0].value, "unknown") == 0);
	snprintf(number, sizeof(number), "%zu", peer->sent);
	REQUIRE(strcmp(fields[2].value, number) == 0);
	while (strcmp(fields[3].value, client_end_name(end)) != 0)
		REQUIRE(++end <= CLIENT_END_LOCAL_ERROR);
	check_end(peer, end);
	REQUIRE(greeted == (message_id != NULL && strcmp(message_id, MESSAGE_GREETED) == 0));
	model.greeted += greeted;
	model.open--;
	model.accept_error_usec = 0; /* there may be room now: no pause */
	if (model.open == 0 && model.listening && model.options.idle_usec != CLOCK_NEVER)
		model.idle_usec = model.waited_usec + model.options.idle_usec;
}

static void check_summary(const char *message)
{
	unsigned long greeted = 0, accepted = 0, answered = 0, received = 0;
	int n = sscanf(message, "greeted %lu of %lu clients, answered %lu of %lu datagrams",
		       &greeted, &accepted, &answered, &received);

	REQUIRE(n == (model.has_datagrams ? 4 : 2));
	REQUIRE(greeted == model.greeted && accepted == model.accepted);
	REQUIRE(answered == model.answered && received == model.received);
}

bool log_wants(int priority)
{
	return priority <= LOG_DEBUG;
}

void log_event(int priority, const char *message_id, const struct log_field *fields,
	       const char *format, ...)
{
	char message[512];
	va_list arguments;

	REQUIRE(priority >= LOG_ERR && priority <= LOG_DEBUG);
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	REQUIRE(strchr(message, '\n') == NULL);
	if (fields != NULL && strcmp(fields[0].name, "HELLO_PEER_ADDRESS") == 0)
		check_client_message(message_id, fields);
	else if (strcmp(message, "reloaded the greeting") == 0)
		add_greeting();
	else if (strcmp(message, "keeping the greeting as it was") == 0)
		REQUIRE((unsigned char)text[0] == 0xFF);
	else if (message_id != NULL && strcmp(message_id, MESSAGE_SUMMARY) == 0)
		check_summary(message);
	/* Errors of this host are logged once a minute, but those of passed connections each. */
	if (!model.listening || priority > LOG_ERR || message_id == NULL ||
	    strcmp(message_id, MESSAGE_LOCAL_ERROR) != 0)
		return;
	REQUIRE(model.logged_error_usec == 0 ||
		kernel.now_usec >= model.logged_error_usec + SERVER_ERROR_MSEC * MSEC);
	model.logged_error_usec = kernel.now_usec;
}

/* No client that the server could know of is left behind. */
static void check_idle(void)
{
	REQUIRE(model.open == 0 && kernel.now_usec >= model.idle_usec);
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)model.listener_count; fd++)
		REQUIRE(!kernel_is_queued(fd) || !(kernel.files[fd].events & EPOLLIN));
}

/* Signs of life, and statuses at most once a second. */
int notify_send(int flags, const char *format, ...)
{
	char state[256];
	va_list arguments;

	/* The service manager must not keep clients waiting; it waits for READY=1 itself. */
	REQUIRE((flags == MSG_DONTWAIT) ==
		(strncmp(format, "READY", 5) != 0 && strncmp(format, "RELOADING", 9) != 0));
	va_start(arguments, format);
	vsnprintf(state, sizeof(state), format, arguments);
	va_end(arguments);
	if (strcmp(state, "WATCHDOG=1") == 0) {
		model.watchdog_usec = kernel.now_usec;
	} else if (strncmp(state, "STATUS=", 7) == 0) {
		REQUIRE(!model.stopping);
		REQUIRE(model.status_usec == 0 || kernel.now_usec >= model.status_usec + SEC);
		model.status_usec = kernel.now_usec;
	} else if (strncmp(state, "STOPPING=1", 10) == 0) {
		REQUIRE(model.listening && !model.stopping);
		model.stopping = true;
		if (strstr(state, "Idle") != NULL)
			check_idle();
	}
	return 0;
}

int sd_watchdog_enabled(int unset_environment, uint64_t *usec)
{
	*usec = watchdog_usec;
	return unset_environment != 0 || watchdog_usec > 0;
}

void confine(const struct confine_needs *needs, struct confine_result *ret_result)
{
	REQUIRE(needs->accept == model.listening && needs->datagrams == model.has_datagrams);
	REQUIRE(needs->read_path == NULL);
	*ret_result = (struct confine_result){0};
}

/* Whether the server would go on with a client if it knew what has happened. */
static bool has_news(const struct peer *peer)
{
	return peer->reset || peer->unread > 0 || (!peer->shut && peer->room > 0) ||
	       (peer->shut && peer->fin);
}

/* The server looks for its close twice, the second time soon, before it polls it. */
static bool is_deferred(const struct peer *peer, uint64_t deadline_usec)
{
	uint64_t looked_usec = MAX(peer->shut_usec, peer->looked_usec);

	return model.listening && peer->shut && peer->looks <= 1 &&
	       deadline_usec <= ROUNDED(looked_usec + PACE_DEFER_USEC);
}

static void check_peer(const struct peer *peer, uint64_t deadline_usec)
{
	uint64_t end = end_usec(peer);

	REQUIRE(deadline_usec <= ROUNDED(MAX(end, kernel.now_usec)));
	REQUIRE(end > model.waited_usec || deadline_usec <= kernel.now_usec);
	if (peer->no_memory)
		REQUIRE(deadline_usec <= ROUNDED(kernel.now_usec + RETRY_USEC));
	else if (has_news(peer) && kernel_events(peer->fd) == 0)
		REQUIRE(deadline_usec <= kernel.now_usec || is_deferred(peer, deadline_usec));
}

/* A client that waits is accepted as soon as there is room, or after a pause. */
static void check_listeners(uint64_t deadline_usec)
{
	bool has_room = model.open < model.open_max;

	for (unsigned i = 0; i < kernel.peer_count; i++)
		has_room |= may_be_dropped(&kernel.peers[i]);
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)model.listener_count; fd++) {
		bool polled = kernel.files[fd].events & EPOLLIN;

		REQUIRE(!polled || has_room || deadline_usec <= kernel.now_usec);
		if (!kernel_is_queued(fd) || !has_room || polled)
			continue;
		REQUIRE(deadline_usec <= ROUNDED(model.accept_error_usec + PAUSE_USEC) ||
			deadline_usec <= kernel.now_usec);
	}
}

static void check_datagrams(uint64_t deadline_usec)
{
	const struct file *file = &kernel.files[FIRST_FD + (int)model.listener_count];
	bool polled = kernel.files[file->watched_by].events & EPOLLIN;

	REQUIRE(to_answer == 0);
	if (!model.has_datagrams || file->good + file->bad == 0 || polled)
		return;
	REQUIRE(deadline_usec <= ROUNDED(model.receive_error_usec + PAUSE_USEC) ||
		deadline_usec <= kernel.now_usec);
}

void model_check_wait(uint64_t deadline_usec)
{
	REQUIRE(kernel.now_usec >= model.waited_usec);
	idle_waits = progress == kernel.progress ? idle_waits + 1 : 0;
	REQUIRE(idle_waits <= IDLE_WAITS_MAX);
	progress = kernel.progress;
	for (unsigned i = 0; i < kernel.peer_count; i++)
		if (kernel.peers[i].state == PEER_OPEN)
			check_peer(&kernel.peers[i], deadline_usec);
	if (!model.stopping) {
		check_listeners(deadline_usec);
		check_datagrams(deadline_usec);
		REQUIRE(deadline_usec <= ROUNDED(MAX(model.idle_usec, kernel.now_usec)));
	}
	if (watchdog_usec > 0 && model.listening)
		REQUIRE(deadline_usec <=
			ROUNDED(MAX(model.watchdog_usec + watchdog_usec / 2 + 1, kernel.now_usec)));
}

/* Everything is closed and freed but what belongs to systemd. */
void model_check_end(int result)
{
	int open = 0;

	for (int fd = 0; fd < FDS_MAX; fd++)
		open += kernel.files[fd].kind != KIND_NONE;
	REQUIRE(open == (int)(model.listener_count + model.has_datagrams));
	REQUIRE(model.open == 0);
	if (model.fatal != 0)
		REQUIRE(result == -model.fatal);
	else
		REQUIRE(result == (model.failed && !model.listening));
	REQUIRE(model.fatal != 0 || !model.listening || model.stopping);
	while (greeting_count > 0)
		greeting_unref(greetings[--greeting_count]);
}
