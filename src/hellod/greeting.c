/* SPDX-License-Identifier: MIT */
/* greeting - the administrator's text as a frame, ready to send */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/frame.h"
#include "hellod/greeting.h"

struct greeting *greeting_new(size_t size)
{
	struct greeting *greeting = malloc(sizeof(*greeting) + size);

	if (greeting != NULL)
		*greeting = (struct greeting){.references = 1};
	return greeting;
}

struct greeting *greeting_ref(struct greeting *greeting)
{
	greeting->references++;
	return greeting;
}

void greeting_unref(struct greeting *greeting)
{
	if (greeting != NULL && --greeting->references == 0)
		free(greeting);
}

__attribute__((format(printf, 3, 4))) static int refuse(int error, char **ret_why,
							const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(ret_why, format, arguments) < 0)
		*ret_why = NULL;
	va_end(arguments);
	return error;
}

static const char *remedy(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM
		       ? "free memory or file descriptors on this host"
		       : "put a text there that hellod can read";
}

/* Returns as greeting_load() does. The caller frees *ret_text, on failure too. */
static int read_file(const char *path, char **ret_text, size_t *ret_length, char **ret_why)
{
	/* One byte more than allowed, to see the end of a file of exactly that size. */
	const size_t size = GREETING_FILE_BYTES_MAX + 1;
	size_t length = 0;
	struct stat st;
	ssize_t n = -1;
	int fd, r;

	/* O_NONBLOCK: opening a pipe must not wait for its writer; a pipe is refused below. */
	fd = (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	if (fd < 0)
		return refuse(-errno, ret_why, "%s: %s; %s", path, strerror(errno), remedy(errno));
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		return refuse(-EINVAL, ret_why, "%s: not a regular file; %s", path, remedy(EINVAL));
	}

	*ret_text = malloc(size);
	while (*ret_text != NULL &&
	       (n = TEMP_FAILURE_RETRY(read(fd, *ret_text + length, size - length))) > 0)
		length += (size_t)n;
	r = -errno;
	close(fd);
	if (n < 0)
		return refuse(r, ret_why, "%s: %s; %s", path, strerror(-r), remedy(-r));
	if (length == size)
		return refuse(-EMSGSIZE, ret_why,
			      "%s: over %zu bytes long, but at most %d fit in a frame; shorten it",
			      path, GREETING_FILE_BYTES_MAX, FRAME_GREETING_BYTES_MAX);
	*ret_length = length;
	return 0;
}

static int encode(const char *origin, const char *text, size_t length,
		  struct greeting **ret_greeting, char **ret_why)
{
	struct greeting *greeting = greeting_new(FRAME_BYTES_MAX);
	size_t bad_offset = 0;
	int r;

	if (greeting == NULL)
		return refuse(-ENOMEM, ret_why, "%s: %s", origin, strerror(ENOMEM));
	r = frame_encode(text, length, greeting->frame, &greeting->length, &bad_offset);
	if (r == -EILSEQ)
		refuse(r, ret_why,
		       "%s: not UTF-8 at byte %zu (counted from 0); write the greeting in UTF-8",
		       origin, bad_offset);
	else if (r < 0)
		refuse(r, ret_why,
		       "%s: %zu bytes long when encoded, but at most %d fit in a frame; shorten it",
		       origin, greeting->length - FRAME_HEADER_BYTES, FRAME_GREETING_BYTES_MAX);
	if (r < 0)
		greeting_unref(greeting);
	else
		*ret_greeting = greeting;
	return r;
}

int greeting_load(const struct greeting_source *source, struct greeting **ret_greeting,
		  char **ret_why)
{
	const char *text = source->text;
	char *contents = NULL;
	size_t length = 0;
	struct stat st;
	int r;

	/* lstat(): a dangling symbolic link is a mistake, not an absent file. */
	r = text == NULL && source->path_may_be_absent && lstat(source->path, &st) < 0 ? errno : 0;
	if (r != 0 && r != ENOENT)
		return refuse(-r, ret_why, "%s: %s; %s", source->path, strerror(r), remedy(r));
	if (text == NULL && (source->path == NULL || r == ENOENT))
		text = GREETING_DEFAULT;
	if (text != NULL)
		return encode("--greeting", text, strlen(text), ret_greeting, ret_why);

	r = read_file(source->path, &contents, &length, ret_why);
	if (r == 0 && length > 0 && contents[length - 1] == '\n')
		length--;
	if (r == 0)
		r = encode(source->path, contents, length, ret_greeting, ret_why);
	free(contents);
	return r;
}
