/* SPDX-License-Identifier: MIT */
/* report - client side: tells what came of a probe */
#include "config.h"

#include <string.h>

#include "address.h"
#include "monotonic.h"
#include "printable.h"
#include "report.h"

enum report_exit report_exit_status(const struct probe_result *result)
{
	switch (result->status) {
	case PROBE_GREETED:
		return REPORT_EXIT_GREETED;
	case PROBE_UNRESOLVED:
	case PROBE_SYSTEM_ERROR:
		return REPORT_EXIT_NOT_TRIED;
	default:
		return REPORT_EXIT_NO_GREETING;
	}
}

void report_greeting(const struct probe_result *result, bool on_terminal, FILE *stream)
{
	if (on_terminal)
		printable_write(result->text, result->text_length, stream);
	else
		fwrite(result->text, 1, result->text_length, stream);
	putc('\n', stream);
}

static void print_address(const struct resolve_address *address, FILE *stream)
{
	struct address_text text;
	char joined[ADDRESS_BYTES];

	address_format((const struct sockaddr *)&address->address, address->length, &text);
	address_join(&text, joined);
	fprintf(stream, "%s: ", joined);
}

static void print_timeout(const struct probe_target *target, FILE *stream)
{
	fprintf(stream, "timed out after %g s", (double)target->timeout_usec / USEC_PER_SEC);
}

/* Every address that was tried, and how it failed. */
static void print_attempts(const struct probe_target *target, const struct probe_result *result,
			   FILE *stream)
{
	const char *separator = "";

	for (size_t i = 0; i < result->addresses.count; i++) {
		const struct dial_attempt *attempt = &result->attempts[i];

		if (attempt->outcome == DIAL_NOT_TRIED)
			continue;
		fputs(separator, stream);
		print_address(&result->addresses.addresses[i], stream);
		if (attempt->outcome == DIAL_FAILED)
			fputs(strerror(attempt->error), stream);
		else
			print_timeout(target, stream);
		separator = "; ";
	}
}

/* How much of the frame came. Its length is only known from its header. */
static void print_progress(const struct probe_result *result, FILE *stream)
{
	size_t have = result->frame_have;
	size_t whole = have + frame_missing(result->frame, have);

	fprintf(stream, " after %zu of %zu %sbytes", have, whole,
		have < FRAME_HEADER_BYTES ? "header " : "");
}

static void print_broken(const struct probe_target *target, const struct probe_result *result,
			 FILE *stream)
{
	print_address(&result->addresses.addresses[result->winner], stream);
	switch (result->status) {
	case PROBE_TIMED_OUT:
		print_timeout(target, stream);
		fputs(",", stream);
		print_progress(result, stream);
		break;
	case PROBE_RESET:
		fputs(strerror(result->system_error), stream);
		print_progress(result, stream);
		break;
	case PROBE_CLOSED:
		fputs("closed", stream);
		print_progress(result, stream);
		/* What systemd does with a client too many, and what a broken service does. */
		if (result->frame_have == 0)
			fputs(": too many connections, or its service fails", stream);
		break;
	default:
		fprintf(stream, "malformed at byte %zu of the greeting's %zu", result->bad_offset,
			result->frame_have - FRAME_HEADER_BYTES);
	}
}

void report_failure(const struct probe_target *target, const struct probe_result *result,
		    FILE *stream)
{
	if (result->status == PROBE_UNRESOLVED) {
		fprintf(stream, "%s: %s", target->host, resolve_strerror(result->resolve_error));
	} else if (result->status == PROBE_SYSTEM_ERROR) {
		fprintf(stream, "%s: %s", target->host, strerror(result->system_error));
	} else if (result->connected_usec != 0) {
		print_broken(target, result, stream);
	} else if (result->attempts != NULL && result->attempts[0].outcome != DIAL_NOT_TRIED) {
		print_attempts(target, result, stream);
	} else {
		fprintf(stream, "%s: name resolution ", target->host);
		print_timeout(target, stream);
	}
}
