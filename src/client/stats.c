/* SPDX-License-Identifier: MIT */
/* stats - client side: the times of many greetings, summed up */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "client/stats.h"

#define TIMES_SIZE_FIRST 1024U

void stats_add_failure(struct stats *stats)
{
	stats->tried++;
}

static int keep_time(struct stats *stats, uint64_t usec)
{
	if (stats->times_count == STATS_TIMES_MAX) {
		stats->times[(stats->greeted - 1) % STATS_TIMES_MAX] = usec;
		return 0;
	}
	if (stats->times_count == stats->times_size) {
		size_t size = stats->times_size > 0 ? stats->times_size * 2 : TIMES_SIZE_FIRST;
		uint64_t *times;

		if (size > STATS_TIMES_MAX)
			size = STATS_TIMES_MAX;
		times = reallocarray(stats->times, size, sizeof(*times));
		if (times == NULL)
			return -ENOMEM;
		stats->times = times;
		stats->times_size = size;
	}
	stats->times[stats->times_count++] = usec;
	return 0;
}

int stats_add_time(struct stats *stats, uint64_t usec)
{
	double distance = (double)usec - stats->mean_usec;

	stats->tried++;
	stats->greeted++;
	if (stats->greeted == 1 || usec < stats->min_usec)
		stats->min_usec = usec;
	if (usec > stats->max_usec)
		stats->max_usec = usec;
	stats->mean_usec += distance / (double)stats->greeted;
	stats->squares += distance * ((double)usec - stats->mean_usec);
	return keep_time(stats, usec);
}

double stats_loss(const struct stats *stats)
{
	if (stats->tried == 0)
		return 0;
	return (double)(stats->tried - stats->greeted) / (double)stats->tried;
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
	qsort(stats->times, stats->times_count, sizeof(*stats->times), compare_times);
	return stats->times[rank > 0 ? rank - 1 : 0];
}

void stats_free(struct stats *stats)
{
	free(stats->times);
	*stats = (struct stats){0};
}
