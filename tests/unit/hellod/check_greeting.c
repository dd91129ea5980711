/* SPDX-License-Identifier: MIT */
/* greeting - where the text comes from, and the frame that it makes */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "hellod/greeting.h"

#define FILE_TEXT "from the file"
#define FILE_FRAME "\x00\x0D" FILE_TEXT
#define DEFAULT_FRAME "\x00\x05HELLO"

/* Names in a directory of their own, which is the working directory of every test. */
#define FILE_NAME "greeting"
#define BELOW_FILE_NAME "greeting/below"
#define DIRECTORY_NAME "directory"
#define PIPE_NAME "pipe"
#define LOOP_NAME "loop"
#define DANGLING_NAME "dangling"
#define ABSENT_NAME "absent"

static char directory[] = "/tmp/check_greeting.XXXXXX";

static void write_file(const char *text, size_t length)
{
	FILE *file = fopen(FILE_NAME, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
}

/* Once for all tests, in the process that forks them. */
static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	write_file(UNIT_BYTES(FILE_TEXT));
	ck_assert_int_eq(mkdir(DIRECTORY_NAME, 0700), 0);
	ck_assert_int_eq(symlink(LOOP_NAME, LOOP_NAME), 0);
	ck_assert_int_eq(symlink(ABSENT_NAME, DANGLING_NAME), 0);
}

static void tear_down(void)
{
	unlink(FILE_NAME);
	rmdir(DIRECTORY_NAME);
	unlink(LOOP_NAME);
	unlink(DANGLING_NAME);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void load_one(const struct greeting_source *source, const char *frame, size_t length)
{
	struct greeting *greeting = malloc(sizeof(*greeting));
	char *why = NULL;

	ck_assert_int_eq(greeting_load(source, greeting, &why), 0);
	ck_assert_ptr_null(why);
	ck_assert_uint_eq(greeting->frame_length, length);
	ck_assert_mem_eq(greeting->frame, frame, length);
	free(greeting);
}

/* Each of `said`, up to a NULL, is to be found in the message. */
static void refuse_one(const struct greeting_source *source, int error, const char *const *said)
{
	struct greeting *greeting = malloc(sizeof(*greeting)), *before = malloc(sizeof(*before));
	char *why = NULL;

	memset(greeting, 0x5A, sizeof(*greeting));
	memset(before, 0x5A, sizeof(*before));
	ck_assert_int_eq(greeting_load(source, greeting, &why), error);
	ck_assert_mem_eq(greeting, before, sizeof(*before));
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_null(strchr(why, '\n'));
	for (; *said != NULL; said++)
		ck_assert_msg(strstr(why, *said) != NULL, "'%s' is not in '%s'", *said, why);
	free(why);
	free(before);
	free(greeting);
}

static const struct {
	struct greeting_source source;
	const char *frame;
	size_t length;
} orders[] = {
	{{"text", FILE_NAME, false}, UNIT_BYTES("\x00\x04text")},
	{{"text", ABSENT_NAME, false}, UNIT_BYTES("\x00\x04text")},
	{{"text", LOOP_NAME, true}, UNIT_BYTES("\x00\x04text")},
	{{"text", NULL, false}, UNIT_BYTES("\x00\x04text")},
	/* An empty text is one, and it ends where it ends: nothing is cut off. */
	{{"", FILE_NAME, false}, UNIT_BYTES("\x00\x00")},
	{{"text\n", NULL, false}, UNIT_BYTES("\x00\x05text\n")},
	{{NULL, FILE_NAME, false}, UNIT_BYTES(FILE_FRAME)},
	{{NULL, FILE_NAME, true}, UNIT_BYTES(FILE_FRAME)},
	{{NULL, ABSENT_NAME, true}, UNIT_BYTES(DEFAULT_FRAME)},
	{{NULL, ABSENT_NAME "/below", true}, UNIT_BYTES(DEFAULT_FRAME)},
	{{NULL, NULL, false}, UNIT_BYTES(DEFAULT_FRAME)},
	{{NULL, NULL, true}, UNIT_BYTES(DEFAULT_FRAME)},
};

START_TEST(text_beats_file_beats_default)
{
	load_one(&orders[_i].source, orders[_i].frame, orders[_i].length);
}
END_TEST

static const struct {
	const char *text;
	size_t text_length;
	const char *frame;
	size_t length;
} files[] = {
	{UNIT_BYTES("A"), UNIT_BYTES("\x00\x01\x41")},
	{UNIT_BYTES(""), UNIT_BYTES("\x00\x00")},
	/* One newline less, and only at the very end. */
	{UNIT_BYTES("A\n"), UNIT_BYTES("\x00\x01\x41")},
	{UNIT_BYTES("A\n\n"), UNIT_BYTES("\x00\x02\x41\n")},
	{UNIT_BYTES("\n"), UNIT_BYTES("\x00\x00")},
	{UNIT_BYTES("\nA\nB"), UNIT_BYTES("\x00\x04\n\x41\n\x42")},
	{UNIT_BYTES("A\r\n"), UNIT_BYTES("\x00\x02\x41\r")},
	{UNIT_BYTES("A\n\0"), UNIT_BYTES("\x00\x04\x41\n\xC0\x80")},
	/* A NUL ends nothing. */
	{UNIT_BYTES("A\0B\n"), UNIT_BYTES("\x00\x04\x41\xC0\x80\x42")},
	{UNIT_BYTES("\U0001F600\n"), UNIT_BYTES("\x00\x06\xED\xA0\xBD\xED\xB8\x80")},
};

START_TEST(file_is_taken_whole)
{
	const struct greeting_source source = {.path = FILE_NAME};

	write_file(files[_i].text, files[_i].text_length);
	load_one(&source, files[_i].frame, files[_i].length);
	write_file(UNIT_BYTES(FILE_TEXT));
}
END_TEST

/* The root user may read everything, so these are not about permissions. */
static const struct {
	const char *path;
	bool path_may_be_absent;
	int error;
} unreadable[] = {
	{ABSENT_NAME, false, ENOENT},
	{DANGLING_NAME, false, ENOENT},
	{DANGLING_NAME, true, ENOENT},
	{BELOW_FILE_NAME, false, ENOTDIR},
	{BELOW_FILE_NAME, true, ENOTDIR},
	{LOOP_NAME, false, ELOOP},
	{LOOP_NAME, true, ELOOP},
	{"/proc/self/mem", true, EIO},
	{"", false, ENOENT},
};

START_TEST(unreadable_file_is_refused)
{
	const struct greeting_source source = {
		.path = unreadable[_i].path,
		.path_may_be_absent = unreadable[_i].path_may_be_absent,
	};
	const char *const said[] = {source.path, strerror(unreadable[_i].error), NULL};

	refuse_one(&source, -unreadable[_i].error, said);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_refused)
{
	static const struct greeting_source text = {.text = "HELL\xFF", .path = FILE_NAME};
	static const struct greeting_source file = {.path = FILE_NAME, .path_may_be_absent = true};
	static const char *const text_said[] = {"--greeting: ", "byte 4 ", NULL};
	static const char *const file_said[] = {FILE_NAME ": ", "byte 16 ", NULL};

	refuse_one(&text, -EILSEQ, text_said);
	write_file(UNIT_BYTES("A\0\u20AC\nABCDEFGHIJ\xC3\nrest"));
	refuse_one(&file, -EILSEQ, file_said);
	write_file(UNIT_BYTES(FILE_TEXT));
}
END_TEST

/* A file of this length, of NULs, which take two bytes each, or of letters; and what is said. */
static const struct {
	size_t length;
	char fill;
	bool newline; /* one more byte */
	const char *said[3];
} sizes[] = {
	{65535, 'A', false, {NULL}},
	{65535, 'A', true, {NULL}},
	{65536, 'A', false, {"65536 bytes", "65535", NULL}},
	{65536, 'A', true, {"65536 bytes", "65535", NULL}},
	{32767, '\0', false, {NULL}},
	{32768, '\0', false, {"65536 bytes", "65535", NULL}},
	/* Up to GREETING_FILE_BYTES_MAX it is read and counted, newline and all. */
	{1048576, 'A', false, {"1048576 bytes long when encoded", "65535", NULL}},
	{1048575, 'A', true, {"1048575 bytes long when encoded", "65535", NULL}},
	{1048576, '\0', false, {"2097152 bytes long when encoded", "65535", NULL}},
	{1048577, 'A', false, {"over 1048576 bytes", "65535", NULL}},
	{1048576, 'A', true, {"over 1048576 bytes", "65535", NULL}},
	{3000000, 'A', false, {"over 1048576 bytes", "65535", NULL}},
};

START_TEST(file_is_limited)
{
	static const struct greeting_source source = {.path = FILE_NAME};
	size_t length = sizes[_i].length;
	char *text = malloc(length + 1);

	memset(text, sizes[_i].fill, length);
	text[length] = '\n';
	write_file(text, length + sizes[_i].newline);
	if (sizes[_i].said[0] == NULL) {
		struct greeting *greeting = malloc(sizeof(*greeting));
		char *why = NULL;

		ck_assert_int_eq(greeting_load(&source, greeting, &why), 0);
		ck_assert_uint_eq(greeting->frame_length,
				  2 + length * (sizes[_i].fill == '\0' ? 2 : 1));
		free(greeting);
	} else {
		refuse_one(&source, -EMSGSIZE, sizes[_i].said);
	}
	free(text);
	write_file(UNIT_BYTES(FILE_TEXT));
}
END_TEST

START_TEST(text_is_limited)
{
	static const char *const said[] = {"--greeting: ", "65536 bytes", "65535", NULL};
	char *text = calloc(1, 65537), *frame = calloc(1, 65537);
	const struct greeting_source source = {.text = text};

	memset(text, 'A', 65535);
	memset(frame, 0xFF, 2);
	memset(frame + 2, 'A', 65535);
	load_one(&source, frame, 65537);

	text[65535] = 'A';
	refuse_one(&source, -EMSGSIZE, said);
	free(frame);
	free(text);
}
END_TEST

START_TEST(only_a_regular_file_is_read)
{
	static const char *const paths[] = {DIRECTORY_NAME, "/dev/zero", PIPE_NAME};
	const struct greeting_source source = {.path = paths[_i], .path_may_be_absent = true};
	const char *const said[] = {paths[_i], "not a regular file", NULL};

	/* Nobody writes into the pipe: it is not waited for. */
	ck_assert(mkfifo(PIPE_NAME, 0600) == 0);
	refuse_one(&source, -EINVAL, said);
	unlink(PIPE_NAME);
}
END_TEST

START_TEST(no_file_stays_open)
{
	static const struct greeting_source file = {.path = FILE_NAME};
	static const struct greeting_source bad = {.path = DIRECTORY_NAME};
	static const char *const said[] = {NULL};
	int next = dup(STDIN_FILENO);

	close(next);
	load_one(&file, UNIT_BYTES(FILE_FRAME));
	refuse_one(&bad, -EINVAL, said);
	ck_assert_int_eq(dup(STDIN_FILENO), next);
	close(next);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("greeting");
	TCase *tcase = tcase_create("greeting");

	tcase_add_unchecked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, text_beats_file_beats_default, 0, UNIT_COUNT(orders));
	tcase_add_loop_test(tcase, file_is_taken_whole, 0, UNIT_COUNT(files));
	tcase_add_loop_test(tcase, unreadable_file_is_refused, 0, UNIT_COUNT(unreadable));
	tcase_add_test(tcase, text_that_is_not_utf8_is_refused);
	tcase_add_loop_test(tcase, file_is_limited, 0, UNIT_COUNT(sizes));
	tcase_add_test(tcase, text_is_limited);
	tcase_add_loop_test(tcase, only_a_regular_file_is_read, 0, 3);
	tcase_add_test(tcase, no_file_stays_open);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
