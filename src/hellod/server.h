/* SPDX-License-Identifier: MIT */
/* server - greets everyone who connects to the listening sockets that were passed */
#ifndef HELLOD_SERVER_H
#define HELLOD_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/address.h"
#include "hellod/client.h"
#include "hellod/greeting.h"

/*
 * One thread and one epoll set for everything. Sessions are stepped as in a per-connection process,
 * but side by side, and nobody is refused a greeting because others linger:
 *
 *	as many sessions as are allowed, or no file descriptor left: the session that has
 *	lingered longest, which has its whole frame, is closed to make room;
 *	if every session is still sending: the listening sockets are left alone until one ends.
 *
 * epoll and not sd-event: a prototype that stepped the same sessions from sd-event took 15 % more
 * CPU for a greeting (21.3 and 18.5 us, medians of nine times 20,000 greetings, 32 at a time, the
 * two taking turns), and an allocation for every connection.
 *
 * The listening sockets are not changed: their flags, like the sockets themselves, are shared with
 * systemd, which holds what is still in their queues when the listener ends.
 */

/* Clients taken from one listening socket before everything else has its turn. */
#define LISTENER_ACCEPT_BATCH 64

/* After this long a listening socket is looked at again that was left alone for a shortage. */
#define LISTENER_PAUSE_MSEC 100U

/* How often shortage() is called, at the most. */
#define LISTENER_SHORTAGE_MSEC 60000U

/* How often status() is called while anything changes, at the most. */
#define LISTENER_STATUS_MSEC 1000U

struct listener_counts {
	uint64_t accepted; /* clients */
	uint64_t greeted;  /* of which were sent the whole frame, and are no longer open */
	uint64_t dropped;  /* closed early to make room: they had their frame */
	uint32_t open;	   /* sessions right now */
};

enum listener_end {
	LISTENER_IDLE,	  /* no session for idle_usec, and no client waiting */
	LISTENER_STOPPED, /* SIGTERM or SIGINT, and every session ended */
};

/* What the listener works with and whom it tells. Callbacks may be NULL. */
struct listener_setup {
	int first_fd; /* listening stream sockets, consecutive */
	int fd_count;
	uint32_t sessions_max;
	uint64_t idle_usec;		 /* or CLOCK_NEVER */
	uint64_t watchdog_usec;		 /* how often to call alive(), or CLOCK_NEVER */
	const struct greeting *greeting; /* copied */
	bool want_peers;		 /* find out the address of every client, for ended() */

	/* The listener accepts from here on. */
	void (*ready)(void);
	/* SIGHUP came: fill in *greeting and return 0, or return -errno to keep the old one. */
	int (*reload)(struct greeting *greeting);
	/* It stopped accepting, because of a signal or because it is idle. */
	void (*stopping)(enum listener_end why);
	/* The counts changed, while it accepts. */
	void (*status)(const struct listener_counts *counts);
	/* The watchdog's time has come. */
	void (*alive)(void);
	/* A session was closed. `peer` is NULL if not wanted. */
	void (*ended)(const struct session *session, const struct address_text *peer);
	/* accept(2) failed for want of something, -errno; at most every LISTENER_SHORTAGE_MSEC. */
	void (*shortage)(int error);
};

/*
 * Greets clients until it is idle or a signal stops it. SIGTERM, SIGINT and SIGHUP are blocked and
 * taken from a signalfd. The listening sockets stay open.
 *
 * Returns 0, with *counts and *end filled in;
 *         -ENOMEM, or the -errno of epoll_create1(2), epoll_ctl(2), epoll_wait(2), signalfd(2) or,
 *         if a socket turns out not to listen, accept(2).
 */
int listener_run(const struct listener_setup *setup, struct listener_counts *counts,
		 enum listener_end *end);

#endif
