/* SPDX-License-Identifier: MIT */
/* text - untrusted text in the output of a plugin */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_hello/text.h"
#include "common/utf8.h"
#include "probe/escape.h"

void text_print(const char *text, size_t length, size_t most)
{
	char *escaped = text != NULL ? escape(text, length) : NULL, *next = escaped;
	uint32_t ignored;

	if (escaped == NULL) {
		fputs("(out of memory)", stdout);
		return;
	}
	for (; *next != '\0' && most > 0; most--) {
		size_t n = utf8_get(next, strnlen(next, UTF8_BYTES_MAX), &ignored);

		if (*next == '|')
			fputs("\\x7c", stdout);
		else
			fwrite(next, 1, n, stdout);
		next += n;
	}
	if (*next != '\0')
		fputs("...", stdout);
	free(escaped);
}
