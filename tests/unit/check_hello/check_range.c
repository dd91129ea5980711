/* SPDX-License-Identifier: MIT */
/* range - a range of numbers, and whether a number raises an alert */
#include "config.h"

#include <errno.h>

#include "../unit.h"
#include "check_hello/range.h"

#define M 1000000LL
#define LEAST INT64_MIN
#define MOST INT64_MAX
#define NUMBERS_MAX 5

/* The table in the guidelines, and each form with negative numbers and fractions. */
static const struct {
	const char *text;
	struct {
		int64_t number;
		bool alert;
	} numbers[NUMBERS_MAX]; /* ascending; around the ends */
} forms[] = {
	{"10", {{-1, true}, {0, false}, {10 * M, false}, {10 * M + 1, true}, {MOST, true}}},
	{"10:", {{LEAST, true}, {0, true}, {10 * M - 1, true}, {10 * M, false}, {MOST, false}}},
	{"~:10", {{LEAST, false}, {0, false}, {10 * M, false}, {10 * M + 1, true}, {MOST, true}}},
	{"10:20",
	 {{0, true}, {10 * M - 1, true}, {10 * M, false}, {20 * M, false}, {20 * M + 1, true}}},
	{"@10:20",
	 {{0, false}, {10 * M - 1, false}, {10 * M, true}, {20 * M, true}, {20 * M + 1, false}}},

	/* @ with the other forms. */
	{"@10", {{-1, false}, {0, true}, {10 * M, true}, {10 * M + 1, false}, {MOST, false}}},
	{"@10:",
	 {{LEAST, false}, {10 * M - 1, false}, {10 * M, true}, {MOST - 1, true}, {MOST, true}}},
	{"@~:10", {{LEAST, true}, {0, true}, {10 * M, true}, {10 * M + 1, false}, {MOST, false}}},

	/* A start that is not given is 0. */
	{":10", {{LEAST, true}, {-1, true}, {0, false}, {10 * M, false}, {10 * M + 1, true}}},

	/* One number, nothing but one number, everything, nothing. */
	{"0", {{LEAST, true}, {-1, true}, {0, false}, {1, true}, {MOST, true}}},
	{"5:5", {{0, true}, {5 * M - 1, true}, {5 * M, false}, {5 * M + 1, true}, {MOST, true}}},
	{"@5:5",
	 {{0, false}, {5 * M - 1, false}, {5 * M, true}, {5 * M + 1, false}, {MOST, false}}},
	{"~:", {{LEAST, false}, {-M, false}, {0, false}, {M, false}, {MOST, false}}},
	{"@~:", {{LEAST, true}, {-M, true}, {0, true}, {M, true}, {MOST, true}}},
	{"0:", {{LEAST, true}, {-1, true}, {0, false}, {1, false}, {MOST, false}}},

	{"-20:-10",
	 {{-20 * M - 1, true}, {-20 * M, false}, {-10 * M, false}, {-10 * M + 1, true}, {0, true}}},
	{"@-0.5:.5",
	 {{-500001, false}, {-500000, true}, {0, true}, {500000, true}, {500001, false}}},
	{"~:-5", {{LEAST, false}, {-5 * M, false}, {-5 * M + 1, true}, {0, true}, {MOST, true}}},
	{"0.000512:1.", {{0, true}, {511, true}, {512, false}, {M, false}, {M + 1, true}}},

	/* Digits after the sixth decimal do not count. */
	{"0.0000019:00002.00000099999999999999999999",
	 {{0, true}, {1, false}, {2, false}, {2 * M, false}, {2 * M + 1, true}}},

	{"-999999999999.999999:999999999999.999999",
	 {{-1000000 * M * M, true},
	  {1 - 1000000 * M * M, false},
	  {0, false},
	  {1000000 * M * M - 1, false},
	  {1000000 * M * M, true}}},
};

START_TEST(ranges_raise_alerts)
{
	char *text = unit_copy(forms[_i].text, strlen(forms[_i].text) + 1);
	struct range range;

	ck_assert_int_eq(range_parse(text, &range), 0);
	for (int i = 0; i < NUMBERS_MAX; i++)
		ck_assert_msg(range_alerts(&range, forms[_i].numbers[i].number) ==
				      forms[_i].numbers[i].alert,
			      "'%s', number %d", text, i);
	free(text);
}
END_TEST

static const struct {
	const char *text;
	int error;
} wrong[] = {
	{"", -EINVAL},
	{"@", -EINVAL},
	{":", -EINVAL},
	{"@:", -EINVAL},
	{"~", -EINVAL},
	{"~10", -EINVAL},
	{"10:~", -EINVAL},
	{"@@10", -EINVAL},
	{"10@", -EINVAL},
	{"1:2:3", -EINVAL},
	{"1::2", -EINVAL},
	{"::", -EINVAL},
	{"~:~", -EINVAL},
	{"-", -EINVAL},
	{".", -EINVAL},
	{"-.", -EINVAL},
	{"--1", -EINVAL},
	{"+1", -EINVAL},
	{" 1", -EINVAL},
	{"1 ", -EINVAL},
	{"1: 2", -EINVAL},
	{"1,5", -EINVAL},
	{"1.2.3", -EINVAL},
	{"1e3", -EINVAL},
	{"0x10", -EINVAL},
	{"inf", -EINVAL},
	{"nan", -EINVAL},
	{"10s", -EINVAL},
	{"10%", -EINVAL},
	{"x", -EINVAL},
	{"~:x", -EINVAL},
	{"1:2x", -EINVAL},
	{"10\n", -EINVAL},
	{"1-2", -EINVAL},
	{"1:-", -EINVAL},
	{"-~:1", -EINVAL},

	{"20:10", -EDOM},
	{"@20:10", -EDOM},
	{"-10:-20", -EDOM},
	{"1:-1", -EDOM},
	{"-1", -EDOM},
	{"@-1", -EDOM},
	{":-1", -EDOM},
	{"1.000001:1", -EDOM},

	{"1000000000000", -ERANGE},
	{"0:1000000000000", -ERANGE},
	{"-1000000000000:", -ERANGE},
	{"@99999999999999999999999999999999999999", -ERANGE},
};

START_TEST(other_texts_are_refused)
{
	char *text = unit_copy(wrong[_i].text, strlen(wrong[_i].text) + 1);
	struct range range = {.start = 1, .end = 2, .inside = true};

	ck_assert_int_eq(range_parse(text, &range), wrong[_i].error);
	ck_assert(range.start == 1 && range.end == 2 && range.inside);
	free(text);
}
END_TEST

int main(void)
{
	return UNIT_RUN("range", {ranges_raise_alerts, UNIT_COUNT(forms)},
			{other_texts_are_refused, UNIT_COUNT(wrong)});
}
