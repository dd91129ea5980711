/* SPDX-License-Identifier: MIT */
/* utf8 - UTF-8, one character at a time (RFC 3629) */
#include "config.h"

#include "../unit.h"
#include "common/utf8.h"

enum kind {
	CHARACTER, /* accepted by utf8_get() and utf8_get_group(), written by utf8_put() */
	SURROGATE, /* not accepted by utf8_get() */
	GROUP,	   /* accepted only by utf8_get_group() */
	MALFORMED, /* accepted by none */
};

static const struct {
	const char *bytes;
	size_t length;
	enum kind kind;
	uint32_t code_point;
} forms[] = {
	/* First and last of each length, and around the surrogates: RFC 3629, section 3. */
	{UNIT_BYTES("\x00"), CHARACTER, 0x0000},
	{UNIT_BYTES("\x7F"), CHARACTER, 0x007F},
	{UNIT_BYTES("\xC2\x80"), CHARACTER, 0x0080},
	{UNIT_BYTES("\xDF\xBF"), CHARACTER, 0x07FF},
	{UNIT_BYTES("\xE0\xA0\x80"), CHARACTER, 0x0800},
	{UNIT_BYTES("\xED\x9F\xBF"), CHARACTER, 0xD7FF},
	{UNIT_BYTES("\xEE\x80\x80"), CHARACTER, 0xE000},
	{UNIT_BYTES("\xEF\xBF\xBF"), CHARACTER, 0xFFFF},
	{UNIT_BYTES("\xF0\x90\x80\x80"), CHARACTER, 0x10000},
	{UNIT_BYTES("\xF4\x8F\xBF\xBF"), CHARACTER, 0x10FFFF},
	/* First and last surrogate of each kind. */
	{UNIT_BYTES("\xED\xA0\x80"), SURROGATE, 0xD800},
	{UNIT_BYTES("\xED\xAF\xBF"), SURROGATE, 0xDBFF},
	{UNIT_BYTES("\xED\xB0\x80"), SURROGATE, 0xDC00},
	{UNIT_BYTES("\xED\xBF\xBF"), SURROGATE, 0xDFFF},
	/* Overlong: the first and last code points that fit in fewer bytes. */
	{UNIT_BYTES("\xC0\x80"), GROUP, 0x0000},
	{UNIT_BYTES("\xC1\xBF"), GROUP, 0x007F},
	{UNIT_BYTES("\xE0\x80\x80"), GROUP, 0x0000},
	{UNIT_BYTES("\xE0\x9F\xBF"), GROUP, 0x07FF},
	{UNIT_BYTES("\xF0\x80\x80\x80"), GROUP, 0x0000},
	{UNIT_BYTES("\xF0\x8F\xBF\xBF"), GROUP, 0xFFFF},
	/* Above U+10FFFF. */
	{UNIT_BYTES("\xF4\x90\x80\x80"), GROUP, 0x110000},
	{UNIT_BYTES("\xF5\x80\x80\x80"), GROUP, 0x140000},
	{UNIT_BYTES("\xF7\xBF\xBF\xBF"), GROUP, 0x1FFFFF},
	/* Continuation bytes without a lead, the longer forms of RFC 2279, and no lead bytes. */
	{UNIT_BYTES("\x80"), MALFORMED, 0},
	{UNIT_BYTES("\xBF\xBF"), MALFORMED, 0},
	{UNIT_BYTES("\xF8\x88\x80\x80\x80"), MALFORMED, 0},
	{UNIT_BYTES("\xFE\x80\x80\x80"), MALFORMED, 0},
	{UNIT_BYTES("\xFF\x80\x80\x80"), MALFORMED, 0},
};

/* Reads `length` bytes as the form `i`, or as a malformed one. */
static void get_one(const char *bytes, size_t length, int i, enum kind kind)
{
	char *copy = unit_copy(bytes, length);
	uint32_t character = UNIT_UNTOUCHED, group = UNIT_UNTOUCHED;
	size_t n = utf8_get(copy, length, &character);

	ck_assert_uint_eq(n, kind == CHARACTER ? forms[i].length : 0);
	ck_assert_uint_eq(character, kind == CHARACTER ? forms[i].code_point : UNIT_UNTOUCHED);
	n = utf8_get_group((uint8_t *)copy, length, &group);
	ck_assert_uint_eq(n, kind == MALFORMED ? 0 : forms[i].length);
	ck_assert_uint_eq(group, kind == MALFORMED ? UNIT_UNTOUCHED : forms[i].code_point);
	free(copy);
}

START_TEST(one_form)
{
	char followed[8] = "", *out = malloc(forms[_i].length);

	get_one(forms[_i].bytes, forms[_i].length, _i, forms[_i].kind);
	/* The next byte does not matter, even if it is a continuation byte. */
	memcpy(followed, forms[_i].bytes, forms[_i].length);
	followed[forms[_i].length] = '\x80';
	get_one(followed, forms[_i].length + 1, _i, forms[_i].kind);

	if (forms[_i].kind == CHARACTER || forms[_i].kind == SURROGATE) {
		ck_assert_uint_eq(utf8_put(out, forms[_i].code_point), forms[_i].length);
		ck_assert_mem_eq(out, forms[_i].bytes, forms[_i].length);
	}
	free(out);
}
END_TEST

START_TEST(cut_and_broken_forms_are_rejected)
{
	for (size_t i = 0; i < forms[_i].length; i++)
		get_one(forms[_i].bytes, i, _i, MALFORMED);
	for (size_t i = 1; i < forms[_i].length; i++) {
		for (const char *bad = "\x7F\xC0\xFF"; *bad != '\0'; bad++) {
			char bytes[8];

			memcpy(bytes, forms[_i].bytes, forms[_i].length);
			bytes[i] = *bad;
			get_one(bytes, forms[_i].length, _i, MALFORMED);
		}
	}
}
END_TEST

START_TEST(every_character_survives)
{
	for (uint32_t c = 0; c <= 0x10FFFF; c = c == 0xD7FF ? 0xE000 : c + 1) {
		char bytes[UTF8_BYTES_MAX];
		uint32_t back = UNIT_UNTOUCHED;
		size_t n = utf8_put(bytes, c);

		/* ck_assert would record a million successes. */
		if (utf8_get(bytes, n, &back) != n || back != c)
			ck_abort_msg("U+%04X came back as U+%04X", c, back);
	}
}
END_TEST

int main(void)
{
	return UNIT_RUN("utf8", {one_form, UNIT_COUNT(forms)},
			{cut_and_broken_forms_are_rejected, UNIT_COUNT(forms)},
			{every_character_survives, 1});
}
