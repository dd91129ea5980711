/* SPDX-License-Identifier: MIT */
/* status - the status of a monitoring plugin */
#ifndef HELLOD_STATUS_H
#define HELLOD_STATUS_H

/* "Plugin Return Codes" in the Monitoring Plugins' development guidelines: the exit statuses. */
enum status {
	STATUS_OK = 0,
	STATUS_WARNING = 1,
	STATUS_CRITICAL = 2,
	STATUS_UNKNOWN = 3,
};

/* The word for a status, such as "OK". Static. */
const char *status_word(enum status status);

/* Parses a word, in any case, or a number. Returns 0, or -EINVAL if `text` is neither. */
int status_parse(const char *text, enum status *ret_status);

#endif
