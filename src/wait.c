/* SPDX-License-Identifier: MIT */
/* wait - client side: waiting for sockets and deadlines, until a signal */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "monotonic.h"
#include "wait.h"

static const int caught[] = {SIGINT, SIGTERM};
#define CAUGHT_COUNT (sizeof(caught) / sizeof(*caught))

static volatile sig_atomic_t interrupted;

static void note(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

void wait_catch_signals(void)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	/* Once: the next one ends the process, wherever it hangs. */
	const struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < CAUGHT_COUNT; i++) {
		sigaction(caught[i], &action, NULL);
		sigaddset(&blocked, caught[i]);
	}
	/* Whoever started us may have had them blocked. */
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
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
		uint64_t now = monotonic_usec();
		uint64_t left = deadline_usec > now ? deadline_usec - now : 0;
		struct timespec timeout = {
			.tv_sec = (time_t)(left / USEC_PER_SEC),
			.tv_nsec = (long)(left % USEC_PER_SEC * NSEC_PER_USEC),
		};
		int r = poll_once(polled, count,
				  deadline_usec == MONOTONIC_NEVER ? NULL : &timeout);

		/* Without a handler of ours it was a stop and continue: wait on. */
		if (r != -EINTR || interrupted)
			return r;
	}
}
