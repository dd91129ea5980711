/* SPDX-License-Identifier: MIT */
/* output - standard output, with nothing lost unnoticed */
#ifndef HELLOD_OUTPUT_H
#define HELLOD_OUTPUT_H

/*
 * Flushes and closes standard output: a full disk shows only here. To be called once, last.
 *
 * Returns 0 if everything that was printed has been taken;
 *         -errno if not. Says so on standard error, in one line.
 */
int output_close(void);

#endif
