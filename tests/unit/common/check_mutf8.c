/* SPDX-License-Identifier: MIT */
/* mutf8 - modified UTF-8, the character encoding of Java's writeUTF and readUTF */
#include "config.h"

#include <errno.h>

#include "../unit.h"
#include "common/mutf8.h"

/* Stands for "not written to". */
#define UNTOUCHED ((size_t)0xABCDEF01)

#define TEXT_BYTES_MAX 32

/* What DataOutputStream.writeUTF of JDK 17 wrote for these strings, less its two bytes of length. */
static const struct {
	const char *text;
	size_t text_length;
	const char *bytes;
	size_t length;
} written[] = {
	{UNIT_BYTES(""), UNIT_BYTES("")},
	{UNIT_BYTES("HELLO"), UNIT_BYTES("\x48\x45\x4C\x4C\x4F")},
	{UNIT_BYTES("\0"), UNIT_BYTES("\xC0\x80")},
	{UNIT_BYTES("A\0B"), UNIT_BYTES("\x41\xC0\x80\x42")},
	{UNIT_BYTES("\x01"), UNIT_BYTES("\x01")},
	{UNIT_BYTES("\x7F"), UNIT_BYTES("\x7F")},
	{UNIT_BYTES("\xC2\x80"), UNIT_BYTES("\xC2\x80")},
	{UNIT_BYTES("\u07FF"), UNIT_BYTES("\xDF\xBF")},
	{UNIT_BYTES("\u0800"), UNIT_BYTES("\xE0\xA0\x80")},
	{UNIT_BYTES("\uD7FF"), UNIT_BYTES("\xED\x9F\xBF")},
	{UNIT_BYTES("\uE000"), UNIT_BYTES("\xEE\x80\x80")},
	{UNIT_BYTES("\uFFFF"), UNIT_BYTES("\xEF\xBF\xBF")},
	{UNIT_BYTES("\U00010000"), UNIT_BYTES("\xED\xA0\x80\xED\xB0\x80")},
	{UNIT_BYTES("\U0001F600"), UNIT_BYTES("\xED\xA0\xBD\xED\xB8\x80")},
	{UNIT_BYTES("\U0010FFFF"), UNIT_BYTES("\xED\xAF\xBF\xED\xBF\xBF")},
	{UNIT_BYTES("Gr\u00FC\u00DFe"), UNIT_BYTES("\x47\x72\xC3\xBC\xC3\x9F\x65")},
	{UNIT_BYTES("\u4E16\u754C"), UNIT_BYTES("\xE4\xB8\x96\xE7\x95\x8C")},
	{UNIT_BYTES("a\U0001F600b"), UNIT_BYTES("\x61\xED\xA0\xBD\xED\xB8\x80\x62")},
};

/* Not UTF-8, by RFC 3629. What each malformed form is, check_utf8.c tells. */
static const struct {
	const char *text;
	size_t text_length;
	size_t bad_offset;
} not_utf8[] = {
	{UNIT_BYTES("\x80"), 0},
	{UNIT_BYTES("AB\xFF"), 2},
	{UNIT_BYTES("\u00E9\xC0\x80"), 2},
	{UNIT_BYTES("\u20AC\xE0\x80\x80"), 3},
	{UNIT_BYTES("\U0001F600\xF0\x8F\xBF\xBF"), 4},
	{UNIT_BYTES("A\xED\xA0\x80"), 1},
	{UNIT_BYTES("A\xED\xA0\xBD\xED\xB8\x80"), 1},
	{UNIT_BYTES("\xF4\x90\x80\x80"), 0},
	{UNIT_BYTES("A\0\xC3"), 2},
	{UNIT_BYTES("\xC3\xC3\xA9"), 0},
};

/* Accepted by DataInputStream.readUTF of JDK 17, beyond what writeUTF writes. */
static const struct {
	const char *bytes;
	size_t length;
	const char *text;
	size_t text_length;
} accepted[] = {
	/* A raw zero byte, and overlong forms. */
	{UNIT_BYTES("\x00"), UNIT_BYTES("\0")},
	{UNIT_BYTES("\xC1\x81"), UNIT_BYTES("A")},
	{UNIT_BYTES("\xC1\xBF"), UNIT_BYTES("\x7F")},
	{UNIT_BYTES("\xE0\x80\x80"), UNIT_BYTES("\0")},
	{UNIT_BYTES("\xE0\x81\x81"), UNIT_BYTES("A")},
	{UNIT_BYTES("\xE0\x9F\xBF"), UNIT_BYTES("\u07FF")},
	/* Lone surrogates, which Java keeps and UTF-8 cannot express. */
	{UNIT_BYTES("\xED\xA0\x80"), UNIT_BYTES("\uFFFD")},
	{UNIT_BYTES("\xED\xAF\xBF"), UNIT_BYTES("\uFFFD")},
	{UNIT_BYTES("\xED\xB0\x80"), UNIT_BYTES("\uFFFD")},
	{UNIT_BYTES("\xED\xBF\xBF"), UNIT_BYTES("\uFFFD")},
	{UNIT_BYTES("\xED\xA0\x80\x41"), UNIT_BYTES("\uFFFD\x41")},
	{UNIT_BYTES("\xED\xA0\x80\xC0\x80"), UNIT_BYTES("\uFFFD\0")},
	{UNIT_BYTES("\xED\xA0\x80\xEE\x80\x80"), UNIT_BYTES("\uFFFD\uE000")},
	{UNIT_BYTES("\xED\xA0\x80\xED\x9F\xBF"), UNIT_BYTES("\uFFFD\uD7FF")},
	{UNIT_BYTES("\xED\xB0\x80\xED\xA0\x80"), UNIT_BYTES("\uFFFD\uFFFD")},
	{UNIT_BYTES("\xED\xB0\x80\xED\xB0\x80"), UNIT_BYTES("\uFFFD\uFFFD")},
	/* Only the last of two high ones can be half of a pair, and a pair takes both halves. */
	{UNIT_BYTES("\xED\xA0\x80\xED\xA0\x80\xED\xB0\x80"), UNIT_BYTES("\uFFFD\U00010000")},
	{UNIT_BYTES("\xED\xA0\x80\xED\xB0\x80\xED\xB0\x80"), UNIT_BYTES("\U00010000\uFFFD")},
	{UNIT_BYTES("\xED\xA0\x80\xED\xB0\x80\xED\xAF\xBF\xED\xBF\xBF"),
	 UNIT_BYTES("\U00010000\U0010FFFF")},
};

/* UTFDataFormatException from the same. The offsets are ours: Java's are vague. */
static const struct {
	const char *bytes;
	size_t length;
	size_t bad_offset;
} rejected[] = {
	{UNIT_BYTES("AB\x80"), 2},
	{UNIT_BYTES("\xC3\xA9\xF0\x9F\x98\x80"), 2},
	/* A group that the end cuts. */
	{UNIT_BYTES("\xC3"), 0},
	{UNIT_BYTES("\xE4"), 0},
	{UNIT_BYTES("A\xE4\xB8"), 1},
	/* A continuation byte that is none: in each place, just below and just above. */
	{UNIT_BYTES("\xC3\x00"), 0},
	{UNIT_BYTES("A\xC3\x7F"), 1},
	{UNIT_BYTES("\xC3\xC0"), 0},
	{UNIT_BYTES("\xE4\x7F\x80"), 0},
	{UNIT_BYTES("\xE4\xC0\x80"), 0},
	{UNIT_BYTES("\xE4\xB8\x7F"), 0},
	{UNIT_BYTES("\xE4\xB8\xC0"), 0},
	/* Behind a high surrogate the bad group is the second. */
	{UNIT_BYTES("\xED\xA0\x80\x80"), 3},
	{UNIT_BYTES("\xED\xA0\x80\xED"), 3},
	{UNIT_BYTES("\xED\xA0\x80\xED\xB0"), 3},
	{UNIT_BYTES("\xED\xA0\x80\xED\xB0\x00"), 3},
};

static void encode_one(const char *text, size_t text_length, size_t size, int expected,
		       const char *bytes, size_t expected_length, size_t expected_offset)
{
	char *in = unit_copy(text, text_length);
	uint8_t *out = size == 0 ? NULL : malloc(size);
	size_t length = UNTOUCHED, bad_offset = UNTOUCHED;

	ck_assert_int_eq(mutf8_encode(in, text_length, out, size, &length, &bad_offset), expected);
	ck_assert_uint_eq(length, expected_length);
	ck_assert_uint_eq(bad_offset, expected_offset);
	if (expected == 0 && length > 0)
		ck_assert_mem_eq(out, bytes, length);
	free(out);
	free(in);
}

static void decode_one(const char *bytes, size_t length, int expected, const char *expected_text,
		       size_t expected_length, size_t expected_offset)
{
	uint8_t *in = unit_copy(bytes, length);
	char *text = malloc(length);
	size_t text_length = UNTOUCHED, bad_offset = UNTOUCHED;

	ck_assert_int_eq(mutf8_decode(in, length, text, &text_length, &bad_offset), expected);
	ck_assert_uint_eq(text_length, expected_length);
	ck_assert_uint_eq(bad_offset, expected_offset);
	if (expected == 0)
		ck_assert_mem_eq(text, expected_text, expected_length);
	free(text);
	free(in);
}

START_TEST(encode_writes_what_java_writes)
{
	size_t needed = written[_i].length;

	encode_one(written[_i].text, written[_i].text_length, needed, 0, written[_i].bytes, needed,
		   UNTOUCHED);
	/* A size of 0 measures; no smaller size is written past. */
	for (size_t size = 0; size < needed; size++)
		encode_one(written[_i].text, written[_i].text_length, size, -EMSGSIZE, NULL, needed,
			   UNTOUCHED);
}
END_TEST

START_TEST(encode_rejects_every_cut_character)
{
	const char *text = written[_i].text;
	size_t start = 0;

	for (size_t length = 1; length < written[_i].text_length; length++) {
		/* A cut just before a continuation byte is inside a character. */
		if (((unsigned char)text[length] & 0xC0) == 0x80)
			encode_one(text, length, TEXT_BYTES_MAX, -EILSEQ, NULL, UNTOUCHED, start);
		else
			start = length;
	}
}
END_TEST

START_TEST(encode_rejects_what_is_not_utf8)
{
	/* That it would not fit either is not the news. */
	for (size_t size = 0; size < TEXT_BYTES_MAX; size++)
		encode_one(not_utf8[_i].text, not_utf8[_i].text_length, size, -EILSEQ, NULL,
			   UNTOUCHED, not_utf8[_i].bad_offset);
}
END_TEST

START_TEST(decode_reads_what_java_writes)
{
	decode_one(written[_i].bytes, written[_i].length, 0, written[_i].text,
		   written[_i].text_length, UNTOUCHED);
}
END_TEST

START_TEST(decode_accepts_what_java_accepts)
{
	decode_one(accepted[_i].bytes, accepted[_i].length, 0, accepted[_i].text,
		   accepted[_i].text_length, UNTOUCHED);
}
END_TEST

START_TEST(decode_rejects_what_java_rejects)
{
	decode_one(rejected[_i].bytes, rejected[_i].length, -EILSEQ, NULL, UNTOUCHED,
		   rejected[_i].bad_offset);
}
END_TEST

static void judge_one(unsigned int lead, size_t length, size_t group)
{
	const uint8_t bytes[] = {(uint8_t)lead, 0x80, 0x80};
	uint8_t *in = unit_copy(bytes, length);
	char *text = malloc(length);
	size_t text_length = UNTOUCHED, bad_offset = UNTOUCHED;

	ck_assert_int_eq(mutf8_decode(in, length, text, &text_length, &bad_offset),
			 length == group ? 0 : -EILSEQ);
	/* Either the group is cut or none, or a continuation byte is left over behind it. */
	ck_assert_uint_eq(bad_offset, length == group ? UNTOUCHED : length < group ? 0 : group);
	free(text);
	free(in);
}

/* The lead byte alone says how long a group is, and whether it is one. */
START_TEST(decode_judges_by_the_lead_byte)
{
	for (unsigned int lead = 0; lead <= 0xFF; lead++)
		for (size_t length = 1; length <= 3; length++)
			judge_one(lead, length,
				  lead < 0x80	? 1
				  : lead < 0xC0 ? 0
				  : lead < 0xE0 ? 2
				  : lead < 0xF0 ? 3
						: 0);
}
END_TEST

START_TEST(decode_never_takes_half_a_pair)
{
	static const char pair[] = "\xED\xA0\xBD\xED\xB8\x80";

	decode_one(pair, 1, -EILSEQ, NULL, UNTOUCHED, 0);
	decode_one(pair, 2, -EILSEQ, NULL, UNTOUCHED, 0);
	decode_one(pair, 3, 0, UNIT_BYTES("\uFFFD"), UNTOUCHED);
	decode_one(pair, 4, -EILSEQ, NULL, UNTOUCHED, 3);
	decode_one(pair, 5, -EILSEQ, NULL, UNTOUCHED, 3);
	decode_one(pair, 6, 0, UNIT_BYTES("\U0001F600"), UNTOUCHED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mutf8");
	TCase *tcase = tcase_create("mutf8");

	tcase_add_loop_test(tcase, encode_writes_what_java_writes, 0, UNIT_COUNT(written));
	tcase_add_loop_test(tcase, encode_rejects_every_cut_character, 0, UNIT_COUNT(written));
	tcase_add_loop_test(tcase, encode_rejects_what_is_not_utf8, 0, UNIT_COUNT(not_utf8));
	tcase_add_loop_test(tcase, decode_reads_what_java_writes, 0, UNIT_COUNT(written));
	tcase_add_loop_test(tcase, decode_accepts_what_java_accepts, 0, UNIT_COUNT(accepted));
	tcase_add_loop_test(tcase, decode_rejects_what_java_rejects, 0, UNIT_COUNT(rejected));
	tcase_add_test(tcase, decode_judges_by_the_lead_byte);
	tcase_add_test(tcase, decode_never_takes_half_a_pair);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
