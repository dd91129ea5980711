/* SPDX-License-Identifier: MIT */
/* mutf8 - modified UTF-8, the character encoding of Java's writeUTF and readUTF */
#include "config.h"

#include <errno.h>
#include <stdbool.h>

#include "common/mutf8.h"
#include "common/utf8.h"

#define HIGH_SURROGATE_FIRST 0xD800U
#define LOW_SURROGATE_FIRST 0xDC00U
#define SURROGATE_LAST 0xDFFFU
#define SUPPLEMENTARY_FIRST 0x10000U

/* The most that one character is encoded to: a surrogate pair. */
#define GROUP_BYTES_MAX 6

static bool is_high_surrogate(uint32_t unit)
{
	return unit >= HIGH_SURROGATE_FIRST && unit < LOW_SURROGATE_FIRST;
}

static bool is_low_surrogate(uint32_t unit)
{
	return unit >= LOW_SURROGATE_FIRST && unit <= SURROGATE_LAST;
}

/* One UTF-16 unit in one to three bytes, as writeUTF writes it. */
static size_t put_unit(uint8_t *out, uint32_t unit)
{
	if (unit != 0 && unit < 0x80) {
		out[0] = (uint8_t)unit;
		return 1;
	}
	if (unit < 0x800) {
		out[0] = (uint8_t)(0xC0 | unit >> 6);
		out[1] = (uint8_t)(0x80 | (unit & 0x3F));
		return 2;
	}
	out[0] = (uint8_t)(0xE0 | unit >> 12);
	out[1] = (uint8_t)(0x80 | (unit >> 6 & 0x3F));
	out[2] = (uint8_t)(0x80 | (unit & 0x3F));
	return 3;
}

/* The group at the start of `length` bytes, as readUTF takes it. Its length, or 0. */
static size_t get_unit(const uint8_t *bytes, size_t length, uint32_t *unit)
{
	uint32_t lead = bytes[0];

	if (lead < 0x80) {
		*unit = lead;
		return 1;
	}
	if (lead < 0xC0 || lead >= 0xF0)
		return 0;
	if (lead < 0xE0) {
		if (length < 2 || (bytes[1] & 0xC0) != 0x80)
			return 0;
		*unit = (lead & 0x1F) << 6 | (bytes[1] & 0x3F);
		return 2;
	}
	if (length < 3 || (bytes[1] & 0xC0) != 0x80 || (bytes[2] & 0xC0) != 0x80)
		return 0;
	*unit = (lead & 0x0F) << 12 | (uint32_t)(bytes[1] & 0x3F) << 6 | (bytes[2] & 0x3F);
	return 3;
}

int mutf8_encode(const char *text, size_t text_length, uint8_t *out, size_t size, size_t *length,
		 size_t *bad_offset)
{
	size_t in, group_length, total = 0;

	for (size_t offset = 0; offset < text_length; offset += in) {
		uint8_t group[GROUP_BYTES_MAX];
		uint32_t c = 0;

		in = utf8_get(text + offset, text_length - offset, &c);
		if (in == 0) {
			*bad_offset = offset;
			return -EILSEQ;
		}
		if (c < SUPPLEMENTARY_FIRST) {
			group_length = put_unit(group, c);
		} else {
			c -= SUPPLEMENTARY_FIRST;
			group_length = put_unit(group, HIGH_SURROGATE_FIRST + (c >> 10));
			group_length +=
				put_unit(group + group_length, LOW_SURROGATE_FIRST + (c & 0x3FF));
		}
		/* Past the end the loop goes on, to tell the length or what is wrong. */
		for (size_t i = 0; i < group_length; i++, total++)
			if (total < size)
				out[total] = group[i];
	}

	*length = total;
	return total > size ? -EMSGSIZE : 0;
}

int mutf8_decode(const uint8_t *bytes, size_t length, char *text, size_t *text_length,
		 size_t *bad_offset)
{
	size_t in, out = 0;

	for (size_t offset = 0; offset < length; offset += in) {
		uint32_t c = 0, low = 0;
		size_t low_in = 0;

		in = get_unit(bytes + offset, length - offset, &c);
		if (in == 0) {
			*bad_offset = offset;
			return -EILSEQ;
		}
		if (is_high_surrogate(c) && offset + in < length)
			low_in = get_unit(bytes + offset + in, length - offset - in, &low);
		if (low_in > 0 && is_low_surrogate(low)) {
			c = SUPPLEMENTARY_FIRST + ((c - HIGH_SURROGATE_FIRST) << 10) +
			    (low - LOW_SURROGATE_FIRST);
			in += low_in;
		} else if (is_high_surrogate(c) || is_low_surrogate(c)) {
			c = UTF8_REPLACEMENT;
		}
		out += utf8_put(text + out, c);
	}

	*text_length = out;
	return 0;
}
