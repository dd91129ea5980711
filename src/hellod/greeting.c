/* SPDX-License-Identifier: MIT */
/* greeting - where the text comes from, and the frame that it makes */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hellod/greeting.h"

__attribute__((format(printf, 3, 4))) static int refuse(int error, char **why, const char *format,
							...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(why, format, arguments) < 0)
		*why = NULL;
	va_end(arguments);
	return error;
}

/* Returns 0 or -errno, -EMSGSIZE when there is more than fits. */
static int read_all(int fd, char *buffer, size_t size, size_t *length)
{
	size_t have = 0;

	for (;;) {
		ssize_t n;

		if (have == size)
			return -EMSGSIZE;
		n = read(fd, buffer + have, size - have);
		if (n == 0)
			break;
		if (n > 0)
			have += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	*length = have;
	return 0;
}

/* Returns as greeting_load() does, with *text for the caller to free, also on failure. */
static int read_file(const char *path, char **text, size_t *length, char **why)
{
	static const char remedy[] = "put a text there that hellod can read";
	struct stat st;
	int fd, r;

	/* O_NONBLOCK: whoever writes into a pipe is not waited for; it is refused. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return refuse(-errno, why, "%s: %s; %s", path, strerror(errno), remedy);
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		return refuse(-EINVAL, why, "%s: not a regular file; %s", path, remedy);
	}

	/* One byte more than is allowed, so that a file of just that size is seen to end. */
	*text = malloc(GREETING_FILE_BYTES_MAX + 1);
	r = *text != NULL ? read_all(fd, *text, GREETING_FILE_BYTES_MAX + 1, length) : -ENOMEM;
	close(fd);

	if (r == -EMSGSIZE)
		return refuse(r, why,
			      "%s: over %zu bytes long, but at most %d fit in a frame; "
			      "shorten it",
			      path, GREETING_FILE_BYTES_MAX, FRAME_GREETING_BYTES_MAX);
	if (r < 0)
		return refuse(r, why, "%s: %s; %s", path, strerror(-r), remedy);
	return 0;
}

static int encode(const char *origin, const char *text, size_t length, struct greeting *greeting,
		  char **why)
{
	uint8_t frame[FRAME_BYTES_MAX];
	size_t frame_length = 0, detail = 0;
	int r;

	r = frame_encode(text, length, frame, &frame_length, &detail);
	if (r == -EILSEQ)
		return refuse(r, why,
			      "%s: not UTF-8 at byte %zu (counted from 0); "
			      "write the greeting in UTF-8",
			      origin, detail);
	if (r == -EMSGSIZE)
		return refuse(r, why,
			      "%s: %zu bytes long when encoded, but at most %d fit in a "
			      "frame; shorten it",
			      origin, detail, FRAME_GREETING_BYTES_MAX);

	memcpy(greeting->frame, frame, frame_length);
	greeting->frame_length = frame_length;
	return 0;
}

/* A link that leads nowhere is not absent: it is broken. */
static bool may_be_absent(const struct greeting_source *source)
{
	struct stat st;

	return source->path == NULL || (source->path_may_be_absent && lstat(source->path, &st) < 0);
}

int greeting_load(const struct greeting_source *source, struct greeting *greeting, char **why)
{
	char *text = NULL;
	size_t length = 0;
	int r = -ENOENT;

	if (source->text != NULL)
		return encode("--greeting", source->text, strlen(source->text), greeting, why);

	*why = NULL;
	if (source->path != NULL)
		r = read_file(source->path, &text, &length, why);
	if (r == 0) {
		if (length > 0 && text[length - 1] == '\n')
			length--;
		r = encode(source->path, text, length, greeting, why);
	} else if (r == -ENOENT && may_be_absent(source)) {
		free(*why);
		*why = NULL;
		r = encode("default", GREETING_DEFAULT, strlen(GREETING_DEFAULT), greeting, why);
	}
	free(text);
	return r;
}
