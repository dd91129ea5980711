/* SPDX-License-Identifier: MIT */
/* prove - frame: every frame and text of every length, with mutf8.h's contract for the codec */
#include "prove.h"

#include <errno.h>

#include "common/frame.h"
#include "common/mutf8.h"

/* What the codec was given, and gave. */
static struct {
	const void *in;
	void *out;
	size_t in_length, size, ret_length, ret_bad_offset;
	int result;
	bool called;
} codec;

/* Any result that mutf8.h allows, after checking what mutf8.h demands. */
int mutf8_encode(const char *text, size_t text_length, uint8_t *ret_bytes, size_t size,
		 size_t *ret_length, size_t *ret_bad_offset)
{
	promise(__CPROVER_r_ok(text, text_length));
	promise(__CPROVER_w_ok(ret_bytes, size));
	codec.called = true;
	codec.in = text;
	codec.in_length = text_length;
	codec.out = ret_bytes;
	codec.size = size;
	codec.result = nondet_int();
	codec.ret_length = nondet_size();
	codec.ret_bad_offset = nondet_size();
	given(codec.result == 0 || codec.result == -EILSEQ || codec.result == -EMSGSIZE);
	__CPROVER_havoc_slice(ret_bytes, size);
	if (codec.result == -EILSEQ) {
		given(codec.ret_bad_offset < text_length);
		*ret_bad_offset = codec.ret_bad_offset;
	} else {
		given(codec.ret_length <= 2 * text_length);
		given((codec.result == 0) == (codec.ret_length <= size));
		*ret_length = codec.ret_length;
	}
	return codec.result;
}

int mutf8_decode(const uint8_t *bytes, size_t length, char *ret_text, size_t *ret_length,
		 size_t *ret_bad_offset)
{
	promise(__CPROVER_r_ok(bytes, length));
	promise(__CPROVER_w_ok(ret_text, length));
	codec.called = true;
	codec.in = bytes;
	codec.in_length = length;
	codec.out = ret_text;
	codec.result = nondet_int();
	given(codec.result == 0 || codec.result == -EILSEQ);
	if (codec.result == 0) {
		codec.ret_length = nondet_size();
		given(codec.ret_length <= length);
		*ret_length = codec.ret_length;
	} else {
		codec.ret_bad_offset = nondet_size();
		given(codec.ret_bad_offset < length);
		*ret_bad_offset = codec.ret_bad_offset;
	}
	return codec.result;
}

/* The length, two bytes, big-endian, and the greeting; or why there is no frame. */
void prove_frame_encode(void)
{
	size_t text_length = nondet_size();
	given(text_length <= PTRDIFF_MAX / 4);
	char *text = any_bytes(text_length);
	uint8_t *frame = any_bytes(FRAME_BYTES_MAX);
	size_t length_before = nondet_size(), length = length_before, bad_before = nondet_size(),
	       bad = bad_before;

	int r = frame_encode(text, text_length, frame, &length, &bad);

	promise(codec.called && codec.in == text && codec.in_length == text_length);
	promise(codec.out == frame + FRAME_HEADER_BYTES && codec.size == FRAME_GREETING_BYTES_MAX);
	promise(r == codec.result);
	if (r == -EILSEQ) {
		promise(bad == codec.ret_bad_offset && length == length_before);
		return;
	}
	promise(bad == bad_before);
	promise(length == FRAME_HEADER_BYTES + codec.ret_length);
	promise((r == 0) == (length <= FRAME_BYTES_MAX));
	if (r == 0) {
		promise(frame[0] * 256 + frame[1] == (int)codec.ret_length);
		promise(frame_missing(frame, length) == 0);
	}
}

/* How many bytes to read: the rest of the header, then the rest of the greeting, then 0. */
void prove_frame_missing(void)
{
	size_t said = nondet_size(), have = nondet_size();
	given(said <= FRAME_GREETING_BYTES_MAX && have <= FRAME_HEADER_BYTES + said);
	uint8_t *frame = any_bytes(have);

	given(have < 1 || frame[0] == said / 256);
	given(have < 2 || frame[1] == said % 256);
	promise(frame_missing(frame, have) == (have < FRAME_HEADER_BYTES
						       ? FRAME_HEADER_BYTES - have
						       : FRAME_HEADER_BYTES + said - have));
}

/* A reader that trusts frame_missing() gets the frame, and never a byte more, in any portions. */
/* T16 of hellod-security(7) */
void prove_frame_reading(void)
{
	size_t said = nondet_size(), have = nondet_size(), got = nondet_size();
	given(said <= FRAME_GREETING_BYTES_MAX && have < FRAME_HEADER_BYTES + said);
	uint8_t *frame = any_bytes(FRAME_HEADER_BYTES + said);
	given(frame[0] == said / 256 && frame[1] == said % 256);

	size_t missing = frame_missing(frame, have);

	promise(missing > 0 && missing <= FRAME_HEADER_BYTES + said - have);
	given(got >= 1 && got <= missing);
	promise(have + got <= FRAME_BYTES_MAX);
	promise((frame_missing(frame, have + got) == 0) ==
		(have + got == FRAME_HEADER_BYTES + said));
}

/* Decodes the greeting of a whole frame, with the outputs and the result of mutf8_decode(). */
void prove_frame_decode(void)
{
	size_t said = nondet_size();
	given(said <= FRAME_GREETING_BYTES_MAX);
	uint8_t *frame = any_bytes(FRAME_HEADER_BYTES + said);
	given(frame[0] == said / 256 && frame[1] == said % 256);
	char *text = any_bytes(said);
	size_t length_before = nondet_size(), length = length_before, bad_before = nondet_size(),
	       bad = bad_before;

	int r = frame_decode(frame, text, &length, &bad);

	promise(codec.called && codec.in == frame + FRAME_HEADER_BYTES && codec.out == text);
	promise(codec.in_length == said && r == codec.result);
	promise(length == (r == 0 ? codec.ret_length : length_before));
	promise(bad == (r == 0 ? bad_before : codec.ret_bad_offset));
}
