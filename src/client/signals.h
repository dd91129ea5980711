/* SPDX-License-Identifier: MIT */
/* signals - client side: waiting for sockets and deadlines, until a signal */
#ifndef HELLOD_SIGNALS_H
#define HELLOD_SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * From here on the first SIGINT or SIGTERM no longer ends the process: it ends wait_poll(), at once
 * and at every later call, with -EINTR. Another one, 0.2 s or more after it, ends the process. That
 * they were ignored or blocked before does not matter, as with ping(8): a script ends what it
 * started behind it so.
 */
void wait_catch_signals(void);

/* Whether one of those signals came. */
bool wait_interrupted(void);

/*
 * Waits until one of the file descriptors is ready, as poll(2) does, or the deadline has come.
 * Without file descriptors it waits for the deadline.
 *
 * Returns how many are ready; 0 at the deadline; -EINTR after a signal; another -errno of ppoll(2).
 */
int wait_poll(struct pollfd *polled, nfds_t count, uint64_t deadline_usec);

#endif
