/* SPDX-License-Identifier: MIT */
/* mutf8 - modified UTF-8, the character encoding of Java's writeUTF and readUTF */
#include "config.h"

#include <errno.h>
#include <stdbool.h>

#include "common/mutf8.h"
#include "common/utf8.h"

/* The longest form of a UTF-16 unit, and the only one that a surrogate can have. */
#define UNIT_BYTES_MAX 3

/* The low ten bits of a surrogate are half of the offset from SUPPLEMENTARY_FIRST. */
#define HIGH_SURROGATE 0xD800U
#define LOW_SURROGATE 0xDC00U
#define SUPPLEMENTARY_FIRST 0x10000U

static bool is_surrogate(uint32_t unit, uint32_t kind)
{
	return (unit & ~0x3FFU) == kind;
}

/* Appends a UTF-16 unit as writeUTF does; without room, only counts its bytes. */
static void put_unit(uint32_t unit, uint8_t *out, size_t size, size_t *length)
{
	char bytes[UNIT_BYTES_MAX] = "\xC0\x80";
	size_t n = unit == 0 ? 2 : utf8_put(bytes, unit);

	for (size_t i = 0; i < n; i++, ++*length)
		if (*length < size)
			out[*length] = (uint8_t)bytes[i];
}

int mutf8_encode(const char *text, size_t text_length, uint8_t *ret_bytes, size_t size,
		 size_t *ret_length, size_t *ret_bad_offset)
{
	size_t n, length = 0;

	for (size_t offset = 0; offset < text_length; offset += n) {
		uint32_t c;

		n = utf8_get(text + offset, text_length - offset, &c);
		if (n == 0) {
			*ret_bad_offset = offset;
			return -EILSEQ;
		}
		if (c >= SUPPLEMENTARY_FIRST) {
			c -= SUPPLEMENTARY_FIRST;
			put_unit(HIGH_SURROGATE | c >> 10, ret_bytes, size, &length);
			c = LOW_SURROGATE | (c & 0x3FF);
		}
		put_unit(c, ret_bytes, size, &length);
	}

	*ret_length = length;
	return length > size ? -EMSGSIZE : 0;
}

int mutf8_decode(const uint8_t *bytes, size_t length, char *ret_text, size_t *ret_length,
		 size_t *ret_bad_offset)
{
	size_t n, text_length = 0;

	for (size_t offset = 0; offset < length; offset += n) {
		uint32_t c, low;

		n = utf8_get_group(bytes + offset, length - offset, &c);
		if (n == 0 || n > UNIT_BYTES_MAX) {
			*ret_bad_offset = offset;
			return -EILSEQ;
		}
		if (is_surrogate(c, HIGH_SURROGATE) &&
		    utf8_get_group(bytes + offset + n, length - offset - n, &low) == n &&
		    is_surrogate(low, LOW_SURROGATE)) {
			c = SUPPLEMENTARY_FIRST + ((c & 0x3FF) << 10 | (low & 0x3FF));
			n *= 2;
		} else if (is_surrogate(c, HIGH_SURROGATE) || is_surrogate(c, LOW_SURROGATE)) {
			c = UTF8_REPLACEMENT;
		}
		text_length += utf8_put(ret_text + text_length, c);
	}

	*ret_length = text_length;
	return 0;
}
