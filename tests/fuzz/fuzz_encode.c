/* SPDX-License-Identifier: MIT */
/* fuzz_encode - any bytes as a text to encode */
#include "config.h"

#include <errno.h>

#include "common/frame.h"
#include "common/mutf8.h"
#include "fuzz.h"
#include "reference.h"

/* Encodes a text of that encoded length, into exactly as much room, and into one byte less. */
static void try_mutf8(const char *text, size_t text_length, const uint8_t *wanted, size_t needed)
{
	uint8_t *encoded = fuzz_allocate(needed), *small = fuzz_allocate(needed - (needed > 0));
	char *again = fuzz_allocate(needed);
	size_t length = 0, none = 0;

	REQUIRE(mutf8_encode(text, text_length, encoded, needed, &length, &none) == 0);
	REQUIRE(fuzz_equal(encoded, length, wanted, needed));
	REQUIRE(needed == 0 || memchr(encoded, 0, needed) == NULL);
	REQUIRE(mutf8_decode(encoded, needed, again, &length, &none) == 0);
	REQUIRE(fuzz_equal(again, length, text, text_length));
	if (needed > 0) {
		int r = mutf8_encode(text, text_length, small, needed - 1, &length, &none);

		REQUIRE(r == -EMSGSIZE && length == needed);
	}
	free(again);
	free(small);
	free(encoded);
}

static void try_text(const char *text, size_t text_length)
{
	uint8_t *frame = fuzz_allocate(FRAME_BYTES_MAX), *wanted = NULL;
	size_t needed = 0, length = 0, bad_offset = 0, same_offset = 0, wanted_length = 0;
	int wanted_r = reference_encode(text, text_length, &wanted, &wanted_length);
	int r = frame_encode(text, text_length, frame, &length, &bad_offset);
	int counted_r = mutf8_encode(text, text_length, NULL, 0, &needed, &same_offset);

	if (wanted_r < 0) {
		REQUIRE(r == -EILSEQ && counted_r == -EILSEQ);
		REQUIRE(bad_offset == wanted_length && same_offset == wanted_length);
	} else {
		REQUIRE(needed == wanted_length && length == FRAME_HEADER_BYTES + needed);
		REQUIRE(counted_r == (needed == 0 ? 0 : -EMSGSIZE));
		REQUIRE(r == (needed > FRAME_GREETING_BYTES_MAX ? -EMSGSIZE : 0));
		try_mutf8(text, text_length, wanted, needed);
	}
	if (r == 0) {
		REQUIRE(frame[0] == needed / 256 && frame[1] == needed % 256);
		REQUIRE(fuzz_equal(frame + FRAME_HEADER_BYTES, needed, wanted, wanted_length));
		REQUIRE(frame_missing(frame, length) == 0);
	}
	free(wanted);
	free(frame);
}

/* From 0xF8 on, the first byte says how near to the limit the last byte of the text is repeated. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned first = fuzz_byte(&input);
	size_t length = input.size, whole = length;
	char *text;

	if (first >= 0xF8 && length > 0 && length < FRAME_GREETING_BYTES_MAX - 4)
		whole = FRAME_GREETING_BYTES_MAX - 4 + first % 8;
	text = fuzz_allocate(whole);
	if (length > 0)
		memcpy(text, input.data, length);
	if (whole > length)
		memset(text + length, text[length - 1], whole - length);
	try_text(text, whole);
	free(text);
	return 0;
}
