/* SPDX-License-Identifier: MIT */
/* fuzz_decode - any bytes as a stream of frames, as a greeting and as a text */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"
#include "common/mutf8.h"
#include "fuzz.h"

#define REQUIRE(promise) \
	do { \
		if (!(promise)) { \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #promise); \
			abort(); \
		} \
	} while (0)

/* Exactly as large as it has to be, so that a sanitizer sees one byte too much. */
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

/* What the decoder says of a text's encoding is the text again. */
static void check_decoding(const uint8_t *encoded, size_t length, const char *text,
			   size_t text_length)
{
	char *again = allocate(length);
	size_t again_length = 0, bad_offset = 0;

	REQUIRE(mutf8_decode(encoded, length, again, &again_length, &bad_offset) == 0);
	REQUIRE(equal(again, again_length, text, text_length));
	free(again);
}

/* Encodes into just enough room, and into one byte less. The caller frees the encoding. */
static uint8_t *encode_exactly(const char *text, size_t text_length, size_t needed)
{
	uint8_t *encoded = allocate(needed), *short_of = NULL;
	size_t length = 0, bad_offset = 0;

	REQUIRE(mutf8_encode(text, text_length, encoded, needed, &length, &bad_offset) == 0);
	REQUIRE(length == needed);
	if (needed > 0) {
		short_of = allocate(needed - 1);
		REQUIRE(mutf8_encode(text, text_length, short_of, needed - 1, &length,
				     &bad_offset) == -EMSGSIZE);
		REQUIRE(length == needed);
	}
	free(short_of);
	return encoded;
}

static void check_frame_encode(const char *text, size_t text_length, const uint8_t *encoded,
			       size_t length)
{
	uint8_t *frame = allocate(FRAME_BYTES_MAX);
	size_t frame_length = 0, bad_offset = 0;
	int r = frame_encode(text, text_length, frame, &frame_length, &bad_offset);

	if (length > FRAME_GREETING_BYTES_MAX) {
		REQUIRE(r == -EMSGSIZE && frame_length == FRAME_HEADER_BYTES + length);
	} else {
		REQUIRE(r == 0 && frame_missing(frame, frame_length) == 0);
		REQUIRE(equal(frame + FRAME_HEADER_BYTES, frame_length - FRAME_HEADER_BYTES,
			      encoded, length));
	}
	free(frame);
}

/* A text that is refused is fine up to the offset that is named. */
static void check_refused_text(const char *text, size_t text_length, size_t bad_offset)
{
	uint8_t *frame = allocate(FRAME_BYTES_MAX);
	size_t frame_length = 0, detail = 0, needed = 0;
	int r;

	REQUIRE(bad_offset < text_length);
	REQUIRE(frame_encode(text, text_length, frame, &frame_length, &detail) == -EILSEQ);
	REQUIRE(detail == bad_offset);
	r = mutf8_encode(text, bad_offset, NULL, 0, &needed, &detail);
	REQUIRE(r == (bad_offset == 0 ? 0 : -EMSGSIZE));
	free(frame);
}

/* Returns whether the bytes are a text. If they are, encoding keeps it exactly. */
static bool try_text(const void *bytes, size_t text_length)
{
	char *text = copy_of(bytes, text_length);
	size_t needed = 0, bad_offset = 0;
	int r = mutf8_encode(text, text_length, NULL, 0, &needed, &bad_offset);

	if (r == -EILSEQ) {
		check_refused_text(text, text_length, bad_offset);
	} else {
		uint8_t *encoded = NULL;

		/* Two bytes for U+0000, and six where UTF-8 takes four. */
		REQUIRE(needed >= text_length && needed <= 2 * text_length);
		REQUIRE(r == (needed == 0 ? 0 : -EMSGSIZE));
		encoded = encode_exactly(text, text_length, needed);
		REQUIRE(needed == 0 || memchr(encoded, 0, needed) == NULL);
		check_decoding(encoded, needed, text, text_length);
		check_frame_encode(text, text_length, encoded, needed);
		free(encoded);
	}
	free(text);
	return r != -EILSEQ;
}

/* Any bytes as a greeting. A refused one is fine up to the offset that is named. */
static int try_greeting(const uint8_t *bytes, size_t length, size_t *bad_offset)
{
	uint8_t *greeting = copy_of(bytes, length);
	char *text = allocate(length);
	size_t text_length = 0, none = 0;
	int r = mutf8_decode(greeting, length, text, &text_length, bad_offset);

	if (r == 0) {
		REQUIRE(text_length <= length);
		REQUIRE(try_text(text, text_length));
	} else {
		REQUIRE(r == -EILSEQ && *bad_offset < length);
		REQUIRE(mutf8_decode(greeting, *bad_offset, text, &text_length, &none) == 0);
	}
	free(text);
	free(greeting);
	return r;
}

static void try_frame(const uint8_t *bytes, size_t length)
{
	uint8_t *frame = copy_of(bytes, length);
	char *text = allocate(FRAME_GREETING_BYTES_MAX);
	size_t text_length = 0, bad_offset = 0, same_offset = 0;
	int r = frame_decode(frame, text, &text_length, &bad_offset);

	REQUIRE(r == try_greeting(bytes + FRAME_HEADER_BYTES, length - FRAME_HEADER_BYTES,
				  &same_offset));
	REQUIRE(bad_offset == same_offset);
	free(text);
	free(frame);
}

/* Asks what is missing, of a copy of what is there and no more. */
static size_t missing_after(const uint8_t *bytes, size_t have)
{
	uint8_t *part = copy_of(bytes, have);
	size_t missing = frame_missing(part, have);

	free(part);
	return missing;
}

/* The length of the frame that the stream begins with, or 0 if it ends too soon. */
static size_t first_frame(const uint8_t *stream, size_t length)
{
	size_t have = 0, missing;

	while ((missing = missing_after(stream, have)) > 0) {
		if (missing > length - have)
			return 0;
		/* To take less than was asked for changes nothing about the end. */
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
	while ((length = first_frame(data, size)) > 0) {
		try_frame(data, length);
		data += length;
		size -= length;
	}
	return 0;
}
