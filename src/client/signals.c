/* SPDX-License-Identifier: MIT */
/* signals - client side: waiting for sockets and deadlines, until a signal */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "client/signals.h"
#include "common/clock.h"

static const int caught[] = {SIGINT, SIGTERM};
#define CAUGHT_COUNT (sizeof(caught) / sizeof(*caught))

/* timeout(1) sends its signal twice in a row: what follows so soon is no second thought. */
#define SAME_SIGNAL_USEC ((uint64_t)200 * USEC_PER_MSEC)

static volatile sig_atomic_t interrupted;
static uint64_t interrupted_usec; /* the handler's own */

static void note(int signal_number)
{
	uint64_t now = clock_now_usec();

	if (interrupted == 0) {
		interrupted = 1;
		interrupted_usec = now;
	} else if (now - interrupted_usec >= SAME_SIGNAL_USEC) {
		/* It ends the process, wherever that hangs, as soon as we return. */
		signal(signal_number, SIG_DFL);
		raise(signal_number);
	}
}

void wait_catch_signals(void)
{
	struct sigaction action = {.sa_handler = note};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < CAUGHT_COUNT; i++)
		sigaddset(&action.sa_mask, caught[i]);
	for (size_t i = 0; i < CAUGHT_COUNT; i++)
		sigaction(caught[i], &action, NULL);
	/* Whoever started us may have had them blocked. */
	sigprocmask(SIG_UNBLOCK, &action.sa_mask, NULL);
}

bool wait_interrupted(void)
{
	return interrupted != 0;
}

/* As ppoll(2), but a signal that came just before ends it too. Returns -errno. */
static int poll_once(struct pollfd *polled, nfds_t count, const struct timespec *timeout)
{
	sigset_t blocked, before;
	int r = -EINTR;

	sigemptyset(&blocked);
	for (size_t i = 0; i < CAUGHT_COUNT; i++)
		sigaddset(&blocked, caught[i]);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (!interrupted) {
		r = ppoll(polled, count, timeout, &before);
		if (r < 0)
			r = -errno;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

int wait_poll(struct pollfd *polled, nfds_t count, uint64_t deadline_usec)
{
	for (;;) {
		uint64_t now = clock_now_usec();
		uint64_t left = deadline_usec > now ? deadline_usec - now : 0;
		struct timespec timeout = {
			.tv_sec = (time_t)(left / USEC_PER_SEC),
			.tv_nsec = (long)(left % USEC_PER_SEC * NSEC_PER_USEC),
		};
		int r = poll_once(polled, count, deadline_usec == CLOCK_NEVER ? NULL : &timeout);

		/* Without a handler of ours it was a stop and continue: wait on. */
		if (r != -EINTR || interrupted)
			return r;
	}
}
