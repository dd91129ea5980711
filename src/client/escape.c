/* SPDX-License-Identifier: MIT */
/* escape - a stranger's text, made safe to show on a terminal */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>

#include "client/escape.h"
#include "common/utf8.h"

static bool is_harmless(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} harmful[] = {
		{0x00, 0x1F},	  {0x7F, 0x9F},	    {0x061C, 0x061C},
		{0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069},
	};

	for (size_t i = 0; i < sizeof(harmful) / sizeof(*harmful); i++)
		if (c >= harmful[i].first && c <= harmful[i].last)
			return false;
	return true;
}

void printable_write(const char *text, size_t length, FILE *stream)
{
	size_t n;

	for (size_t offset = 0; offset < length; offset += n) {
		uint32_t c = (unsigned char)text[offset];

		n = utf8_get(text + offset, length - offset, &c);
		if (n > 0 && is_harmless(c)) {
			fwrite(text + offset, 1, n, stream);
			continue;
		}
		fprintf(stream, n == 0 || c < 0x80 ? "\\x%02x" : "\\u%04x", c);
		if (n == 0)
			n = 1;
	}
}
