/* SPDX-License-Identifier: MIT */
/* greeting - the administrator's text as a frame, ready to send */
#ifndef HELLOD_GREETING_H
#define HELLOD_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GREETING_DEFAULT "HELLO"

/* A larger file is not read to its end. Up to this size the message can tell the encoded length. */
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
 * Returns 0, with a new greeting of one reference in *ret_greeting;
 *         -EILSEQ if the text is not UTF-8;
 *         -EMSGSIZE if it is too long for a frame, or the file larger than
 *         GREETING_FILE_BYTES_MAX;
 *         -EINVAL if the file is not a regular file;
 *         -ENOMEM, or the -errno of open(2) or read(2).
 * On failure *ret_why is one line for the administrator that names the source, the fault and the
 * remedy; the caller frees it. It is NULL if there is no memory for it.
 */
int greeting_load(const struct greeting_source *source, struct greeting **ret_greeting,
		  char **ret_why);

/* Returns a new greeting of length 0, for clients that are only to be closed properly, or NULL. */
struct greeting *greeting_new_empty(void);

/* Adds a reference and returns the greeting. */
struct greeting *greeting_ref(struct greeting *greeting);

/* Drops a reference, and frees the greeting with the last one. NULL is allowed. */
void greeting_unref(struct greeting *greeting);

#endif
