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
 * java.io.DataOutput.writeUTF writes this and java.io.DataInput.readUTF reads it. hello-frame(5)
 * describes it for users.
 */
#define FRAME_HEADER_BYTES 2
#define FRAME_GREETING_BYTES_MAX 65535
#define FRAME_BYTES_MAX (FRAME_HEADER_BYTES + FRAME_GREETING_BYTES_MAX)

/*
 * Encodes `text_length` bytes of UTF-8. `ret_frame`, of FRAME_BYTES_MAX, is undefined on failure.
 *
 * Returns 0, with the length of the frame in *ret_length;
 *         -EILSEQ if the text is not UTF-8, with the offset in *ret_bad_offset (mutf8.h);
 *         -EMSGSIZE if the frame would be too long, with the length needed in *ret_length.
 */
int frame_encode(const char *text, size_t text_length, uint8_t *ret_frame, size_t *ret_length,
		 size_t *ret_bad_offset);

/*
 * Returns how many bytes to read after the first `have` bytes of a frame: the rest of the header,
 * then the rest of the greeting, then 0. `have` is at most the length of the frame.
 */
size_t frame_missing(const uint8_t *frame, size_t have);

/* Decodes the greeting of a whole frame, with the outputs and the result of mutf8_decode(). */
int frame_decode(const uint8_t *frame, char *ret_text, size_t *ret_length, size_t *ret_bad_offset);

#endif
