/* SPDX-License-Identifier: MIT */
/* text - untrusted text in the output of a plugin */
#ifndef HELLOD_TEXT_H
#define HELLOD_TEXT_H

#include "probe/escape.h"

/* No limit. */
#define TEXT_WHOLE ESCAPE_WHOLE

/* Of each text in the first line: some monitoring systems read only 1 kB. */
#define TEXT_CHARACTERS_MAX 200

/*
 * Prints `length` bytes of UTF-8 to standard output. Control characters, newlines, and bytes that
 * are not UTF-8 are escaped (probe/escape.h). '|' would begin the performance data, so it is
 * written as \x7c. After `most` characters of escaped text, "..." stands for the rest.
 *
 * A `text` of NULL is one for which there was no memory: prints a note in its place.
 */
void text_print(const char *text, size_t length, size_t most);

#endif
