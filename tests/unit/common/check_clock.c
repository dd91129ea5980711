/* SPDX-License-Identifier: MIT */
/* clock - the monotonic clock, and waiting for its deadlines */
#include "config.h"

#include <limits.h>
#include <time.h>

#include "../unit.h"
#include "common/clock.h"

/* A fake clock_gettime(2) returns `shown` and records the clock. */
static struct timespec shown;
static clockid_t asked;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	asked = clock;
	*now = shown;
	return 0;
}

static const struct {
	time_t sec;
	long nsec;
	uint64_t usec;
} times[] = {
	{0, 999, 0},
	{0, 1000, 1},
	{1, 999999999, 1999999},
	/* More microseconds than 32 bits hold. */
	{INT32_MAX, 0, UINT64_C(2147483647000000)},
};

START_TEST(clock_is_monotonic_in_microseconds)
{
	uint64_t usec;

	shown = (struct timespec){.tv_sec = times[_i].sec, .tv_nsec = times[_i].nsec};
	usec = clock_now_usec();
	/* Check measures the duration of the test with the same clock. */
	shown = (struct timespec){0};
	ck_assert_uint_eq(usec, times[_i].usec);
	ck_assert_int_eq(asked, CLOCK_MONOTONIC);
}
END_TEST

static const struct {
	uint64_t deadline, now;
	int msec;
} timeouts[] = {
	{CLOCK_NEVER, 0, -1},
	{CLOCK_NEVER, CLOCK_NEVER, -1},
	/* Deadlines that have passed. */
	{5000, 5000, 0},
	{5000, 5001, 0},
	{0, CLOCK_NEVER - 1, 0},
	/* Rounded up. */
	{5001, 5000, 1},
	{6000, 5000, 1},
	{6001, 5000, 2},
	{30000000, 0, 30000},
	/* Around INT_MAX milliseconds, and far above. */
	{INT_MAX * UINT64_C(1000) - 1000, 0, INT_MAX - 1},
	{INT_MAX * UINT64_C(1000), 0, INT_MAX},
	{(UINT64_C(1) << 32) * 1000 + 5000, 0, INT_MAX},
	{CLOCK_NEVER - 1, 0, INT_MAX},
};

START_TEST(timeout_is_rounded_up)
{
	ck_assert_int_eq(clock_timeout_msec(timeouts[_i].deadline, timeouts[_i].now),
			 timeouts[_i].msec);
}
END_TEST

int main(void)
{
	return UNIT_RUN("clock", {clock_is_monotonic_in_microseconds, UNIT_COUNT(times)},
			{timeout_is_rounded_up, UNIT_COUNT(timeouts)});
}
