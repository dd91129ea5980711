/* SPDX-License-Identifier: MIT */
/* number - numbers given by users */
#ifndef HELLOD_NUMBER_H
#define HELLOD_NUMBER_H

#include <stdint.h>

/*
 * Both functions ignore the locale and reject signs, blanks and text after the number. They return
 * 0; -EINVAL if `text` is not a number; -ERANGE if it is less than `min` or more than `max`.
 */

/* Parses decimal digits. */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

/* Parses seconds (10, 0.25, .5, 5.) into microseconds. Ignores digits after the sixth decimal. */
int number_parse_seconds(const char *text, uint64_t min_usec, uint64_t max_usec,
			 uint64_t *ret_usec);

#endif
