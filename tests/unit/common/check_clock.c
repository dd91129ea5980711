/* SPDX-License-Identifier: MIT */
/* clock - the monotonic clock, and waiting for its deadlines */
#include "config.h"

#include <limits.h>
#include <time.h>

#include "../unit.h"
#include "common/clock.h"

/* What the clock shows; the C library's is not asked. */
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
} clocks[] = {
	{0, 0, 0},
	{0, 999, 0},
	{0, 1000, 1},
	{1, 0, 1000000},
	{1, 999999999, 1999999},
	/* Past what 32 bits hold: in microseconds, and (a century from now) in seconds. */
	{4295, 0, 4295000000},
	{INT32_MAX, 0, UINT64_C(2147483647000000)},
};

START_TEST(clock_is_read_in_microseconds)
{
	uint64_t usec;

	shown = (struct timespec){.tv_sec = clocks[_i].sec, .tv_nsec = clocks[_i].nsec};
	usec = clock_now_usec();
	/* Check looks at this clock too, and thinks that the test took so long. */
	shown = (struct timespec){0};
	ck_assert_uint_eq(usec, clocks[_i].usec);
	ck_assert_int_eq(asked, CLOCK_MONOTONIC);
}
END_TEST

static const struct {
	uint64_t deadline, now;
	int msec;
} waits[] = {
	{CLOCK_NEVER, 0, -1},
	{CLOCK_NEVER, CLOCK_NEVER - 1, -1},
	{CLOCK_NEVER, CLOCK_NEVER, -1},
	/* It has come. */
	{0, 0, 0},
	{5000, 5000, 0},
	{5000, 5001, 0},
	{0, CLOCK_NEVER - 1, 0},
	/* Rounded up. */
	{5001, 5000, 1},
	{5999, 5000, 1},
	{6000, 5000, 1},
	{6001, 5000, 2},
	{30000000, 0, 30000},
	/* INT_MAX milliseconds, a microsecond more, and far more. */
	{INT_MAX * UINT64_C(1000), 0, INT_MAX},
	{INT_MAX * UINT64_C(1000) - 1000, 0, INT_MAX - 1},
	{INT_MAX * UINT64_C(1000) + 1, 0, INT_MAX},
	{(INT_MAX + UINT64_C(1)) * 1000, 0, INT_MAX},
	{(UINT64_C(1) << 32) * 1000 + 5000, 0, INT_MAX},
	{CLOCK_NEVER - 1, 0, INT_MAX},
};

START_TEST(wait_is_rounded_up)
{
	ck_assert_int_eq(clock_timeout_msec(waits[_i].deadline, waits[_i].now), waits[_i].msec);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tcase = tcase_create("clock");

	tcase_add_loop_test(tcase, clock_is_read_in_microseconds, 0, UNIT_COUNT(clocks));
	tcase_add_loop_test(tcase, wait_is_rounded_up, 0, UNIT_COUNT(waits));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
