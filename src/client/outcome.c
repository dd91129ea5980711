/* SPDX-License-Identifier: MIT */
/* outcome - client side: what a probe's outcome means to the one who asked */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "client/escape.h"
#include "client/outcome.h"
#include "common/address.h"
#include "common/clock.h"

static const struct {
	const char *word;
	enum verdict_exit exit;
} meanings[] = {
	[VERDICT_GREETED] = {"greeted", VERDICT_EXIT_GREETED},
	[VERDICT_SLOW] = {"slow", VERDICT_EXIT_SLOW},
	[VERDICT_TOO_SLOW] = {"too-slow", VERDICT_EXIT_NO_GREETING},
	[VERDICT_UNEXPECTED] = {"unexpected", VERDICT_EXIT_NO_GREETING},
	[VERDICT_REFUSED] = {"refused", VERDICT_EXIT_NO_GREETING},
	[VERDICT_UNREACHABLE] = {"unreachable", VERDICT_EXIT_NO_GREETING},
	[VERDICT_TIMED_OUT] = {"timed-out", VERDICT_EXIT_NO_GREETING},
	[VERDICT_RESET] = {"reset", VERDICT_EXIT_NO_GREETING},
	[VERDICT_CLOSED] = {"closed", VERDICT_EXIT_NO_GREETING},
	[VERDICT_MALFORMED] = {"malformed", VERDICT_EXIT_NO_GREETING},
	[VERDICT_UNKNOWN_HOST] = {"unknown-host", VERDICT_EXIT_NOT_TRIED},
	[VERDICT_SYSTEM_ERROR] = {"system-error", VERDICT_EXIT_NOT_TRIED},
	[VERDICT_INTERRUPTED] = {"interrupted", VERDICT_EXIT_NOT_TRIED},
};

const char *verdict_word(enum verdict verdict)
{
	return meanings[verdict].word;
}

enum verdict_exit verdict_exit(enum verdict verdict)
{
	return meanings[verdict].exit;
}

enum verdict_exit verdict_worse(enum verdict_exit a, enum verdict_exit b)
{
	static const int rank[] = {
		[VERDICT_EXIT_GREETED] = 0,
		[VERDICT_EXIT_SLOW] = 1,
		[VERDICT_EXIT_NOT_TRIED] = 2,
		[VERDICT_EXIT_NO_GREETING] = 3,
	};

	return rank[a] > rank[b] ? a : b;
}

uint64_t verdict_time_usec(const struct probe_result *result)
{
	return result->ended_usec - result->started_usec;
}

static enum verdict greeted(const struct probe_result *result,
			    const struct expectation *expectation)
{
	uint64_t time_usec = verdict_time_usec(result);

	if (expectation->text != NULL &&
	    (result->text_length != strlen(expectation->text) ||
	     memcmp(result->text, expectation->text, result->text_length) != 0))
		return VERDICT_UNEXPECTED;
	if (time_usec > expectation->critical_usec)
		return VERDICT_TOO_SLOW;
	return time_usec > expectation->warning_usec ? VERDICT_SLOW : VERDICT_GREETED;
}

static enum verdict unconnected(const struct probe_result *result)
{
	/* What tells most comes first. A reset came before we had seen that we were connected. */
	static const struct {
		int error;
		enum verdict verdict;
	} telling[] = {
		{ECONNREFUSED, VERDICT_REFUSED},
		{ECONNRESET, VERDICT_RESET},
		{ETIMEDOUT, VERDICT_TIMED_OUT},
	};

	for (size_t i = 0; i < sizeof(telling) / sizeof(*telling); i++)
		for (size_t j = 0; j < result->addresses.count; j++)
			if (result->attempts[j].error == telling[i].error)
				return telling[i].verdict;
	return VERDICT_UNREACHABLE;
}

enum verdict verdict_of(const struct probe_result *result, const struct expectation *expectation)
{
	switch (result->status) {
	case PROBE_GREETED:
		return greeted(result, expectation);
	case PROBE_UNRESOLVED:
		return VERDICT_UNKNOWN_HOST;
	case PROBE_UNCONNECTED:
		return unconnected(result);
	case PROBE_RESET:
		return VERDICT_RESET;
	case PROBE_CLOSED:
		return VERDICT_CLOSED;
	case PROBE_TIMED_OUT:
		return VERDICT_TIMED_OUT;
	case PROBE_MALFORMED:
		return VERDICT_MALFORMED;
	case PROBE_INTERRUPTED:
		return VERDICT_INTERRUPTED;
	case PROBE_SYSTEM_ERROR:
		break;
	}
	return VERDICT_SYSTEM_ERROR;
}

static void explain_address(const struct resolve_address *address, FILE *stream)
{
	struct address_text text;
	char joined[ADDRESS_BYTES];

	address_format((const struct sockaddr *)&address->address, address->length, &text);
	address_join(&text, joined);
	fprintf(stream, "%s: ", joined);
}

static void explain_host(const struct probe_target *target, const char *what, FILE *stream)
{
	printable_write(target->host, strlen(target->host), stream);
	fprintf(stream, ": %s", what);
}

static void explain_timeout(const struct probe_target *target, FILE *stream)
{
	fprintf(stream, "timed out after %.9g s", (double)target->timeout_usec / USEC_PER_SEC);
}

/* Every address that was tried, and how it failed. */
static void explain_attempts(const struct probe_target *target, const struct probe_result *result,
			     FILE *stream)
{
	const char *separator = "";

	for (size_t i = 0; i < result->addresses.count; i++) {
		const struct dial_attempt *attempt = &result->attempts[i];

		if (attempt->outcome == DIAL_NOT_TRIED)
			continue;
		fputs(separator, stream);
		explain_address(&result->addresses.addresses[i], stream);
		if (attempt->outcome == DIAL_FAILED)
			fputs(strerror(attempt->error), stream);
		else
			explain_timeout(target, stream);
		separator = "; ";
	}
}

/* How much of the frame came. Its length is only known from its header. */
static void explain_progress(const struct probe_result *result, FILE *stream)
{
	size_t have = result->frame_have;
	size_t whole = have + frame_missing(result->frame, have);

	fprintf(stream, " after %zu of %zu %sbytes", have, whole,
		have < FRAME_HEADER_BYTES ? "header " : "");
}

static void explain_text(const char *text, size_t length, FILE *stream)
{
	putc('"', stream);
	printable_write(text, length, stream);
	putc('"', stream);
}

static void explain_unexpected(const struct probe_result *result, const char *expected,
			       FILE *stream)
{
	fputs("greeted with ", stream);
	explain_text(result->text, result->text_length, stream);
	fputs(", not with ", stream);
	explain_text(expected, strlen(expected), stream);
}

static void explain_slow(const struct probe_result *result, uint64_t limit_usec, FILE *stream)
{
	fprintf(stream, "took %.6f s, more than %.9g s",
		(double)verdict_time_usec(result) / USEC_PER_SEC,
		(double)limit_usec / USEC_PER_SEC);
}

/* How it went with the address that was connected to. */
static void explain_connection(enum verdict verdict, const struct probe_target *target,
			       const struct expectation *expectation,
			       const struct probe_result *result, FILE *stream)
{
	explain_address(&result->addresses.addresses[result->winner], stream);
	switch (verdict) {
	case VERDICT_SLOW:
		explain_slow(result, expectation->warning_usec, stream);
		break;
	case VERDICT_TOO_SLOW:
		explain_slow(result, expectation->critical_usec, stream);
		break;
	case VERDICT_UNEXPECTED:
		explain_unexpected(result, expectation->text, stream);
		break;
	case VERDICT_TIMED_OUT:
		explain_timeout(target, stream);
		putc(',', stream);
		explain_progress(result, stream);
		break;
	case VERDICT_RESET:
		fputs(strerror(result->system_error), stream);
		explain_progress(result, stream);
		break;
	case VERDICT_CLOSED:
		fputs("closed", stream);
		explain_progress(result, stream);
		/* What systemd does with a client too many, and what a broken service does. */
		if (result->frame_have == 0)
			fputs(": too many connections, or its service fails", stream);
		break;
	default:
		fprintf(stream, "malformed at byte %zu of the greeting's %zu", result->bad_offset,
			result->frame_have - FRAME_HEADER_BYTES);
	}
}

void verdict_explain(enum verdict verdict, const struct probe_target *target,
		     const struct expectation *expectation, const struct probe_result *result,
		     FILE *stream)
{
	bool tried = result->attempts != NULL && result->attempts[0].outcome != DIAL_NOT_TRIED;

	switch (verdict) {
	case VERDICT_GREETED:
		break;
	case VERDICT_UNKNOWN_HOST:
		explain_host(target, resolve_strerror(result->resolve_error), stream);
		break;
	case VERDICT_SYSTEM_ERROR:
		explain_host(target, strerror(result->system_error), stream);
		break;
	case VERDICT_INTERRUPTED:
		explain_host(target, "interrupted", stream);
		break;
	default:
		if (result->connected_usec != 0) {
			explain_connection(verdict, target, expectation, result, stream);
		} else if (tried) {
			explain_attempts(target, result, stream);
		} else {
			explain_host(target, result->resolved_usec == 0 ? "name resolution " : "",
				     stream);
			explain_timeout(target, stream);
		}
	}
}
