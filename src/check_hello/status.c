/* SPDX-License-Identifier: MIT */
/* status - the status of a monitoring plugin */
#include "config.h"

#include <errno.h>
#include <strings.h>

#include "check_hello/status.h"

static const char *const words[] = {
	[STATUS_OK] = "OK",
	[STATUS_WARNING] = "WARNING",
	[STATUS_CRITICAL] = "CRITICAL",
	[STATUS_UNKNOWN] = "UNKNOWN",
};

const char *status_word(enum status status)
{
	return words[status];
}

int status_parse(const char *text, enum status *ret_status)
{
	for (enum status status = STATUS_OK; status <= STATUS_UNKNOWN; status++) {
		const char number[] = {(char)('0' + status), '\0'};

		if (strcasecmp(text, words[status]) == 0 || strcasecmp(text, number) == 0) {
			*ret_status = status;
			return 0;
		}
	}
	return -EINVAL;
}
