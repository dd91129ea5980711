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

static int latencies_add(struct latencies *latencies, uint64_t usec)
{
	if (latencies->count == latencies->size) {
		size_t size = latencies->size > 0 ? 2 * latencies->size : LATENCIES_FIRST;
		uint32_t *grown = reallocarray(latencies->usec, size, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		latencies->usec = grown;
		latencies->size = size;
	}
	latencies->usec[latencies->count++] = usec < UINT32_MAX ? (uint32_t)usec : UINT32_MAX;
	return 0;
}

int histogram_add(struct histogram *histogram, enum outcome outcome, uint64_t latency_usec)
{
	histogram->counts[outcome]++;
	return outcome == OUTCOME_GREETED ? latencies_add(&histogram->greeted, latency_usec) : 0;
}

int histogram_add_late(struct histogram *histogram, uint64_t late_usec)
{
	return latencies_add(&histogram->late, late_usec);
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

static void latencies_sort(struct latencies *latencies)
{
	/* NULL is undefined behaviour for qsort(), even for no elements. */
	if (latencies->count > 0)
		qsort(latencies->usec, latencies->count, sizeof(*latencies->usec), by_value);
}

/* Returns a percentile. The latencies are sorted. */
static uint32_t latency_at(const struct latencies *latencies, uint64_t permille)
{
	uint64_t rank = (latencies->count * permille + 999) / 1000;

	if (latencies->count == 0)
		return 0;
	return latencies->usec[rank > 0 ? rank - 1 : 0];
}

static void print_json_latencies(const char *name, const struct latencies *latencies)
{
	printf(", \"%s\": {", name);
	for (size_t i = 0; i < PERCENTILES; i++)
		printf("%s\"%s\": %" PRIu32, i > 0 ? ", " : "", percentiles[i].name,
		       latency_at(latencies, percentiles[i].permille));
	printf("}");
}

static void print_json(const struct histogram *histogram, double seconds, double rate)
{
	printf("{\"greetings\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"failures\": {",
	       histogram->counts[OUTCOME_GREETED], histogram_lost(histogram));
	for (int outcome = OUTCOME_GREETED + 1; outcome < OUTCOME_COUNT; outcome++)
		printf("%s\"%s\": %" PRIu64, outcome > OUTCOME_GREETED + 1 ? ", " : "",
		       outcome_names[outcome], histogram->counts[outcome]);
	printf("}, \"seconds\": %.6f, \"rate\": %.1f", seconds, rate);
	print_json_latencies("latency_usec", &histogram->greeted);
	if (histogram->late.count > 0)
		print_json_latencies("late_usec", &histogram->late);
	printf("}\n");
}

static void print_text_latencies(const char *name, const struct latencies *latencies)
{
	printf("%s in microseconds:", name);
	for (size_t i = 0; i < PERCENTILES; i++)
		printf(" %s %" PRIu32, percentiles[i].name,
		       latency_at(latencies, percentiles[i].permille));
	printf("\n");
}

static void print_text(const struct histogram *histogram, double seconds, double rate)
{
	printf("%" PRIu64 " greetings in %.3f s: %.1f/s\n", histogram->counts[OUTCOME_GREETED],
	       seconds, rate);
	print_text_latencies("latency", &histogram->greeted);
	if (histogram->late.count > 0)
		print_text_latencies("started late", &histogram->late);
	printf("%" PRIu64 " lost", histogram_lost(histogram));
	for (int outcome = OUTCOME_GREETED + 1; outcome < OUTCOME_COUNT; outcome++)
		if (histogram->counts[outcome] > 0)
			printf(", %s %" PRIu64, outcome_names[outcome], histogram->counts[outcome]);
	printf("\n");
}

void histogram_print(struct histogram *histogram, bool json)
{
	double seconds = (double)histogram->usec / USEC_PER_SEC;
	double rate = histogram->usec > 0 ? (double)histogram->timely / seconds : 0;

	latencies_sort(&histogram->greeted);
	latencies_sort(&histogram->late);
	if (json)
		print_json(histogram, seconds, rate);
	else
		print_text(histogram, seconds, rate);
}

void histogram_free(struct histogram *histogram)
{
	free(histogram->greeted.usec);
	free(histogram->late.usec);
	*histogram = (struct histogram){0};
}
