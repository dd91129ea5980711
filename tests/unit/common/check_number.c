/* SPDX-License-Identifier: MIT */
/* number - numbers given by users */
#include "config.h"

#include <errno.h>

#include "../unit.h"
#include "common/number.h"

/* Stands for "not written to". */
#define UNTOUCHED 0xABCDEF0123456789U

typedef int parser(const char *text, uint64_t min, uint64_t max, uint64_t *number);

static void parse_one(parser *parse, const char *text, uint64_t min, uint64_t max, int expected,
		      uint64_t expected_number)
{
	char *copy = unit_copy(text, strlen(text) + 1);
	uint64_t number = UNTOUCHED;
	int r = parse(copy, min, max, &number);

	ck_assert_msg(r == expected, "'%s': %d instead of %d", text, r, expected);
	ck_assert_uint_eq(number, expected == 0 ? expected_number : UNTOUCHED);
	free(copy);
}

static const struct {
	const char *text;
	uint64_t min, max;
	int expected;
	uint64_t number;
} numbers[] = {
	{"0", 0, 9, 0, 0},
	{"7", 0, 9, 0, 7},
	{"007", 0, 9, 0, 7},
	{"1234567890", 0, UINT64_MAX, 0, 1234567890},
	/* Both ends of the range, and next to them. */
	{"1", 1, 65535, 0, 1},
	{"0", 1, 65535, -ERANGE, 0},
	{"65535", 1, 65535, 0, 65535},
	{"65536", 1, 65535, -ERANGE, 0},
	{"5", 5, 5, 0, 5},
	/* The largest number there is, and larger ones: nothing wraps. */
	{"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
	{"18446744073709551615", 0, UINT64_MAX - 1, -ERANGE, 0},
	{"18446744073709551616", 0, UINT64_MAX - 1, -ERANGE, 0},
	{"18446744073709551617", 0, 65535, -ERANGE, 0},
	{"18446744073709551620", 0, 65535, -ERANGE, 0},
	{"18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
	{"184467440737095516150", 0, 65535, -ERANGE, 0},
	{"99999999999999999999999999999999", 0, 65535, -ERANGE, 0},
	/* What is not a number is not one however large it is. */
	{"99999999999999999999999999999999x", 0, 65535, -EINVAL, 0},
	{"", 0, 9, -EINVAL, 0},
	{"x", 0, 9, -EINVAL, 0},
	{"1x", 0, 9, -EINVAL, 0},
	{"x1", 0, 9, -EINVAL, 0},
	{" 1", 0, 9, -EINVAL, 0},
	{"1 ", 0, 9, -EINVAL, 0},
	{"1\n", 0, 9, -EINVAL, 0},
	{"+1", 0, 9, -EINVAL, 0},
	{"-1", 0, UINT64_MAX, -EINVAL, 0},
	{"-0", 0, 9, -EINVAL, 0},
	{"0x1", 0, 9, -EINVAL, 0},
	{"1e1", 0, 99, -EINVAL, 0},
	{"1.0", 0, 9, -EINVAL, 0},
	{"/", 0, 9, -EINVAL, 0}, /* the characters next to the digits in ASCII */
	{":", 0, 99, -EINVAL, 0},
	{"\u0661", 0, 9, -EINVAL, 0}, /* a digit, but not of the C locale */
};

static const struct {
	const char *text;
	uint64_t min, max;
	int expected;
	uint64_t usec;
} seconds[] = {
	{"0", 0, 9000000, 0, 0},
	{"10", 0, 60000000, 0, 10000000},
	{"1.5", 0, 60000000, 0, 1500000},
	{"0.000001", 0, 60000000, 0, 1},
	{"1.234567", 0, 60000000, 0, 1234567},
	{"00.10", 0, 60000000, 0, 100000},
	/* Six digits count: the rest is neither rounded nor wrong. */
	{"0.0000009", 0, 60000000, 0, 0},
	{"1.9999999", 0, 60000000, 0, 1999999},
	{"1.00000000000000000000000000000000000009", 0, 60000000, 0, 1000000},
	/* As strtod(3) in the C locale has it. */
	{".5", 0, 60000000, 0, 500000},
	{"5.", 0, 60000000, 0, 5000000},
	/* Both ends of the range, and next to them. */
	{"0.001", 1000, 3600000000, 0, 1000},
	{"0.000999", 1000, 3600000000, -ERANGE, 0},
	{"0", 1000, 3600000000, -ERANGE, 0},
	{"3600", 1000, 3600000000, 0, 3600000000},
	{"3600.000001", 1000, 3600000000, -ERANGE, 0},
	/* More microseconds than there can be: nothing wraps. */
	{"18446744073709", 0, 3600000000, -ERANGE, 0},
	{"18446744073710", 0, 3600000000, -ERANGE, 0},
	{"18446744073709.551616", 0, 3600000000, -ERANGE, 0},
	{"18446744073709551616", 0, 3600000000, -ERANGE, 0},
	{"18446744073709551620", 0, 3600000000, -ERANGE, 0},
	{"99999999999999999999999999999999.9", 0, 3600000000, -ERANGE, 0},
	{"99999999999999999999999999999999.x", 0, 3600000000, -EINVAL, 0},
	{"", 0, 9000000, -EINVAL, 0},
	{".", 0, 9000000, -EINVAL, 0},
	{"..5", 0, 9000000, -EINVAL, 0},
	{"1.5.", 0, 9000000, -EINVAL, 0},
	{"1,5", 0, 9000000, -EINVAL, 0},
	{"1s", 0, 9000000, -EINVAL, 0},
	{"1.s", 0, 9000000, -EINVAL, 0},
	{"1.5s", 0, 9000000, -EINVAL, 0},
	{" 1", 0, 9000000, -EINVAL, 0},
	{"1 ", 0, 9000000, -EINVAL, 0},
	{"1. 5", 0, 9000000, -EINVAL, 0},
	{"1.-5", 0, 9000000, -EINVAL, 0},
	{"-1", 0, 9000000, -EINVAL, 0},
	{"+1", 0, 9000000, -EINVAL, 0},
	{"1e1", 0, 90000000, -EINVAL, 0},
	{"0x1", 0, 9000000, -EINVAL, 0},
	{"inf", 0, UINT64_MAX, -EINVAL, 0},
	{"nan", 0, UINT64_MAX, -EINVAL, 0},
};

START_TEST(whole_numbers)
{
	parse_one(number_parse, numbers[_i].text, numbers[_i].min, numbers[_i].max,
		  numbers[_i].expected, numbers[_i].number);
}
END_TEST

START_TEST(seconds_and_fractions)
{
	parse_one(number_parse_seconds, seconds[_i].text, seconds[_i].min, seconds[_i].max,
		  seconds[_i].expected, seconds[_i].usec);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("number");
	TCase *tcase = tcase_create("number");

	tcase_add_loop_test(tcase, whole_numbers, 0, UNIT_COUNT(numbers));
	tcase_add_loop_test(tcase, seconds_and_fractions, 0, UNIT_COUNT(seconds));
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
