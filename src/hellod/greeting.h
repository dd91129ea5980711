/* SPDX-License-Identifier: MIT */
/* greeting - the administrator's text as a frame, ready to send */
#ifndef HELLOD_GREETING_H
#define HELLOD_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GREETING_DEFAULT "HELLO"
/* A longer file is refused. Up to here the message can tell the encoded length. */
#define GREETING_FILE_BYTES_MAX ((size_t)1 << 20)

/* Where the text comes from: `text`, else the file at `path`, else GREETING_DEFAULT. */
struct greeting_source {
	const char *text;	 /* UTF-8, or NULL */
	const char *path;	 /* a file of UTF-8, or NULL */
	bool path_may_be_absent; /* ENOENT is not an error; a dangling symbolic link is */
};

/* Counted, because clients keep the greeting that they started with across a reload. */
struct greeting {
	unsigned references;
	size_t length; /* of the frame (frame.h) */
	uint8_t frame[];
};

/*
 * Loads a greeting. One newline at the very end of a file does not belong to the text.
 *
 * Returns 0, with a new greeting of one reference in *ret_greeting; or -errno, with one line for
 * the administrator in *ret_why, which the caller frees (NULL without memory): -EILSEQ if the text
 * is not UTF-8; -EMSGSIZE if it is too long for a frame, or the file longer than
 * GREETING_FILE_BYTES_MAX; -EINVAL if the file is not regular; -ENOMEM; that of open(2), read(2).
 */
int greeting_load(const struct greeting_source *source, struct greeting **ret_greeting,
		  char **ret_why);

/* Returns a greeting of one reference and length 0, with room for a frame of `size`; or NULL. */
struct greeting *greeting_new(size_t size);

/* Adds a reference, and returns the greeting. */
struct greeting *greeting_ref(struct greeting *greeting);
/* Drops a reference, and frees the greeting with the last one. NULL is allowed. */
void greeting_unref(struct greeting *greeting);

#endif
