/* SPDX-License-Identifier: MIT */
/* mutf8 - modified UTF-8, the character encoding of Java's writeUTF and readUTF */
#ifndef HELLOD_MUTF8_H
#define HELLOD_MUTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Modified UTF-8 (class documentation of java.io.DataInput) differs from UTF-8 in two ways: U+0000
 * is C0 80, so that no encoded byte is zero; U+10000 to U+10FFFF are two UTF-16 surrogates of three
 * bytes each, because four-byte forms do not exist.
 *
 * Texts may contain U+0000 and are not NUL-terminated. *ret_bad_offset is the offset of the first
 * byte of the malformed character. On failure `ret_bytes` or `ret_text` has undefined contents.
 */

/*
 * Encodes `text_length` bytes of UTF-8 into at most `size` bytes. `ret_bytes` may be NULL if `size`
 * is 0.
 *
 * Returns 0, with the number of bytes in *ret_length;
 *         -EILSEQ if the text is not UTF-8, with *ret_bad_offset;
 *         -EMSGSIZE if `size` is too small, with the size needed in *ret_length.
 */
int mutf8_encode(const char *text, size_t text_length, uint8_t *ret_bytes, size_t size,
		 size_t *ret_length, size_t *ret_bad_offset);

/*
 * Decodes `length` bytes into UTF-8, which is never longer: `ret_text` has room for `length` bytes.
 * Accepts what java.io.DataInputStream.readUTF accepts, including raw zero bytes and overlong
 * forms. A surrogate pair becomes one character. A lone surrogate becomes U+FFFD, because UTF-8
 * cannot express it.
 *
 * Returns 0, with the number of bytes of UTF-8 in *ret_length;
 *         -EILSEQ if readUTF throws UTFDataFormatException, with *ret_bad_offset.
 */
int mutf8_decode(const uint8_t *bytes, size_t length, char *ret_text, size_t *ret_length,
		 size_t *ret_bad_offset);

#endif
