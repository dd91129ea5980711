/* SPDX-License-Identifier: MIT */
/* stats - the times of many greetings, summarized */
#include "config.h"

#include <math.h>

#include "../unit.h"
#include "client/stats.h"

/* Too large for a stack. Empty at the start of each test, because each runs in its own process. */
static struct stats stats;

static void assert_near(const char *what, double got, double wanted)
{
	ck_assert_msg(fabs(got - wanted) <= 1e-9 * (1 + fabs(wanted)), "%s: %.12g, not %.12g", what,
		      got, wanted);
}

#define DAY_USEC 86400000000U

static const struct {
	size_t count;
	uint64_t times[8];
} series[] = {
	{1, {0}},
	{2, {2, 1}},
	{3, {7, 7, 7}},
	{4, {400, 100, 300, 200}},
	{8, {2, 4, 4, 4, 5, 5, 7, 9}},
	{5, {0, 0, 0, 0, 1000000}},
	/* Far from 0 and close together: a sum of squares would lose all its digits. */
	{4, {DAY_USEC, DAY_USEC + 1, DAY_USEC + 2, DAY_USEC + 3}},
	{3, {1000000000000000, 1000000000000003, 1000000000000000}},
};

/* Computed from the definitions in two passes. Failures have no effect. */
START_TEST(mean_and_deviation_match_their_definitions)
{
	size_t count = series[_i].count;
	const uint64_t *times = series[_i].times;
	uint64_t min = times[0], max = times[0];
	double mean = 0, squares = 0;

	for (size_t i = 0; i < count; i++) {
		stats_add(&stats, false, 1);
		stats_add(&stats, true, times[i]);
		min = times[i] < min ? times[i] : min;
		max = times[i] > max ? times[i] : max;
		mean += (double)times[i] / (double)count;
	}
	for (size_t i = 0; i < count; i++)
		squares += ((double)times[i] - mean) * ((double)times[i] - mean);

	ck_assert_uint_eq(stats.tried, 2 * count);
	ck_assert_uint_eq(stats.greeted, count);
	ck_assert_uint_eq(stats.times_count, count);
	ck_assert_uint_eq(stats.min_usec, min);
	ck_assert_uint_eq(stats.max_usec, max);
	assert_near("mean", stats.mean_usec, mean);
	assert_near("mdev", stats_mdev_usec(&stats), sqrt(squares / (double)count));
}
END_TEST

static const struct {
	size_t count;
	unsigned percent;
	uint64_t rank; /* percent / 100 * count, rounded up */
} percentiles[] = {
	{0, 50, 0},	{1, 1, 1},	 {1, 100, 1},
	{19, 50, 10},	{19, 90, 18},	 {19, 95, 19},
	{19, 99, 19},	{20, 1, 1},	 {20, 5, 1},
	{20, 6, 2},	{20, 50, 10},	 {20, 51, 11},
	{20, 90, 18},	{20, 95, 19},	 {20, 99, 20},
	{20, 100, 20},	{100, 1, 1},	 {100, 50, 50},
	{100, 99, 99},	{100, 100, 100}, {101, 50, 51},
	{101, 99, 100}, {101, 100, 101}, {STATS_TIMES_MAX, 99, STATS_TIMES_MAX / 100 * 99},
};

/* The times are 10, 20, 30 and so on, alternately from both ends. */
START_TEST(percentile_is_of_the_nearest_rank)
{
	size_t count = percentiles[_i].count;

	for (size_t i = 0; i < count; i++)
		stats_add(&stats, true, 10 * (i % 2 == 0 ? i / 2 + 1 : count - i / 2));
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(stats_percentile_usec(&stats, percentiles[_i].percent),
				  10 * percentiles[_i].rank);
}
END_TEST

static const uint64_t surpluses[] = {0, 1, STATS_TIMES_MAX - 1, STATS_TIMES_MAX,
				     5 * STATS_TIMES_MAX / 2};

/* All other statistics are computed from all times. */
START_TEST(latest_times_are_kept)
{
	uint64_t all = STATS_TIMES_MAX + surpluses[_i], oldest = UINT64_MAX, latest = 0, sum = 0;

	for (uint64_t i = 1; i <= all; i++) {
		stats_add(&stats, true, i);
		/* A summary before the end does not change which times are the latest. */
		if (i == STATS_TIMES_MAX + surpluses[_i] / 2)
			stats_percentile_usec(&stats, 50);
	}
	ck_assert_uint_eq(stats.greeted, all);
	ck_assert_uint_eq(stats.min_usec, 1);
	ck_assert_uint_eq(stats.max_usec, all);
	assert_near("mean", stats.mean_usec, (double)(all + 1) / 2);
	assert_near("mdev", stats_mdev_usec(&stats), sqrt(((double)all * (double)all - 1) / 12));

	ck_assert_uint_eq(stats.times_count, STATS_TIMES_MAX);
	for (size_t i = 0; i < stats.times_count; i++) {
		oldest = stats.times[i] < oldest ? stats.times[i] : oldest;
		latest = stats.times[i] > latest ? stats.times[i] : latest;
		sum += stats.times[i];
	}
	ck_assert_uint_eq(latest, all);
	ck_assert_uint_eq(oldest, surpluses[_i] + 1);
	ck_assert_uint_eq(sum, STATS_TIMES_MAX / 2 * (oldest + latest));
	ck_assert_uint_eq(stats_percentile_usec(&stats, 99),
			  surpluses[_i] + STATS_TIMES_MAX / 100 * 99);
}
END_TEST

static const struct {
	int failed, greeted;
	double loss;
} losses[] = {
	{0, 0, 0}, {0, 1, 0}, {9, 0, 1}, {1, 1, 0.5}, {1, 3, 0.25}, {2, 1, 2.0 / 3},
};

START_TEST(loss_is_the_share_of_failures)
{
	for (int i = 0; i < losses[_i].greeted + losses[_i].failed; i++)
		stats_add(&stats, i < losses[_i].greeted, 100);
	assert_near("loss", stats_loss(&stats), losses[_i].loss);
	assert_near("mdev", stats_mdev_usec(&stats), 0);
}
END_TEST

int main(void)
{
	return UNIT_RUN("stats", {mean_and_deviation_match_their_definitions, UNIT_COUNT(series)},
			{percentile_is_of_the_nearest_rank, UNIT_COUNT(percentiles)},
			{latest_times_are_kept, UNIT_COUNT(surpluses)},
			{loss_is_the_share_of_failures, UNIT_COUNT(losses)});
}
