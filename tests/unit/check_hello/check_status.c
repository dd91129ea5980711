/* SPDX-License-Identifier: MIT */
/* status - the status of a monitoring plugin */
#include "config.h"

#include <errno.h>

#include "../unit.h"
#include "check_hello/status.h"

static const struct {
	const char *text;
	int status; /* -1 if it is refused */
} texts[] = {
	{"OK", 0},	{"ok", 0},	 {"0", 0},	  {"warning", 1}, {"Warning", 1},
	{"1", 1},	{"critical", 2}, {"CRITICAL", 2}, {"2", 2},	  {"unknown", 3},
	{"UnKnown", 3}, {"3", 3},	 {"", -1},	  {"4", -1},	  {"-1", -1},
	{"00", -1},	{"ok ", -1},	 {" ok", -1},	  {"warn", -1},	  {"dependent", -1},
};

START_TEST(words_and_numbers_are_parsed)
{
	enum status status = STATUS_UNKNOWN + 1;

	ck_assert_int_eq(status_parse(texts[_i].text, &status), texts[_i].status < 0 ? -EINVAL : 0);
	ck_assert_int_eq((int)status, texts[_i].status < 0 ? 4 : texts[_i].status);
}
END_TEST

START_TEST(words_are_the_guidelines)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

	for (enum status status = STATUS_OK; status <= STATUS_UNKNOWN; status++)
		ck_assert_str_eq(status_word(status), words[status]);
}
END_TEST

int main(void)
{
	return UNIT_RUN("status", {words_and_numbers_are_parsed, UNIT_COUNT(texts)},
			{words_are_the_guidelines, 1});
}
