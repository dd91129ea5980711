/* SPDX-License-Identifier: MIT */
/* fuzz_decode - any bytes as a greeting, and as a stream of frames */
#include "config.h"

#include <errno.h>

#include "common/frame.h"
#include "common/mutf8.h"
#include "fuzz.h"
#include "reference.h"

/* Decodes as the reference does. Of the text the encoding is not longer, and decodes to it. */
static int try_greeting(const uint8_t *bytes, size_t length, size_t *ret_bad_offset)
{
	uint8_t *greeting = fuzz_copy(bytes, length), *encoded = fuzz_allocate(2 * length);
	char *text = fuzz_allocate(length), *wanted = NULL;
	size_t text_length = 0, wanted_length = 0, encoded_length = 0, none = 0;
	int r = mutf8_decode(greeting, length, text, &text_length, ret_bad_offset);

	if (reference_decode(greeting, length, &wanted, &wanted_length) < 0) {
		REQUIRE(r == -EILSEQ && *ret_bad_offset == wanted_length);
	} else {
		REQUIRE(r == 0 && fuzz_equal(text, text_length, wanted, wanted_length));
		REQUIRE(mutf8_encode(text, text_length, encoded, 2 * length, &encoded_length,
				     &none) == 0);
		REQUIRE(mutf8_decode(encoded, encoded_length, wanted, &wanted_length, &none) == 0 &&
			fuzz_equal(text, text_length, wanted, wanted_length));
	}
	free(wanted);
	free(text);
	free(encoded);
	free(greeting);
	return r;
}

static void try_frame(const uint8_t *bytes, size_t length)
{
	uint8_t *frame = fuzz_copy(bytes, length);
	char *text = fuzz_allocate(length - FRAME_HEADER_BYTES);
	size_t text_length = 0, frame_offset = 0, bad_offset = 0;
	int r = frame_decode(frame, text, &text_length, &frame_offset);

	REQUIRE(r ==
		try_greeting(bytes + FRAME_HEADER_BYTES, length - FRAME_HEADER_BYTES, &bad_offset));
	REQUIRE(frame_offset == bad_offset);
	free(text);
	free(frame);
}

/* Calls frame_missing() with a copy of exactly `have` bytes. */
static size_t missing_after(const uint8_t *bytes, size_t have)
{
	uint8_t *start = fuzz_copy(bytes, have);
	size_t missing = frame_missing(start, have), whole = FRAME_HEADER_BYTES;

	free(start);
	if (have >= FRAME_HEADER_BYTES)
		whole += bytes[0] * 256U + bytes[1];
	REQUIRE(missing == whole - have);
	return missing;
}

/* Returns the length of the frame at the start of the stream, 0 if the stream is shorter. */
static size_t first_frame(const uint8_t *stream, size_t length)
{
	size_t have = 0, missing;

	while ((missing = missing_after(stream, have)) > 0) {
		if (missing > length - have)
			return 0;
		/* A reader may take fewer bytes. */
		missing_after(stream, have + 1);
		have += missing;
	}
	return have;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length, bad_offset = 0;

	try_greeting(data, size, &bad_offset);
	for (; (length = first_frame(data, size)) > 0; data += length, size -= length)
		try_frame(data, length);
	return 0;
}
