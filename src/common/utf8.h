/* SPDX-License-Identifier: MIT */
/* utf8 - one character of UTF-8 at a time (RFC 3629) */
#ifndef HELLOD_UTF8_H
#define HELLOD_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The longest form of one character, in bytes. */
#define UTF8_BYTES_MAX 4

/* What stands in for a character that cannot be expressed. */
#define UTF8_REPLACEMENT 0xFFFDU

/*
 * Reads the character at the start of `length` bytes.
 *
 * Returns its length in bytes, 1 to 4, with the code point in *code_point;
 *         0 if there is none: an empty, cut or overlong form, a surrogate, or past U+10FFFF.
 */
size_t utf8_get(const char *text, size_t length, uint32_t *code_point);

/*
 * Writes the character with this code point, at most U+10FFFF and no surrogate, to `out`, which
 * has room for it: UTF8_BYTES_MAX is always enough.
 *
 * Returns its length in bytes, 1 to 4.
 */
size_t utf8_put(char *out, uint32_t code_point);

#endif
