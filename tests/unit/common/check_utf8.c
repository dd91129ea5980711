/* SPDX-License-Identifier: MIT */
/* utf8 - UTF-8, one character at a time (RFC 3629) */
#include "config.h"

#include "../unit.h"
#include "common/utf8.h"

/* Stands for "not written to". */
#define UNTOUCHED 0xABCDEF01U

static const struct {
	const char *bytes;
	size_t length;
	uint32_t code_point;
} characters[] = {
	/* First and last of each length, and around the surrogates: RFC 3629, section 3. */
	{UNIT_BYTES("\x00"), 0x0000},
	{UNIT_BYTES("\x7F"), 0x007F},
	{UNIT_BYTES("\xC2\x80"), 0x0080},
	{UNIT_BYTES("\xDF\xBF"), 0x07FF},
	{UNIT_BYTES("\xE0\xA0\x80"), 0x0800},
	{UNIT_BYTES("\xED\x9F\xBF"), 0xD7FF},
	{UNIT_BYTES("\xEE\x80\x80"), 0xE000},
	{UNIT_BYTES("\xEF\xBF\xBF"), 0xFFFF},
	{UNIT_BYTES("\xF0\x90\x80\x80"), 0x10000},
	{UNIT_BYTES("\xF3\xBF\xBF\xBF"), 0xFFFFF},
	{UNIT_BYTES("\xF4\x80\x80\x80"), 0x100000},
	{UNIT_BYTES("\xF4\x8F\xBF\xBF"), 0x10FFFF},
	/* RFC 3629, section 7. */
	{UNIT_BYTES("\x41"), 0x0041},
	{UNIT_BYTES("\xCE\x91"), 0x0391},
	{UNIT_BYTES("\xE2\x89\xA2"), 0x2262},
	{UNIT_BYTES("\xED\x95\x9C"), 0xD55C},
	{UNIT_BYTES("\xE6\x97\xA5"), 0x65E5},
	{UNIT_BYTES("\xEF\xBB\xBF"), 0xFEFF},
	{UNIT_BYTES("\xF0\xA3\x8E\xB4"), 0x233B4},
};

static const struct {
	const char *bytes;
	size_t length;
} malformed[] = {
	/* Continuation bytes without a lead. */
	{UNIT_BYTES("\x80")},
	{UNIT_BYTES("\xBF\xBF")},
	/* Overlong: the last code point that would fit in a byte less. */
	{UNIT_BYTES("\xC0\x80")},
	{UNIT_BYTES("\xC1\xBF")},
	{UNIT_BYTES("\xE0\x80\x80")},
	{UNIT_BYTES("\xE0\x9F\xBF")},
	{UNIT_BYTES("\xF0\x80\x80\x80")},
	{UNIT_BYTES("\xF0\x8F\xBF\xBF")},
	/* Surrogates, first and last of each kind. */
	{UNIT_BYTES("\xED\xA0\x80")},
	{UNIT_BYTES("\xED\xAF\xBF")},
	{UNIT_BYTES("\xED\xB0\x80")},
	{UNIT_BYTES("\xED\xBF\xBF")},
	/* Past U+10FFFF. */
	{UNIT_BYTES("\xF4\x90\x80\x80")},
	{UNIT_BYTES("\xF5\x80\x80\x80")},
	{UNIT_BYTES("\xF7\xBF\xBF\xBF")},
	/* The longer forms of RFC 2279, and bytes that never were a lead. */
	{UNIT_BYTES("\xF8\x88\x80\x80\x80")},
	{UNIT_BYTES("\xFC\x84\x80\x80\x80\x80")},
	{UNIT_BYTES("\xFE\x80\x80\x80")},
	{UNIT_BYTES("\xFF\x80\x80\x80")},
};

static void get_one(const char *bytes, size_t length, size_t expected_length, uint32_t expected)
{
	char *copy = unit_copy(bytes, length);
	uint32_t code_point = UNTOUCHED;

	ck_assert_uint_eq(utf8_get(copy, length, &code_point), expected_length);
	ck_assert_uint_eq(code_point, expected);
	free(copy);
}

START_TEST(get_takes_a_character)
{
	char followed[UTF8_BYTES_MAX + 2] = "";

	get_one(characters[_i].bytes, characters[_i].length, characters[_i].length,
		characters[_i].code_point);

	/* What follows does not matter, be it a continuation byte. */
	memcpy(followed, characters[_i].bytes, characters[_i].length);
	followed[characters[_i].length] = '\x80';
	get_one(followed, characters[_i].length + 1, characters[_i].length,
		characters[_i].code_point);
}
END_TEST

START_TEST(get_rejects_every_truncation)
{
	for (size_t length = 0; length < characters[_i].length; length++)
		get_one(characters[_i].bytes, length, 0, UNTOUCHED);
}
END_TEST

START_TEST(get_rejects_a_bad_continuation)
{
	static const char bad[] = {'\x00', '\x7F', '\xC0', '\xFF'};

	for (size_t i = 1; i < characters[_i].length; i++) {
		for (size_t j = 0; j < sizeof(bad); j++) {
			char bytes[UTF8_BYTES_MAX];

			memcpy(bytes, characters[_i].bytes, characters[_i].length);
			bytes[i] = bad[j];
			get_one(bytes, characters[_i].length, 0, UNTOUCHED);
		}
	}
}
END_TEST

START_TEST(get_rejects_what_is_malformed)
{
	get_one(malformed[_i].bytes, malformed[_i].length, 0, UNTOUCHED);
}
END_TEST

START_TEST(put_writes_a_character)
{
	char *out = malloc(characters[_i].length);

	ck_assert_uint_eq(utf8_put(out, characters[_i].code_point), characters[_i].length);
	ck_assert_mem_eq(out, characters[_i].bytes, characters[_i].length);
	free(out);
}
END_TEST

START_TEST(every_character_survives)
{
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		char bytes[UTF8_BYTES_MAX];
		uint32_t back = UNTOUCHED;
		size_t n;

		if (c == 0xD800)
			c = 0xE000;
		n = utf8_put(bytes, c);
		/* Not with ck_assert, which notes down every success. */
		if (utf8_get(bytes, n, &back) != n || back != c)
			ck_abort_msg("U+%04X came back as U+%04X", c, back);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tcase = tcase_create("utf8");

	tcase_add_loop_test(tcase, get_takes_a_character, 0, UNIT_COUNT(characters));
	tcase_add_loop_test(tcase, get_rejects_every_truncation, 0, UNIT_COUNT(characters));
	tcase_add_loop_test(tcase, get_rejects_a_bad_continuation, 0, UNIT_COUNT(characters));
	tcase_add_loop_test(tcase, get_rejects_what_is_malformed, 0, UNIT_COUNT(malformed));
	tcase_add_loop_test(tcase, put_writes_a_character, 0, UNIT_COUNT(characters));
	tcase_add_test(tcase, every_character_survives);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
