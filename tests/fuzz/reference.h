/* SPDX-License-Identifier: MIT */
/* reference - modified UTF-8 as hello-frame(5) describes it, by way of the C library's iconv(3) */
#ifndef HELLOD_FUZZ_REFERENCE_H
#define HELLOD_FUZZ_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Both functions return 0, with a result for the caller to free and its length; or -1, with the
 * offset of the malformed character in *ret_length.
 */

/* Encodes UTF-8, without a limit. */
int reference_encode(const char *text, size_t length, uint8_t **ret_bytes, size_t *ret_length);

/* Decodes to UTF-8, with U+FFFD for a lone surrogate. */
int reference_decode(const uint8_t *bytes, size_t length, char **ret_text, size_t *ret_length);

#endif
