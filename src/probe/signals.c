/* SPDX-License-Identifier: MIT */
/* signals - waits that SIGINT and SIGTERM end, and SIGQUIT interrupts */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "common/clock.h"
#include "probe/signals.h"

static sigset_t handled; /* none before signals_catch() */
static volatile sig_atomic_t caught, quit_pending;
static void (*quit_callback)(void *);
static void *quit_data;

static void note_signal(int signal_number)
{
	(void)signal_number;
	caught = 1;
}

static void note_quit(int signal_number)
{
	(void)signal_number;
	quit_pending = 1;
}

void signals_catch(void (*on_quit)(void *), void *data)
{
	/* Without SA_RESTART, so that a signal also ends a write to a pipe that nobody reads. */
	struct sigaction action = {.sa_handler = note_signal};

	sigemptyset(&handled);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGQUIT);
	action.sa_mask = handled;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);

	/* With SA_RESTART, because no write is to be cut short. ppoll(2) is interrupted anyway. */
	action.sa_handler = note_quit;
	action.sa_flags = SA_RESTART;
	quit_callback = on_quit;
	quit_data = data;
	sigaction(SIGQUIT, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &handled, NULL);
}

bool signals_caught(void)
{
	return caught != 0;
}

enum outcome signals_wait(struct pollfd *polled, nfds_t count, uint64_t deadline_usec,
			  int *ret_error)
{
	sigset_t before;
	uint64_t left;
	int r, error;

	do {
		uint64_t now;
		struct timespec timeout;

		if (quit_pending) {
			quit_pending = 0;
			if (quit_callback != NULL)
				quit_callback(quit_data);
		}
		now = clock_now_usec();
		left = deadline_usec > now ? deadline_usec - now : 0;
		timeout = (struct timespec){
			.tv_sec = (time_t)(left / USEC_PER_SEC),
			.tv_nsec = (long)(left % USEC_PER_SEC * NSEC_PER_USEC),
		};
		/* Blocked until ppoll(2) waits, so that none arrives unnoticed just before it. */
		sigprocmask(SIG_BLOCK, &handled, &before);
		r = -1;
		errno = EINTR;
		if (!signals_caught() && !quit_pending)
			r = ppoll(polled, count, deadline_usec == CLOCK_NEVER ? NULL : &timeout,
				  &before);
		error = errno;
		sigprocmask(SIG_SETMASK, &before, NULL);
		/*
		 * Another signal, such as SIGCONT after SIGSTOP, does not end the wait; but if they
		 * never end, the deadline does.
		 */
	} while (r < 0 && error == EINTR && !signals_caught() && (left > 0 || quit_pending));

	if (r >= 0)
		return r > 0 ? OUTCOME_NONE : OUTCOME_TIMED_OUT;
	if (signals_caught())
		return OUTCOME_INTERRUPTED;
	return error == EINTR ? OUTCOME_TIMED_OUT : outcome_system_error(error, ret_error);
}
