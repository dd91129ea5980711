/* SPDX-License-Identifier: MIT */
/* frame - the greeting on the wire: a length and modified UTF-8 */
#include "config.h"

#include <errno.h>

#include "common/frame.h"
#include "common/mutf8.h"

static size_t greeting_length(const uint8_t *frame)
{
	return (size_t)frame[0] << 8 | frame[1];
}

int frame_encode(const char *text, size_t text_length, uint8_t *frame, size_t *frame_length,
		 size_t *detail)
{
	size_t length = 0, bad_offset = 0;
	int r;

	r = mutf8_encode(text, text_length, frame + FRAME_HEADER_BYTES, FRAME_GREETING_BYTES_MAX,
			 &length, &bad_offset);
	if (r < 0) {
		*detail = r == -EMSGSIZE ? length : bad_offset;
		return r;
	}

	frame[0] = (uint8_t)(length >> 8);
	frame[1] = (uint8_t)length;
	*frame_length = FRAME_HEADER_BYTES + length;
	return 0;
}

size_t frame_missing(const uint8_t *frame, size_t have)
{
	if (have < FRAME_HEADER_BYTES)
		return FRAME_HEADER_BYTES - have;
	return FRAME_HEADER_BYTES + greeting_length(frame) - have;
}

int frame_decode(const uint8_t *frame, char *text, size_t *text_length, size_t *bad_offset)
{
	return mutf8_decode(frame + FRAME_HEADER_BYTES, greeting_length(frame), text, text_length,
			    bad_offset);
}
