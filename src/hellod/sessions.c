/* SPDX-License-Identifier: MIT */
/* sessions - many sessions in a fixed store, in the order of their deadlines */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "hellod/sessions.h"

static const struct sessions_queue empty = {SESSIONS_NONE, SESSIONS_NONE};

int sessions_init(struct sessions *sessions, uint32_t size)
{
	struct sessions_entry *entries = calloc(size, sizeof(*entries));

	if (entries == NULL)
		return -ENOMEM;
	*sessions = (struct sessions){
		.entries = entries,
		.size = size,
		.free = SESSIONS_NONE,
		.sending = empty,
		.lingering = empty,
	};
	return 0;
}

static void drop_all(struct sessions *sessions, const struct sessions_queue *queue)
{
	while (queue->first != SESSIONS_NONE)
		sessions_remove(sessions, queue->first);
}

void sessions_free(struct sessions *sessions)
{
	if (sessions->entries != NULL) {
		drop_all(sessions, &sessions->sending);
		drop_all(sessions, &sessions->lingering);
	}
	free(sessions->entries);
	*sessions = (struct sessions){0};
}

struct session *sessions_get(struct sessions *sessions, uint32_t index)
{
	return &sessions->entries[index].session;
}

static void append(struct sessions *sessions, struct sessions_queue *queue, uint32_t index)
{
	struct sessions_entry *entry = &sessions->entries[index];

	entry->previous = queue->last;
	entry->next = SESSIONS_NONE;
	if (queue->last == SESSIONS_NONE)
		queue->first = index;
	else
		sessions->entries[queue->last].next = index;
	queue->last = index;
}

static void take_out(struct sessions *sessions, struct sessions_queue *queue, uint32_t index)
{
	const struct sessions_entry *entry = &sessions->entries[index];

	if (entry->previous == SESSIONS_NONE)
		queue->first = entry->next;
	else
		sessions->entries[entry->previous].next = entry->next;
	if (entry->next == SESSIONS_NONE)
		queue->last = entry->previous;
	else
		sessions->entries[entry->next].previous = entry->previous;
}

/* The queue that a session of this state is in; a closed one is in none. */
static struct sessions_queue *queue_of(struct sessions *sessions, enum session_state state)
{
	switch (state) {
	case SESSION_SENDING:
		return &sessions->sending;
	case SESSION_LINGERING:
		return &sessions->lingering;
	case SESSION_CLOSED:
		break;
	}
	return NULL;
}

uint32_t sessions_add(struct sessions *sessions, int fd, const struct greeting *greeting,
		      uint64_t now_usec)
{
	uint32_t index = sessions->free;

	if (index != SESSIONS_NONE)
		sessions->free = sessions->entries[index].next;
	else
		index = sessions->used++;
	session_start(sessions_get(sessions, index), fd, greeting, now_usec);
	append(sessions, &sessions->sending, index);
	sessions->count++;
	return index;
}

enum session_state sessions_step(struct sessions *sessions, uint32_t index, uint64_t now_usec)
{
	struct session *session = sessions_get(sessions, index);
	enum session_state before = session->state, after = session_step(session, now_usec);

	if (after != before) {
		take_out(sessions, queue_of(sessions, before), index);
		if (after != SESSION_CLOSED)
			append(sessions, queue_of(sessions, after), index);
	}
	return after;
}

void sessions_remove(struct sessions *sessions, uint32_t index)
{
	struct session *session = sessions_get(sessions, index);

	if (session->state != SESSION_CLOSED) {
		take_out(sessions, queue_of(sessions, session->state), index);
		session_close(session, SESSION_END_DROPPED);
	}
	sessions->entries[index].next = sessions->free;
	sessions->free = index;
	sessions->count--;
}

bool sessions_full(const struct sessions *sessions)
{
	return sessions->count == sessions->size;
}

uint32_t sessions_oldest_lingering(const struct sessions *sessions)
{
	return sessions->lingering.first;
}

static uint64_t first_deadline(const struct sessions *sessions, const struct sessions_queue *queue)
{
	if (queue->first == SESSIONS_NONE)
		return CLOCK_NEVER;
	return sessions->entries[queue->first].session.deadline_usec;
}

uint32_t sessions_any(const struct sessions *sessions)
{
	if (sessions->count == 0)
		return SESSIONS_NONE;
	return sessions->lingering.first != SESSIONS_NONE ? sessions->lingering.first
							  : sessions->sending.first;
}

uint32_t sessions_expired(const struct sessions *sessions, uint64_t now_usec)
{
	if (first_deadline(sessions, &sessions->lingering) <= now_usec)
		return sessions->lingering.first;
	if (first_deadline(sessions, &sessions->sending) <= now_usec)
		return sessions->sending.first;
	return SESSIONS_NONE;
}

uint64_t sessions_deadline_usec(const struct sessions *sessions)
{
	uint64_t sending = first_deadline(sessions, &sessions->sending);
	uint64_t lingering = first_deadline(sessions, &sessions->lingering);

	return sending < lingering ? sending : lingering;
}
