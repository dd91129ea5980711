/* SPDX-License-Identifier: MIT */
/* number - numbers given by users */
#include "config.h"

#include <errno.h>
#include <stdbool.h>

#include "common/clock.h"
#include "common/number.h"

/* Parses multiples of 1/`unit`, a power of ten. strtoull(3) would accept signs and blanks. */
static int parse(const char *text, uint64_t unit, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	const char *start = text;
	uint64_t number = 0;
	bool overflow = false;

	for (; *text >= '0' && *text <= '9'; text++) {
		overflow |= __builtin_mul_overflow(number, 10U, &number);
		overflow |= __builtin_add_overflow(number, (unsigned)(*text - '0'), &number);
	}
	overflow |= __builtin_mul_overflow(number, unit, &number);
	if (*text == '.' && unit > 1) {
		start++;
		for (text++; *text >= '0' && *text <= '9'; text++) {
			uint64_t part = (unit /= 10) * (unsigned)(*text - '0');

			overflow |= __builtin_add_overflow(number, part, &number);
		}
	}
	if (text == start || *text != '\0')
		return -EINVAL;
	if (overflow || number < min || number > max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	return parse(text, 1, min, max, ret_number);
}

int number_parse_seconds(const char *text, uint64_t min_usec, uint64_t max_usec, uint64_t *ret_usec)
{
	return parse(text, USEC_PER_SEC, min_usec, max_usec, ret_usec);
}
