/* SPDX-License-Identifier: MIT */
/* charset - between UTF-8 and the character set of the user's locale */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <iconv.h>
#include <langinfo.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../unit.h"
#include "client/charset.h"

#define ASCII "ANSI_X3.4-1968" /* as glibc calls it */

/* Few machines have locales of other sets, so mostly their sets are only claimed to be in use. */
static const char *claimed;

char *nl_langinfo(nl_item item)
{
	static char name[32];
	__typeof__(&nl_langinfo) real = (__typeof__(&nl_langinfo))dlsym(RTLD_NEXT, "nl_langinfo");

	if (claimed == NULL || item != CODESET)
		return real(item);
	snprintf(name, sizeof(name), "%s", claimed);
	return name;
}

/* Returns false where the C library does not know the set: not all of them are always installed. */
static bool claim(const char *codeset)
{
	iconv_t cd = iconv_open(codeset, "UTF-8");

	if (cd == (iconv_t)-1) {
		fprintf(stderr, "SKIP: iconv(3) does not know %s\n", codeset);
		return false;
	}
	iconv_close(cd);
	claimed = codeset;
	setenv("LC_ALL", "C", 1);
	charset_init();
	return true;
}

static void to_locale_one(const char *text, size_t length, const char *wanted, size_t wanted_length)
{
	char *in = unit_copy(text, length), *out = NULL;
	size_t out_length = 77;

	ck_assert_int_eq(charset_to_locale(in, length, &out, &out_length), 0);
	ck_assert_msg(out_length == wanted_length &&
			      (wanted_length == 0 || memcmp(out, wanted, wanted_length) == 0),
		      "'%.*s' (%zu bytes), not '%s'", (int)out_length, out, out_length, wanted);
	free(out);
	free(in);
}

/* NULL for -EILSEQ. */
static void from_locale_one(const char *text, const char *wanted)
{
	char *in = unit_copy(text, strlen(text) + 1), untouched, *out = &untouched;
	int r = charset_from_locale(in, &out);

	free(in);
	ck_assert_msg(r == (wanted != NULL ? 0 : -EILSEQ), "'%s': %d", text, r);
	if (wanted == NULL) {
		ck_assert_ptr_eq(out, &untouched);
		return;
	}
	ck_assert_str_eq(out, wanted);
	free(out);
}

/* What the environment asks for; locale(7) has the order. NULL is not set. */
static const struct {
	const char *lc_all, *lc_ctype, *lang;
	bool ascii;
} environments[] = {
	{NULL, NULL, NULL, false},
	{"", "", "", false},
	{"C", NULL, NULL, true},
	{NULL, "C", NULL, true},
	{NULL, NULL, "C", true},
	{"POSIX", NULL, NULL, true},
	{NULL, NULL, "POSIX", true},
	{"C.UTF-8", NULL, NULL, false},
	{NULL, "C.UTF-8", NULL, false},
	{NULL, NULL, "C.UTF-8", false},
	/* The first one counts that is not empty. */
	{"C", "C.UTF-8", "C.UTF-8", true},
	{NULL, "C", "C.UTF-8", true},
	{"", "", "C", true},
	{"", "C", "", true},
	{"C.UTF-8", "C", "C", false},
	{NULL, "C.UTF-8", "C", false},
	/* A locale that is not there says nothing about its set. */
	{"xx_XX.ISO-8859-1", NULL, NULL, false},
};

static void set(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

START_TEST(test_environment)
{
	set("LC_ALL", environments[_i].lc_all);
	set("LC_CTYPE", environments[_i].lc_ctype);
	set("LANG", environments[_i].lang);
	/* What other categories ask for does not matter. */
	set("LC_MESSAGES", "C");
	charset_init();
	if (environments[_i].ascii)
		to_locale_one(UNIT_BYTES("Gr\u00FC\u00DFe \u4E16 \U0001F600!"),
			      UNIT_BYTES("Gr??e ? ?!"));
	else
		to_locale_one(UNIT_BYTES("Gr\u00FC\u00DFe \u4E16 \U0001F600!"),
			      UNIT_BYTES("Gr\u00FC\u00DFe \u4E16 \U0001F600!"));
}
END_TEST

START_TEST(test_without_init)
{
	setenv("LC_ALL", "C", 1);
	to_locale_one(UNIT_BYTES("\u00FC"), UNIT_BYTES("\u00FC"));
	from_locale_one("\u00FC", "\u00FC");
}
END_TEST

static const struct {
	const char *codeset;
	const char *text;
	size_t length;
	const char *converted;
	size_t converted_length;
} outputs[] = {
	/* As it is, whatever it is. */
	{"UTF-8", UNIT_BYTES(""), UNIT_BYTES("")},
	{"UTF-8", UNIT_BYTES("A\0\u00FC\n"), UNIT_BYTES("A\0\u00FC\n")},
	{"UTF-8", UNIT_BYTES("\xFF\xC3"), UNIT_BYTES("\xFF\xC3")},

	{ASCII, UNIT_BYTES(""), UNIT_BYTES("")},
	{ASCII, UNIT_BYTES("A\0~\x7F\n"), UNIT_BYTES("A\0~\x7F\n")},
	{ASCII, UNIT_BYTES("\xC2\x80\u07FF\u0800\uFFFF\U00010000\U0010FFFF"), UNIT_BYTES("??????")},
	/* Invisible, but not to be lost: a tag, a joiner, a byte order mark. */
	{ASCII, UNIT_BYTES("<\u200D>"), UNIT_BYTES("<?>")},
	{ASCII, UNIT_BYTES("<\uFEFF>"), UNIT_BYTES("<?>")},
	{ASCII, UNIT_BYTES("<\U000E0041>"), UNIT_BYTES("<?>")},
	/* Not UTF-8: each byte for itself, and what follows is taken up again at once. */
	{ASCII, UNIT_BYTES("A\x80Z"), UNIT_BYTES("A?Z")},
	{ASCII, UNIT_BYTES("\xC3"), UNIT_BYTES("?")},
	{ASCII, UNIT_BYTES("\xC3(\xE4\xB8\n"), UNIT_BYTES("?(\?\?\n")},
	{ASCII, UNIT_BYTES("\xC0\x80\xED\xA0\x80\xFF"), UNIT_BYTES("??????")},
	{ASCII, UNIT_BYTES("\xF0\x9F\x98"), UNIT_BYTES("???")},

	/* Of one byte a character: Latin-1 is U+0000 to U+00FF, KOI8-R is in RFC 1489. */
	{"ISO-8859-1", UNIT_BYTES("Gr\u00FC\u00DFe\u00A0\u00FF"),
	 UNIT_BYTES("Gr\xFC\xDF\x65\xA0\xFF")},
	{"ISO-8859-1", UNIT_BYTES("\u20AC\u0100 \u4E16"), UNIT_BYTES("?? ?")},
	{"ISO-8859-1", UNIT_BYTES("\xFC"), UNIT_BYTES("?")},
	{"KOI8-R", UNIT_BYTES("\u041F\u0440\u0438\u00FC"), UNIT_BYTES("\xF0\xD2\xC9?")},

	/* With shift sequences: RFC 1468. It begins and ends in ASCII. */
	{"ISO-2022-JP", UNIT_BYTES("HELLO"), UNIT_BYTES("HELLO")},
	{"ISO-2022-JP", UNIT_BYTES("<\u65E5\u672C>"), UNIT_BYTES("<\x1B$BF|K\\\x1B(B>")},
	{"ISO-2022-JP", UNIT_BYTES("\u65E5\u672C"), UNIT_BYTES("\x1B$BF|K\\\x1B(B")},
	{"ISO-2022-JP", UNIT_BYTES("\u65E5\U0001F600\u672C"),
	 UNIT_BYTES("\x1B$BF|\x1B(B?\x1B$BK\\\x1B(B")},
	{"ISO-2022-JP", UNIT_BYTES("\u65E5\xFF"), UNIT_BYTES("\x1B$BF|\x1B(B?")},
	/* After the examples of RFC 2152. */
	{"UTF-7", UNIT_BYTES("Hi Mom -\u263A-"), UNIT_BYTES("Hi Mom -+Jjo--")},
	{"UTF-7", UNIT_BYTES("\u65E5\u672C\u8A9E"), UNIT_BYTES("+ZeVnLIqe-")},
	/* U+00CA could go on with a macron, so it is held back: the Big5 extension of Hong Kong. */
	{"BIG5-HKSCS", UNIT_BYTES("\u00CA"), UNIT_BYTES("\x88\x66")},
	{"BIG5-HKSCS", UNIT_BYTES("\u00CA\u0304"), UNIT_BYTES("\x88\x62")},
	{"BIG5-HKSCS", UNIT_BYTES("\u00CA\U0001F600"), UNIT_BYTES("\x88\x66?")},
};

START_TEST(test_to_locale)
{
	if (claim(outputs[_i].codeset))
		to_locale_one(outputs[_i].text, outputs[_i].length, outputs[_i].converted,
			      outputs[_i].converted_length);
}
END_TEST

/* As long as a greeting can be, of what takes the most room: every other character shifts. */
START_TEST(test_long)
{
	enum { PAIRS = 65535 / 4 };
	char *text = malloc(PAIRS * 4), *wanted = malloc(PAIRS * 9);

	for (size_t i = 0; i < PAIRS; i++) {
		memcpy(text + 4 * i, "\u65E5x", 4);
		memcpy(wanted + 9 * i, "\x1B$BF|\x1B(Bx", 9);
	}
	if (claim("ISO-2022-JP"))
		to_locale_one(text, (size_t)PAIRS * 4, wanted, (size_t)PAIRS * 9);
	free(wanted);
	free(text);
}
END_TEST

static const struct {
	const char *codeset;
	const char *text;
	const char *converted; /* NULL for -EILSEQ */
} inputs[] = {
	{"UTF-8", "", ""},
	{"UTF-8", "Gr\u00FC\u00DFe \u4E16 \U0001F600", "Gr\u00FC\u00DFe \u4E16 \U0001F600"},
	{"UTF-8", "\xFF", NULL},
	{"UTF-8", "A\xC3", NULL},
	{"UTF-8", "\xED\xA0\x80", NULL},

	/* Past ASCII it is taken for UTF-8, which it must be then. */
	{ASCII, "", ""},
	{ASCII, "HELLO", "HELLO"},
	{ASCII, "Gr\u00FC\u00DFe \u4E16 \U0001F600", "Gr\u00FC\u00DFe \u4E16 \U0001F600"},
	{ASCII, "Gr\xFC\xDF\x65", NULL},

	{"ISO-8859-1", "", ""},
	{"ISO-8859-1", "Gr\xFC\xDF\x65", "Gr\u00FC\u00DFe"},
	{"ISO-8859-1", "\xFF\xFF\xFF\xFF", "\u00FF\u00FF\u00FF\u00FF"},
	{"KOI8-R", "\xF0\xD2\xC9", "\u041F\u0440\u0438"},
	{"ISO-2022-JP", "<\x1B$BF|K\\\x1B(B>", "<\u65E5\u672C>"},
	{"ISO-2022-JP", "\x1B$BF|K\\", "\u65E5\u672C"},
	{"EUC-JP", "\xC6\xFC\xCB\xDC", "\u65E5\u672C"},
	/* Cut, and not there. */
	{"EUC-JP", "\xC6\xFC\xCB", NULL},
	{"EUC-JP", "\xFF", NULL},
	{"ISO-2022-JP", "\xFC", NULL},
	/* One byte that is four characters of three bytes, and what just fits in five for each. */
	{"TSCII", "\x82", "\u0BB8\u0BCD\u0BB0\u0BC0"},
	{"TSCII",
	 "\x87\x87"
	 "abc",
	 "\u0B95\u0BCD\u0BB7\u0B95\u0BCD\u0BB7abc"},
};

START_TEST(test_from_locale)
{
	if (claim(inputs[_i].codeset))
		from_locale_one(inputs[_i].text, inputs[_i].converted);
}
END_TEST

/* A set that iconv_open(3) does not know, perhaps for want of a package: as if none was asked for. */
START_TEST(test_unknown_set)
{
	claimed = "no-such-set";
	setenv("LC_ALL", "C", 1);
	charset_init();
	to_locale_one("\u00FC", 2, "\u00FC", 2);
	from_locale_one("\u00FC", "\u00FC");
}
END_TEST

/* Has localedef(1) make a locale of Latin-1. Returns false if it cannot. */
static bool make_locale(const char *path)
{
	int status = -1;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) != NULL)
			execlp("localedef", "localedef", "-i", "en_US", "-f", "ISO-8859-1", path,
			       (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Nothing claimed: a locale as a user has it. */
START_TEST(test_real_locale)
{
	char directory[] = "/tmp/check_charset.XXXXXX", path[64], command[64];
	bool made;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/latin1", directory);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	made = make_locale(path);
	if (made) {
		setenv("LOCPATH", directory, 1);
		setenv("LC_ALL", "latin1", 1);
		charset_init();
	}
	ck_assert_int_eq(system(command), 0);
	if (!made) {
		fprintf(stderr, "SKIP: localedef(1) or its sources are missing\n");
		return;
	}
	to_locale_one(UNIT_BYTES("Gr\u00FC\u00DFe, \u4E16"), UNIT_BYTES("Gr\xFC\xDF\x65, ?"));
	from_locale_one("Gr\xFC\xDF\x65", "Gr\u00FC\u00DFe");
}
END_TEST

static Suite *charset_suite(void)
{
	Suite *suite = suite_create("charset");
	TCase *tcase = tcase_create("charset");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_environment, 0, UNIT_COUNT(environments));
	tcase_add_test(tcase, test_without_init);
	tcase_add_loop_test(tcase, test_to_locale, 0, UNIT_COUNT(outputs));
	tcase_add_test(tcase, test_long);
	tcase_add_loop_test(tcase, test_from_locale, 0, UNIT_COUNT(inputs));
	tcase_add_test(tcase, test_unknown_set);
	tcase_add_test(tcase, test_real_locale);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return unit_run(charset_suite());
}
