/* SPDX-License-Identifier: MIT */
/* greeting - the administrator's text as a frame, ready to send */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../unit.h"
#include "common/frame.h"
#include "hellod/greeting.h"

/* The errno of the next open(), or 0. */
static int open_error;

int open(const char *path, int flags, ...)
{
	errno = open_error;
	open_error = 0;
	return errno != 0 ? -1 : openat(AT_FDCWD, path, flags);
}

/* The errno of the next lstat(), or 0. */
static int lstat_error;

int lstat(const char *path, struct stat *st)
{
	errno = lstat_error;
	lstat_error = 0;
	return errno != 0 ? -1 : fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

static void write_file(const char *text, size_t length)
{
	FILE *file = fopen("file", "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
}

static void assert_loads(const struct greeting_source *source, const char *frame, size_t length)
{
	struct greeting *greeting;
	char *why = NULL;

	ck_assert_int_eq(greeting_load(source, &greeting, &why), 0);
	ck_assert_ptr_null(why);
	ck_assert_uint_eq(greeting->references, 1);
	ck_assert_ptr_eq(greeting_ref(greeting), greeting);
	greeting_unref(greeting);
	ck_assert_uint_eq(greeting->length, length);
	ck_assert_mem_eq(greeting->frame, frame, length);
	greeting_unref(greeting);
}

/* The reason is one line that begins so. */
static void assert_refused(const struct greeting_source *source, int error, const char *start)
{
	struct greeting *greeting = NULL;
	char *why = NULL;

	ck_assert_int_eq(greeting_load(source, &greeting, &why), -error);
	ck_assert_ptr_null(greeting);
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_null(strchr(why, '\n'));
	ck_assert_msg(strncmp(why, start, strlen(start)) == 0, "'%s' is not '%s'", why, start);
	free(why);
}

static const struct {
	struct greeting_source source;
	const char *file;
	size_t file_length;
	const char *frame;
	size_t length;
} good[] = {
	{{"text", "file", false}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x04text")},
	{{"text", "absent", false}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x04text")},
	{{"text", NULL, false}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x04text")},
	/* A text may be empty, and keeps its newline. */
	{{"", "file", false}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x00")},
	{{"text\n", NULL, false}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x05text\n")},
	{{NULL, "absent", true}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x05HELLO")},
	{{NULL, "absent/below", true}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x05HELLO")},
	{{NULL, NULL, false}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x05HELLO")},
	{{NULL, "file", true}, UNIT_BYTES("A"), UNIT_BYTES("\x00\x01\x41")},
	/* One newline of a file is left out, and only at the very end. A NUL does not end it. */
	{{NULL, "file", true}, UNIT_BYTES(""), UNIT_BYTES("\x00\x00")},
	{{NULL, "file", false}, UNIT_BYTES("A\n"), UNIT_BYTES("\x00\x01\x41")},
	{{NULL, "file", false}, UNIT_BYTES("A\n\n"), UNIT_BYTES("\x00\x02\x41\n")},
	{{NULL, "file", false}, UNIT_BYTES("\n"), UNIT_BYTES("\x00\x00")},
	{{NULL, "file", false}, UNIT_BYTES("\nA\nB"), UNIT_BYTES("\x00\x04\n\x41\n\x42")},
	{{NULL, "file", false}, UNIT_BYTES("A\r\n"), UNIT_BYTES("\x00\x02\x41\r")},
	{{NULL, "file", false},
	 UNIT_BYTES("\0A\n\0"),
	 UNIT_BYTES("\x00\x06\xC0\x80\x41\n\xC0\x80")},
	{{NULL, "file", false}, UNIT_BYTES("\u00E9\n"), UNIT_BYTES("\x00\x02\xC3\xA9")},
};

START_TEST(text_precedes_file_precedes_default)
{
	write_file(good[_i].file, good[_i].file_length);
	assert_loads(&good[_i].source, good[_i].frame, good[_i].length);
}
END_TEST

#define REMEDY "; put a text there that hellod can read"

/* The root user may read every file, so that EACCES cannot be tried. */
static const struct {
	struct greeting_source source;
	int error;
	const char *start;
} bad[] = {
	{{NULL, "absent", false}, ENOENT, "absent: No such file or directory" REMEDY},
	{{NULL, "dangling", false}, ENOENT, "dangling: No such file or directory" REMEDY},
	{{NULL, "dangling", true}, ENOENT, "dangling: No such file or directory" REMEDY},
	{{NULL, "file/below", false}, ENOTDIR, "file/below: Not a directory" REMEDY},
	{{NULL, "file/below", true}, ENOTDIR, "file/below: Not a directory" REMEDY},
	{{NULL, "loop", true}, ELOOP, "loop: Too many levels of symbolic links" REMEDY},
	{{NULL, "/proc/self/mem", true}, EIO, "/proc/self/mem: Input/output error" REMEDY},
	{{NULL, "", false}, ENOENT, ": No such file or directory" REMEDY},
	{{NULL, ".", true}, EINVAL, ".: not a regular file" REMEDY},
	{{NULL, "/dev/zero", true}, EINVAL, "/dev/zero: not a regular file" REMEDY},
	{{NULL, "pipe", true}, EINVAL, "pipe: not a regular file" REMEDY}, /* without a writer */
	{{NULL, "file", true}, EILSEQ, "file: not UTF-8 at byte 7 (counted from 0); write"},
	{{"HELL\xFF", "file", true}, EILSEQ, "--greeting: not UTF-8 at byte 4 (counted from 0); w"},
};

START_TEST(bad_source_is_refused)
{
	int next = dup(STDIN_FILENO);

	close(next);
	write_file(UNIT_BYTES("A\0\u20AC\nB\xC3\nrest"));
	assert_refused(&bad[_i].source, bad[_i].error, bad[_i].start);
	/* No file stays open. */
	ck_assert_int_eq(dup(STDIN_FILENO), next);
	close(next);
}
END_TEST

START_TEST(failing_host_has_a_remedy_of_its_own)
{
	static const int local[] = {EMFILE, ENFILE, ENOMEM};
	const struct greeting_source source = {.path = "file"};
	const struct greeting_source absent = {.path = "absent", .path_may_be_absent = true};
	char start[128];

	write_file(UNIT_BYTES("A"));
	for (size_t i = 0; i < UNIT_COUNT(local); i++) {
		snprintf(start, sizeof(start), "file: %s; free memory or file descriptors",
			 strerror(local[i]));
		open_error = local[i];
		assert_refused(&source, local[i], start);
	}
	lstat_error = ENOMEM;
	assert_refused(&absent, ENOMEM, "absent: Cannot allocate memory; free memory or");
	lstat_error = EACCES;
	assert_refused(&absent, EACCES, "absent: Permission denied" REMEDY);
	open_error = EIO;
	assert_refused(&source, EIO, "file: Input/output error" REMEDY);
	open_error = EINTR;
	assert_loads(&source, "\x00\x01\x41", 3);
}
END_TEST

/* A letter, repeated. NULs take two bytes each. */
static const struct {
	size_t length;
	char letter;
	bool newline;
	const char *start; /* of the reason, or NULL */
} sizes[] = {
	{65535, 'A', false, NULL},
	{65535, 'A', true, NULL},
	{65536, 'A', false, "file: 65536 bytes long when encoded, but at most 65535 fit"},
	{65536, 'A', true, "file: 65536 bytes long when encoded, but at most 65535 fit"},
	{32767, '\0', false, NULL},
	{32768, '\0', false, "file: 65536 bytes long when encoded, but at most 65535 fit"},
	/* A file of GREETING_FILE_BYTES_MAX is read, and the newline counts. */
	{1048576, 'A', false, "file: 1048576 bytes long when encoded, but at most 65535 fit"},
	{1048575, 'A', true, "file: 1048575 bytes long when encoded, but at most 65535 fit"},
	{1048577, 'A', false, "file: over 1048576 bytes long, but at most 65535 fit"},
	{1048576, 'A', true, "file: over 1048576 bytes long, but at most 65535 fit"},
};

START_TEST(length_is_limited)
{
	static char text[GREETING_FILE_BYTES_MAX + 2], frame[FRAME_BYTES_MAX];
	const struct greeting_source source = {.path = "file"}, as_text = {.text = text};
	bool is_nul = sizes[_i].letter == '\0';
	size_t length = sizes[_i].length;

	for (int i = 0; i < FRAME_BYTES_MAX; i++)
		frame[i] = !is_nul ? 'A' : (char)(i % 2 == 0 ? 0xC0 : 0x80);
	memcpy(frame, is_nul ? "\xFF\xFE" : "\xFF\xFF", FRAME_HEADER_BYTES);
	memset(text, sizes[_i].letter, length);
	text[length] = '\n';
	write_file(text, length + sizes[_i].newline);
	text[length] = '\0';
	if (sizes[_i].start != NULL)
		assert_refused(&source, EMSGSIZE, sizes[_i].start);
	else
		assert_loads(&source, frame, FRAME_BYTES_MAX - is_nul);
	if (length == 65535)
		assert_loads(&as_text, frame, FRAME_BYTES_MAX);
	if (length == 65536)
		assert_refused(&as_text, EMSGSIZE, "--greeting: 65536 bytes long when encoded, ");
}
END_TEST

int main(void)
{
	char directory[] = "check_greeting.XXXXXX"; /* in the build directory */
	int status;

	if (mkdtemp(directory) == NULL || chdir(directory) < 0 || mkfifo("pipe", 0600) < 0 ||
	    symlink("loop", "loop") < 0 || symlink("absent", "dangling") < 0)
		return EXIT_FAILURE;
	status = UNIT_RUN("greeting", {text_precedes_file_precedes_default, UNIT_COUNT(good)},
			  {bad_source_is_refused, UNIT_COUNT(bad)},
			  {failing_host_has_a_remedy_of_its_own, 1},
			  {length_is_limited, UNIT_COUNT(sizes)});
	if (unlink("file") < 0 || unlink("pipe") < 0 || unlink("loop") < 0 ||
	    unlink("dangling") < 0 || chdir("..") < 0 || rmdir(directory) < 0)
		return EXIT_FAILURE;
	return status;
}
