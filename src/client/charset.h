/* SPDX-License-Identifier: MIT */
/* charset - between UTF-8 and the character set of the user's locale */
#ifndef HELLOD_CHARSET_H
#define HELLOD_CHARSET_H

#include <stddef.h>

/* Stands for a character that the locale's set does not have. */
#define CHARSET_UNMAPPABLE '?'

/*
 * Takes on the character set that the environment asks for ($LC_ALL, $LC_CTYPE, $LANG; locale(7)).
 * Where it asks for none, or for one that iconv(3) cannot convert, that is UTF-8: nobody said that
 * what reads the output is limited to ASCII, which is what the C locale means when it is asked for.
 * To be called once, first.
 */
void charset_init(void);

/*
 * Converts `length` bytes of UTF-8 to the locale's character set, what it cannot express to
 * CHARSET_UNMAPPABLE. Where that set is UTF-8 the text is copied as it is.
 *
 * Returns 0, with *out for the caller to free; -ENOMEM; the -errno of iconv_open(3).
 */
int charset_to_locale(const char *text, size_t length, char **out, size_t *out_length);

/*
 * Converts an argument of the command line to UTF-8. In an ASCII locale bytes past ASCII are taken
 * for UTF-8 already.
 *
 * Returns 0, with *out, NUL-terminated, for the caller to free; -EILSEQ if it is not in the
 * locale's character set; -ENOMEM; the -errno of iconv_open(3).
 */
int charset_from_locale(const char *text, char **out);

#endif
