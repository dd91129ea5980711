/* SPDX-License-Identifier: MIT */
/* replay - tries files as the fuzzer does, without libFuzzer */
#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define INPUT_BYTES_MAX ((size_t)1 << 20)

int main(int argc, char **argv)
{
	uint8_t *input = malloc(INPUT_BYTES_MAX);

	if (input == NULL || argc < 2)
		errx(EXIT_FAILURE, "usage: replay FILE...");
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size;

		if (file == NULL)
			err(EXIT_FAILURE, "%s", argv[i]);
		size = fread(input, 1, INPUT_BYTES_MAX, file);
		if (ferror(file) || size == INPUT_BYTES_MAX)
			errx(EXIT_FAILURE, "%s: cannot be read, or too large", argv[i]);
		fclose(file);

		/* Flushed, so that the last line names the input of an abort. */
		printf("%s\n", argv[i]);
		fflush(stdout);
		LLVMFuzzerTestOneInput(input, size);
	}
	free(input);
	printf("replay: %d inputs\n", argc - 1);
	return EXIT_SUCCESS;
}
