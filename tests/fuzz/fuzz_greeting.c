/* SPDX-License-Identifier: MIT */
/* fuzz_greeting - any bytes as the file of the greeting, read in any pieces */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/frame.h"
#include "fuzz.h"
#include "hellod/greeting.h"
#include "reference.h"

/* The sizes of the next reads, in pages of bytes; after them everything is read at once. */
static struct fuzz_input sizes;
static int read_error; /* of the read after them, or 0 */
static bool reading, failed;

ssize_t read(int fd, void *buffer, size_t length)
{
	size_t most = length;

	if (reading && sizes.size == 0 && read_error != 0) {
		failed = true;
		errno = read_error;
		return -1;
	}
	if (reading && sizes.size > 0)
		most = 1 + fuzz_byte(&sizes) * 16;
	return syscall(SYS_read, fd, buffer, length < most ? length : most);
}

/* Returns a file that is empty. */
static int memory_file(char *ret_path, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("greeting", MFD_CLOEXEC);
	REQUIRE(fd >= 0 && ftruncate(fd, 0) == 0);
	snprintf(ret_path, size, "/proc/self/fd/%d", fd);
	return fd;
}

static void check_frame(const struct greeting *greeting, const uint8_t *wanted, size_t length)
{
	REQUIRE(greeting->references == 1);
	REQUIRE(length <= FRAME_GREETING_BYTES_MAX);
	REQUIRE(greeting->length == FRAME_HEADER_BYTES + length);
	REQUIRE(greeting->frame[0] == length / 256 && greeting->frame[1] == length % 256);
	REQUIRE(fuzz_equal(greeting->frame + FRAME_HEADER_BYTES, length, wanted, length));
}

/* One line that begins with the origin and a colon. */
static void check_message(const char *why, const char *origin)
{
	REQUIRE(why != NULL && strchr(why, '\n') == NULL);
	REQUIRE(strncmp(why, origin, strlen(origin)) == 0 &&
		strncmp(why + strlen(origin), ": ", 2) == 0);
}

/* Loads a text of which `file_bytes` with it are in the file. */
static void try_source(const struct greeting_source *source, const char *origin, const char *text,
		       size_t length, size_t file_bytes)
{
	uint8_t *wanted = NULL;
	size_t wanted_length = 0;
	struct greeting *greeting = NULL;
	char *why = NULL;
	int r = greeting_load(source, &greeting, &why);

	if (failed)
		REQUIRE(r == -read_error);
	else if (file_bytes > GREETING_FILE_BYTES_MAX)
		REQUIRE(r == -EMSGSIZE);
	else if (reference_encode(text, length, &wanted, &wanted_length) < 0)
		REQUIRE(r == -EILSEQ);
	else if (wanted_length > FRAME_GREETING_BYTES_MAX)
		REQUIRE(r == -EMSGSIZE);
	else
		REQUIRE(r == 0);
	if (r == 0)
		check_frame(greeting, wanted, wanted_length);
	else
		check_message(why, origin);
	failed = false;
	greeting_unref(greeting);
	free(why);
	free(wanted);
}

/* Returns how often to repeat a text: little, or to the limit of the frame or of the file. */
static size_t repetitions(unsigned byte, size_t length)
{
	size_t limit = byte >= 0xFC ? GREETING_FILE_BYTES_MAX : FRAME_GREETING_BYTES_MAX;

	if (length == 0)
		return 0;
	return byte < 0xF0 ? 1 + byte / 16 : limit / length + byte % 2;
}

/*
 * The first byte says how many bytes are sizes of reads, and whether an error follows; the second
 * how often the text that is left is repeated.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned first = fuzz_byte(&input);
	unsigned second = fuzz_byte(&input);
	size_t repeated, length;
	struct greeting_source source = {0};
	char path[64], *text;
	int fd = memory_file(path, sizeof(path));

	sizes = (struct fuzz_input){input.data, first % 16};
	if (sizes.size > input.size)
		sizes.size = input.size;
	read_error = first >= 0xF0 ? EIO : 0;
	input.data += sizes.size;
	input.size -= sizes.size;

	repeated = repetitions(second, input.size);
	length = repeated * input.size;
	text = fuzz_allocate(length + 1);
	for (size_t i = 0; i < repeated; i++)
		memcpy(text + i * input.size, input.data, input.size);
	text[length] = '\0';
	REQUIRE(pwrite(fd, text, length, 0) == (ssize_t)length);

	source.path = path;
	reading = true;
	try_source(&source, path, text, length - (length > 0 && text[length - 1] == '\n'), length);
	reading = false;
	source.text = text;
	try_source(&source, "--greeting", text, strlen(text), 0);
	free(text);
	return 0;
}
