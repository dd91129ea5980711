/* SPDX-License-Identifier: MIT */
/* number - numbers that users give */
#ifndef HELLOD_NUMBER_H
#define HELLOD_NUMBER_H

#include <stdint.h>

/*
 * Both take the whole string, in the C locale's notation, and nothing else: no sign, no blanks,
 * no other text before or behind.
 */

/*
 * Decimal digits, from `min` to `max`.
 *
 * Returns 0, with the number in *number; -EINVAL if it is not one; -ERANGE if it is outside.
 */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *number);

/*
 * Seconds: digits, and perhaps a point and digits of which the first six count. From `min_usec`
 * to `max_usec`, in microseconds.
 *
 * Returns 0, with microseconds in *usec; -EINVAL if it is not a number; -ERANGE if it is outside.
 */
int number_parse_seconds(const char *text, uint64_t min_usec, uint64_t max_usec, uint64_t *usec);

#endif
