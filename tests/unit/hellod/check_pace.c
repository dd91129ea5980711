/* SPDX-License-Identifier: MIT */
/* pace - when the server lets clients gather, to accept several at a time */
#include "config.h"

#include "../unit.h"
#include "common/clock.h"
#include "hellod/pace.h"

#define NOW 1000000U
#define SHORTEST (PACE_CLIENTS_MIN * PACE_CLIENT_USEC)

static const struct {
	struct pace before;
	uint64_t open;
	unsigned batch;
} batches[] = {
	/* A client at a time, whatever its number. */
	{{0, false}, 0, 1},
	{{1, true}, 0, 1},
	/* Others are connected, or came together. */
	{{0, false}, 1, PACE_BATCH},
	{{1, true}, 15000, PACE_BATCH},
	{{2, false}, 0, PACE_BATCH},
	{{PACE_BATCH, true}, 0, PACE_BATCH},
};

START_TEST(single_client_is_accepted_alone)
{
	ck_assert_uint_eq(pace_batch(&batches[_i].before, batches[_i].open), batches[_i].batch);
}
END_TEST

static const struct {
	struct pace pace;
	uint64_t deadline_usec, sleep_usec;
} sleeps[] = {
	{{0, false}, CLOCK_NEVER, 0},
	{{1, false}, CLOCK_NEVER, 0},
	{{PACE_CLIENTS_MIN - 1, false}, CLOCK_NEVER, 0},
	{{PACE_CLIENTS_MIN, false}, CLOCK_NEVER, SHORTEST},
	{{34, false}, CLOCK_NEVER, 680},
	{{35, false}, CLOCK_NEVER, 700},
	{{36, false}, CLOCK_NEVER, 700},
	{{4 * PACE_BATCH, false}, CLOCK_NEVER, 700},
	/* More clients are waiting. */
	{{PACE_BATCH, true}, CLOCK_NEVER, 0},
	/* Just before a deadline, at it and after it. */
	{{PACE_CLIENTS_MIN, false}, NOW + SHORTEST + 1, SHORTEST},
	{{PACE_CLIENTS_MIN, false}, NOW + SHORTEST, 0},
	{{PACE_CLIENTS_MIN, false}, NOW, 0},
	{{PACE_CLIENTS_MIN, false}, 0, 0},
};

START_TEST(sleep_follows_several_clients_and_ends_before_the_deadline)
{
	ck_assert_uint_eq(pace_sleep_usec(&sleeps[_i].pace, NOW, sleeps[_i].deadline_usec),
			  sleeps[_i].sleep_usec);
}
END_TEST

int main(void)
{
	return UNIT_RUN(
		"pace", {single_client_is_accepted_alone, UNIT_COUNT(batches)},
		{sleep_follows_several_clients_and_ends_before_the_deadline, UNIT_COUNT(sleeps)});
}
