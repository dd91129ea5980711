/* SPDX-License-Identifier: MIT */
/* codec - compares encoding and decoding with the results of the JDK */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"

/*
 * Reads the records of CodecOracle.java from standard input. Exits with 0 if all of them, up to the
 * end record, agree with frame.h.
 */

/* As in CodecOracle.java. */
#define INPUT_BYTES_MAX ((size_t)1 << 18)

#define DIFFERENCES_MAX 10

/* Continuation bytes after each input make a cut group whole for a decoder that reads past it. */
#define TRAP_BYTES 3
#define TRAP_BYTE 0x80

/* Bytes printed before and after a difference. */
#define CONTEXT_BYTES 16

/*
 * What an input results in: the length of the output, whose bytes follow up to FRAME_BYTES_MAX (a
 * longer frame is too long); or why there is no output.
 */
enum { MALFORMED = -1, CUT = -2, ENDS_EARLY = -3 };

struct result {
	int32_t length;
	uint8_t bytes[FRAME_BYTES_MAX];
};

static bool has_bytes(const struct result *result)
{
	return result->length >= 0 && result->length <= FRAME_BYTES_MAX;
}

static _Noreturn void fail(const char *why)
{
	fprintf(stderr, "codec: %s\n", why);
	exit(EXIT_FAILURE);
}

static void read_bytes(uint8_t *bytes, size_t length)
{
	if (fread(bytes, 1, length, stdin) != length)
		fail("the records end without an end record");
}

static int32_t read_number(void)
{
	uint8_t bytes[4] = {0};

	read_bytes(bytes, sizeof(bytes));
	return (int32_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			 (uint32_t)bytes[2] << 8 | bytes[3]);
}

static void encode(const uint8_t *text, size_t length, struct result *result)
{
	size_t frame_length = 0, bad_offset = 0;
	int r = frame_encode((const char *)text, length, result->bytes, &frame_length, &bad_offset);

	result->length = r == -EILSEQ ? MALFORMED : (int32_t)frame_length;
	if ((r == -EMSGSIZE) != (frame_length > FRAME_BYTES_MAX))
		fail("frame_encode() contradicts itself");
}

static void decode(const uint8_t *frame, size_t length, struct result *result)
{
	size_t have = 0, missing, text_length = 0, bad_offset = 0;
	int r;

	while ((missing = frame_missing(frame, have)) > 0 && missing <= length - have)
		have += missing;
	if (missing > 0 || have < length) {
		result->length = missing > 0 ? CUT : ENDS_EARLY;
		return;
	}
	r = frame_decode(frame, (char *)result->bytes, &text_length, &bad_offset);
	result->length = r < 0 ? MALFORMED : (int32_t)text_length;
}

/* Prints the bytes around `at`. */
static void print(const char *name, int32_t length, const uint8_t *bytes, size_t at)
{
	size_t from = at < CONTEXT_BYTES ? 0 : at - CONTEXT_BYTES;

	fprintf(stderr, "  %s: %d", name, (int)length);
	for (size_t i = from; bytes != NULL && i < at + CONTEXT_BYTES && (int32_t)i < length; i++)
		fprintf(stderr, "%s%02X", i > from ? " " : from > 0 ? ": ... " : ": ", bytes[i]);
	fprintf(stderr, "\n");
}

static bool same(const struct result *jdk, const struct result *ours)
{
	return jdk->length == ours->length &&
	       (!has_bytes(jdk) || memcmp(jdk->bytes, ours->bytes, (size_t)jdk->length) == 0);
}

static void report(bool encoding, const uint8_t *input, size_t length, const struct result *jdk,
		   const struct result *ours)
{
	const bool both = has_bytes(jdk) && has_bytes(ours);
	size_t at = 0;

	while (both && (int32_t)at < jdk->length && (int32_t)at < ours->length &&
	       jdk->bytes[at] == ours->bytes[at])
		at++;
	fprintf(stderr, "codec: different from byte %zu (length, or -1: malformed, -2: cut)\n", at);
	print(encoding ? "text" : "frame", (int32_t)length, input, at);
	print("JDK", jdk->length, has_bytes(jdk) ? jdk->bytes : NULL, at);
	print("ours", ours->length, has_bytes(ours) ? ours->bytes : NULL, at);
}

int main(void)
{
	static uint8_t input[INPUT_BYTES_MAX + TRAP_BYTES];
	static struct result jdk, ours;
	int32_t encoded = 0, decoded = 0, accepted = 0, differences = 0;
	uint8_t operation;

	setvbuf(stdin, NULL, _IOFBF, INPUT_BYTES_MAX);
	for (read_bytes(&operation, 1); operation != 'Z'; read_bytes(&operation, 1)) {
		const bool encoding = operation == 'E';
		const size_t length = (size_t)read_number();

		if ((!encoding && operation != 'D') || length > INPUT_BYTES_MAX)
			fail("a record is malformed");
		read_bytes(input, length);
		memset(input + length, TRAP_BYTE, TRAP_BYTES);
		jdk.length = read_number();
		if (has_bytes(&jdk))
			read_bytes(jdk.bytes, (size_t)jdk.length);
		*(encoding ? &encoded : &decoded) += 1;
		accepted += has_bytes(&jdk);

		(encoding ? encode : decode)(input, length, &ours);
		if (same(&jdk, &ours))
			continue;
		report(encoding, input, length, &jdk, &ours);
		if (++differences == DIFFERENCES_MAX)
			fail("there may be more differences");
	}
	if (read_number() != encoded + decoded)
		fail("records are missing");
	printf("codec: %d texts encoded, %d frames decoded, %d accepted, %d differences\n",
	       (int)encoded, (int)decoded, (int)accepted, (int)differences);
	return differences == 0 && encoded > 0 && decoded > 0 && accepted > 0 ? EXIT_SUCCESS : 1;
}
