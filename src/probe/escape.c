/* SPDX-License-Identifier: MIT */
/* escape - untrusted text, made safe for a terminal */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "probe/escape.h"

/* \xNN for one byte. No other character grows more: \uNNNN stands for two bytes at least. */
#define ESCAPED_BYTES_MAX 4

#define CUT "..."

static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
	       (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

char *escape(const char *text, size_t length)
{
	char *escaped = malloc(length * ESCAPED_BYTES_MAX + sizeof(CUT)), *end = escaped;
	size_t n;

	if (escaped == NULL)
		return NULL;
	for (size_t offset = 0; offset < length; offset += n) {
		uint32_t c;

		n = utf8_get(text + offset, length - offset, &c);
		if (n == 0) {
			n = 1;
			end += sprintf(end, "\\x%02x", (unsigned char)text[offset]);
		} else if (is_harmful(c)) {
			end += sprintf(end, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
		} else {
			end = mempcpy(end, text + offset, n);
		}
	}
	*end = '\0';
	return escaped;
}

char *escape_cut(const char *text, size_t length, size_t most)
{
	char *escaped = escape(text, length), *end = escaped;
	uint32_t ignored;

	if (escaped == NULL)
		return NULL;
	for (; *end != '\0' && most > 0; most--)
		end += utf8_get(end, strnlen(end, UTF8_BYTES_MAX), &ignored);
	if (*end != '\0')
		strcpy(end, CUT);
	return escaped;
}
