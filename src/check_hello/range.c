/* SPDX-License-Identifier: MIT */
/* range - a range of numbers, and whether a number raises an alert */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "check_hello/range.h"
#include "common/clock.h"
#include "common/number.h"

/* Parses the number at *text, and moves *text behind it. */
static int parse_number(const char **text, int64_t *ret_number)
{
	const uint64_t max = (RANGE_WHOLE_MAX + 1) * USEC_PER_SEC - 1;
	bool negative = **text == '-';
	const char *digits = *text + negative;
	size_t length = strspn(digits, "0123456789.");
	uint64_t number;
	int r = number_parse_seconds(strndupa(digits, length), 0, max, &number);

	if (r < 0)
		return r;
	*ret_number = negative ? -(int64_t)number : (int64_t)number;
	*text = digits + length;
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
