/* SPDX-License-Identifier: MIT */
/* prove - utf8: every text, of every length */
#include "prove.h"

#include "common/utf8.h"

/* No block of memory is longer. */
#define LENGTH_MAX PTRDIFF_MAX

/* True if `byte` is from `first` to `last`, as %xNN-NN of an ABNF. */
static bool in(uint8_t byte, uint8_t first, uint8_t last)
{
	return byte >= first && byte <= last;
}

/* The length of the UTF8-char that begins the text, by the grammar of RFC 3629, section 4; or 0. */
static size_t rfc3629(const uint8_t *b, size_t length)
{
	bool tail1 = length > 1 && in(b[1], 0x80, 0xBF);
	bool tail2 = tail1 && length > 2 && in(b[2], 0x80, 0xBF);
	bool tail3 = tail2 && length > 3 && in(b[3], 0x80, 0xBF);

	if (length == 0)
		return 0;
	if (in(b[0], 0x00, 0x7F))
		return 1;
	if (in(b[0], 0xC2, 0xDF))
		return tail1 ? 2 : 0;
	if (b[0] == 0xE0)
		return tail2 && in(b[1], 0xA0, 0xBF) ? 3 : 0;
	if (in(b[0], 0xE1, 0xEC) || in(b[0], 0xEE, 0xEF))
		return tail2 ? 3 : 0;
	if (b[0] == 0xED)
		return tail2 && in(b[1], 0x80, 0x9F) ? 3 : 0;
	if (b[0] == 0xF0)
		return tail3 && in(b[1], 0x90, 0xBF) ? 4 : 0;
	if (in(b[0], 0xF1, 0xF3))
		return tail3 ? 4 : 0;
	if (b[0] == 0xF4)
		return tail3 && in(b[1], 0x80, 0x8F) ? 4 : 0;
	return 0;
}

/* The x bits of the table in section 3 of the RFC. */
static uint32_t bits(const uint8_t *b, size_t n)
{
	switch (n) {
	case 1:
		return b[0];
	case 2:
		return (b[0] & 0x1FU) * 64 + (b[1] & 0x3FU);
	case 3:
		return (b[0] & 0x0FU) * 4096 + (b[1] & 0x3FU) * 64 + (b[2] & 0x3FU);
	default:
		return (b[0] & 0x07U) * 262144 + (b[1] & 0x3FU) * 4096 + (b[2] & 0x3FU) * 64 +
		       (b[3] & 0x3FU);
	}
}

/* Reads the character at the start; 0 if there is none. A failure sets no output. */
void prove_utf8_get(void)
{
	size_t length = nondet_size();
	given(length <= LENGTH_MAX);
	uint8_t *text = any_bytes(length);
	uint32_t before = nondet_u32(), c = before;

	size_t n = utf8_get((const char *)text, length, &c);

	promise(n == rfc3629(text, length));
	promise(c == (n == 0 ? before : bits(text, n)));
	promise(n == 0 || c <= 0x10FFFF);
}

/* Like utf8_get(), but accepts overlong forms, surrogates and code points up to U+1FFFFF. */
void prove_utf8_get_group(void)
{
	size_t length = nondet_size();
	given(length <= LENGTH_MAX);
	uint8_t *b = any_bytes(length);
	uint32_t before = nondet_u32(), c = before, character = 0;

	size_t n = utf8_get_group(b, length, &c);

	size_t said = length == 0	     ? 0
		      : in(b[0], 0x00, 0x7F) ? 1
		      : in(b[0], 0xC0, 0xDF) ? 2
		      : in(b[0], 0xE0, 0xEF) ? 3
		      : in(b[0], 0xF0, 0xF7) ? 4
					     : 0;
	bool whole = said > 0 && said <= length && (said < 2 || in(b[1], 0x80, 0xBF)) &&
		     (said < 3 || in(b[2], 0x80, 0xBF)) && (said < 4 || in(b[3], 0x80, 0xBF));
	promise(n == (whole ? said : 0));
	promise(c == (n == 0 ? before : bits(b, n)));
	promise(n == 0 || c <= 0x1FFFFF);
	if (utf8_get((const char *)b, length, &character) > 0)
		promise(character == c);
}

/* Writes a code point, a surrogate too; returns its length; what is written reads the same. */
void prove_utf8_put(void)
{
	uint32_t c = nondet_u32(), back = 0;
	given(c <= 0x10FFFF);
	size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	char *text = any_bytes(length);

	size_t n = utf8_put(text, c);

	promise(n == length);
	promise(n <= UTF8_BYTES_MAX);
	promise(utf8_get_group((const uint8_t *)text, n, &back) == n);
	promise(back == c);
	promise(utf8_get(text, n, &back) == (c >= 0xD800 && c <= 0xDFFF ? 0 : n));
}
