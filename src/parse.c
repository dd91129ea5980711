/* SPDX-License-Identifier: MIT */
/* parse - numbers that users give */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "monotonic.h"
#include "parse.h"

/* strtoull() would take a sign, blanks and a number that is too large for it. */
static const char *parse_digits(const char *text, uint64_t max, uint64_t *number)
{
	uint64_t n = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		n = n > (max - digit) / 10 ? max : n * 10 + digit;
	}
	*number = n;
	return text;
}

int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t n;
	const char *end = parse_digits(text, UINT64_MAX, &n);

	if (end == text || *end != '\0')
		return -EINVAL;
	if (n < min || n > max)
		return -ERANGE;
	*number = n;
	return 0;
}

int parse_seconds(const char *text, uint64_t min_usec, uint64_t max_usec, uint64_t *usec)
{
	uint64_t seconds, fraction = 0;
	const char *end = parse_digits(text, UINT64_MAX / USEC_PER_SEC - 1, &seconds);
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

	fraction += seconds * USEC_PER_SEC;
	if (fraction < min_usec || fraction > max_usec)
		return -ERANGE;
	*usec = fraction;
	return 0;
}
