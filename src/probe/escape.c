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
	return escape_cut(text, length, ESCAPE_WHOLE);
}

char *escape_cut(const char *text, size_t length, size_t most)
{
	char *escaped = malloc(length * ESCAPED_BYTES_MAX + sizeof(CUT)), *end = escaped;
	size_t n;

	if (escaped == NULL)
		return NULL;
	for (size_t offset = 0; offset < length; offset += n) {
		uint32_t c;
		size_t characters = 1;
		char *next;

		n = utf8_get(text + offset, length - offset, &c);
		if (n > 0 && !is_harmful(c)) {
			next = mempcpy(end, text + offset, n);
		} else {
			if (n == 0)
				c = (unsigned char)text[offset];
			characters = (size_t)sprintf(end, n < 2 ? "\\x%02x" : "\\u%04x", c);
			next = end + characters;
			n = n > 0 ? n : 1;
		}
		if (characters > most) {
			end = stpcpy(end, CUT);
			break;
		}
		most -= characters;
		end = next;
	}
	*end = '\0';
	return escaped;
}
