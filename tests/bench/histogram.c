/* SPDX-License-Identifier: MIT */
/* histogram - outcomes and latencies of clients */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "histogram.h"

#define LATENCIES_FIRST 4096U

static const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_PENDING] = "pending",	 [OUTCOME_GREETED] = "greeted",
	[OUTCOME_REFUSED] = "refused",	 [OUTCOME_RESET] = "reset",
	[OUTCOME_TIMED_OUT] = "timeout", [OUTCOME_SHORT] = "short",
	[OUTCOME_WRONG] = "wrong",	 [OUTCOME_ERROR] = "error",
};

/* Permille of the clients. */
static const struct percentile {
	const char *name;
	uint64_t permille;
} percentiles[] = {
	{"min", 0}, {"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99.9", 999}, {"max", 1000},
};
#define PERCENTILES (sizeof(percentiles) / sizeof(*percentiles))

enum outcome outcome_of_errno(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return OUTCOME_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return OUTCOME_RESET;
	case ETIMEDOUT:
		return OUTCOME_TIMED_OUT;
	default:
		return OUTCOME_ERROR;
	}
}

int histogram_add(struct histogram *histogram, enum outcome outcome, uint64_t latency_usec)
{
	uint64_t n = histogram->counts[OUTCOME_GREETED];

	if (outcome == OUTCOME_GREETED) {
		if (n == histogram->latencies_size) {
			size_t size = n > 0 ? 2 * (size_t)n : LATENCIES_FIRST;
			uint32_t *grown =
				reallocarray(histogram->latencies_usec, size, sizeof(*grown));

			if (grown == NULL)
				return -ENOMEM;
			histogram->latencies_usec = grown;
			histogram->latencies_size = size;
		}
		histogram->latencies_usec[n] =
			latency_usec < UINT32_MAX ? (uint32_t)latency_usec : UINT32_MAX;
	}
	histogram->counts[outcome]++;
	return 0;
}

uint64_t histogram_lost(const struct histogram *histogram)
{
	uint64_t lost = 0;

	for (int outcome = OUTCOME_GREETED + 1; outcome < OUTCOME_COUNT; outcome++)
		lost += histogram->counts[outcome];
	return lost;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Returns a percentile. The latencies are sorted. */
static uint32_t latency_at(const struct histogram *histogram, uint64_t permille)
{
	uint64_t n = histogram->counts[OUTCOME_GREETED];
	uint64_t rank = (n * permille + 999) / 1000;

	if (n == 0)
		return 0;
	return histogram->latencies_usec[rank > 0 ? rank - 1 : 0];
}

static void print_json(const struct histogram *histogram, double seconds, double rate)
{
	printf("{\"greetings\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"failures\": {",
	       histogram->counts[OUTCOME_GREETED], histogram_lost(histogram));
	for (int outcome = OUTCOME_GREETED + 1; outcome < OUTCOME_COUNT; outcome++)
		printf("%s\"%s\": %" PRIu64, outcome > OUTCOME_GREETED + 1 ? ", " : "",
		       outcome_names[outcome], histogram->counts[outcome]);
	printf("}, \"seconds\": %.6f, \"rate\": %.1f, \"latency_usec\": {", seconds, rate);
	for (size_t i = 0; i < PERCENTILES; i++)
		printf("%s\"%s\": %" PRIu32, i > 0 ? ", " : "", percentiles[i].name,
		       latency_at(histogram, percentiles[i].permille));
	printf("}}\n");
}

static void print_text(const struct histogram *histogram, double seconds, double rate)
{
	printf("%" PRIu64 " greetings in %.3f s: %.1f/s\n", histogram->counts[OUTCOME_GREETED],
	       seconds, rate);
	printf("latency in microseconds:");
	for (size_t i = 0; i < PERCENTILES; i++)
		printf(" %s %" PRIu32, percentiles[i].name,
		       latency_at(histogram, percentiles[i].permille));
	printf("\n%" PRIu64 " lost", histogram_lost(histogram));
	for (int outcome = OUTCOME_GREETED + 1; outcome < OUTCOME_COUNT; outcome++)
		if (histogram->counts[outcome] > 0)
			printf(", %s %" PRIu64, outcome_names[outcome], histogram->counts[outcome]);
	printf("\n");
}

void histogram_print(struct histogram *histogram, bool json)
{
	double seconds = (double)histogram->usec / USEC_PER_SEC;
	double rate = histogram->usec > 0 ? (double)histogram->timely / seconds : 0;

	/* NULL is undefined behaviour for qsort(), even for no elements. */
	if (histogram->counts[OUTCOME_GREETED] > 0)
		qsort(histogram->latencies_usec, histogram->counts[OUTCOME_GREETED],
		      sizeof(*histogram->latencies_usec), by_value);
	if (json)
		print_json(histogram, seconds, rate);
	else
		print_text(histogram, seconds, rate);
}

void histogram_free(struct histogram *histogram)
{
	free(histogram->latencies_usec);
	*histogram = (struct histogram){0};
}
