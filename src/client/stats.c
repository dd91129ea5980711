/* SPDX-License-Identifier: MIT */
/* stats - the times of many greetings, summarized */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/stats.h"

void stats_add(struct stats *stats, bool greeted, uint64_t usec)
{
	double distance = (double)usec - stats->mean_usec;

	stats->tried++;
	if (!greeted)
		return;
	/* The latest time replaces the oldest one. */
	stats->times[stats->greeted % STATS_TIMES_MAX] = usec;
	if (stats->times_count < STATS_TIMES_MAX)
		stats->times_count++;
	stats->greeted++;
	if (stats->greeted == 1 || usec < stats->min_usec)
		stats->min_usec = usec;
	if (usec > stats->max_usec)
		stats->max_usec = usec;
	stats->mean_usec += distance / (double)stats->greeted;
	stats->squares += distance * ((double)usec - stats->mean_usec);
}

double stats_loss(const struct stats *stats)
{
	uint64_t lost = stats->tried - stats->greeted;

	return stats->tried > 0 ? (double)lost / (double)stats->tried : 0;
}

double stats_mdev_usec(const struct stats *stats)
{
	return stats->greeted > 0 ? sqrt(stats->squares / (double)stats->greeted) : 0;
}

static int compare_times(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

uint64_t stats_percentile_usec(struct stats *stats, unsigned percent)
{
	size_t rank = (stats->times_count * percent + 99) / 100;

	if (stats->times_count == 0)
		return 0;
	/* A copy, because the place of a time tells which one is the oldest. */
	memcpy(stats->sorted, stats->times, stats->times_count * sizeof(*stats->times));
	qsort(stats->sorted, stats->times_count, sizeof(*stats->sorted), compare_times);
	return stats->sorted[rank > 0 ? rank - 1 : 0];
}
