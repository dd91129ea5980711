/* SPDX-License-Identifier: MIT */
/* pace - when the server lets clients gather, to accept several at a time */
#ifndef HELLOD_PACE_H
#define HELLOD_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * To be woken costs more than to greet. A busy server that is woken for each client spends most of
 * its time on that, and so do its clients. After an iteration of the loop that brought several
 * clients it therefore sleeps, as network cards moderate their interrupts: as long as these clients
 * took to greet, so that no client waits much longer than it would if the server were busy.
 *
 * A sleep that brings fewer clients than PACE_CLIENTS_MIN is the last one. With a single client at
 * a time there is none; and a second accept4(2), which would find the queue empty, is left out.
 *
 * Against a server that does not sleep (CPU time of a greeting, and p50 of the latency): with 32
 * clients at a time 0.65 and 0.84; with one, 0.91 and 1.00; with 5,000 a second at random times
 * 0.96 and 0.96; with 16,000 a second 0.99 and 1.03. A fixed sleep of 200 microseconds and more
 * makes 8 clients at a time slower, and one of 150 saves less with 128.
 *
 * A crowd also takes longer to close than one iteration. To look for a close twice costs less than
 * to have epoll_wait(2) tell it: with 128 clients at a time it takes 0.89 to 0.95 of the CPU time.
 */
#define PACE_CLIENTS_MIN 3    /* in an iteration, to sleep after it */
#define PACE_CLIENT_USEC 20U  /* of sleep for each of them */
#define PACE_SLEEP_USEC 700U  /* at most */
#define PACE_DEFER_USEC 5000U /* from the first look for a crowd's close to the second */
#define PACE_BATCH 256U	      /* clients accepted from a socket before the others' turn */

/* What an iteration has brought. Empty if all zeros. */
struct pace {
	unsigned accepted; /* clients */
	bool more;	   /* PACE_BATCH of one socket, so that others may still be queued */
};

/* Returns whether an iteration has brought PACE_CLIENTS_MIN clients or more. */
bool pace_is_crowd(const struct pace *pace);

/*
 * Returns how many clients to accept from a socket: 1, or PACE_BATCH if the iteration before
 * brought several, or if `open` clients, at least one, are connected.
 */
unsigned pace_batch(const struct pace *before, uint64_t open);

/* Returns how long to sleep after an iteration; 0 if not, or if that would be past the deadline. */
uint64_t pace_sleep_usec(const struct pace *pace, uint64_t now_usec, uint64_t deadline_usec);

#endif
