/* SPDX-License-Identifier: MIT */
/* greeting - where the text comes from, and the frame that it makes */
#ifndef HELLOD_GREETING_H
#define HELLOD_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"

#define GREETING_DEFAULT "HELLO"

/*
 * A larger file is refused unread. Any text that fits in a frame is far smaller; up to here
 * the message can still tell how long the text would be.
 */
#define GREETING_FILE_BYTES_MAX ((size_t)1 << 20)

/* Where to look, first to last: the text, then the file, then GREETING_DEFAULT. */
struct greeting_source {
	const char *text;	 /* UTF-8, or NULL */
	const char *path;	 /* a file of UTF-8, or NULL */
	bool path_may_be_absent; /* a file that does not exist is as good as none; a dangling link
				  * is not */
};

/* The encoded frame, ready to send. */
struct greeting {
	uint8_t frame[FRAME_BYTES_MAX];
	size_t frame_length;
};

/*
 * Loads the greeting. A file is taken whole, less one newline at its very end.
 *
 * Returns 0, with the frame in *greeting;
 *         -EILSEQ if the text is not UTF-8;
 *         -EMSGSIZE if it is too long for a frame (or the file for reading);
 *         -EINVAL if the file is not a regular one;
 *         -ENOMEM, or the -errno of opening or reading the file.
 * On failure *greeting is as it was, and *why is one line for the administrator, which names
 * the source, what is wrong and what to do. The caller frees it; it is NULL without memory.
 */
int greeting_load(const struct greeting_source *source, struct greeting *greeting, char **why);

#endif
