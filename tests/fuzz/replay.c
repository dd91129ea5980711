/* SPDX-License-Identifier: MIT */
/* replay - tries every file of a corpus, without libFuzzer */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_BYTES_MAX ((size_t)1 << 20)

static _Noreturn void fail(const char *path, const char *why)
{
	fprintf(stderr, "replay: %s: %s\n", path, why);
	exit(EXIT_FAILURE);
}

static void replay(const char *path)
{
	uint8_t *input = malloc(INPUT_BYTES_MAX);
	FILE *file = fopen(path, "rb");
	size_t size;

	if (input == NULL || file == NULL)
		fail(path, strerror(errno));
	size = fread(input, 1, INPUT_BYTES_MAX, file);
	if (ferror(file))
		fail(path, strerror(errno));
	if (size == INPUT_BYTES_MAX)
		fail(path, "too large");
	fclose(file);

	/* Whoever aborts, the last line names the input. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(input, size);
	free(input);
}

static size_t replay_directory(const char *name)
{
	DIR *directory = opendir(name);
	struct dirent *entry;
	size_t count = 0;

	if (directory == NULL)
		fail(name, strerror(errno));
	while ((entry = readdir(directory)) != NULL) {
		char *path = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", name, entry->d_name) < 0)
			fail(entry->d_name, "out of memory");
		replay(path);
		free(path);
		count++;
	}
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	size_t count = 0;

	for (int i = 1; i < argc; i++)
		count += replay_directory(argv[i]);
	printf("replay: %zu inputs\n", count);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
