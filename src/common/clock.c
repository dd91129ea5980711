/* SPDX-License-Identifier: MIT */
/* clock - the monotonic clock, and waiting for its deadlines */
#include "config.h"

#include <limits.h>
#include <time.h>

#include "common/clock.h"

uint64_t clock_now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC;
}

int clock_timeout_msec(uint64_t deadline_usec, uint64_t now_usec)
{
	uint64_t left_usec = deadline_usec > now_usec ? deadline_usec - now_usec : 0;
	uint64_t msec = left_usec / USEC_PER_MSEC + (left_usec % USEC_PER_MSEC != 0);

	if (deadline_usec == CLOCK_NEVER)
		return -1;
	return msec < INT_MAX ? (int)msec : INT_MAX;
}
