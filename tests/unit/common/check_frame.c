/* SPDX-License-Identifier: MIT */
/* frame - the greeting on the wire: a length and modified UTF-8 */
#include "config.h"

#include <errno.h>

#include "../unit.h"
#include "common/frame.h"

/* From DataOutputStream.writeUTF of JDK 17. */
static const struct {
	const char *text;
	size_t text_length;
	const char *frame;
	size_t length;
} written[] = {
	{UNIT_BYTES("HELLO"), UNIT_BYTES("\x00\x05\x48\x45\x4C\x4C\x4F")},
	{UNIT_BYTES(""), UNIT_BYTES("\x00\x00")},
	{UNIT_BYTES("Gr\u00FC\u00DFe"), UNIT_BYTES("\x00\x07\x47\x72\xC3\xBC\xC3\x9F\x65")},
	{UNIT_BYTES("\U0001F600"), UNIT_BYTES("\x00\x06\xED\xA0\xBD\xED\xB8\x80")},
};

/* Texts of `count` times `fill`, then `tail`, and the number of bytes that they encode to. */
static const struct {
	size_t count;
	char fill;
	const char *tail;
	size_t encoded;
} sizes[] = {
	{255, 'A', "", 255},
	{256, 'A', "", 256},
	/* At the limit and above it, with a last character of each length. */
	{65534, 'A', "A", 65535},
	{65535, 'A', "A", 65536},
	{65533, 'A', "\u00E9", 65535},
	{65534, 'A', "\u00E9", 65536},
	{65532, 'A', "\u20AC", 65535},
	{65534, 'A', "\u20AC", 65537},
	{65529, 'A', "\U0001F600", 65535},
	{65530, 'A', "\U0001F600", 65536},
	/* The limit is for encoded bytes, not for those of UTF-8. */
	{32767, '\0', "A", 65535},
	{32767, '\0', "\u00E9", 65536},
	/* Lengths that 16 bits would wrap. */
	{65541, 'A', "", 65541},
	{1 << 20, 'A', "", 1 << 20},
};

static uint8_t frame[FRAME_BYTES_MAX];

/* Encodes into `frame`. */
static void encode_one(const char *text, size_t text_length, int expected, size_t expected_length,
		       size_t expected_offset)
{
	char *in = unit_copy(text, text_length);
	size_t length = UNIT_UNTOUCHED, bad_offset = UNIT_UNTOUCHED;

	ck_assert_int_eq(frame_encode(in, text_length, frame, &length, &bad_offset), expected);
	ck_assert_uint_eq(length, expected_length);
	ck_assert_uint_eq(bad_offset, expected_offset);
	free(in);
}

/* An `expected_text` of NULL stands for a malformed greeting. */
static void decode_one(const void *bytes, size_t length, const char *expected_text,
		       size_t expected_length, size_t expected_offset)
{
	uint8_t *in = unit_copy(bytes, length);
	char *text = malloc(length - FRAME_HEADER_BYTES);
	size_t text_length = UNIT_UNTOUCHED, bad_offset = UNIT_UNTOUCHED;
	int r = frame_decode(in, text, &text_length, &bad_offset);

	ck_assert_int_eq(r, expected_text == NULL ? -EILSEQ : 0);
	ck_assert_uint_eq(text_length, expected_length);
	ck_assert_uint_eq(bad_offset, expected_offset);
	if (expected_text != NULL)
		ck_assert_mem_eq(text, expected_text, expected_length);
	free(text);
	free(in);
}

START_TEST(frames_are_those_of_java)
{
	const char *text = written[_i].text, *bytes = written[_i].frame;
	size_t text_length = written[_i].text_length, length = written[_i].length;

	encode_one(text, text_length, 0, length, UNIT_UNTOUCHED);
	ck_assert_mem_eq(frame, bytes, length);
	decode_one(bytes, length, text, text_length, UNIT_UNTOUCHED);

	for (size_t have = 0; have <= length; have++) {
		uint8_t *start = unit_copy(bytes, have);

		ck_assert_uint_eq(frame_missing(start, have), (have < 2 ? 2 : length) - have);
		free(start);
	}
}
END_TEST

START_TEST(length_is_that_of_the_encoded_bytes)
{
	size_t tail_length = strlen(sizes[_i].tail), length = sizes[_i].count + tail_length;
	size_t encoded = sizes[_i].encoded;
	char *text = malloc(length + 1);

	memset(text, sizes[_i].fill, sizes[_i].count);
	memcpy(text + sizes[_i].count, sizes[_i].tail, tail_length);
	encode_one(text, length, encoded <= 65535 ? 0 : -EMSGSIZE, 2 + encoded, UNIT_UNTOUCHED);
	if (encoded <= 65535) {
		ck_assert_uint_eq(frame[0], encoded >> 8);
		ck_assert_uint_eq(frame[1], encoded & 0xFF);
		ck_assert_uint_eq(frame_missing(frame, 2), encoded);
		decode_one(frame, 2 + encoded, text, length, UNIT_UNTOUCHED);
	}
	/* A text that is both malformed and too long is reported as malformed. */
	text[length] = '\xC3';
	encode_one(text, length + 1, -EILSEQ, UNIT_UNTOUCHED, length);
	free(text);
}
END_TEST

START_TEST(decode_stops_at_the_end)
{
	decode_one("\x00\x01\x41\x42\x43", 5, "A", 1, UNIT_UNTOUCHED);
	decode_one("\x00\x00\xFF", 3, "", 0, UNIT_UNTOUCHED);
	/* Offsets start at the greeting. The length can cut a group. */
	decode_one("\x00\x02\x41\xFF", 4, NULL, UNIT_UNTOUCHED, 1);
	decode_one("\x00\x02\xE4\xB8\x96", 5, NULL, UNIT_UNTOUCHED, 0);
}
END_TEST

int main(void)
{
	return UNIT_RUN("frame", {frames_are_those_of_java, UNIT_COUNT(written)},
			{length_is_that_of_the_encoded_bytes, UNIT_COUNT(sizes)},
			{decode_stops_at_the_end, 1});
}
