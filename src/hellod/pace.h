/* SPDX-License-Identifier: MIT */
/* pace - when the server lets clients gather, to accept several at a time */
#ifndef HELLOD_PACE_H
#define HELLOD_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Being woken costs more than greeting, so a busy server that is woken for each client spends most
 * of its time on that. After an iteration of the loop that brought several clients at a time, it
 * therefore sleeps before the next one, as network cards moderate their interrupts. The sleep pays
 * only if clients come faster than it lasts, so fewer clients end it, and with a single client at a
 * time it never begins: see NonBlocking= in hello.socket(8) for the figures.
 *
 * A single client at a time is also what makes a second accept4(2) useless, which fails because
 * the queue is empty.
 */
#define PACE_CLIENTS_MIN 3 /* in an iteration, to sleep after it */
#define PACE_USEC 200U	   /* of sleep */
#define PACE_BATCH 64U	   /* clients accepted from a socket before the others' turn */

/* What an iteration has brought. Empty if all zeros. */
struct pace {
	unsigned accepted; /* clients */
	bool more;	   /* PACE_BATCH of one socket, so that others may still be queued */
};

/*
 * Returns how many clients to accept from a socket: 1, or PACE_BATCH if the iteration before
 * brought several, or if `open` clients, at least one, are connected.
 */
unsigned pace_batch(const struct pace *before, uint64_t open);

/* Returns how long to sleep after an iteration; 0 if not, or if that would be past the deadline. */
uint64_t pace_sleep_usec(const struct pace *pace, uint64_t now_usec, uint64_t deadline_usec);

#endif
