/* SPDX-License-Identifier: MIT */
/* frame - the greeting on the wire: a length and modified UTF-8 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>

#include "../unit.h"
#include "common/frame.h"

/* Stands for "not written to". */
#define UNTOUCHED ((size_t)0xABCDEF01)

/* The whole of what DataOutputStream.writeUTF of JDK 17 wrote for these strings. */
static const struct {
	const char *text;
	size_t text_length;
	const char *bytes;
	size_t length;
} written[] = {
	{UNIT_BYTES("HELLO"), UNIT_BYTES("\x00\x05\x48\x45\x4C\x4C\x4F")},
	{UNIT_BYTES(""), UNIT_BYTES("\x00\x00")},
	{UNIT_BYTES("\0"), UNIT_BYTES("\x00\x02\xC0\x80")},
	{UNIT_BYTES("Gr\u00FC\u00DFe"), UNIT_BYTES("\x00\x07\x47\x72\xC3\xBC\xC3\x9F\x65")},
	{UNIT_BYTES("\U0001F600"), UNIT_BYTES("\x00\x06\xED\xA0\xBD\xED\xB8\x80")},
};

/* A text of so many times `fill` and then `tail`, and what it takes when encoded. */
static const struct {
	size_t count;
	char fill;
	const char *tail;
	size_t encoded;
} sizes[] = {
	{255, 'A', "", 255},
	{256, 'A', "", 256},
	/* The limit, reached and passed by a character of each length. */
	{65534, 'A', "A", 65535},
	{65535, 'A', "A", 65536},
	{65533, 'A', "\u00E9", 65535},
	{65534, 'A', "\u00E9", 65536},
	{65532, 'A', "\u20AC", 65535},
	{65533, 'A', "\u20AC", 65536},
	{65534, 'A', "\u20AC", 65537},
	{65529, 'A', "\U0001F600", 65535},
	{65530, 'A', "\U0001F600", 65536},
	/* What is counted is not the bytes of UTF-8: each of these takes two. */
	{32767, '\0', "A", 65535},
	{32767, '\0', "\u00E9", 65536},
	{32768, '\0', "", 65536},
	/* Too long by far: nothing wraps at 16 bits. */
	{65536, 'A', "", 65536},
	{65541, 'A', "", 65541},
	{1 << 20, 'A', "", 1 << 20},
};

static const struct {
	const char *bytes;
	size_t length;
	size_t bad_offset;
} malformed[] = {
	{UNIT_BYTES("\x00\x01\x80"), 0},
	{UNIT_BYTES("\x00\x05HELL\xFF"), 4},
	{UNIT_BYTES("\x00\x04\xF0\x9F\x98\x80"), 0},
	{UNIT_BYTES("\x00\x03"
		    "A\xE4\xB8"),
	 1},
	/* The length cuts the group: what lies behind is not the frame's. */
	{UNIT_BYTES("\x00\x01\xC3\xA9"), 0},
	{UNIT_BYTES("\x00\x02\xE4\xB8\x96"), 0},
};

static void encode_one(const char *text, size_t text_length, int expected, size_t expected_length,
		       size_t expected_offset, uint8_t *frame)
{
	char *in = unit_copy(text, text_length);
	size_t length = UNTOUCHED, bad_offset = UNTOUCHED;

	ck_assert_int_eq(frame_encode(in, text_length, frame, &length, &bad_offset), expected);
	ck_assert_uint_eq(length, expected_length);
	ck_assert_uint_eq(bad_offset, expected_offset);
	free(in);
}

static void decode_one(const void *frame, size_t length, const char *expected,
		       size_t expected_length)
{
	uint8_t *in = unit_copy(frame, length);
	char *text = malloc(length - FRAME_HEADER_BYTES);
	size_t text_length = UNTOUCHED, bad_offset = UNTOUCHED;

	ck_assert_int_eq(frame_decode(in, text, &text_length, &bad_offset), 0);
	ck_assert_uint_eq(text_length, expected_length);
	ck_assert_uint_eq(bad_offset, UNTOUCHED);
	ck_assert_mem_eq(text, expected, expected_length);
	free(text);
	free(in);
}

START_TEST(frames_are_those_of_java)
{
	uint8_t *frame = malloc(FRAME_BYTES_MAX);

	encode_one(written[_i].text, written[_i].text_length, 0, written[_i].length, UNTOUCHED,
		   frame);
	ck_assert_mem_eq(frame, written[_i].bytes, written[_i].length);
	decode_one(written[_i].bytes, written[_i].length, written[_i].text,
		   written[_i].text_length);
	free(frame);
}
END_TEST

START_TEST(length_is_that_of_the_encoded_bytes)
{
	size_t tail_length = strlen(sizes[_i].tail), text_length = sizes[_i].count + tail_length;
	size_t encoded = sizes[_i].encoded;
	bool fits = encoded <= 65535;
	uint8_t *frame = malloc(FRAME_BYTES_MAX);
	char *text = malloc(text_length);

	memset(text, sizes[_i].fill, sizes[_i].count);
	memcpy(text + sizes[_i].count, sizes[_i].tail, tail_length);
	encode_one(text, text_length, fits ? 0 : -EMSGSIZE, 2 + encoded, UNTOUCHED, frame);
	if (fits) {
		ck_assert_uint_eq(frame[0], encoded >> 8);
		ck_assert_uint_eq(frame[1], encoded & 0xFF);
		decode_one(frame, 2 + encoded, text, text_length);
	}
	free(text);
	free(frame);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_rejected)
{
	uint8_t *frame = malloc(FRAME_BYTES_MAX);
	char *text = malloc(65537);

	encode_one(UNIT_BYTES("HELL\xFF"), -EILSEQ, UNTOUCHED, 4, frame);
	/* Even where it no longer fits. */
	memset(text, 'A', 65537);
	text[65536] = '\xC3';
	encode_one(text, 65537, -EILSEQ, UNTOUCHED, 65536, frame);
	free(text);
	free(frame);
}
END_TEST

START_TEST(missing_leads_to_the_end)
{
	static const size_t lengths[] = {0, 1, 5, 255, 256, 0x1234, 65535};
	const size_t length = lengths[_i];
	const uint8_t header[] = {(uint8_t)(length >> 8), (uint8_t)length};
	uint8_t *header_only = unit_copy(header, 2), *half = unit_copy(header, 1);

	/* Nothing is looked at that is not there yet. */
	ck_assert_uint_eq(frame_missing(NULL, 0), 2);
	ck_assert_uint_eq(frame_missing(half, 1), 1);
	for (size_t have = 2; have <= 2 + length; have++)
		if (frame_missing(header_only, have) != 2 + length - have)
			ck_abort_msg("missing of %zu: wrong after %zu", length, have);
	free(half);
	free(header_only);
}
END_TEST

START_TEST(malformed_greetings_are_rejected)
{
	uint8_t *in = unit_copy(malformed[_i].bytes, malformed[_i].length);
	char *text = malloc(malformed[_i].length - FRAME_HEADER_BYTES);
	size_t text_length = UNTOUCHED, bad_offset = UNTOUCHED;

	ck_assert_int_eq(frame_decode(in, text, &text_length, &bad_offset), -EILSEQ);
	ck_assert_uint_eq(text_length, UNTOUCHED);
	ck_assert_uint_eq(bad_offset, malformed[_i].bad_offset);
	free(text);
	free(in);
}
END_TEST

START_TEST(nothing_behind_the_frame_is_decoded)
{
	decode_one("\x00\x01"
		   "ABC",
		   5, "A", 1);
	decode_one("\x00\x00\xFF", 3, "", 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tcase = tcase_create("frame");

	tcase_add_loop_test(tcase, frames_are_those_of_java, 0, UNIT_COUNT(written));
	tcase_add_loop_test(tcase, length_is_that_of_the_encoded_bytes, 0, UNIT_COUNT(sizes));
	tcase_add_test(tcase, text_that_is_not_utf8_is_rejected);
	tcase_add_loop_test(tcase, missing_leads_to_the_end, 0, 7);
	tcase_add_loop_test(tcase, malformed_greetings_are_rejected, 0, UNIT_COUNT(malformed));
	tcase_add_test(tcase, nothing_behind_the_frame_is_decoded);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
