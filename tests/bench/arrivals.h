/* SPDX-License-Identifier: MIT */
/* arrivals - when clients come that do not wait for each other */
#ifndef HELLOD_ARRIVALS_H
#define HELLOD_ARRIVALS_H

#include <stdint.h>

/*
 * A Poisson process: the gaps between clients are exponential and independent, as those of many
 * clients that do not know of each other. The gaps are the same each time, so that runs can be
 * compared.
 */
struct arrivals {
	double gap_usec;  /* mean */
	double next_usec; /* not rounded, else the rounding adds up */
	unsigned short seed[3];
};

/* Sets the first arrival: one gap after `now_usec`. The rate is in clients per second, not 0. */
void arrivals_init(struct arrivals *arrivals, uint64_t rate, uint64_t now_usec);

/* Returns when the next client is due, on the clock of arrivals_init(). */
uint64_t arrivals_next_usec(const struct arrivals *arrivals);

/* Goes on to the client after that. */
void arrivals_advance(struct arrivals *arrivals);

#endif
