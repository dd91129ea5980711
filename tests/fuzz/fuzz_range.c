/* SPDX-License-Identifier: MIT */
/* fuzz_range - any string as a threshold of check_hello */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>

#include "check_hello/range.h"
#include "fuzz.h"

#define NUMBER "-?([0-9]+[.]?[0-9]*|[.][0-9]+)"
#define MILLION 1000000

/* The form of range.h. The subexpressions: 1 is the '@', 3 START, 6 END, 8 START without END. */
static const char form[] = "^(@?)(((~|" NUMBER ")?):)?(" NUMBER ")$";
static const char open_form[] = "^(@?)(~|" NUMBER "):$";

/* Reads a number that has the form. Returns false if it is too large. */
static bool read_number(const char *text, size_t length, int64_t *ret_number)
{
	bool negative = length > 0 && text[0] == '-';
	unsigned decimals = 0;
	bool point = false;
	const uint64_t limit = (RANGE_WHOLE_MAX + 1) * MILLION;
	uint64_t number = 0;

	for (size_t i = negative; i < length; i++) {
		if (text[i] == '.') {
			point = true;
			continue;
		}
		if (decimals == 6)
			continue;
		decimals += point;
		number = number * 10 + (unsigned)(text[i] - '0');
		if (number >= limit)
			return false;
	}
	for (; decimals < 6; decimals++) {
		number *= 10;
		if (number >= limit)
			return false;
	}
	*ret_number = negative ? -(int64_t)number : (int64_t)number;
	return true;
}

/* Returns as range_parse() does. */
static int reference(const char *text, struct range *ret_range)
{
	static regex_t regex, open_regex;
	static bool compiled;
	const char *start, *end = NULL;
	regmatch_t match[8];
	size_t start_length, end_length = 0;
	struct range range = {.end = INT64_MAX};

	if (!compiled) {
		REQUIRE(regcomp(&regex, form, REG_EXTENDED) == 0);
		REQUIRE(regcomp(&open_regex, open_form, REG_EXTENDED) == 0);
		compiled = true;
	}
	if (regexec(&regex, text, 8, match, 0) == 0) {
		start = text + match[3].rm_so;
		start_length = match[3].rm_so < 0 ? 0 : (size_t)(match[3].rm_eo - match[3].rm_so);
		end = text + match[6].rm_so;
		end_length = (size_t)(match[6].rm_eo - match[6].rm_so);
	} else if (regexec(&open_regex, text, 8, match, 0) == 0) {
		start = text + match[2].rm_so;
		start_length = (size_t)(match[2].rm_eo - match[2].rm_so);
	} else {
		return -EINVAL;
	}
	range.inside = match[1].rm_eo > match[1].rm_so;
	if (start_length > 0 && start[0] == '~')
		range.start = INT64_MIN;
	else if (!read_number(start, start_length, &range.start))
		return -ERANGE;
	if (end != NULL && !read_number(end, end_length, &range.end))
		return -ERANGE;
	if (range.start > range.end)
		return -EDOM;
	*ret_range = range;
	return 0;
}

/* Each number near an end is on the right side of it. */
static void check_alerts(const struct range *range)
{
	const int64_t ends[] = {range->start, range->end, 0, MILLION};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		for (int64_t step = -1; step <= 1; step++) {
			int64_t number;
			bool outside;

			if (__builtin_add_overflow(ends[i], step, &number))
				continue;
			outside = number < range->start || number > range->end;
			REQUIRE(range_alerts(range, number) == (outside != range->inside));
		}
	}
}

static void append_number(char *text, int64_t number)
{
	uint64_t size = number < 0 ? (uint64_t)-number : (uint64_t)number;

	sprintf(text + strlen(text), "%s%" PRIu64 ".%06" PRIu64, number < 0 ? "-" : "",
		size / MILLION, size % MILLION);
}

/* A range that is written with all its parts is the same. */
static void check_again(const struct range *range)
{
	char text[96];
	struct range again;

	strcpy(text, range->inside ? "@" : "");
	if (range->start == INT64_MIN)
		strcat(text, "~");
	else
		append_number(text, range->start);
	strcat(text, ":");
	if (range->end != INT64_MAX)
		append_number(text, range->end);
	REQUIRE(range_parse(text, &again) == 0);
	REQUIRE(again.start == range->start && again.end == range->end &&
		again.inside == range->inside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *text = fuzz_string(&input);
	struct range range, wanted, untouched;
	int r, wanted_r = reference(text, &wanted);

	memset(&range, 0x55, sizeof(range));
	untouched = range;
	r = range_parse(text, &range);
	/* Of several mistakes any may be told. */
	REQUIRE(r == wanted_r || (r == -ERANGE && wanted_r == -EINVAL));
	if (r == 0) {
		REQUIRE(range.start == wanted.start && range.end == wanted.end);
		REQUIRE(range.inside == wanted.inside);
		check_alerts(&range);
		check_again(&range);
	} else {
		REQUIRE(memcmp(&range, &untouched, sizeof(range)) == 0);
	}
	free(text);
	return 0;
}
