/* SPDX-License-Identifier: MIT */
/* replay - tries a target's corpus without libFuzzer, and prints a line of TAP for each input */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <limits.h>

#include "fuzz.h"

#define INPUT_BYTES_MAX ((size_t)1 << 20)

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static size_t read_input(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	if (file == NULL)
		err(EXIT_FAILURE, "%s", path);
	size = fread(bytes, 1, INPUT_BYTES_MAX, file);
	if (ferror(file) || size == INPUT_BYTES_MAX)
		errx(EXIT_FAILURE, "%s: cannot be read, or too large", path);
	fclose(file);
	return size;
}

/* Without arguments, tries the corpus of the target that this program, replay_TARGET, is for. */
int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strrchr(program_invocation_name, '_');
	uint8_t *bytes = malloc(INPUT_BYTES_MAX);
	char directory[PATH_MAX], path[PATH_MAX + NAME_MAX + 1];
	struct dirent **entries;
	int count;

	if (bytes == NULL || name == NULL)
		errx(EXIT_FAILURE, "no memory, or a wrong name");
	if (argc > 1) {
		for (int i = 1; i < argc; i++) {
			size_t size = read_input(argv[i], bytes);
			uint8_t *input = fuzz_copy(bytes, size);

			LLVMFuzzerTestOneInput(input, size);
			free(input);
		}
		return EXIT_SUCCESS;
	}
	snprintf(directory, sizeof(directory), "%s/tests/fuzz/corpus/%s",
		 srcdir != NULL ? srcdir : ".", name + 1);
	count = scandir(directory, &entries, is_input, alphasort);
	if (count <= 0)
		err(EXIT_FAILURE, "%s", directory);
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		size_t size;
		uint8_t *input;

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		/* Flushed, so that the last line names the input of an abort. */
		printf("# %s\n", entries[i]->d_name);
		fflush(stdout);
		size = read_input(path, bytes);
		input = fuzz_copy(bytes, size);
		LLVMFuzzerTestOneInput(input, size);
		free(input);
		printf("ok %d - %s\n", i + 1, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	free(bytes);
	return EXIT_SUCCESS;
}
