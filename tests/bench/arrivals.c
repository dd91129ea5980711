/* SPDX-License-Identifier: MIT */
/* arrivals - when clients come that do not wait for each other */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "arrivals.h"
#include "common/clock.h"

void arrivals_init(struct arrivals *arrivals, uint64_t rate, uint64_t now_usec)
{
	*arrivals = (struct arrivals){
		.gap_usec = (double)USEC_PER_SEC / (double)rate,
		.next_usec = (double)now_usec,
	};
	arrivals_advance(arrivals);
}

uint64_t arrivals_next_usec(const struct arrivals *arrivals)
{
	return (uint64_t)arrivals->next_usec;
}

void arrivals_advance(struct arrivals *arrivals)
{
	/* 0 <= erand48() < 1, so that the logarithm is finite. */
	arrivals->next_usec -= arrivals->gap_usec * log1p(-erand48(arrivals->seed));
}
