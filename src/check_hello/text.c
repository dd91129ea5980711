/* SPDX-License-Identifier: MIT */
/* text - untrusted text in the output of a plugin */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "check_hello/text.h"
#include "probe/escape.h"

void text_print(const char *text, size_t length, size_t most)
{
	char *escaped = text != NULL ? escape_cut(text, length, most) : NULL;

	if (escaped == NULL) {
		fputs("(out of memory)", stdout);
		return;
	}
	for (const char *c = escaped; *c != '\0'; c++)
		if (*c == '|')
			fputs("\\x7c", stdout);
		else
			putchar(*c);
	free(escaped);
}
