/* SPDX-License-Identifier: MIT */
/* fuzz_decode - tries any bytes as a text, as a greeting and as a stream of frames */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"
#include "common/mutf8.h"
#include "fuzz.h"

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* Allocates exactly `size` bytes, so that a sanitizer finds accesses past the end. */
static void *allocate(size_t size)
{
	void *memory = malloc(size);

	REQUIRE(memory != NULL || size == 0);
	return memory;
}

static void *copy_of(const void *bytes, size_t length)
{
	void *copy = allocate(length);

	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

static bool equal(const void *a, size_t a_length, const void *b, size_t b_length)
{
	return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

/* Encodes a valid text into exactly `needed` bytes, which decode to the text, and into one less. */
static uint8_t *encode(const char *text, size_t text_length, size_t needed)
{
	uint8_t *encoded = allocate(needed), *small = allocate(needed - (needed > 0));
	char *again = allocate(needed);
	size_t length = 0, none = 0;

	REQUIRE(mutf8_encode(text, text_length, encoded, needed, &length, &none) == 0);
	REQUIRE(length == needed && (needed == 0 || memchr(encoded, 0, needed) == NULL));
	REQUIRE(mutf8_decode(encoded, needed, again, &length, &none) == 0);
	REQUIRE(equal(again, length, text, text_length));
	if (needed > 0) {
		int r = mutf8_encode(text, text_length, small, needed - 1, &length, &none);

		REQUIRE(r == -EMSGSIZE && length == needed);
	}
	free(again);
	free(small);
	return encoded;
}

static int try_text(const void *bytes, size_t text_length)
{
	char *text = copy_of(bytes, text_length);
	uint8_t *frame = allocate(FRAME_BYTES_MAX), *encoded = NULL;
	size_t needed = 0, bad_offset = 0, frame_length = 0, frame_offset = 0, none = 0;
	int r = mutf8_encode(text, text_length, NULL, 0, &needed, &bad_offset);
	int frame_r = frame_encode(text, text_length, frame, &frame_length, &frame_offset);

	if (r == -EILSEQ) {
		REQUIRE(frame_r == -EILSEQ && frame_offset == bad_offset);
		/* The text is UTF-8 up to the bad offset. */
		REQUIRE(bad_offset < text_length);
		REQUIRE(mutf8_encode(text, bad_offset, NULL, 0, &needed, &none) != -EILSEQ);
	} else {
		/* U+0000 takes two bytes instead of one, a surrogate pair six instead of four. */
		REQUIRE(needed >= text_length && needed <= 2 * text_length);
		REQUIRE(r == (needed == 0 ? 0 : -EMSGSIZE));
		encoded = encode(text, text_length, needed);
		REQUIRE(frame_r == (needed > FRAME_GREETING_BYTES_MAX ? -EMSGSIZE : 0));
		REQUIRE(frame_length == FRAME_HEADER_BYTES + needed);
		REQUIRE(frame_r < 0 || equal(frame + FRAME_HEADER_BYTES, needed, encoded, needed));
		REQUIRE(frame_r < 0 || frame_missing(frame, frame_length) == 0);
	}
	free(encoded);
	free(frame);
	free(text);
	return r;
}

static int try_greeting(const uint8_t *bytes, size_t length, size_t *ret_bad_offset)
{
	uint8_t *greeting = copy_of(bytes, length);
	char *text = allocate(length);
	size_t text_length = 0, none = 0;
	int r = mutf8_decode(greeting, length, text, &text_length, ret_bad_offset);

	if (r == 0) {
		REQUIRE(text_length <= length);
		REQUIRE(try_text(text, text_length) != -EILSEQ);
	} else {
		/* The greeting is valid up to the bad offset. */
		REQUIRE(r == -EILSEQ && *ret_bad_offset < length);
		REQUIRE(mutf8_decode(greeting, *ret_bad_offset, text, &text_length, &none) == 0);
	}
	free(text);
	free(greeting);
	return r;
}

static void try_frame(const uint8_t *bytes, size_t length)
{
	uint8_t *frame = copy_of(bytes, length);
	char *text = allocate(length - FRAME_HEADER_BYTES);
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
	uint8_t *start = copy_of(bytes, have);
	size_t missing = frame_missing(start, have);

	free(start);
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
		REQUIRE(missing_after(stream, have + 1) == missing - 1 || missing == 1);
		have += missing;
		REQUIRE(have <= FRAME_BYTES_MAX);
	}
	REQUIRE(have >= FRAME_HEADER_BYTES);
	return have;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length, bad_offset = 0;

	try_text(data, size);
	try_greeting(data, size, &bad_offset);
	for (; (length = first_frame(data, size)) > 0; data += length, size -= length)
		try_frame(data, length);
	return 0;
}
