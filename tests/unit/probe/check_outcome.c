/* SPDX-License-Identifier: MIT */
/* outcome - the result of a probe: its word and its exit status */
#include "config.h"

#include "../unit.h"
#include "probe/outcome.h"

/* Interfaces: programs read the words in JSON, monitoring systems the exit statuses. */
static const struct {
	enum outcome outcome;
	const char *word;
	int exit_status;
} outcomes[] = {
	{OUTCOME_GREETED, "greeted", 0},
	{OUTCOME_UNEXPECTED, "unexpected", 2},
	{OUTCOME_REFUSED, "refused", 2},
	{OUTCOME_UNREACHABLE, "unreachable", 2},
	{OUTCOME_TIMED_OUT, "timed-out", 2},
	{OUTCOME_RESET, "reset", 2},
	{OUTCOME_CLOSED, "closed", 2},
	{OUTCOME_MALFORMED, "malformed", 2},
	{OUTCOME_UNKNOWN_HOST, "unknown-host", 3},
	{OUTCOME_SYSTEM_ERROR, "system-error", 3},
	{OUTCOME_INTERRUPTED, "interrupted", 3},
};

START_TEST(outcomes_have_words_and_statuses)
{
	ck_assert_int_eq(UNIT_COUNT(outcomes), OUTCOME_INTERRUPTED - OUTCOME_NONE);
	ck_assert_str_eq(outcome_word(outcomes[_i].outcome), outcomes[_i].word);
	ck_assert_int_eq(outcome_exit_status(outcomes[_i].outcome), outcomes[_i].exit_status);
}
END_TEST

START_TEST(no_greeting_is_the_worst_status)
{
	static const int ascending[] = {EXIT_GREETED, EXIT_NOT_TRIED, EXIT_NO_GREETING};

	for (int a = 0; a < 3; a++)
		for (int b = 0; b < 3; b++)
			ck_assert_int_eq(outcome_worse_status(ascending[a], ascending[b]),
					 ascending[a > b ? a : b]);
}
END_TEST

int main(void)
{
	return UNIT_RUN("outcome", {outcomes_have_words_and_statuses, UNIT_COUNT(outcomes)},
			{no_greeting_is_the_worst_status, 1});
}
