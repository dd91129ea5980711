/* SPDX-License-Identifier: MIT */
/* pace - when the server lets clients gather, to accept several at a time */
#include "config.h"

#include <sys/param.h>

#include "hellod/pace.h"

bool pace_is_crowd(const struct pace *pace)
{
	return pace->accepted >= PACE_CLIENTS_MIN;
}

unsigned pace_batch(const struct pace *before, uint64_t open)
{
	return before->accepted > 1 || open > 0 ? PACE_BATCH : 1;
}

uint64_t pace_sleep_usec(const struct pace *pace, uint64_t now_usec, uint64_t deadline_usec)
{
	uint64_t usec = MIN(pace->accepted * PACE_CLIENT_USEC, PACE_SLEEP_USEC);
	bool sleeps = pace_is_crowd(pace) && !pace->more;

	return sleeps && deadline_usec > now_usec + usec ? usec : 0;
}
