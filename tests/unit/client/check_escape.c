/* SPDX-License-Identifier: MIT */
/* printable - a stranger's text, made safe to show on a terminal */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>

#include "../unit.h"
#include "client/escape.h"
#include "common/utf8.h"

static void write_one(const char *text, size_t length, const char *expected, size_t expected_length)
{
	char *in = unit_copy(text, length), *out = NULL;
	size_t out_length = 0;
	FILE *stream = open_memstream(&out, &out_length);

	ck_assert_ptr_nonnull(stream);
	printable_write(in, length, stream);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_msg(out_length == expected_length && memcmp(out, expected, expected_length) == 0,
		      "'%s' instead of '%s'", out, expected);
	free(out);
	free(in);
}

static const struct {
	const char *text;
	size_t length;
	const char *shown;
	size_t shown_length;
} texts[] = {
	{UNIT_BYTES(""), UNIT_BYTES("")},
	{UNIT_BYTES("HELLO"), UNIT_BYTES("HELLO")},
	{UNIT_BYTES("Gr\u00FC\u00DFe \u4E16\u754C \U0001F600"),
	 UNIT_BYTES("Gr\u00FC\u00DFe \u4E16\u754C \U0001F600")},
	/* Nothing is a format. */
	{UNIT_BYTES("%s%n\\"), UNIT_BYTES("%s%n\\")},
	{UNIT_BYTES("A\0B"), UNIT_BYTES("A\\x00B")},
	{UNIT_BYTES("one\r\ntwo\t"), UNIT_BYTES("one\\x0d\\x0atwo\\x09")},
	{UNIT_BYTES("\x1B[2J\x1B]0;title\a"), UNIT_BYTES("\\x1b[2J\\x1b]0;title\\x07")},
	{UNIT_BYTES("\u202Egnp.exe"), UNIT_BYTES("\\u202egnp.exe")},
	/* Not UTF-8: byte by byte, and what follows is taken up again at once. */
	{UNIT_BYTES("A\x80Z"), UNIT_BYTES("A\\x80Z")},
	{UNIT_BYTES("\xFF\xFE"), UNIT_BYTES("\\xff\\xfe")},
	{UNIT_BYTES("\xC0\x80"), UNIT_BYTES("\\xc0\\x80")},
	{UNIT_BYTES("\xED\xA0\x80"), UNIT_BYTES("\\xed\\xa0\\x80")},
	{UNIT_BYTES("\xC3\u00E9"), UNIT_BYTES("\\xc3\u00E9")},
	{UNIT_BYTES("\xE4\xB8\n"), UNIT_BYTES("\\xe4\\xb8\\x0a")},
	{UNIT_BYTES("\xF4\x90\x80\x80"), UNIT_BYTES("\\xf4\\x90\\x80\\x80")},
	/* Cut by the end. */
	{UNIT_BYTES("A\xC3"), UNIT_BYTES("A\\xc3")},
	{UNIT_BYTES("\xF0\x9F\x98"), UNIT_BYTES("\\xf0\\x9f\\x98")},
	{UNIT_BYTES("\xC2"), UNIT_BYTES("\\xc2")},
};

/* What is escaped as \\uNNNN, first to last. */
static const struct {
	uint32_t first, last;
} escaped[] = {
	{0x0080, 0x009F}, {0x061C, 0x061C}, {0x200E, 0x200F},
	{0x2028, 0x2029}, {0x202A, 0x202E}, {0x2066, 0x2069},
};

START_TEST(text_is_made_harmless)
{
	write_one(texts[_i].text, texts[_i].length, texts[_i].shown, texts[_i].shown_length);
}
END_TEST

static void escape_one(uint32_t c)
{
	bool is_wide = false;
	char text[UTF8_BYTES_MAX + 1] = "", shown[16];
	size_t length = utf8_put(text, c);

	for (int i = 0; i < UNIT_COUNT(escaped); i++)
		is_wide |= c >= escaped[i].first && c <= escaped[i].last;
	if (c < 0x20 || c == 0x7F)
		snprintf(shown, sizeof(shown), "\\x%02x", c);
	else if (is_wide)
		snprintf(shown, sizeof(shown), "\\u%04x", c);
	else
		strcpy(shown, text);
	write_one(text, length, shown, strlen(shown));
}

/* The blocks that hold what is escaped, and the ends of the rest. */
START_TEST(just_the_harmful_are_escaped)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x0000, 0x00FF}, {0x0600, 0x06FF}, {0x2000, 0x20FF},	{0x2FFF, 0x3000},
		{0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFF}, {0x10000, 0x10000}, {0x10FFFF, 0x10FFFF},
	};

	for (int i = 0; i < UNIT_COUNT(ranges); i++)
		for (uint32_t c = ranges[i].first; c <= ranges[i].last; c++)
			escape_one(c);
}
END_TEST

START_TEST(errors_stay_in_the_stream)
{
	FILE *stream = fopen("/dev/null", "r");

	ck_assert_ptr_nonnull(stream);
	printable_write(UNIT_BYTES("HELLO"), stream);
	ck_assert_int_ne(ferror(stream), 0);
	fclose(stream);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("printable");
	TCase *tcase = tcase_create("printable");

	tcase_add_loop_test(tcase, text_is_made_harmless, 0, UNIT_COUNT(texts));
	tcase_add_test(tcase, just_the_harmful_are_escaped);
	tcase_add_test(tcase, errors_stay_in_the_stream);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
