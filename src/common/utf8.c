/* SPDX-License-Identifier: MIT */
/* utf8 - one character of UTF-8 at a time (RFC 3629) */
#include "config.h"

#include "common/utf8.h"

/* The smallest code point that needs a form of so many bytes: anything less is overlong. */
static const uint32_t shortest[UTF8_BYTES_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};

size_t utf8_get(const char *text, size_t length, uint32_t *code_point)
{
	const uint8_t *bytes = (const uint8_t *)text;
	uint32_t c;
	size_t n;

	if (length == 0)
		return 0;

	c = bytes[0];
	if (c < 0x80) {
		*code_point = c;
		return 1;
	}
	if (c < 0xC0 || c >= 0xF8)
		return 0;
	n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (length < n)
		return 0;

	c &= 0x7FU >> n;
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (bytes[i] & 0x3F);
	}
	if (c < shortest[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 0;

	*code_point = c;
	return n;
}

size_t utf8_put(char *out, uint32_t code_point)
{
	size_t n = 1;

	if (code_point < 0x80) {
		out[0] = (char)code_point;
		return 1;
	}
	while (n < UTF8_BYTES_MAX && code_point >= shortest[n + 1])
		n++;
	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code_point & 0x3F));
		code_point >>= 6;
	}
	out[0] = (char)((0xF00U >> n & 0xFF) | code_point);
	return n;
}
