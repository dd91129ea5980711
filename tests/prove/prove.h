/* SPDX-License-Identifier: MIT */
/* prove - what the proofs have in common; see run.py */
#ifndef HELLOD_PROVE_H
#define HELLOD_PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * A proof is a function without arguments. CBMC takes every value of every nondet_...(), and shows
 * that no promise() can be false as long as each given() is true, and that no undefined behaviour
 * is reached. Buffers have the exact size that the header demands, so that one byte too far counts.
 */
#define promise(condition) __CPROVER_assert(condition, #condition)
#define given(condition) __CPROVER_assume(condition)

/* CBMC knows the prefix: any value. */
size_t nondet_size(void);
uint64_t nondet_u64(void);
uint32_t nondet_u32(void);
int nondet_int(void);
short nondet_short(void);
bool nondet_bool(void);

/* Any `size` bytes, in a block of exactly this size. */
static inline void *any_bytes(size_t size)
{
	void *bytes = malloc(size);

	given(bytes != NULL);
	return bytes;
}

#endif
