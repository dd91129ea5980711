/* SPDX-License-Identifier: MIT */
/* stats - client side: the times of many greetings, summed up */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "../unit.h"
#include "client/stats.h"

static bool no_memory;

/* In place of the C library's, so that memory can run out. */
void *reallocarray(void *old, size_t count, size_t size)
{
	if (no_memory) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, count * size);
}

static void assert_near(const char *what, double got, double wanted)
{
	ck_assert_msg(fabs(got - wanted) <= 1e-9 * (1 + fabs(wanted)), "%s: %.12g, not %.12g", what,
		      got, wanted);
}

/* So many times from `first` on, each one microsecond more than the one before. */
static void add_range(struct stats *stats, uint64_t first, uint64_t count)
{
	int r = 0;

	for (uint64_t i = 0; i < count && r == 0; i++)
		r = stats_add_time(stats, first + i);
	ck_assert_int_eq(r, 0);
}

#define SERIES_MAX 8
#define HOUR_USEC 3600000000U

static const struct {
	size_t count;
	uint64_t times[SERIES_MAX];
} series[] = {
	{1, {0}},
	{1, {512}},
	{2, {1, 2}},
	{2, {2, 1}},
	{3, {7, 7, 7}},
	{4, {400, 100, 300, 200}},
	{8, {2, 4, 4, 4, 5, 5, 7, 9}},
	{5, {0, 0, 0, 0, 1000000}},
	/* Far from 0 and close together, where a sum of squares would lose all its digits. */
	{4, {24U * HOUR_USEC, 24U * HOUR_USEC + 1, 24U * HOUR_USEC + 2, 24U * HOUR_USEC + 3}},
	{3, {1000000000000000, 1000000000000003, 1000000000000000}},
};

/* In two passes, from the definition. */
START_TEST(test_as_by_definition)
{
	size_t count = series[_i].count;
	const uint64_t *times = series[_i].times;
	uint64_t min = times[0], max = times[0];
	double mean = 0, squares = 0;
	struct stats stats = {0};

	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(stats_add_time(&stats, times[i]), 0);
		min = times[i] < min ? times[i] : min;
		max = times[i] > max ? times[i] : max;
		mean += (double)times[i] / (double)count;
	}
	for (size_t i = 0; i < count; i++)
		squares += ((double)times[i] - mean) * ((double)times[i] - mean);

	ck_assert_uint_eq(stats.tried, count);
	ck_assert_uint_eq(stats.greeted, count);
	ck_assert_uint_eq(stats.times_count, count);
	ck_assert_uint_eq(stats.min_usec, min);
	ck_assert_uint_eq(stats.max_usec, max);
	assert_near("mean", stats.mean_usec, mean);
	assert_near("mdev", stats_mdev_usec(&stats), sqrt(squares / (double)count));
	stats_free(&stats);
}
END_TEST

static const struct {
	size_t count;
	unsigned percent;
	uint64_t rank; /* percent / 100 * count, rounded up */
} percentiles[] = {
	{0, 50, 0},
	{0, 99, 0},

	{1, 1, 1},
	{1, 50, 1},
	{1, 99, 1},
	{1, 100, 1},

	{19, 50, 10},
	{19, 90, 18},
	{19, 95, 19},
	{19, 99, 19},
	{19, 100, 19},

	{20, 1, 1},
	{20, 5, 1},
	{20, 6, 2},
	{20, 50, 10},
	{20, 51, 11},
	{20, 90, 18},
	{20, 95, 19},
	{20, 99, 20},
	{20, 100, 20},

	{100, 1, 1},
	{100, 2, 2},
	{100, 50, 50},
	{100, 90, 90},
	{100, 95, 95},
	{100, 99, 99},
	{100, 100, 100},

	{101, 50, 51},
	{101, 99, 100},
	{101, 100, 101},

	/* Around the size that the first room for times has. */
	{1023, 100, 1023},
	{1024, 100, 1024},
	{1025, 100, 1025},
	{2049, 50, 1025},
	{STATS_TIMES_MAX, 99, STATS_TIMES_MAX / 100 * 99},
};

/* The times are 10, 20, 30 and so on, in an order that is neither up nor down. */
START_TEST(test_percentile)
{
	size_t count = percentiles[_i].count;
	struct stats stats = {0};
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = stats_add_time(&stats, 10 * (i % 2 == 0 ? i / 2 + 1 : count - i / 2));
	ck_assert_int_eq(r, 0);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(stats_percentile_usec(&stats, percentiles[_i].percent),
				  10 * percentiles[_i].rank);
	ck_assert_uint_eq(stats.times_count, count);
	stats_free(&stats);
}
END_TEST

/* How many greetings more than there is room for. */
static const uint64_t surpluses[] = {
	0,
	1,
	2,
	1000,
	STATS_TIMES_MAX - 1,
	STATS_TIMES_MAX,
	STATS_TIMES_MAX + 1,
	5 * STATS_TIMES_MAX / 2,
};

/* The single times are of the latest greetings; all else is of all. */
START_TEST(test_more_than_are_kept)
{
	uint64_t all = STATS_TIMES_MAX + surpluses[_i], oldest = UINT64_MAX, latest = 0, sum = 0;
	struct stats stats = {0};

	add_range(&stats, 1, all);
	ck_assert_uint_eq(stats.greeted, all);
	ck_assert_uint_eq(stats.min_usec, 1);
	ck_assert_uint_eq(stats.max_usec, all);
	assert_near("mean", stats.mean_usec, (double)(all + 1) / 2);
	assert_near("mdev", stats_mdev_usec(&stats), sqrt(((double)all * (double)all - 1) / 12));

	ck_assert_uint_eq(stats.times_count, STATS_TIMES_MAX);
	ck_assert_uint_le(stats.times_size, STATS_TIMES_MAX);
	for (size_t i = 0; i < stats.times_count; i++) {
		oldest = stats.times[i] < oldest ? stats.times[i] : oldest;
		latest = stats.times[i] > latest ? stats.times[i] : latest;
		sum += stats.times[i];
	}
	ck_assert_uint_eq(latest, all);
	ck_assert_msg(oldest == surpluses[_i] + 1,
		      "the oldest that is kept is of greeting %llu of %llu, not of %llu",
		      (unsigned long long)oldest, (unsigned long long)all,
		      (unsigned long long)surpluses[_i] + 1);
	ck_assert_uint_eq(sum, STATS_TIMES_MAX / 2 * (oldest + latest));
	ck_assert_uint_eq(stats_percentile_usec(&stats, 99),
			  surpluses[_i] + STATS_TIMES_MAX / 100 * 99);
	stats_free(&stats);
}
END_TEST

static const struct {
	int failed, greeted;
	double loss;
} losses[] = {
	{0, 0, 0}, {0, 1, 0},	{0, 9, 0},    {1, 0, 1},
	{9, 0, 1}, {1, 1, 0.5}, {1, 3, 0.25}, {2, 1, 2.0 / 3},
};

START_TEST(test_loss)
{
	struct stats stats = {0};

	for (int i = 0; i < losses[_i].greeted; i++)
		ck_assert_int_eq(stats_add_time(&stats, 100), 0);
	for (int i = 0; i < losses[_i].failed; i++)
		stats_add_failure(&stats);
	assert_near("loss", stats_loss(&stats), losses[_i].loss);
	ck_assert_int_eq((int)stats.tried, losses[_i].failed + losses[_i].greeted);
	ck_assert_int_eq((int)stats.greeted, losses[_i].greeted);
	stats_free(&stats);
}
END_TEST

/* What brought no greeting took no time either. */
START_TEST(test_failures_have_no_time)
{
	struct stats stats = {0};

	stats_add_failure(&stats);
	ck_assert_int_eq(stats_add_time(&stats, 30), 0);
	stats_add_failure(&stats);
	ck_assert_int_eq(stats_add_time(&stats, 10), 0);
	ck_assert_uint_eq(stats.min_usec, 10);
	ck_assert_uint_eq(stats.max_usec, 30);
	assert_near("mean", stats.mean_usec, 20);
	assert_near("mdev", stats_mdev_usec(&stats), 10);
	ck_assert_uint_eq(stats.times_count, 2);
	stats_free(&stats);
}
END_TEST

START_TEST(test_empty)
{
	struct stats stats = {0};

	ck_assert_double_eq(stats_mdev_usec(&stats), 0);
	stats_add_failure(&stats);
	ck_assert_double_eq(stats_mdev_usec(&stats), 0);
	ck_assert_uint_eq(stats_percentile_usec(&stats, 50), 0);
	stats_free(&stats);
	stats_free(&stats);
	ck_assert_uint_eq(stats.tried, 0);
}
END_TEST

START_TEST(test_free)
{
	static const struct stats empty;
	struct stats stats = {0};

	add_range(&stats, 1, 30);
	stats_free(&stats);
	ck_assert_mem_eq(&stats, &empty, sizeof(stats));
	add_range(&stats, 5, 1);
	ck_assert_uint_eq(stats.greeted, 1);
	ck_assert_uint_eq(stats.min_usec, 5);
	ck_assert_uint_eq(stats.max_usec, 5);
	stats_free(&stats);
}
END_TEST

/* All is noted but the single time, at first and when there is no more room. */
START_TEST(test_no_memory)
{
	struct stats stats = {0};
	int r;

	no_memory = true;
	r = stats_add_time(&stats, 100);
	no_memory = false;
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_uint_eq(stats_percentile_usec(&stats, 50), 0);

	while (stats.times_count < stats.times_size || stats.times_count == 0)
		add_range(&stats, 100, 1);
	no_memory = true;
	r = stats_add_time(&stats, 700);
	no_memory = false;
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_uint_eq(stats.greeted, stats.times_count + 2);
	ck_assert_uint_eq(stats.tried, stats.greeted);
	ck_assert_uint_eq(stats.max_usec, 700);
	ck_assert_uint_eq(stats_percentile_usec(&stats, 100), 100);

	add_range(&stats, 900, 1);
	ck_assert_uint_eq(stats_percentile_usec(&stats, 100), 900);
	stats_free(&stats);
}
END_TEST

static Suite *stats_suite(void)
{
	Suite *suite = suite_create("stats");
	TCase *tcase = tcase_create("stats");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_as_by_definition, 0, UNIT_COUNT(series));
	tcase_add_loop_test(tcase, test_percentile, 0, UNIT_COUNT(percentiles));
	tcase_add_loop_test(tcase, test_more_than_are_kept, 0, UNIT_COUNT(surpluses));
	tcase_add_loop_test(tcase, test_loss, 0, UNIT_COUNT(losses));
	tcase_add_test(tcase, test_failures_have_no_time);
	tcase_add_test(tcase, test_empty);
	tcase_add_test(tcase, test_free);
	tcase_add_test(tcase, test_no_memory);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return unit_run(stats_suite());
}
