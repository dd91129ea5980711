/* SPDX-License-Identifier: MIT */
/* stdio - standard output, with nothing lost unnoticed */
#ifndef HELLOD_STDIO_H
#define HELLOD_STDIO_H

/*
 * Takes the places of standard streams that are closed, so that no socket comes to stand there and
 * is written to by mistake: reading and writing them goes on failing with EBADF. To be called
 * first.
 */
void stdio_sanitise(void);

/*
 * Flushes standard output, and remembers the first failure for stdio_close(), which would no
 * longer know the reason.
 *
 * Returns 0 or -errno, also of an earlier failure.
 */
int stdio_flush(void);

/*
 * Flushes and closes standard output: a full disk shows only here. To be called once, last.
 *
 * Returns 0 if everything that was printed has been taken;
 *         -errno if not. Says so on standard error, in one line.
 */
int stdio_close(void);

#endif
