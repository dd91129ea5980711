/* SPDX-License-Identifier: MIT */
/* escape - a stranger's text, made safe to show on a terminal */
#ifndef HELLOD_ESCAPE_H
#define HELLOD_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Writes `length` bytes of UTF-8, with every character that a terminal might act upon written out
 * instead: as \xNN what is below U+0020 and U+007F; as \uNNNN the other control characters
 * (U+0080 to U+009F), the line and paragraph separators, and those that turn the direction of
 * writing (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069). What is not UTF-8 comes
 * out byte by byte as \xNN.
 *
 * Errors stay in the stream, for ferror(3).
 */
void printable_write(const char *text, size_t length, FILE *stream);

#endif
