/* SPDX-License-Identifier: MIT */
/* charset - between UTF-8 and the character set of the user's locale */
#include "config.h"

#include <errno.h>
#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/charset.h"
#include "common/utf8.h"

/* No character of any set that glibc knows takes more bytes, shift sequences included. */
#define CHARACTER_BYTES_MAX 16

static const char *codeset = "UTF-8";

static bool environment_asks(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		const char *value = getenv(variables[i]);

		if (value != NULL && value[0] != '\0')
			return true;
	}
	return false;
}

/* The modules of iconv() may be in a package that is not installed. */
static bool is_convertible(const char *name)
{
	iconv_t there = iconv_open(name, "UTF-8"), back = iconv_open("UTF-8", name);
	bool convertible = there != (iconv_t)-1 && back != (iconv_t)-1;

	if (there != (iconv_t)-1)
		iconv_close(there);
	if (back != (iconv_t)-1)
		iconv_close(back);
	return convertible;
}

void charset_init(void)
{
	/* Only this category: a decimal comma would not do for options and JSON. */
	if (environment_asks() && setlocale(LC_CTYPE, "") != NULL &&
	    is_convertible(nl_langinfo(CODESET)))
		codeset = nl_langinfo(CODESET);
}

static bool is_codeset(const char *name)
{
	return strcmp(codeset, name) == 0;
}

static int copy(const char *text, size_t length, char **out, size_t *out_length)
{
	*out = malloc(length + 1);
	if (*out == NULL)
		return -ENOMEM;
	memcpy(*out, text, length);
	(*out)[length] = '\0';
	*out_length = length;
	return 0;
}

/* Appends one character, which there is room for. Returns false if the set does not have it. */
static bool convert_character(iconv_t cd, const char *character, size_t length, char **end)
{
	/* A copy, because iconv() wants to be able to write where it only reads. */
	char bytes[UTF8_BYTES_MAX], *in = bytes;
	size_t in_left = length, out_left = CHARACTER_BYTES_MAX;

	memcpy(bytes, character, length);

	return iconv(cd, &in, &in_left, end, &out_left) != (size_t)-1;
}

/* glibc's iconv() drops these without a word: they are invisible, but not nothing. */
static bool is_tag(uint32_t c)
{
	return c >= 0xE0000 && c <= 0xE007F;
}

int charset_to_locale(const char *text, size_t length, char **out, size_t *out_length)
{
	size_t n, shift_left = CHARACTER_BYTES_MAX;
	char *buffer, *end;
	iconv_t cd;

	if (is_codeset("UTF-8"))
		return copy(text, length, out, out_length);

	cd = iconv_open(codeset, "UTF-8");
	if (cd == (iconv_t)-1)
		return -errno;
	buffer = malloc((length + 1) * CHARACTER_BYTES_MAX);
	if (buffer == NULL) {
		iconv_close(cd);
		return -ENOMEM;
	}

	end = buffer;
	for (size_t offset = 0; offset < length; offset += n) {
		static const char unmappable = CHARSET_UNMAPPABLE;
		uint32_t c = 0;

		n = utf8_get(text + offset, length - offset, &c);
		if (n == 0 || is_tag(c) || !convert_character(cd, text + offset, n, &end)) {
			n = n > 0 ? n : 1;
			convert_character(cd, &unmappable, 1, &end);
		}
	}
	/* Back to the initial shift state. */
	iconv(cd, NULL, NULL, &end, &shift_left);
	iconv_close(cd);

	*out = buffer;
	*out_length = (size_t)(end - buffer);
	return 0;
}

static bool is_utf8(const char *text, size_t length)
{
	uint32_t c;
	size_t n;

	for (size_t offset = 0; offset < length; offset += n) {
		n = utf8_get(text + offset, length - offset, &c);
		if (n == 0)
			return false;
	}
	return true;
}

int charset_from_locale(const char *text, char **out)
{
	size_t length = strlen(text), ignored, size = length * CHARACTER_BYTES_MAX + 1;
	char *copied, *in, *buffer, *end;
	iconv_t cd;
	int r;

	r = copy(text, length, &copied, &ignored);
	if (r < 0)
		return r;
	if (is_codeset("UTF-8") || is_codeset("ANSI_X3.4-1968")) {
		if (!is_utf8(copied, length)) {
			free(copied);
			return -EILSEQ;
		}
		*out = copied;
		return 0;
	}

	in = copied;
	end = buffer = malloc(size);
	cd = iconv_open("UTF-8", codeset);
	if (buffer == NULL)
		r = -ENOMEM;
	else if (cd == (iconv_t)-1)
		r = -errno;
	else if (iconv(cd, &in, &length, &end, &size) == (size_t)-1)
		r = -EILSEQ;
	if (cd != (iconv_t)-1)
		iconv_close(cd);
	free(copied);
	if (r < 0) {
		free(buffer);
		return r;
	}

	*end = '\0';
	*out = buffer;
	return 0;
}
