/* SPDX-License-Identifier: MIT */
/* number - numbers that users give */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/clock.h"
#include "common/number.h"

/*
 * strtoull() would take a sign and blanks. Returns where the digits end; *overflow tells that the
 * number is too large to express.
 */
static const char *parse_digits(const char *text, uint64_t *number, bool *overflow)
{
	*number = 0;
	*overflow = false;
	for (; *text >= '0' && *text <= '9'; text++) {
		*overflow |= __builtin_mul_overflow(*number, 10U, number);
		*overflow |= __builtin_add_overflow(*number, (unsigned)(*text - '0'), number);
	}
	return text;
}

int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t n;
	bool overflow;
	const char *end = parse_digits(text, &n, &overflow);

	if (end == text || *end != '\0')
		return -EINVAL;
	if (overflow || n < min || n > max)
		return -ERANGE;
	*number = n;
	return 0;
}

int number_parse_seconds(const char *text, uint64_t min_usec, uint64_t max_usec, uint64_t *usec)
{
	uint64_t n, fraction = 0;
	bool overflow;
	const char *end = parse_digits(text, &n, &overflow);
	size_t digits = (size_t)(end - text);

	if (*end == '.') {
		const char *point = end++;

		for (uint64_t unit = USEC_PER_SEC / 10; *end >= '0' && *end <= '9'; end++) {
			fraction += (uint64_t)(*end - '0') * unit;
			unit /= 10;
		}
		digits += (size_t)(end - point) - 1;
	}
	if (digits == 0 || *end != '\0')
		return -EINVAL;

	overflow |= __builtin_mul_overflow(n, USEC_PER_SEC, &n);
	overflow |= __builtin_add_overflow(n, fraction, &n);
	if (overflow || n < min_usec || n > max_usec)
		return -ERANGE;
	*usec = n;
	return 0;
}
