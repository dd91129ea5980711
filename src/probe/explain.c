/* SPDX-License-Identifier: MIT */
/* explain - what went wrong with a probe, in words */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "probe/escape.h"
#include "probe/explain.h"

static double seconds(uint64_t usec)
{
	return (double)usec / USEC_PER_SEC;
}

/* These return as asprintf(3) does. */

/* Every address that was tried, and how it failed. */
static int explain_attempts(const struct probe_target *target, const struct probe_result *result,
			    char **ret_text)
{
	struct address_text text;
	const char *separator = "";
	size_t length;
	FILE *stream = open_memstream(ret_text, &length);

	if (stream == NULL)
		return -1;
	for (size_t i = 0; i < result->addresses.count; i++) {
		const struct connect_attempt *attempt = &result->attempts[i];

		if (attempt->state == ATTEMPT_NOT_TRIED)
			continue;
		address_format(attempt->to, &text);
		fprintf(stream, "%s%s: ", separator, text.whole);
		if (attempt->state == ATTEMPT_FAILED)
			fputs(strerror(attempt->error), stream);
		else
			fprintf(stream, "timed out after %.9g s", seconds(target->timeout_usec));
		separator = "; ";
	}
	return fclose(stream);
}

static int explain_unexpected(const char *address, const struct probe_target *target,
			      const struct probe_result *result, char **ret_text)
{
	char *greeting = escape(result->text, result->text_length);
	char *expected = escape(target->expected, strlen(target->expected));
	int r = -1;

	if (greeting != NULL && expected != NULL)
		r = asprintf(ret_text, "%s: greeted with \"%s\", not with \"%s\"", address,
			     greeting, expected);
	free(greeting);
	free(expected);
	return r;
}

/* What happened after the connection was made. */
static int explain_connected(const struct probe_target *target, const struct probe_result *result,
			     char **ret_text)
{
	struct address_text text;
	const char *address = text.whole;
	char progress[64];
	size_t have = result->frame_have, whole = have + frame_missing(result->frame, have);
	bool slow = result->outcome == OUTCOME_SLOW;

	address_format(result->connected->to, &text);
	/* The length of the frame is known only from its header. */
	snprintf(progress, sizeof(progress), "after %zu of %zu %sbytes", have, whole,
		 have < FRAME_HEADER_BYTES ? "header " : "");

	switch (result->outcome) {
	case OUTCOME_SLOW:
	case OUTCOME_TOO_SLOW:
		return asprintf(ret_text, "%s: took %.6f s, more than %.9g s", address,
				seconds(result->time_usec),
				seconds(slow ? target->warning_usec : target->critical_usec));
	case OUTCOME_UNEXPECTED:
		return explain_unexpected(address, target, result, ret_text);
	case OUTCOME_TIMED_OUT:
		return asprintf(ret_text, "%s: timed out after %.9g s, %s", address,
				seconds(target->timeout_usec), progress);
	case OUTCOME_RESET:
		return asprintf(ret_text, "%s: %s %s", address, strerror(result->error), progress);
	case OUTCOME_CLOSED:
		/* systemd does this above MaxConnections=, and while the service fails. */
		return asprintf(ret_text, "%s: closed %s%s", address, progress,
				have > 0 ? ""
					 : ": connection limit reached, or the service is failing");
	default:
		return asprintf(ret_text, "%s: malformed at byte %zu of the greeting's %zu",
				address, result->bad_offset, have - FRAME_HEADER_BYTES);
	}
}

/* `host` is escaped. */
static int explain_unknown(const char *host, const struct endpoint *endpoint, int error,
			   char **ret_text)
{
	const char *hint = error == EAI_NONAME ? endpoint_hint(endpoint) : NULL;

	if (error == EAI_SERVICE)
		return asprintf(ret_text, "%s: no service '%s' in services(5): give a number", host,
				endpoint->port);
	return asprintf(ret_text, "%s: %s%s%s", host, gai_strerror(error), hint != NULL ? ": " : "",
			hint != NULL ? hint : "");
}

char *explain_result(const struct probe_target *target, const struct probe_result *result)
{
	bool tried = result->attempts != NULL && result->attempts[0].state != ATTEMPT_NOT_TRIED;
	char *host = escape(target->endpoint.host, strlen(target->endpoint.host)), *text = NULL;
	int r;

	if (host == NULL)
		return NULL;
	if (result->outcome == OUTCOME_GREETED)
		r = asprintf(&text, "%s", "");
	else if (result->outcome == OUTCOME_UNKNOWN_HOST)
		r = explain_unknown(host, &target->endpoint, result->error, &text);
	else if (result->outcome == OUTCOME_SYSTEM_ERROR)
		r = asprintf(&text, "%s: %s", host, strerror(result->error));
	else if (result->outcome == OUTCOME_INTERRUPTED)
		r = asprintf(&text, "%s: interrupted", host);
	else if (result->connected != NULL)
		r = explain_connected(target, result, &text);
	else if (tried)
		r = explain_attempts(target, result, &text);
	else
		r = asprintf(&text, "%s: %stimed out after %.9g s", host,
			     result->resolved_usec == 0 ? "name resolution " : "",
			     seconds(target->timeout_usec));
	free(host);
	return r < 0 ? NULL : text;
}
