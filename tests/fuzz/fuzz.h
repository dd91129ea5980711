/* SPDX-License-Identifier: MIT */
/* fuzz - what all targets have in common: the entry point, and taking an input apart */
#ifndef HELLOD_FUZZ_H
#define HELLOD_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tries one input. Returns 0, or aborts if a function breaks its contract. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts, and names the condition, unless it is true. */
#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			/* Not stderr, which a target may have replaced. */ \
			dprintf(2, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* Allocates exactly `size` bytes, so that a sanitizer finds accesses past the end. */
static inline void *fuzz_allocate(size_t size)
{
	void *memory = malloc(size);

	REQUIRE(memory != NULL || size == 0);
	return memory;
}

static inline void *fuzz_copy(const void *bytes, size_t length)
{
	/* calloc(3), because a compiler may warn that a copy of nothing is not initialized. */
	void *copy = calloc(1, length);

	REQUIRE(copy != NULL || length == 0);
	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

static inline bool fuzz_equal(const void *a, size_t a_length, const void *b, size_t b_length)
{
	return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

/* The part of an input that is left. Once it is empty, all numbers are 0 and all strings "". */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

static inline unsigned fuzz_byte(struct fuzz_input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

/* Takes a big-endian number of that many bytes. */
static inline uint64_t fuzz_number(struct fuzz_input *input, unsigned bytes)
{
	uint64_t number = 0;

	for (; bytes > 0; bytes--)
		number = number << 8 | fuzz_byte(input);
	return number;
}

/* Takes up to the next NUL, or everything, as a string for the caller to free. */
static inline char *fuzz_string(struct fuzz_input *input)
{
	size_t length = strnlen((const char *)input->data, input->size);
	char *string = fuzz_allocate(length + 1);

	if (length > 0)
		memcpy(string, input->data, length);
	string[length] = '\0';
	length += length < input->size;
	input->data += length;
	input->size -= length;
	return string;
}

#endif
