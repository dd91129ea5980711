/* SPDX-License-Identifier: MIT */
/* clock - the monotonic clock, and waiting for its deadlines */
#ifndef HELLOD_CLOCK_H
#define HELLOD_CLOCK_H

#include <stdint.h>

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)
#define NSEC_PER_USEC 1000U

#define CLOCK_NEVER UINT64_MAX /* no deadline */

/* Returns CLOCK_MONOTONIC in microseconds. Changes of the system time do not affect it. */
uint64_t clock_now_usec(void);

/*
 * Returns the timeout for poll(2) or epoll_wait(2): the milliseconds until the deadline, rounded
 * up, 0 to INT_MAX; -1 for CLOCK_NEVER.
 */
int clock_timeout_msec(uint64_t deadline_usec, uint64_t now_usec);

#endif
