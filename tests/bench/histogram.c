/* SPDX-License-Identifier: MIT */
/* tally - how the clients fared: greeted how fast, or lost in which way */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "histogram.h"

#define LATENCIES_FIRST 4096U

static const char *const outcome_names[TALLY_OUTCOMES] = {
	[TALLY_PENDING] = "pending", [TALLY_GREETED] = "greeted",   [TALLY_REFUSED] = "refused",
	[TALLY_RESET] = "reset",     [TALLY_TIMED_OUT] = "timeout", [TALLY_SHORT] = "short",
	[TALLY_WRONG] = "wrong",     [TALLY_ERROR] = "error",
};

/* In a thousandth of the whole. */
static const struct percentile {
	const char *name;
	uint64_t permille;
} percentiles[] = {
	{"min", 0}, {"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99.9", 999}, {"max", 1000},
};
#define PERCENTILES (sizeof(percentiles) / sizeof(*percentiles))

enum tally_outcome tally_outcome_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return TALLY_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return TALLY_RESET;
	case ETIMEDOUT:
		return TALLY_TIMED_OUT;
	default:
		return TALLY_ERROR;
	}
}

int tally_add(struct tally *tally, enum tally_outcome outcome, uint64_t latency_usec)
{
	uint64_t n = tally->counts[TALLY_GREETED];

	if (outcome == TALLY_GREETED) {
		if (n == tally->latencies_size) {
			size_t size = n > 0 ? 2 * (size_t)n : LATENCIES_FIRST;
			uint32_t *grown = reallocarray(tally->latencies_usec, size, sizeof(*grown));

			if (grown == NULL)
				return -ENOMEM;
			tally->latencies_usec = grown;
			tally->latencies_size = size;
		}
		tally->latencies_usec[n] =
			latency_usec < UINT32_MAX ? (uint32_t)latency_usec : UINT32_MAX;
	}
	tally->counts[outcome]++;
	return 0;
}

uint64_t tally_lost(const struct tally *tally)
{
	uint64_t lost = 0;

	for (int outcome = TALLY_GREETED + 1; outcome < TALLY_OUTCOMES; outcome++)
		lost += tally->counts[outcome];
	return lost;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Of sorted latencies. */
static uint32_t latency_at(const struct tally *tally, uint64_t permille)
{
	uint64_t n = tally->counts[TALLY_GREETED];
	uint64_t rank = (n * permille + 999) / 1000;

	if (n == 0)
		return 0;
	return tally->latencies_usec[rank > 0 ? rank - 1 : 0];
}

static void print_json(const struct tally *tally, double seconds, double rate)
{
	printf("{\"greetings\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"failures\": {",
	       tally->counts[TALLY_GREETED], tally_lost(tally));
	for (int outcome = TALLY_GREETED + 1; outcome < TALLY_OUTCOMES; outcome++)
		printf("%s\"%s\": %" PRIu64, outcome > TALLY_GREETED + 1 ? ", " : "",
		       outcome_names[outcome], tally->counts[outcome]);
	printf("}, \"seconds\": %.6f, \"rate\": %.1f, \"latency_usec\": {", seconds, rate);
	for (size_t i = 0; i < PERCENTILES; i++)
		printf("%s\"%s\": %" PRIu32, i > 0 ? ", " : "", percentiles[i].name,
		       latency_at(tally, percentiles[i].permille));
	printf("}}\n");
}

static void print_text(const struct tally *tally, double seconds, double rate)
{
	printf("%" PRIu64 " greetings in %.3f s: %.1f/s\n", tally->counts[TALLY_GREETED], seconds,
	       rate);
	printf("latency in microseconds:");
	for (size_t i = 0; i < PERCENTILES; i++)
		printf(" %s %" PRIu32, percentiles[i].name,
		       latency_at(tally, percentiles[i].permille));
	printf("\n%" PRIu64 " lost", tally_lost(tally));
	for (int outcome = TALLY_GREETED + 1; outcome < TALLY_OUTCOMES; outcome++)
		if (tally->counts[outcome] > 0)
			printf(", %s %" PRIu64, outcome_names[outcome], tally->counts[outcome]);
	printf("\n");
}

void tally_print(struct tally *tally, bool json)
{
	double seconds = (double)tally->usec / USEC_PER_SEC;
	double rate = tally->usec > 0 ? (double)tally->timely / seconds : 0;

	/* qsort() may not be given NULL, not even for nothing. */
	if (tally->counts[TALLY_GREETED] > 0)
		qsort(tally->latencies_usec, tally->counts[TALLY_GREETED],
		      sizeof(*tally->latencies_usec), by_value);
	if (json)
		print_json(tally, seconds, rate);
	else
		print_text(tally, seconds, rate);
}

void tally_end(struct tally *tally)
{
	free(tally->latencies_usec);
	*tally = (struct tally){0};
}
