/* SPDX-License-Identifier: MIT */
/* fuzz - the entry point that libFuzzer and replay.c call */
#ifndef HELLOD_FUZZ_H
#define HELLOD_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Tries one input. Returns 0, or aborts if a function breaks its contract. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
