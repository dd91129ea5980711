/* SPDX-License-Identifier: MIT */
/* histogram - outcomes and latencies of clients */
#ifndef HELLOD_HISTOGRAM_H
#define HELLOD_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum outcome {
	OUTCOME_PENDING,   /* not finished, not counted */
	OUTCOME_GREETED,   /* the expected bytes, then end of file */
	OUTCOME_REFUSED,   /* ECONNREFUSED */
	OUTCOME_RESET,	   /* ECONNRESET or EPIPE, before or after the greeting */
	OUTCOME_TIMED_OUT, /* no end of file in time */
	OUTCOME_SHORT,	   /* end of file before the last byte */
	OUTCOME_WRONG,	   /* other bytes, or more bytes */
	OUTCOME_ERROR,	   /* any other errno */
	OUTCOME_COUNT,
};

struct latencies {
	uint32_t *usec; /* owned */
	size_t count;
	size_t size;
};

/* Zero-initialized when empty. */
struct histogram {
	uint64_t counts[OUTCOME_COUNT];
	struct latencies greeted;
	struct latencies late; /* how late clients are started */
	uint64_t timely;       /* clients greeted within `usec`, from which the rate is computed */
	uint64_t usec;
};

/* Returns the outcome for an errno of connect(2) or recv(2). */
enum outcome outcome_of_errno(int error);

/* Counts a client. The latency is used only for OUTCOME_GREETED. Returns 0 or -ENOMEM. */
int histogram_add(struct histogram *histogram, enum outcome outcome, uint64_t latency_usec);

/* Adds by how much a client is started late. Returns 0 or -ENOMEM. */
int histogram_add_late(struct histogram *histogram, uint64_t late_usec);

/* Returns the number of clients that were not greeted. */
uint64_t histogram_lost(const struct histogram *histogram);

/*
 * Prints text, or one line of JSON, to standard output. Percentiles are of the nearest rank: each
 * is a measured latency. They are 0 if no client was greeted.
 */
void histogram_print(struct histogram *histogram, bool json);

/* Frees the latencies and empties the histogram. */
void histogram_free(struct histogram *histogram);

#endif
