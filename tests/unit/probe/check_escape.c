/* SPDX-License-Identifier: MIT */
/* escape - untrusted text, made safe for a terminal */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../unit.h"
#include "common/utf8.h"
#include "probe/escape.h"

static void escape_one(const char *text, size_t length, const char *wanted)
{
	char *exact = unit_copy(text, length), *escaped = escape(exact, length);

	ck_assert_str_eq(escaped, wanted);
	free(escaped);
	free(exact);
}

static const struct {
	const char *text;
	size_t length;
	const char *escaped;
} texts[] = {
	{UNIT_BYTES(""), ""},
	{UNIT_BYTES("Gr\u00FC\u00DFe \u4E16\u754C \U0001F600"),
	 "Gr\u00FC\u00DFe \u4E16\u754C \U0001F600"},
	/* Conversion specifications and backslashes are plain text. */
	{UNIT_BYTES("%s%n\\"), "%s%n\\"},
	{UNIT_BYTES("A\0B"), "A\\x00B"},
	{UNIT_BYTES("one\r\ntwo\t"), "one\\x0d\\x0atwo\\x09"},
	{UNIT_BYTES("\x1B[2J\x1B]0;title\a"), "\\x1b[2J\\x1b]0;title\\x07"},
	{UNIT_BYTES("\u202Egnp.exe"), "\\u202egnp.exe"},
	/* Not UTF-8: byte by byte, up to the next character. */
	{UNIT_BYTES("A\x80Z"), "A\\x80Z"},
	{UNIT_BYTES("\xC0\x80"), "\\xc0\\x80"},
	{UNIT_BYTES("\xED\xA0\x80"), "\\xed\\xa0\\x80"},
	{UNIT_BYTES("\xC3\u00E9"), "\\xc3\u00E9"},
	{UNIT_BYTES("\xE4\xB8\n"), "\\xe4\\xb8\\x0a"},
	{UNIT_BYTES("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"},
	/* Cut off by the end. */
	{UNIT_BYTES("A\xC3"), "A\\xc3"},
	{UNIT_BYTES("\xF0\x9F\x98"), "\\xf0\\x9f\\x98"},
};

START_TEST(texts_are_escaped)
{
	escape_one(texts[_i].text, texts[_i].length, texts[_i].escaped);
}
END_TEST

static const struct {
	const char *text;
	size_t length, most;
	const char *cut;
} cuts[] = {
	{UNIT_BYTES(""), 0, ""},
	{UNIT_BYTES("A"), 0, "..."},
	{UNIT_BYTES("\u00FC\U0001F600B"), 3, "\u00FC\U0001F600B"},
	{UNIT_BYTES("\u00FC\U0001F600B"), 2, "\u00FC\U0001F600..."},
	/* Of the result, the characters are counted. */
	{UNIT_BYTES("\nA"), 5, "\\x0aA"},
	{UNIT_BYTES("\nA"), 4, "\\x0a..."},
	/* No escape is split. */
	{UNIT_BYTES("\nA"), 3, "..."},
	{UNIT_BYTES("A\n"), 4, "A..."},
	{UNIT_BYTES("A\n"), 5, "A\\x0a"},
	{UNIT_BYTES("A\xFF\xFF"), 8, "A\\xff..."},
	{UNIT_BYTES("\u2028"), 5, "..."},
	{UNIT_BYTES("\u2028"), 6, "\\u2028"},
};

START_TEST(texts_are_cut)
{
	char *exact = unit_copy(cuts[_i].text, cuts[_i].length);
	char *cut = escape_cut(exact, cuts[_i].length, cuts[_i].most);

	ck_assert_str_eq(cut, cuts[_i].cut);
	free(cut);
	free(exact);
}
END_TEST

/* Every character up to U+FFFF, and both ends of the rest. */
START_TEST(only_harmful_characters_are_escaped)
{
	/* These are escaped as \\uNNNN. */
	static const struct {
		uint32_t first, last;
	} wide[] = {
		{0x0080, 0x009F}, {0x061C, 0x061C}, {0x200E, 0x200F},
		{0x2028, 0x2029}, {0x202A, 0x202E}, {0x2066, 0x2069},
	};

	for (uint32_t c = 0; c <= 0x10FFFF; c += c == 0x10000 ? 0xFFFFF : 1) {
		char text[UTF8_BYTES_MAX + 1] = "", wanted[16];
		bool is_wide = false;

		if (c >= 0xD800 && c <= 0xDFFF)
			continue;
		for (int i = 0; i < UNIT_COUNT(wide); i++)
			is_wide |= c >= wide[i].first && c <= wide[i].last;
		utf8_put(text, c);
		strcpy(wanted, text);
		if (c < 0x20 || c == 0x7F || is_wide)
			snprintf(wanted, sizeof(wanted), is_wide ? "\\u%04x" : "\\x%02x", c);
		escape_one(text, c > 0 ? strlen(text) : 1, wanted);
	}
}
END_TEST

int main(void)
{
	return UNIT_RUN("escape", {texts_are_escaped, UNIT_COUNT(texts)},
			{texts_are_cut, UNIT_COUNT(cuts)},
			{only_harmful_characters_are_escaped, 1});
}
