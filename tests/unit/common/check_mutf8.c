/* SPDX-License-Identifier: MIT */
/* mutf8 - modified UTF-8, the character encoding of Java's writeUTF and readUTF */
#include "config.h"

#include <errno.h>
#include <stdbool.h>

#include "../unit.h"
#include "common/mutf8.h"

/* From JDK 17, without the two bytes of length. */
static const struct {
	const char *text;
	size_t text_length;
	const char *bytes;
	size_t length;
	bool written; /* by DataOutputStream.writeUTF; all are read by DataInputStream.readUTF */
} pairs[] = {
	{UNIT_BYTES(""), UNIT_BYTES(""), true},
	{UNIT_BYTES("HELLO"), UNIT_BYTES("\x48\x45\x4C\x4C\x4F"), true},
	{UNIT_BYTES("\0"), UNIT_BYTES("\xC0\x80"), true},
	{UNIT_BYTES("A\0B"), UNIT_BYTES("\x41\xC0\x80\x42"), true},
	{UNIT_BYTES("\x7F"), UNIT_BYTES("\x7F"), true},
	{UNIT_BYTES("\xC2\x80"), UNIT_BYTES("\xC2\x80"), true},
	{UNIT_BYTES("\u07FF"), UNIT_BYTES("\xDF\xBF"), true},
	{UNIT_BYTES("\u0800"), UNIT_BYTES("\xE0\xA0\x80"), true},
	{UNIT_BYTES("\uD7FF"), UNIT_BYTES("\xED\x9F\xBF"), true},
	{UNIT_BYTES("\uE000"), UNIT_BYTES("\xEE\x80\x80"), true},
	{UNIT_BYTES("\uFFFF"), UNIT_BYTES("\xEF\xBF\xBF"), true},
	{UNIT_BYTES("\U00010000"), UNIT_BYTES("\xED\xA0\x80\xED\xB0\x80"), true},
	{UNIT_BYTES("\U0001F600"), UNIT_BYTES("\xED\xA0\xBD\xED\xB8\x80"), true},
	{UNIT_BYTES("\U0010FFFF"), UNIT_BYTES("\xED\xAF\xBF\xED\xBF\xBF"), true},
	{UNIT_BYTES("a\U0001F600b"), UNIT_BYTES("\x61\xED\xA0\xBD\xED\xB8\x80\x62"), true},
	/* A raw zero byte, and overlong forms. */
	{UNIT_BYTES("\0"), UNIT_BYTES("\x00"), false},
	{UNIT_BYTES("\x7F"), UNIT_BYTES("\xC1\xBF"), false},
	{UNIT_BYTES("\0"), UNIT_BYTES("\xE0\x80\x80"), false},
	{UNIT_BYTES("\u07FF"), UNIT_BYTES("\xE0\x9F\xBF"), false},
	/* Lone surrogates. Java keeps them; UTF-8 cannot express them. */
	{UNIT_BYTES("\uFFFD"), UNIT_BYTES("\xED\xA0\x80"), false},
	{UNIT_BYTES("\uFFFD"), UNIT_BYTES("\xED\xAF\xBF"), false},
	{UNIT_BYTES("\uFFFD"), UNIT_BYTES("\xED\xB0\x80"), false},
	{UNIT_BYTES("\uFFFD"), UNIT_BYTES("\xED\xBF\xBF"), false},
	{UNIT_BYTES("\uFFFD\x41"), UNIT_BYTES("\xED\xA0\x80\x41"), false},
	{UNIT_BYTES("\uFFFD\0"), UNIT_BYTES("\xED\xA0\x80\xC0\x80"), false},
	{UNIT_BYTES("\uFFFD\uE000"), UNIT_BYTES("\xED\xA0\x80\xEE\x80\x80"), false},
	{UNIT_BYTES("\uFFFD\uD7FF"), UNIT_BYTES("\xED\xA0\x80\xED\x9F\xBF"), false},
	{UNIT_BYTES("\uFFFD\uFFFD"), UNIT_BYTES("\xED\xB0\x80\xED\xA0\x80"), false},
	/* Only a high surrogate begins a pair. */
	{UNIT_BYTES("\uFFFD\uFFFD"), UNIT_BYTES("\xED\xB0\x80\xED\xB0\x80"), false},
	{UNIT_BYTES("\u4E16\uFFFD"), UNIT_BYTES("\xE4\xB8\x96\xED\xB0\x80"), false},
	/* Each surrogate belongs to at most one pair. */
	{UNIT_BYTES("\uFFFD\U00010000"), UNIT_BYTES("\xED\xA0\x80\xED\xA0\x80\xED\xB0\x80"), false},
	{UNIT_BYTES("\U00010000\uFFFD"), UNIT_BYTES("\xED\xA0\x80\xED\xB0\x80\xED\xB0\x80"), false},
	{UNIT_BYTES("\U00010000\U0010FFFF"),
	 UNIT_BYTES("\xED\xA0\x80\xED\xB0\x80\xED\xAF\xBF\xED\xBF\xBF"), false},
};

static const struct {
	const char *bytes;
	size_t length;
	bool is_text;
	size_t bad_offset;
} malformed[] = {
	/* Texts that are not UTF-8 by RFC 3629. check_utf8.c has more of them. */
	{UNIT_BYTES("AB\xFF"), true, 2},
	{UNIT_BYTES("\u00E9\xC0\x80"), true, 2},
	{UNIT_BYTES("\u20AC\xE0\x80\x80"), true, 3},
	{UNIT_BYTES("\U0001F600\xF0\x8F\xBF\xBF"), true, 4},
	{UNIT_BYTES("A\xED\xA0\x80"), true, 1},
	{UNIT_BYTES("A\xED\xA0\xBD\xED\xB8\x80"), true, 1},
	{UNIT_BYTES("A\0\xC3"), true, 2},
	{UNIT_BYTES("\xC3\xC3\xA9"), true, 0},
	/* Encodings for which readUTF of JDK 17 throws UTFDataFormatException. */
	{UNIT_BYTES("AB\x80"), false, 2},
	{UNIT_BYTES("\xC3\xA9\xF0\x9F\x98\x80"), false, 2},
	/* A group that the end cuts. */
	{UNIT_BYTES("\xC3"), false, 0},
	{UNIT_BYTES("A\xE4\xB8"), false, 1},
	/* Bytes just below and just above the continuation bytes, in each place. */
	{UNIT_BYTES("\xC3\x00"), false, 0},
	{UNIT_BYTES("A\xC3\x7F"), false, 1},
	{UNIT_BYTES("\xC3\xC0"), false, 0},
	{UNIT_BYTES("\xE4\x7F\x80"), false, 0},
	{UNIT_BYTES("\xE4\xC0\x80"), false, 0},
	{UNIT_BYTES("\xE4\xB8\x7F"), false, 0},
	{UNIT_BYTES("\xE4\xB8\xC0"), false, 0},
	/* After a high surrogate, the second group is the bad one. */
	{UNIT_BYTES("\xED\xA0\x80\x80"), false, 3},
	{UNIT_BYTES("\xED\xA0\x80\xED"), false, 3},
	{UNIT_BYTES("\xED\xA0\x80\xED\xB0\x00"), false, 3},
	{UNIT_BYTES("\xED\xA0\x80\xF0\x8D\xB0\x80"), false, 3},
};

static void encode_one(const char *text, size_t text_length, size_t size, int expected,
		       const char *bytes, size_t expected_length, size_t expected_offset)
{
	char *in = unit_copy(text, text_length);
	uint8_t *out = size == 0 ? NULL : malloc(size);
	size_t length = UNIT_UNTOUCHED, bad_offset = UNIT_UNTOUCHED;

	ck_assert_int_eq(mutf8_encode(in, text_length, out, size, &length, &bad_offset), expected);
	ck_assert_uint_eq(length, expected_length);
	ck_assert_uint_eq(bad_offset, expected_offset);
	if (expected == 0 && length > 0)
		ck_assert_mem_eq(out, bytes, length);
	free(out);
	free(in);
}

/* An `expected_text` of NULL stands for malformed input. */
static void decode_one(const char *bytes, size_t length, const char *expected_text,
		       size_t expected_length, size_t expected_offset)
{
	uint8_t *in = unit_copy(bytes, length);
	char *text = malloc(length);
	size_t text_length = UNIT_UNTOUCHED, bad_offset = UNIT_UNTOUCHED;
	int r = mutf8_decode(in, length, text, &text_length, &bad_offset);

	ck_assert_int_eq(r, expected_text == NULL ? -EILSEQ : 0);
	ck_assert_uint_eq(text_length, expected_length);
	ck_assert_uint_eq(bad_offset, expected_offset);
	if (expected_text != NULL)
		ck_assert_mem_eq(text, expected_text, expected_length);
	free(text);
	free(in);
}

START_TEST(pairs_are_those_of_java)
{
	size_t needed = pairs[_i].length;

	decode_one(pairs[_i].bytes, needed, pairs[_i].text, pairs[_i].text_length, UNIT_UNTOUCHED);
	/* Of each smaller size, nothing is written past the end; the size needed is returned. */
	for (size_t size = 0; pairs[_i].written && size <= needed; size++)
		encode_one(pairs[_i].text, pairs[_i].text_length, size,
			   size < needed ? -EMSGSIZE : 0, pairs[_i].bytes, needed, UNIT_UNTOUCHED);
}
END_TEST

START_TEST(malformed_input_is_rejected)
{
	const char *bytes = malformed[_i].bytes;
	size_t length = malformed[_i].length, bad_offset = malformed[_i].bad_offset;

	if (!malformed[_i].is_text)
		decode_one(bytes, length, NULL, UNIT_UNTOUCHED, bad_offset);
	/* A text that is both malformed and too long is reported as malformed. */
	for (size_t size = 0; malformed[_i].is_text && size < 2 * length; size++)
		encode_one(bytes, length, size, -EILSEQ, NULL, UNIT_UNTOUCHED, bad_offset);
}
END_TEST

int main(void)
{
	return UNIT_RUN("mutf8", {pairs_are_those_of_java, UNIT_COUNT(pairs)},
			{malformed_input_is_rejected, UNIT_COUNT(malformed)});
}
