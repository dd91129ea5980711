/* SPDX-License-Identifier: MIT */
/* wait - client side: waiting for sockets and deadlines, until a signal */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "monotonic.h"
#include "wait.h"

static volatile sig_atomic_t interrupted;
static sigset_t mask_while_waiting;
static bool catching;

static void note(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

void wait_catch_signals(void)
{
	struct sigaction action = {.sa_handler = note};
	sigset_t caught;

	sigemptyset(&caught);
	sigaddset(&caught, SIGINT);
	sigaddset(&caught, SIGTERM);
	sigprocmask(SIG_BLOCK, &caught, &mask_while_waiting);
	sigdelset(&mask_while_waiting, SIGINT);
	sigdelset(&mask_while_waiting, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	catching = true;
}

bool wait_interrupted(void)
{
	return interrupted != 0;
}

int wait_poll(struct pollfd *polled, nfds_t count, uint64_t deadline_usec)
{
	for (;;) {
		uint64_t now = monotonic_usec();
		uint64_t left = deadline_usec > now ? deadline_usec - now : 0;
		struct timespec timeout = {
			.tv_sec = (time_t)(left / USEC_PER_SEC),
			.tv_nsec = (long)(left % USEC_PER_SEC * NSEC_PER_USEC),
		};
		int r;

		if (interrupted)
			return -EINTR;
		r = ppoll(polled, count, deadline_usec == MONOTONIC_NEVER ? NULL : &timeout,
			  catching ? &mask_while_waiting : NULL);
		if (r >= 0)
			return r;
		/* Without a handler of ours it was a stop and continue: wait on. */
		if (errno != EINTR)
			return -errno;
	}
}
