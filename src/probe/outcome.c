/* SPDX-License-Identifier: MIT */
/* outcome - the result of a probe: its word and its exit status */
#include "config.h"

#include "probe/outcome.h"

static const struct {
	const char *word;
	int exit_status;
} outcomes[] = {
	[OUTCOME_GREETED] = {"greeted", EXIT_GREETED},
	[OUTCOME_UNEXPECTED] = {"unexpected", EXIT_NO_GREETING},
	[OUTCOME_REFUSED] = {"refused", EXIT_NO_GREETING},
	[OUTCOME_UNREACHABLE] = {"unreachable", EXIT_NO_GREETING},
	[OUTCOME_TIMED_OUT] = {"timed-out", EXIT_NO_GREETING},
	[OUTCOME_RESET] = {"reset", EXIT_NO_GREETING},
	[OUTCOME_CLOSED] = {"closed", EXIT_NO_GREETING},
	[OUTCOME_MALFORMED] = {"malformed", EXIT_NO_GREETING},
	[OUTCOME_UNKNOWN_HOST] = {"unknown-host", EXIT_NOT_TRIED},
	[OUTCOME_SYSTEM_ERROR] = {"system-error", EXIT_NOT_TRIED},
	[OUTCOME_INTERRUPTED] = {"interrupted", EXIT_NOT_TRIED},
};

enum outcome outcome_system_error(int error, int *ret_error)
{
	*ret_error = error;
	return OUTCOME_SYSTEM_ERROR;
}

const char *outcome_word(enum outcome outcome)
{
	return outcomes[outcome].word;
}

int outcome_exit_status(enum outcome outcome)
{
	return outcomes[outcome].exit_status;
}

int outcome_worse_status(int a, int b)
{
	static const int rank[] = {
		[EXIT_GREETED] = 0,
		[EXIT_NOT_TRIED] = 1,
		[EXIT_NO_GREETING] = 2,
	};

	return rank[a] > rank[b] ? a : b;
}
