/* SPDX-License-Identifier: MIT */
/* report_json - the report for programs: one object per line */
#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/report.h"
#include "common/clock.h"
#include "common/number.h"
#include "common/utf8.h"
#include "probe/escape.h"
#include "probe/explain.h"

/* The keys and words are an interface, described in hello-client(1): never change one. */

/* Set if a part of the object could not be made, until print_line() reports it. */
static bool out_of_memory;

/* For everything that json-c makes. */
static struct json_object *made(struct json_object *object)
{
	out_of_memory = out_of_memory || object == NULL;
	return object;
}

/* A `value` of NULL stands for null. */
static void add(struct json_object *object, const char *key, struct json_object *value)
{
	if (object == NULL || json_object_object_add(object, key, value) < 0) {
		out_of_memory = true;
		json_object_put(value);
	}
}

static struct json_object *number(uint64_t value)
{
	return made(json_object_new_int64((int64_t)value));
}

/* Replaces bytes of a host or a path that are not UTF-8: RFC 8259, section 8.1. */
static struct json_object *string(const char *text)
{
	size_t length = strlen(text), offset = 0, used = 0;
	char *clean = malloc(length * UTF8_BYTES_MAX + 1);
	struct json_object *object;

	if (clean == NULL)
		return made(NULL);
	while (offset < length) {
		uint32_t c;
		size_t n = utf8_get(text + offset, length - offset, &c);

		used += utf8_put(clean + used, n > 0 ? c : UTF8_REPLACEMENT);
		offset += n > 0 ? n : 1;
	}
	object = made(json_object_new_string_len(clean, (int)used));
	free(clean);
	return object;
}

/* Writes microseconds: the digits that the clock has, and no more. */
static struct json_object *seconds(double usec)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%.6f", usec / USEC_PER_SEC);
	return made(json_object_new_double_s(usec / USEC_PER_SEC, digits));
}

/* The time of a phase, or null if it was not completed. */
static struct json_object *phase(const struct probe_result *result, enum phase phase)
{
	uint64_t usec;

	return probe_phase(result, phase, &usec) ? seconds((double)usec) : NULL;
}

/* The name of a service is a number once it is looked up. `result` is NULL if there is none. */
static struct json_object *port(const struct endpoint *endpoint, const struct probe_result *result)
{
	struct address_text text;
	uint64_t value;

	if (number_parse(endpoint->port, 0, UINT32_MAX, &value) == 0)
		return number(value);
	if (result == NULL || result->addresses.count == 0)
		return NULL;
	address_format(&result->addresses.addresses[0], &text);
	return text.port[0] != '\0' ? number(strtoul(text.port, NULL, 10)) : NULL;
}

/* The server as given, in a form that can be given again. */
static void add_endpoint(struct json_object *object, const struct endpoint *endpoint,
			 const struct probe_result *result)
{
	char text[ENDPOINT_BYTES];

	add(object, "endpoint", string(endpoint_format(endpoint, text)));
	add(object, "host", string(endpoint->host));
	add(object, "port", port(endpoint, result));
}

static struct json_object *address(const struct endpoint *endpoint,
				   const struct connect_attempt *attempt)
{
	struct address_text text;

	address_format(attempt->to, &text);
	return string(endpoint_address(endpoint, text.host));
}

static struct json_object *family(const struct connect_attempt *attempt)
{
	switch (attempt->to->storage.ss_family) {
	case AF_INET:
		return string("ipv4");
	case AF_INET6:
		return string("ipv6");
	case AF_VSOCK:
		return string("vsock");
	default:
		return string("unix");
	}
}

static struct json_object *greeting(const struct probe_result *result)
{
	return made(json_object_new_string_len(result->text, (int)result->text_length));
}

static struct json_object *attempts(const struct endpoint *endpoint,
				    const struct probe_result *result)
{
	static const char *const states[] = {
		[ATTEMPT_NOT_TRIED] = "not-tried",  [ATTEMPT_CONNECTED] = "connected",
		[ATTEMPT_FAILED] = "failed",	    [ATTEMPT_TIMED_OUT] = "timed-out",
		[ATTEMPT_SUPERSEDED] = "overtaken",
	};
	struct json_object *array = made(json_object_new_array());

	for (size_t i = 0; result->attempts != NULL && i < result->addresses.count; i++) {
		const struct connect_attempt *attempt = &result->attempts[i];
		struct json_object *object = made(json_object_new_object());
		bool asked = attempt->asked > 0;
		int error = attempt->error;

		add(object, "address", address(endpoint, attempt));
		add(object, "outcome",
		    string(asked && attempt->state == ATTEMPT_CONNECTED ? "answered"
									: states[attempt->state]));
		add(object, "error", error != 0 ? string(strerror(error)) : NULL);
		add(object, "time",
		    attempt->state != ATTEMPT_NOT_TRIED
			    ? seconds((double)(attempt->ended_usec - attempt->started_usec))
			    : NULL);
		add(object, "asked", asked ? number(attempt->asked) : NULL);
		if (array == NULL || json_object_array_add(array, object) < 0) {
			out_of_memory = true;
			json_object_put(object);
		}
	}
	return array;
}

/* Prints the object on one line, and frees it. */
static int print_line(struct json_object *object)
{
	const char *line = NULL;

	if (!out_of_memory)
		line = json_object_to_json_string_ext(
			object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	out_of_memory = false;
	if (line != NULL) {
		/* Not puts(): after an error the newline stays buffered, and fflush() has an errno. */
		fputs(line, stdout);
		putchar('\n');
	}
	json_object_put(object);
	return line != NULL ? 0 : -ENOMEM;
}

static int json_probe(struct report *report, const struct probe_result *result)
{
	const struct endpoint *endpoint = &report->target->endpoint;
	const struct connect_attempt *peer = result->connected;
	bool greeted = result->text != NULL;
	struct json_object *object;
	char *explanation;

	if (report->style->quiet)
		return 0;
	explanation = explain_result(report->target, result, ESCAPE_WHOLE);
	if (explanation == NULL)
		return -ENOMEM;

	object = made(json_object_new_object());
	add(object, "type", string("greeting"));
	add(object, "sequence", number(report->stats.tried));
	add_endpoint(object, endpoint, result);
	add(object, "address", peer != NULL ? address(endpoint, peer) : NULL);
	add(object, "family", peer != NULL ? family(peer) : NULL);
	add(object, "status", string(outcome_word(result->outcome)));
	add(object, "exit", number((uint64_t)outcome_exit_status(result->outcome)));
	add(object, "error", explanation[0] != '\0' ? string(explanation) : NULL);
	add(object, "greeting", greeted ? greeting(result) : NULL);
	add(object, "frame_length", greeted ? number(result->frame_have) : NULL);
	add(object, "time", seconds((double)result->time_usec));
	add(object, "resolve_time", phase(result, PHASE_RESOLVE));
	add(object, "connect_time", phase(result, PHASE_CONNECT));
	add(object, "first_byte_time", phase(result, PHASE_FIRST_BYTE));
	add(object, "frame_time", phase(result, PHASE_FRAME));
	add(object, "close_time", phase(result, PHASE_CLOSE));
	add(object, "attempts", attempts(endpoint, result));
	free(explanation);
	return print_line(object);
}

static struct json_object *percentile(struct stats *stats, unsigned percent)
{
	if (stats->greeted < STATS_PERCENTILES_MIN)
		return NULL;
	return seconds((double)stats_percentile_usec(stats, percent));
}

static int json_summary(struct report *report)
{
	struct json_object *object = made(json_object_new_object());
	struct stats *stats = &report->stats;
	bool greeted = stats->greeted > 0;
	double loss = stats_loss(stats);
	char digits[32];

	snprintf(digits, sizeof(digits), "%.6g", loss);

	add(object, "type", string("summary"));
	add_endpoint(object, &report->target->endpoint, NULL);
	add(object, "exit", number((uint64_t)report->worst));
	add(object, "tried", number(stats->tried));
	add(object, "greeted", number(stats->greeted));
	add(object, "loss", stats->tried > 0 ? made(json_object_new_double_s(loss, digits)) : NULL);
	add(object, "min", greeted ? seconds((double)stats->min_usec) : NULL);
	add(object, "avg", greeted ? seconds(stats->mean_usec) : NULL);
	add(object, "max", greeted ? seconds((double)stats->max_usec) : NULL);
	add(object, "mdev", greeted ? seconds(stats_mdev_usec(stats)) : NULL);
	add(object, "p50", percentile(stats, 50));
	add(object, "p90", percentile(stats, 90));
	add(object, "p95", percentile(stats, 95));
	add(object, "p99", percentile(stats, 99));
	return print_line(object);
}

const struct report_format report_json = {"json", json_probe, json_summary, true};
