/* SPDX-License-Identifier: MIT */
/* sessions - many sessions in a fixed store, in the order of their deadlines */
#ifndef HELLOD_SESSIONS_H
#define HELLOD_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hellod/client.h"

/*
 * Every session of a state has the same time to live, so the order in which sessions enter the
 * state is the order in which their time is up: two queues, one for sending and one for lingering,
 * make every operation here take constant time. The store is allocated once, and its memory is
 * only touched as far as it was ever used.
 */

/* Stands for no session. */
#define SESSIONS_NONE UINT32_MAX

/* A queue, or the list of free places, linked by index. */
struct sessions_queue {
	uint32_t first;
	uint32_t last;
};

struct sessions_entry {
	struct session session;
	uint32_t previous;
	uint32_t next;
};

struct sessions {
	struct sessions_entry *entries;
	uint32_t size;	/* how many fit */
	uint32_t used;	/* entries that were ever used: the first ones */
	uint32_t count; /* sessions that are there */
	uint32_t free;	/* the first of the free entries among the used ones */
	struct sessions_queue sending;
	struct sessions_queue lingering;
};

/* Makes an empty store for `size` sessions, at least 1. Returns 0 or -ENOMEM. */
int sessions_init(struct sessions *sessions, uint32_t size);

/* Closes all sessions and frees the store. One of all zeros is fine. */
void sessions_free(struct sessions *sessions);

/* The session at an index, which add() returned and remove() was not called with since. */
struct session *sessions_get(struct sessions *sessions, uint32_t index);

/* Begins a session as session_start() does. There must be room. Returns its index. */
uint32_t sessions_add(struct sessions *sessions, int fd, const struct greeting *greeting,
		      uint64_t now_usec);

/*
 * Steps a session as session_step() does, and queues it for its new deadline. One that reaches
 * SESSION_CLOSED stays until it is removed. Returns the state.
 */
enum session_state sessions_step(struct sessions *sessions, uint32_t index, uint64_t now_usec);

/* Forgets a session, closing it first if it is open. */
void sessions_remove(struct sessions *sessions, uint32_t index);

bool sessions_full(const struct sessions *sessions);

/* The session that has lingered longest, or SESSIONS_NONE. */
uint32_t sessions_oldest_lingering(const struct sessions *sessions);

/* Some session, or SESSIONS_NONE if there is none. A store of all zeros has none. */
uint32_t sessions_any(const struct sessions *sessions);

/* A session whose deadline has come, or SESSIONS_NONE. */
uint32_t sessions_expired(const struct sessions *sessions, uint64_t now_usec);

/* The next deadline, or CLOCK_NEVER. */
uint64_t sessions_deadline_usec(const struct sessions *sessions);

#endif
