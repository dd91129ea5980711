/* SPDX-License-Identifier: MIT */
/* prove - mutf8: every text up to a length, against the JDK's specification */
#include "prove.h"

#include <errno.h>

#include "common/mutf8.h"
#include "common/utf8.h"

#ifndef LENGTH_MAX
#define LENGTH_MAX 6 /* run.py sets it */
#endif
#define ENCODED_MAX (LENGTH_MAX * 2) /* the worst case: two bytes for U+0000 */

/* UTF-16, and the offset in the text of the character that each unit comes from. */
struct units {
	uint16_t unit[LENGTH_MAX];
	size_t count;
};

/* The units of a text of UTF-8; false, with the offset of the first malformed character. */
static bool units_of_utf8(const char *text, size_t length, struct units *ret, size_t *ret_bad)
{
	size_t n;

	ret->count = 0;
	for (size_t i = 0; i < length; i += n) {
		uint32_t c = 0;

		n = utf8_get(text + i, length - i, &c); /* proved by itself */
		if (n == 0) {
			*ret_bad = i;
			return false;
		}
		if (c > 0xFFFF) {
			ret->unit[ret->count++] = (uint16_t)(0xD800 + (c - 0x10000) / 0x400);
			ret->unit[ret->count++] = (uint16_t)(0xDC00 + (c - 0x10000) % 0x400);
		} else {
			ret->unit[ret->count++] = (uint16_t)c;
		}
	}
	return true;
}

/* DataOutput.writeUTF, without the length: returns the number of bytes. */
static size_t write_utf(const struct units *units, uint8_t *ret_bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < units->count; i++) {
		uint16_t c = units->unit[i];

		if (c >= 0x0001 && c <= 0x007F) {
			ret_bytes[n++] = (uint8_t)c;
		} else if (c > 0x07FF) {
			ret_bytes[n++] = (uint8_t)(0xE0 | (0x0F & (c >> 12)));
			ret_bytes[n++] = (uint8_t)(0x80 | (0x3F & (c >> 6)));
			ret_bytes[n++] = (uint8_t)(0x80 | (0x3F & c));
		} else {
			ret_bytes[n++] = (uint8_t)(0xC0 | (0x1F & (c >> 6)));
			ret_bytes[n++] = (uint8_t)(0x80 | (0x3F & c));
		}
	}
	return n;
}

/* DataInput.readUTF, without the length; false where it throws UTFDataFormatException. */
static bool read_utf(const uint8_t *b, size_t length, struct units *ret, size_t *ret_bad)
{
	size_t i = 0;

	ret->count = 0;
	while (i < length) {
		*ret_bad = i;
		if ((b[i] & 0x80) == 0) {
			ret->unit[ret->count++] = b[i];
			i += 1;
		} else if ((b[i] & 0xE0) == 0xC0) {
			if (length - i < 2 || (b[i + 1] & 0xC0) != 0x80)
				return false;
			ret->unit[ret->count++] =
				(uint16_t)(((b[i] & 0x1F) << 6) | (b[i + 1] & 0x3F));
			i += 2;
		} else if ((b[i] & 0xF0) == 0xE0) {
			if (length - i < 3 || (b[i + 1] & 0xC0) != 0x80 ||
			    (b[i + 2] & 0xC0) != 0x80)
				return false;
			ret->unit[ret->count++] =
				(uint16_t)(((b[i] & 0x0F) << 12) | ((b[i + 1] & 0x3F) << 6) |
					   (b[i + 2] & 0x3F));
			i += 3;
		} else {
			return false;
		}
	}
	return true;
}

/* The UTF-8 of units. A lone surrogate is U+FFFD. */
static size_t utf8_of_units(const struct units *units, char *ret_text)
{
	size_t n = 0;

	for (size_t i = 0; i < units->count; i++) {
		uint32_t c = units->unit[i];

		if (c >= 0xD800 && c < 0xDC00 && i + 1 < units->count &&
		    units->unit[i + 1] >= 0xDC00 && units->unit[i + 1] < 0xE000)
			c = 0x10000 + (c - 0xD800) * 0x400 + (units->unit[++i] - 0xDC00U);
		else if (c >= 0xD800 && c < 0xE000)
			c = UTF8_REPLACEMENT;
		n += utf8_put(ret_text + n, c);
	}
	return n;
}

/* Encodes as writeUTF does, into at most `size` bytes; -EILSEQ with the offset. */
/* T12 of hellod-security(7) */
void prove_mutf8_encode(void)
{
	size_t text_length = nondet_size(), size = nondet_size();
	given(text_length <= LENGTH_MAX && size <= ENCODED_MAX + 1);
	char text_block[LENGTH_MAX], *text = text_block + LENGTH_MAX - text_length;
	uint8_t block[ENCODED_MAX + 1], *bytes = size > 0 ? block + sizeof(block) - size : NULL;
	size_t length_before = nondet_size(), length = length_before, bad_before = nondet_size(),
	       bad = bad_before, expected_bad = 0, i = nondet_size();
	uint8_t expected[ENCODED_MAX];
	struct units units;

	int r = mutf8_encode(text, text_length, bytes, size, &length, &bad);

	if (!units_of_utf8(text, text_length, &units, &expected_bad)) {
		promise(r == -EILSEQ);
		promise(bad == expected_bad);
		promise(length == length_before);
		return;
	}
	promise(bad == bad_before);
	promise(length == write_utf(&units, expected));
	promise(r == (length > size ? -EMSGSIZE : 0));
	if (r == 0 && i < length) {
		promise(bytes[i] == expected[i]);
		promise(bytes[i] != 0);
	}
}

/* Decodes what readUTF accepts into UTF-8, which is never longer; -EILSEQ where readUTF throws. */
static void decode(const uint8_t *bytes, size_t length)
{
	char block[LENGTH_MAX], *text = block + LENGTH_MAX - length, expected[LENGTH_MAX];
	size_t text_before = nondet_size(), text_length = text_before, bad_before = nondet_size(),
	       bad = bad_before, expected_bad = 0, i = nondet_size();
	struct units units;

	int r = mutf8_decode(bytes, length, text, &text_length, &bad);

	if (!read_utf(bytes, length, &units, &expected_bad)) {
		promise(r == -EILSEQ);
		promise(bad == expected_bad);
		promise(text_length == text_before);
		return;
	}
	promise(r == 0);
	promise(bad == bad_before);
	promise(text_length <= length);
	promise(text_length == utf8_of_units(&units, expected));
	if (i < text_length)
		promise(text[i] == expected[i]);
}

/* T16 of hellod-security(7) */
void prove_mutf8_decode(void)
{
	size_t length = nondet_size();
	given(length <= LENGTH_MAX);
	uint8_t block[LENGTH_MAX];

	decode(block + LENGTH_MAX - length, length);
}

/* The same after a character of three bytes that begins as a surrogate does: ED. */
void prove_mutf8_decode_pair(void)
{
	uint8_t block[LENGTH_MAX];

	block[0] = 0xED;
	decode(block, LENGTH_MAX);
}

/* A text that was encoded is decoded to itself. */
void prove_mutf8_round_trip(void)
{
	size_t text_length = nondet_size(), length = 0, back_length = 0, bad, i = nondet_size();
	given(text_length <= LENGTH_MAX);
	char block[LENGTH_MAX], *text = block + LENGTH_MAX - text_length;
	uint8_t bytes[ENCODED_MAX];
	char back[ENCODED_MAX];

	if (mutf8_encode(text, text_length, bytes, sizeof(bytes), &length, &bad) < 0)
		return;
	promise(mutf8_decode(bytes, length, back, &back_length, &bad) == 0);
	promise(back_length == text_length);
	if (i < text_length)
		promise(back[i] == text[i]);
}
