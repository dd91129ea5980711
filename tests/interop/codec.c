/* SPDX-License-Identifier: MIT */
/* codec - compares what the frame does with texts and frames to what the JDK did */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"

/*
 * The records on standard input are described in CodecOracle.java. Exits with 0 if every one was
 * confirmed up to the end record, with 1 if not.
 */

/* The longest input, as in CodecOracle.java. */
#define INPUT_BYTES_MAX ((size_t)1 << 18)

/* After so many differences the reason is plain. */
#define DIFFERENCES_MAX 10

/*
 * A continuation byte is put behind every input: to whoever reads past the end, a group that is cut
 * looks whole.
 */
#define TRAP_BYTES 3
#define TRAP_BYTE 0x80

/* The most of an input that is worth a line. */
#define HEX_BYTES_MAX 48

enum verdict {
	ACCEPTED = 'A',
	MALFORMED = 'M',
	TOO_LONG = 'L',
	CUT = 'C',
	EARLY = 0, /* ours only: the frame ended before the input did */
};

/* What became of an input. `length` is of the output, or what a text too long would need. */
struct result {
	enum verdict verdict;
	size_t length;
	const uint8_t *bytes;
};

static size_t accepted_count, refused_count, difference_count;

static _Noreturn void broken(const char *what)
{
	fprintf(stderr, "codec: %s\n", what);
	exit(EXIT_FAILURE);
}

static void read_bytes(uint8_t *bytes, size_t length)
{
	if (fread(bytes, 1, length, stdin) != length)
		broken("the records end without an end record");
}

static uint8_t read_byte(void)
{
	uint8_t byte = 0;

	read_bytes(&byte, 1);
	return byte;
}

static size_t read_number(void)
{
	uint8_t bytes[4] = {0};

	read_bytes(bytes, sizeof(bytes));
	return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

static size_t read_length(size_t max)
{
	size_t length = read_number();

	if (length > max)
		broken("a record is longer than the longest");
	return length;
}

static struct result read_result(uint8_t *bytes)
{
	struct result result = {.verdict = read_byte(), .bytes = bytes};

	if (result.verdict == ACCEPTED) {
		result.length = read_length(FRAME_BYTES_MAX);
		read_bytes(bytes, result.length);
	} else if (result.verdict == TOO_LONG) {
		result.length = read_number();
	}
	return result;
}

static struct result encode(const uint8_t *text, size_t length)
{
	static uint8_t frame[FRAME_BYTES_MAX];
	struct result result = {.bytes = frame};
	size_t bad_offset = 0;
	int r;

	r = frame_encode((const char *)text, length, frame, &result.length, &bad_offset);
	if (r == -EMSGSIZE) {
		result.verdict = TOO_LONG;
		result.length -= FRAME_HEADER_BYTES;
	} else {
		result.verdict = r == 0 ? ACCEPTED : MALFORMED;
	}
	return result;
}

static struct result decode(const uint8_t *frame, size_t length)
{
	static char text[FRAME_GREETING_BYTES_MAX];
	struct result result = {.verdict = CUT, .bytes = (const uint8_t *)text};
	size_t have = 0, missing, bad_offset = 0;

	while ((missing = frame_missing(frame, have)) > 0) {
		if (missing > length - have)
			return result;
		have += missing;
	}
	if (have < length) {
		result.verdict = EARLY;
		return result;
	}
	result.verdict =
		frame_decode(frame, text, &result.length, &bad_offset) == 0 ? ACCEPTED : MALFORMED;
	return result;
}

static bool same(const struct result *a, const struct result *b)
{
	if (a->verdict != b->verdict || a->length != b->length)
		return false;
	return a->verdict != ACCEPTED || memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* From where on they are worth printing: a little before the first difference. */
static size_t interesting(const struct result *a, const struct result *b)
{
	size_t i = 0;

	if (a->verdict != ACCEPTED || b->verdict != ACCEPTED)
		return 0;
	while (i < a->length && i < b->length && a->bytes[i] == b->bytes[i])
		i++;
	return i < HEX_BYTES_MAX / 2 ? 0 : i - HEX_BYTES_MAX / 2;
}

static void print_hex(const uint8_t *bytes, size_t length, size_t from)
{
	size_t end = length - from > HEX_BYTES_MAX ? from + HEX_BYTES_MAX : length;

	fprintf(stderr, ", %zu bytes:%s", length, from > 0 ? " ..." : "");
	for (size_t i = from; i < end; i++)
		fprintf(stderr, " %02X", bytes[i]);
	fprintf(stderr, "%s\n", end < length ? " ..." : "");
}

static const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case ACCEPTED:
		return "accepted";
	case MALFORMED:
		return "malformed";
	case TOO_LONG:
		return "too long";
	case CUT:
		return "cut";
	case EARLY:
		return "ends early";
	}
	return "no such verdict";
}

static void print_result(const char *whose, const struct result *result, size_t from)
{
	fprintf(stderr, "  %s: %s", whose, verdict_name(result->verdict));
	if (result->verdict == ACCEPTED)
		print_hex(result->bytes, result->length, from < result->length ? from : 0);
	else if (result->verdict == TOO_LONG)
		fprintf(stderr, ", %zu bytes\n", result->length);
	else
		fprintf(stderr, "\n");
}

static void report(bool encoding, const uint8_t *input, size_t length, const struct result *jdk,
		   const struct result *ours)
{
	size_t from = interesting(jdk, ours);

	fprintf(stderr, "codec: %s", encoding ? "text to encode" : "frame to decode");
	print_hex(input, length, 0);
	print_result("JDK ", jdk, from);
	print_result("ours", ours, from);
}

/* One record. */
static void compare(bool encoding)
{
	static uint8_t input[INPUT_BYTES_MAX + TRAP_BYTES], jdk_bytes[FRAME_BYTES_MAX];
	size_t length = read_length(INPUT_BYTES_MAX);
	struct result jdk, ours;

	read_bytes(input, length);
	memset(input + length, TRAP_BYTE, TRAP_BYTES);
	jdk = read_result(jdk_bytes);
	ours = encoding ? encode(input, length) : decode(input, length);
	if (jdk.verdict == ACCEPTED)
		accepted_count++;
	else
		refused_count++;

	if (same(&jdk, &ours))
		return;
	report(encoding, input, length, &jdk, &ours);
	if (++difference_count == DIFFERENCES_MAX)
		broken("there may be more differences");
}

int main(void)
{
	size_t texts = 0, frames = 0;
	uint8_t operation;

	setvbuf(stdin, NULL, _IOFBF, INPUT_BYTES_MAX);

	while ((operation = read_byte()) != 'Z') {
		if (operation != 'E' && operation != 'D')
			broken("a record is neither of a text nor of a frame");
		compare(operation == 'E');
		if (operation == 'E')
			texts++;
		else
			frames++;
	}

	if (texts == 0 || frames == 0 || accepted_count == 0 || refused_count == 0)
		broken("there was nothing to compare");
	if (read_number() != texts + frames)
		broken("records are missing");
	printf("codec: %zu texts encoded, %zu frames decoded, %zu accepted, %zu refused: "
	       "%zu differences\n",
	       texts, frames, accepted_count, refused_count, difference_count);
	return difference_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
