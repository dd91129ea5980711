/* SPDX-License-Identifier: MIT */
/* frame - the greeting on the wire: a length and modified UTF-8 */
#ifndef HELLOD_FRAME_H
#define HELLOD_FRAME_H

#include <stddef.h>
#include <stdint.h>

/*
 *	+----+----+-----------------------------+
 *	| length  | greeting, `length` bytes of |     length: unsigned, 16 bits,
 *	| hi | lo | modified UTF-8 (mutf8.h)    |     big-endian, in bytes
 *	+----+----+-----------------------------+
 *
 *	  00   05   48 45 4C 4C 4F                    HELLO
 *
 * This is what java.io.DataOutput.writeUTF writes and java.io.DataInput.readUTF reads. It has
 * neither type nor version nor end mark: the length alone says where it ends. hello-frame(5)
 * tells it to users.
 */
#define FRAME_HEADER_BYTES 2
#define FRAME_GREETING_BYTES_MAX 65535
#define FRAME_BYTES_MAX (FRAME_HEADER_BYTES + FRAME_GREETING_BYTES_MAX)

/*
 * Encodes `text_length` bytes of UTF-8 into a frame at `frame`, which has room for
 * FRAME_BYTES_MAX.
 *
 * Returns 0, with the length of the whole frame, 2 to FRAME_BYTES_MAX, in *frame_length;
 *         -EILSEQ if the text is not UTF-8, with the offset of the bad byte in *detail;
 *         -EMSGSIZE if it would encode to more than FRAME_GREETING_BYTES_MAX bytes, with the
 *         number of bytes that it would take in *detail.
 */
int frame_encode(const char *text, size_t text_length, uint8_t *frame, size_t *frame_length,
		 size_t *detail);

/*
 * Tells how many bytes to read next, given the first `have` bytes of a frame: the rest of the
 * header while that is incomplete, then the rest of the greeting, and 0 once the frame is
 * whole. A reader that asks for no more than this never takes a byte that follows the frame.
 */
size_t frame_missing(const uint8_t *frame, size_t have);

/*
 * Decodes the whole frame at `frame` into UTF-8 at `text`, which has room for
 * FRAME_GREETING_BYTES_MAX bytes.
 *
 * Returns 0, with the number of bytes of UTF-8 in *text_length;
 *         -EILSEQ if the greeting is malformed, with the offset of the bad group, counted
 *         from the start of the greeting, in *bad_offset.
 */
int frame_decode(const uint8_t *frame, char *text, size_t *text_length, size_t *bad_offset);

#endif
