/* SPDX-License-Identifier: MIT */
/* report - the result of a probe, as a monitoring plugin tells it */
#include "config.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "check_hello/report.h"
#include "check_hello/text.h"
#include "common/clock.h"
#include "probe/explain.h"

/* Of the frame, at a verbosity of 3. */
#define FRAME_SHOWN_BYTES 256

static double seconds(uint64_t usec)
{
	return (double)usec / USEC_PER_SEC;
}

static void print_string(const char *text, size_t most)
{
	text_print(text, text != NULL ? strlen(text) : 0, most);
}

static bool is_crossed(const struct threshold *threshold, const struct probe_result *result)
{
	return threshold->given != NULL &&
	       range_alerts(&threshold->range, (int64_t)result->time_usec);
}

/* Returns the status, and the threshold that it is from or NULL. */
static enum status find_status(const struct options *options, const struct probe_result *result,
			       const struct threshold **ret_crossed)
{
	*ret_crossed = NULL;
	switch (result->outcome) {
	case OUTCOME_GREETED:
		if (is_crossed(&options->critical, result)) {
			*ret_crossed = &options->critical;
			return STATUS_CRITICAL;
		}
		if (is_crossed(&options->warning, result)) {
			*ret_crossed = &options->warning;
			return STATUS_WARNING;
		}
		return STATUS_OK;
	case OUTCOME_TIMED_OUT:
		return options->timeout_status;
	case OUTCOME_SYSTEM_ERROR:
		return STATUS_UNKNOWN;
	case OUTCOME_UNKNOWN_HOST:
		/*
		 * The guidelines want errors of name resolution not to be UNKNOWN, but wrong usage,
		 * such as a port that is not in services(5).
		 */
		return result->error == EAI_SERVICE ? STATUS_UNKNOWN : STATUS_CRITICAL;
	default:
		return STATUS_CRITICAL;
	}
}

static void print_address(const struct connect_attempt *attempt, const struct endpoint *endpoint)
{
	struct address_text address;

	address_format(attempt->to, &address);
	print_string(endpoint_address(endpoint, address.whole), TEXT_CHARACTERS_MAX);
}

static void print_greeting(const struct options *options, const struct probe_result *result)
{
	fputs("greeted with \"", stdout);
	text_print(result->text, result->text_length, TEXT_CHARACTERS_MAX);
	fputs("\" by ", stdout);
	print_address(result->connected, &options->target.endpoint);
	printf(" in %.6f s", seconds(result->time_usec));
}

static void print_explanation(const struct options *options, const struct probe_result *result)
{
	char *explanation = explain_result(&options->target, result, TEXT_CHARACTERS_MAX);

	print_string(explanation, TEXT_WHOLE);
	free(explanation);
}

/* Prints how long each phase took that came to its end. */
static void print_phases(const struct probe_result *result)
{
	static const char *const names[] = {"resolve", "connect", "first byte", "whole frame"};
	const char *separator = " (";
	uint64_t usec;

	for (enum phase phase = PHASE_RESOLVE; phase <= PHASE_FRAME; phase++) {
		if (!probe_phase(result, phase, &usec))
			continue;
		printf("%s%s %.6f s", separator, names[phase], seconds(usec));
		separator = ", ";
	}
	if (separator[0] == ',')
		putchar(')');
}

/* Prints time=VALUE;WARNING;CRITICAL;MINIMUM;MAXIMUM, where "U" is an unknown value. */
static void print_performance(const struct options *options, const struct probe_result *result)
{
	const char *warning = options->warning.given, *critical = options->critical.given;

	if (result->text != NULL)
		printf("|time=%.6fs", seconds(result->time_usec));
	else
		fputs("|time=U", stdout);
	/* All microseconds of a day have eleven digits, so there is no exponent. */
	printf(";%s;%s;0;%.11g\n", warning != NULL ? warning : "", critical != NULL ? critical : "",
	       seconds(options->target.timeout_usec));
}

static void print_configuration(const struct options *options)
{
	const struct probe_target *target = &options->target;
	const char *warning = options->warning.given, *critical = options->critical.given;
	const char *quote = target->expected != NULL ? "\"" : "";
	char endpoint[ENDPOINT_BYTES];

	fputs("server: ", stdout);
	print_string(endpoint_format(&target->endpoint, endpoint), TEXT_WHOLE);
	if (target->family != AF_UNSPEC)
		printf(", IPv%c only", target->family == AF_INET ? '4' : '6');
	if (target->request_bytes > 0)
		printf(", asked by datagrams of %zu bytes", target->request_bytes);
	printf("\ntimeout: %.11g s, then %s\n", seconds(target->timeout_usec),
	       status_word(options->timeout_status));
	printf("warning range: %s\n", warning != NULL ? warning : "none");
	printf("critical range: %s\n", critical != NULL ? critical : "none");
	printf("expected greeting: %s", quote);
	print_string(target->expected != NULL ? target->expected : "any", TEXT_WHOLE);
	printf("%s\n", quote);
}

static void print_attempt(const struct connect_attempt *attempt, const struct endpoint *endpoint)
{
	print_address(attempt, endpoint);
	printf(": %s", explain_attempt_state(attempt));
	if (attempt->state == ATTEMPT_FAILED)
		printf(" (%s)", strerror(attempt->error));
	if (attempt->state != ATTEMPT_NOT_TRIED)
		printf(" after %.6f s", seconds(attempt->ended_usec - attempt->started_usec));
	if (attempt->asked > 1)
		printf(", asked %u times", attempt->asked);
	putchar('\n');
}

static void print_frame(const struct probe_result *result)
{
	printf("received: %zu bytes", result->frame_have);
	for (size_t i = 0; i < result->frame_have && i < FRAME_SHOWN_BYTES; i++)
		printf("%s%02x", i == 0 ? ": " : " ", result->frame[i]);
	if (result->frame_have > FRAME_SHOWN_BYTES)
		fputs("...", stdout);
	putchar('\n');
	if (result->text == NULL)
		return;
	fputs("greeting: ", stdout);
	text_print(result->text, result->text_length, TEXT_WHOLE);
	putchar('\n');
}

enum status report_print(const struct options *options, const struct probe_result *result)
{
	const struct threshold *crossed;
	enum status status = find_status(options, result, &crossed);

	printf("HELLO %s: ", status_word(status));
	if (result->outcome == OUTCOME_GREETED)
		print_greeting(options, result);
	else
		print_explanation(options, result);
	if (crossed != NULL)
		printf(", %s the %s range %s", crossed->range.inside ? "inside" : "outside",
		       crossed == &options->critical ? "critical" : "warning", crossed->given);
	if (options->verbosity >= 1)
		print_phases(result);
	print_performance(options, result);

	if (options->verbosity >= 2) {
		print_configuration(options);
		for (size_t i = 0; result->attempts != NULL && i < result->addresses.count; i++)
			print_attempt(&result->attempts[i], &options->target.endpoint);
	}
	if (options->verbosity >= 3)
		print_frame(result);
	return status;
}
