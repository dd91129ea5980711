/* SPDX-License-Identifier: MIT */
/* stdio - usable standard streams, and write errors that are reported */
#ifndef HELLOD_STDIO_H
#define HELLOD_STDIO_H

/*
 * Ignores SIGPIPE and SIGXFSZ, so that a reader that goes away, and a file that may not grow, are
 * errors of write(2) like any other.
 *
 * Opens /dev/null on closed standard descriptors, so that no socket becomes descriptor 0, 1 or 2.
 * Reading from and writing to them still fails with EBADF. To be called first in main(). Ends the
 * process with that status, and a message, if /dev/null cannot be opened.
 */
void stdio_sanitise(int failure_status);

/* Flushes standard output. Returns 0, or the first -errno of all calls. */
int stdio_flush(void);

/*
 * Flushes and closes standard output, because a full disk may be reported only then. To be called
 * once, last. Returns 0, or prints the first error to standard error and returns its -errno. The
 * message says what to do, except for EPIPE, because the reader has ended, and EINTR, because a
 * signal has ended the wait for it.
 */
int stdio_close(void);

#endif
