/* SPDX-License-Identifier: MIT */
/* clock - the clock that every deadline is on */
#ifndef HELLOD_CLOCK_H
#define HELLOD_CLOCK_H

#include <stdint.h>

#define USEC_PER_SEC 1000000U
#define USEC_PER_MSEC 1000U
#define NSEC_PER_USEC 1000U

/* A deadline that never comes. */
#define CLOCK_NEVER UINT64_MAX

/* Microseconds of CLOCK_MONOTONIC: steps of the wall clock do not move it. */
uint64_t clock_now_usec(void);

/*
 * How long to let poll(2) or epoll_wait(2) wait for a deadline, in milliseconds: rounded up, so
 * that the deadline has come when the wait is over, 0 if it has come already, -1 for
 * CLOCK_NEVER. A wait too long for an int is cut short.
 */
int clock_timeout_msec(uint64_t deadline_usec, uint64_t now_usec);

#endif
