/* SPDX-License-Identifier: MIT */
/* vectors - compares encoding and decoding with examples/frame-vectors */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"
#include "common/utf8.h"

/* The head of examples/frame-vectors describes its lines. Prints a line of TAP for each verdict. */

#define VALUES_MAX 140000

enum verdict { BOTH, READ, REST, MALFORMED, CUT, TOO_LONG, VERDICTS };

static const char *const words[] = {"both", "read", "rest", "malformed", "cut", "too-long"};

struct values {
	size_t count;
	uint32_t list[VALUES_MAX];
};

/* Appends a number, or some in brackets, as often as it says. Returns what follows. */
static const char *parse_item(const char *text, struct values *values)
{
	size_t first = values->count, length;
	unsigned long times = 1;
	bool group = *text == '(';
	char *end;

	do {
		text += *text == '(' || *text == ' ';
		values->list[values->count++] = (uint32_t)strtoul(text, &end, 16);
		text = end;
	} while (group && *text == ' ');
	text += group;
	length = values->count - first;
	if (*text == '*')
		times = strtoul(text + 1, &end, 10);
	if (length * times > VALUES_MAX - first)
		errx(EXIT_FAILURE, "too many repetitions");
	for (; times > 1; times--, values->count += length)
		memcpy(values->list + values->count, values->list + first,
		       length * sizeof(*values->list));
	return end[0] == ')' ? end + 1 : end;
}

/* Returns false for "-". */
static bool parse_values(const char *text, struct values *ret_values)
{
	ret_values->count = 0;
	if (strcmp(text, "-") == 0)
		return false;
	if (strcmp(text, "empty") == 0)
		return true;
	while (*text != '\0') {
		text = parse_item(text, ret_values);
		text += *text == ' ';
	}
	return true;
}

/* Converts units to UTF-8, with U+FFFD for lone surrogates. Returns whether there was one. */
static bool to_utf8(const struct values *units, char *ret_text, size_t *ret_length)
{
	bool lone = false;
	size_t length = 0;

	for (size_t i = 0; i < units->count; i++) {
		uint32_t c = units->list[i], next = i + 1 < units->count ? units->list[i + 1] : 0;

		if (c >= 0xD800 && c <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF) {
			c = 0x10000 + (c - 0xD800) * 0x400 + (next - 0xDC00);
			i++;
		} else if (c >= 0xD800 && c <= 0xDFFF) {
			c = UTF8_REPLACEMENT;
			lone = true;
		}
		length += utf8_put(ret_text + length, c);
	}
	*ret_length = length;
	return lone;
}

static char text[4 * VALUES_MAX];
static size_t text_length;

/* Whether the bytes are read as the verdict says. */
static bool reads(enum verdict verdict, const struct values *values)
{
	/* Exactly as long, so that a sanitizer finds what reads past the end. */
	uint8_t *bytes = malloc(values->count);
	char *read = malloc(values->count + 1);
	size_t have = 0, missing, read_length = 0, offset = 0;
	bool right;

	if (bytes == NULL || read == NULL)
		err(EXIT_FAILURE, NULL);
	for (size_t i = 0; i < values->count; i++)
		bytes[i] = (uint8_t)values->list[i];
	while ((missing = frame_missing(bytes, have)) > 0 && missing <= values->count - have)
		have += missing;
	right = (missing > 0) == (verdict == CUT) && (have < values->count || verdict != REST);
	if (right && verdict != CUT) {
		int r = frame_decode(bytes, read, &read_length, &offset);

		right = verdict == MALFORMED ? r == -EILSEQ
					     : r == 0 && read_length == text_length &&
						       memcmp(read, text, text_length) == 0 &&
						       (have < values->count) == (verdict == REST);
	}
	free(read);
	free(bytes);
	return right;
}

/* Whether the text is written as the verdict says. */
static bool writes(enum verdict verdict, const struct values *values)
{
	static uint8_t frame[FRAME_BYTES_MAX];
	size_t length = 0, offset = 0;
	int r = frame_encode(text, text_length, frame, &length, &offset);
	bool same = r == 0 && length == values->count;

	for (size_t i = 0; same && i < length; i++)
		same = frame[i] == values->list[i];
	return verdict == TOO_LONG ? r == -EMSGSIZE : r == 0 && same == (verdict == BOTH);
}

/* Tries a line. Sets the verdict, or returns false. */
static bool try_line(char *line, enum verdict *ret_verdict)
{
	static struct values bytes, units;
	const char *word = strsep(&line, "\t"), *first = strsep(&line, "\t"), *second = line;
	bool has_bytes, has_text, lone = false;

	*ret_verdict = BOTH;
	while (*ret_verdict < VERDICTS && strcmp(word, words[*ret_verdict]) != 0)
		++*ret_verdict;
	if (*ret_verdict == VERDICTS || first == NULL || second == NULL)
		return false;
	has_bytes = parse_values(first, &bytes);
	has_text = parse_values(second, &units);
	if (has_bytes != (*ret_verdict != TOO_LONG) ||
	    has_text != (*ret_verdict != MALFORMED && *ret_verdict != CUT))
		return false;
	if (has_text)
		lone = to_utf8(&units, text, &text_length);
	/* UTF-8 has no lone surrogates to be written. */
	return (!has_bytes || reads(*ret_verdict, &bytes)) &&
	       (!has_text || lone || writes(*ret_verdict, &bytes));
}

int main(void)
{
	const char *srcdir = getenv("srcdir");
	unsigned right[VERDICTS + 1] = {0}, wrong[VERDICTS + 1] = {0};
	char path[PATH_MAX], *line = NULL;
	size_t size = 0;
	ssize_t length;
	FILE *file;

	snprintf(path, sizeof(path), "%s/examples/frame-vectors", srcdir != NULL ? srcdir : ".");
	file = fopen(path, "r");
	if (file == NULL)
		err(EXIT_FAILURE, "%s", path);
	while ((length = getline(&line, &size, file)) > 0) {
		enum verdict verdict;
		char *copy;

		line[length - 1] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		copy = strdup(line);
		if (try_line(line, &verdict)) {
			right[verdict]++;
		} else {
			wrong[verdict]++;
			printf("# wrong: %.200s\n", copy);
		}
		free(copy);
	}
	free(line);
	fclose(file);
	printf("1..%d\n", VERDICTS);
	for (int i = 0; i < VERDICTS; i++)
		printf("%s %d - %s: %u vectors, %u differences\n",
		       right[i] > 0 && wrong[i] == 0 && wrong[VERDICTS] == 0 ? "ok" : "not ok",
		       i + 1, words[i], right[i] + wrong[i], wrong[i]);
	return EXIT_SUCCESS;
}
