/* SPDX-License-Identifier: MIT */
/* utf8 - UTF-8, one character at a time (RFC 3629) */
#include "config.h"

#include "common/utf8.h"

/* The number of bytes of a code point. A longer form is overlong. */
static size_t length_of(uint32_t c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

size_t utf8_get_group(const uint8_t *bytes, size_t length, uint32_t *ret_code_point)
{
	uint8_t lead;
	uint32_t c;
	size_t n;

	if (length == 0)
		return 0;
	lead = bytes[0];
	n = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	c = n == 1 ? lead : lead & 0x7FU >> n;
	if (n == 0 || n > length || lead >= 0xF8)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (bytes[i] & 0x3F);
	}
	*ret_code_point = c;
	return n;
}

size_t utf8_get(const char *text, size_t length, uint32_t *ret_code_point)
{
	uint32_t c;
	size_t n = utf8_get_group((const uint8_t *)text, length, &c);

	if (n == 0)
		return 0;
	if (n != length_of(c) || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 0;
	*ret_code_point = c;
	return n;
}

size_t utf8_put(char *ret_text, uint32_t code_point)
{
	size_t n = length_of(code_point);

	for (size_t i = n - 1; i > 0; i--) {
		ret_text[i] = (char)(0x80 | (code_point & 0x3F));
		code_point >>= 6;
	}
	ret_text[0] = (char)(n == 1 ? code_point : 0xF0U << (4 - n) | code_point);
	return n;
}
