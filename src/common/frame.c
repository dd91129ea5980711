/* SPDX-License-Identifier: MIT */
/* frame - the greeting on the wire: a length and modified UTF-8 */
#include "config.h"

#include <errno.h>

#include "common/frame.h"
#include "common/mutf8.h"

int frame_encode(const char *text, size_t text_length, uint8_t *ret_frame, size_t *ret_length,
		 size_t *ret_bad_offset)
{
	size_t length;
	int r = mutf8_encode(text, text_length, ret_frame + FRAME_HEADER_BYTES,
			     FRAME_GREETING_BYTES_MAX, &length, ret_bad_offset);

	if (r == -EILSEQ)
		return r;
	ret_frame[0] = (uint8_t)(length >> 8);
	ret_frame[1] = (uint8_t)length;
	*ret_length = FRAME_HEADER_BYTES + length;
	return r;
}

size_t frame_missing(const uint8_t *frame, size_t have)
{
	if (have < FRAME_HEADER_BYTES)
		return FRAME_HEADER_BYTES - have;
	return FRAME_HEADER_BYTES + ((size_t)frame[0] << 8 | frame[1]) - have;
}

int frame_decode(const uint8_t *frame, char *ret_text, size_t *ret_length, size_t *ret_bad_offset)
{
	return mutf8_decode(frame + FRAME_HEADER_BYTES, frame_missing(frame, FRAME_HEADER_BYTES),
			    ret_text, ret_length, ret_bad_offset);
}
