/* SPDX-License-Identifier: MIT */
/* escape - untrusted text, made safe for a terminal */
#ifndef HELLOD_ESCAPE_H
#define HELLOD_ESCAPE_H

#include <stddef.h>

/* No limit. */
#define ESCAPE_WHOLE ((size_t)-1)

/*
 * Copies `length` bytes of UTF-8 and replaces every character that a terminal might act upon: by
 * \xNN those below U+0020 and U+007F; by \uNNNN the other control characters (U+0080 to U+009F),
 * the line and paragraph separators, and those that change the direction of writing (U+061C,
 * U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069). Bytes that are not UTF-8 become \xNN each.
 *
 * Returns a string for the caller to free, or NULL without memory.
 */
char *escape(const char *text, size_t length);

/*
 * The same, but after `most` characters of the result, or fewer where that would split an escape,
 * "..." stands for the rest.
 */
char *escape_cut(const char *text, size_t length, size_t most);

#endif
