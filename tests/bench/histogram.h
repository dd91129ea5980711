/* SPDX-License-Identifier: MIT */
/* tally - how the clients fared: greeted how fast, or lost in which way */
#ifndef HELLOD_TALLY_H
#define HELLOD_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tally_outcome {
	TALLY_PENDING,	 /* not over yet: not counted */
	TALLY_GREETED,	 /* every byte that was wanted, then the end, and nothing else */
	TALLY_REFUSED,	 /* ECONNREFUSED */
	TALLY_RESET,	 /* a reset, before or after the greeting */
	TALLY_TIMED_OUT, /* the end did not come in time */
	TALLY_SHORT,	 /* the end came before the last byte */
	TALLY_WRONG,	 /* other bytes, or more of them */
	TALLY_ERROR,	 /* any other error of a socket */
	TALLY_OUTCOMES,
};

/* To begin with, all is 0. */
struct tally {
	uint64_t counts[TALLY_OUTCOMES];
	uint32_t *latencies_usec; /* counts[TALLY_GREETED] of them; owned */
	size_t latencies_size;
	uint64_t timely; /* of those greeted, how many within `usec`: what the rate counts */
	uint64_t usec;
};

/* What an errno of connect(2) or recv(2) stands for. */
enum tally_outcome tally_outcome_of(int error);

/* Counts a client. The latency is of no interest unless it was greeted. Returns 0, or -ENOMEM. */
int tally_add(struct tally *tally, enum tally_outcome outcome, uint64_t latency_usec);

/* How many were not greeted. */
uint64_t tally_lost(const struct tally *tally);

/*
 * Prints it on standard output, as a few lines or as one line of JSON. Percentiles are of the
 * nearest rank, so each is a latency that was measured; they are 0 if nobody was greeted.
 */
void tally_print(struct tally *tally, bool json);

/* Frees what it holds. */
void tally_end(struct tally *tally);

#endif
