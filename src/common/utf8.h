/* SPDX-License-Identifier: MIT */
/* utf8 - UTF-8, one character at a time (RFC 3629) */
#ifndef HELLOD_UTF8_H
#define HELLOD_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_BYTES_MAX 4	 /* the longest encoding of a character */
#define UTF8_REPLACEMENT 0xFFFDU /* for characters that cannot be expressed */

/*
 * Reads the character at the start of `length` bytes. Returns its length in bytes; 0 if there is
 * none: no text, a cut or overlong form, a surrogate, a code point above U+10FFFF.
 */
size_t utf8_get(const char *text, size_t length, uint32_t *ret_code_point);

/* Like utf8_get(), but accepts overlong forms, surrogates and code points up to U+1FFFFF. */
size_t utf8_get_group(const uint8_t *bytes, size_t length, uint32_t *ret_code_point);

/*
 * Writes a code point of at most U+10FFFF; a surrogate, too, though it is not UTF-8. Returns its
 * length in bytes, at most UTF8_BYTES_MAX.
 */
size_t utf8_put(char *ret_text, uint32_t code_point);

#endif
