/* SPDX-License-Identifier: MIT */
/* signals - waits that SIGINT and SIGTERM end, and SIGQUIT interrupts */
#ifndef HELLOD_SIGNALS_H
#define HELLOD_SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "probe/outcome.h"

/*
 * From here on SIGINT and SIGTERM end every signals_wait() instead of the process. A second signal
 * changes nothing, because timeout(1) sends its signal twice. Overrides an inherited SIG_IGN or
 * mask, as ping(8) does, so that scripts can stop a background client.
 *
 * SIGQUIT no longer ends the process either: signals_wait() calls `on_quit` with `data`, once for
 * signals that arrive together, and goes on waiting. If `on_quit` is NULL, SIGQUIT has no effect.
 */
void signals_catch(void (*on_quit)(void *data), void *data);

/* Whether SIGINT or SIGTERM has arrived since signals_catch(). */
bool signals_caught(void);

/*
 * Waits until one of the file descriptors is ready, as poll(2) does, or until the deadline
 * (common/clock.h), which is all it waits for if `count` is 0.
 *
 * Returns OUTCOME_NONE if one is ready: `revents` tells which;
 *         OUTCOME_TIMED_OUT at the deadline;
 *         OUTCOME_INTERRUPTED once signals_caught();
 *         OUTCOME_SYSTEM_ERROR, with the errno of ppoll(2) in *ret_error.
 */
enum outcome signals_wait(struct pollfd *polled, nfds_t count, uint64_t deadline_usec,
			  int *ret_error);

#endif
