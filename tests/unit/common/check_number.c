/* SPDX-License-Identifier: MIT */
/* number - numbers given by users */
#include "config.h"

#include <errno.h>

#include "../unit.h"
#include "common/number.h"

typedef int parser(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

static const struct {
	parser *parse;
	const char *text;
	uint64_t min, max;
	int expected;
	uint64_t number;
} numbers[] = {
	{number_parse, "0", 0, 9, 0, 0},
	{number_parse, "007", 0, 9, 0, 7},
	/* Both ends of the range, and next to them. */
	{number_parse, "1", 1, 65535, 0, 1},
	{number_parse, "0", 1, 65535, -ERANGE, 0},
	{number_parse, "65535", 1, 65535, 0, 65535},
	{number_parse, "65536", 1, 65535, -ERANGE, 0},
	/* The largest number, and numbers that 64 bits would wrap. */
	{number_parse, "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
	{number_parse, "18446744073709551615", 0, UINT64_MAX - 1, -ERANGE, 0},
	{number_parse, "18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
	{number_parse, "18446744073709551620", 0, 65535, -ERANGE, 0},
	{number_parse, "99999999999999999999999999999999", 0, UINT64_MAX, -ERANGE, 0},
	/* Fractions are for seconds only. */
	{number_parse, "1.0", 0, 9, -EINVAL, 0},
	{number_parse, ".5", 0, 9, -EINVAL, 0},
	{number_parse, "5.", 0, 9, -EINVAL, 0},
	{number_parse_seconds, "0", 0, 9000000, 0, 0},
	{number_parse_seconds, "1.5", 0, 60000000, 0, 1500000},
	{number_parse_seconds, "0.000001", 0, 60000000, 0, 1},
	{number_parse_seconds, "1.234567", 0, 60000000, 0, 1234567},
	{number_parse_seconds, ".5", 0, 60000000, 0, 500000},
	{number_parse_seconds, "5.", 0, 60000000, 0, 5000000},
	/* Digits after the sixth are ignored, not rounded. */
	{number_parse_seconds, "0.0000009", 0, 60000000, 0, 0},
	{number_parse_seconds, "1.9999999", 0, 60000000, 0, 1999999},
	{number_parse_seconds, "1.00000000000000000000000000000000000009", 0, 60000000, 0, 1000000},
	/* Both ends of the range, and next to them. */
	{number_parse_seconds, "0.001", 1000, 3600000000, 0, 1000},
	{number_parse_seconds, "0.000999", 1000, 3600000000, -ERANGE, 0},
	{number_parse_seconds, "3600", 1000, 3600000000, 0, 3600000000},
	{number_parse_seconds, "3600.000001", 1000, 3600000000, -ERANGE, 0},
	/* The most microseconds, and numbers that 64 bits would wrap. */
	{number_parse_seconds, "18446744073709.551615", 0, UINT64_MAX, 0, UINT64_MAX},
	{number_parse_seconds, "18446744073709.551616", 0, UINT64_MAX, -ERANGE, 0},
	{number_parse_seconds, "18446744073710", 0, 3600000000, -ERANGE, 0},
	{number_parse_seconds, "99999999999999999999999999999999.9", 0, UINT64_MAX, -ERANGE, 0},
};

static void parse_one(parser *parse, const char *text, uint64_t min, uint64_t max, int expected,
		      uint64_t expected_number)
{
	char *copy = unit_copy(text, strlen(text) + 1);
	uint64_t number = UNIT_UNTOUCHED;
	int r = parse(copy, min, max, &number);

	ck_assert_msg(r == expected, "'%s': %d instead of %d", text, r, expected);
	ck_assert_uint_eq(number, expected == 0 ? expected_number : UNIT_UNTOUCHED);
	free(copy);
}

START_TEST(numbers_are_parsed)
{
	parse_one(numbers[_i].parse, numbers[_i].text, numbers[_i].min, numbers[_i].max,
		  numbers[_i].expected, numbers[_i].number);
}
END_TEST

START_TEST(malformed_numbers_are_rejected)
{
	/* U+0661 is a digit, but not an ASCII one. */
	char list[] = "|.|..5|1.5.|1,5|x|1x|x1|1s|1.s|1.5s| 1|1 |1\n|1. 5|1.-5|+1|-1|-0|0x1|1e1|inf"
		      "|nan|/|:|1./"
		      "|1.:|1.5:|\u0661|99999999999999999999999999999999x|99999999999999999999.x";
	char *rest = list;

	for (const char *text; (text = strsep(&rest, "|")) != NULL;) {
		parse_one(number_parse, text, 0, UINT64_MAX, -EINVAL, 0);
		parse_one(number_parse_seconds, text, 0, UINT64_MAX, -EINVAL, 0);
	}
}
END_TEST

int main(void)
{
	return UNIT_RUN("number", {numbers_are_parsed, UNIT_COUNT(numbers)},
			{malformed_numbers_are_rejected, 1});
}
