/* SPDX-License-Identifier: MIT */
/* range - a range of numbers, and whether a number raises an alert */
#include "config.h"

#include <errno.h>

#include "check_hello/range.h"

#define MILLION 1000000

/* Parses the number at *text, and moves *text behind it. strtod(3) depends on the locale. */
static int parse_number(const char **text, int64_t *ret_number)
{
	bool negative = **text == '-', digits = false;
	const char *next = *text + negative;
	int64_t whole = 0, fraction = 0, unit = MILLION;

	for (; *next >= '0' && *next <= '9'; next++) {
		digits = true;
		whole = whole * 10 + (*next - '0');
		if (whole > RANGE_WHOLE_MAX)
			return -ERANGE;
	}
	if (*next == '.') {
		for (next++; *next >= '0' && *next <= '9'; next++) {
			digits = true;
			fraction += (unit /= 10) * (*next - '0');
		}
	}
	if (!digits)
		return -EINVAL;
	*ret_number = (whole * MILLION + fraction) * (negative ? -1 : 1);
	*text = next;
	return 0;
}

int range_parse(const char *text, struct range *ret_range)
{
	struct range range = {.start = 0, .end = INT64_MAX, .inside = text[0] == '@'};
	const char *next = text + range.inside;
	int r = 0;

	/* Without a colon, the only number is the end. */
	if (next[0] == '~' && next[1] == ':') {
		range.start = INT64_MIN;
		next++;
	} else if (next[0] != ':') {
		r = parse_number(&next, &range.start);
		if (r == 0 && *next != ':') {
			range.end = range.start;
			range.start = 0;
		}
	} else if (next[1] == '\0') {
		return -EINVAL;
	}
	if (r == 0 && *next == ':' && *++next != '\0')
		r = parse_number(&next, &range.end);
	if (r < 0)
		return r;
	if (*next != '\0')
		return -EINVAL;
	if (range.start > range.end)
		return -EDOM;
	*ret_range = range;
	return 0;
}

bool range_alerts(const struct range *range, int64_t number)
{
	return (number >= range->start && number <= range->end) == range->inside;
}
