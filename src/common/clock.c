/* SPDX-License-Identifier: MIT */
/* clock - the clock that every deadline is on */
#include "config.h"

#include <limits.h>
#include <time.h>

#include "common/clock.h"

uint64_t clock_now_usec(void)
{
	struct timespec now;

	/* Cannot fail: the clock exists on every Linux and the pointer is good. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC;
}

int clock_timeout_msec(uint64_t deadline_usec, uint64_t now_usec)
{
	uint64_t msec;

	if (deadline_usec == CLOCK_NEVER)
		return -1;
	if (deadline_usec <= now_usec)
		return 0;
	msec = (deadline_usec - now_usec - 1) / USEC_PER_MSEC + 1;
	return msec < INT_MAX ? (int)msec : INT_MAX;
}
