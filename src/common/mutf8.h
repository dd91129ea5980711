/* SPDX-License-Identifier: MIT */
/* mutf8 - modified UTF-8, the character encoding of Java's writeUTF and readUTF */
#ifndef HELLOD_MUTF8_H
#define HELLOD_MUTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Modified UTF-8 is what java.io.DataOutput.writeUTF writes ("Modified UTF-8" in the class
 * documentation of java.io.DataInput). It differs from UTF-8 (RFC 3629) in this:
 *
 *	U+0000              C0 80, so that no encoded byte is zero
 *	U+10000..U+10FFFF   the two UTF-16 surrogates, three bytes each: six in all
 *	four-byte forms     do not exist
 *
 * Offsets are counted in bytes from 0 and name the first byte of the offending group. Neither
 * function allocates, and text is not NUL-terminated: U+0000 is a character like any other.
 */

/*
 * Encodes `text_length` bytes of UTF-8 into at most `size` bytes at `out`. Overlong forms,
 * surrogates and everything past U+10FFFF are not UTF-8 (RFC 3629, section 3).
 *
 * Returns 0, with the number of bytes in *length;
 *         -EILSEQ if the text is not UTF-8, with the offset in *bad_offset;
 *         -EMSGSIZE if it does not fit, with the size that it needs in *length. What was
 *         written to `out` by then is of no use. With a `size` of 0 `out` may be NULL.
 */
int mutf8_encode(const char *text, size_t text_length, uint8_t *out, size_t size, size_t *length,
		 size_t *bad_offset);

/*
 * Decodes `length` bytes into UTF-8 at `text`, which has room for `length` bytes: the UTF-8 is
 * never longer. Accepts and rejects what java.io.DataInputStream.readUTF does: a raw zero byte
 * and overlong forms are accepted. A surrogate pair becomes one character. A lone surrogate,
 * which Java keeps and UTF-8 cannot express, becomes U+FFFD.
 *
 * Returns 0, with the number of bytes of UTF-8 in *text_length;
 *         -EILSEQ if Java would throw UTFDataFormatException, with the offset in *bad_offset.
 *         What was written to `text` by then is of no use.
 */
int mutf8_decode(const uint8_t *bytes, size_t length, char *text, size_t *text_length,
		 size_t *bad_offset);

#endif
