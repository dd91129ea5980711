/* SPDX-License-Identifier: MIT */
/* report_json - the report for programs: one object a line, described in hello-client(1) */
#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "client/report_formats.h"
#include "common/clock.h"
#include "common/utf8.h"

/* The keys and words here are an interface: add to them, but never change one. */

/* Seconds with all digits that the clock has, and no more. */
static struct json_object *seconds(double usec)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%.6f", usec / USEC_PER_SEC);
	return json_object_new_double_s(usec / USEC_PER_SEC, digits);
}

/* A phase, or null if it did not come to an end. */
static struct json_object *phase(uint64_t from_usec, uint64_t to_usec)
{
	return to_usec != 0 ? seconds((double)(to_usec - from_usec)) : NULL;
}

/*
 * A string from the command line or the C library, which may be in any character set: what is not
 * UTF-8 would not be JSON (RFC 8259, section 8.1), so U+FFFD stands for it.
 */
static struct json_object *string(const char *text)
{
	size_t length = strlen(text), used = 0, n;
	char *clean = malloc(length * UTF8_BYTES_MAX + 1);
	struct json_object *object;

	if (clean == NULL)
		return NULL;
	for (size_t offset = 0; offset<length; offset += n> 0 ? n : 1) {
		uint32_t c = UTF8_REPLACEMENT;

		n = utf8_get(text + offset, length - offset, &c);
		used += utf8_put(clean + used, n > 0 ? c : UTF8_REPLACEMENT);
	}
	object = json_object_new_string_len(clean, (int)used);
	free(clean);
	return object;
}

static struct json_object *string_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? string(text) : NULL;
}

static const char *family_word(int family)
{
	switch (family) {
	case AF_INET:
		return "ipv4";
	case AF_INET6:
		return "ipv6";
	case AF_UNIX:
		return "unix";
	default:
		return NULL;
	}
}

static const char *outcome_word(enum dial_outcome outcome)
{
	static const char *const words[] = {
		[DIAL_NOT_TRIED] = "not-tried", [DIAL_PENDING] = "pending",
		[DIAL_CONNECTED] = "connected", [DIAL_FAILED] = "failed",
		[DIAL_TIMED_OUT] = "timed-out", [DIAL_OVERTAKEN] = "overtaken",
	};

	return words[outcome];
}

static struct json_object *attempts(const struct probe_result *result)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; result->attempts != NULL && i < result->addresses.count; i++) {
		const struct resolve_address *address = &result->addresses.addresses[i];
		const struct dial_attempt *attempt = &result->attempts[i];
		struct json_object *object = json_object_new_object();
		struct address_text text;

		address_format((const struct sockaddr *)&address->address, address->length, &text);
		json_object_object_add(object, "address", json_object_new_string(text.host));
		json_object_object_add(object, "outcome",
				       json_object_new_string(outcome_word(attempt->outcome)));
		json_object_object_add(
			object, "error",
			attempt->error != 0 ? string_or_null(strerror(attempt->error)) : NULL);
		json_object_object_add(object, "time",
				       phase(attempt->started_usec, attempt->ended_usec));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *port(const struct report *report)
{
	if (report->target->host[0] == '/')
		return NULL;
	return json_object_new_int(atoi(report->target->port));
}

/* Prints and frees the object. */
static int print_line(struct json_object *object, FILE *stream)
{
	size_t length = 0;
	const char *line = json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);

	if (line != NULL) {
		fwrite(line, 1, length, stream);
		putc('\n', stream);
	}
	json_object_put(object);
	return line != NULL ? 0 : -ENOMEM;
}

int report_json_probe(struct report *report, uint64_t sequence, enum verdict verdict,
		      const struct probe_result *result)
{
	bool whole = result->text != NULL;
	struct address_text peer = {0};
	struct json_object *object;
	const char *family = NULL;
	char *explanation;

	if (report->quiet)
		return 0;
	explanation = report_explanation(report, verdict, result);
	if (explanation == NULL)
		return -ENOMEM;
	if (report_peer(result, &peer))
		family = family_word(result->addresses.addresses[result->winner].address.ss_family);

	object = json_object_new_object();
	json_object_object_add(object, "type", json_object_new_string("greeting"));
	json_object_object_add(object, "sequence", json_object_new_int64((int64_t)sequence));
	json_object_object_add(object, "host", string(report->target->host));
	json_object_object_add(object, "port", port(report));
	json_object_object_add(object, "address", string_or_null(peer.host));
	json_object_object_add(object, "family", string_or_null(family));
	json_object_object_add(object, "status", json_object_new_string(verdict_word(verdict)));
	json_object_object_add(object, "exit", json_object_new_int((int)verdict_exit(verdict)));
	json_object_object_add(object, "error", string_or_null(explanation));
	json_object_object_add(
		object, "greeting",
		whole ? json_object_new_string_len(result->text, (int)result->text_length) : NULL);
	json_object_object_add(object, "frame_length",
			       whole ? json_object_new_int((int)result->frame_have) : NULL);
	json_object_object_add(object, "time", seconds((double)verdict_time_usec(result)));
	json_object_object_add(object, "resolve_time",
			       phase(result->started_usec, result->resolved_usec));
	json_object_object_add(object, "connect_time",
			       phase(result->resolved_usec, result->connected_usec));
	json_object_object_add(object, "first_byte_time",
			       phase(result->connected_usec, result->first_byte_usec));
	json_object_object_add(object, "frame_time",
			       whole ? phase(result->first_byte_usec, result->ended_usec) : NULL);
	json_object_object_add(object, "close_time",
			       phase(result->ended_usec, result->closed_usec));
	json_object_object_add(object, "attempts", attempts(result));
	free(explanation);
	return print_line(object, report->out);
}

static void add_percentile(struct json_object *object, struct stats *stats, const char *key,
			   unsigned percent)
{
	bool known = stats->greeted >= STATS_PERCENTILES_MIN;

	json_object_object_add(
		object, key, known ? seconds((double)stats_percentile_usec(stats, percent)) : NULL);
}

int report_json_summary(struct report *report, enum verdict_exit worst, struct stats *stats)
{
	struct json_object *object;
	bool any = stats->greeted > 0;
	char loss[32];

	if (!report->counting)
		return 0;
	snprintf(loss, sizeof(loss), "%.6g", stats_loss(stats));

	object = json_object_new_object();
	json_object_object_add(object, "type", json_object_new_string("summary"));
	json_object_object_add(object, "host", string(report->target->host));
	json_object_object_add(object, "port", port(report));
	json_object_object_add(object, "exit", json_object_new_int((int)worst));
	json_object_object_add(object, "tried", json_object_new_int64((int64_t)stats->tried));
	json_object_object_add(object, "greeted", json_object_new_int64((int64_t)stats->greeted));
	json_object_object_add(object, "loss",
			       stats->tried > 0 ? json_object_new_double_s(stats_loss(stats), loss)
						: NULL);
	json_object_object_add(object, "min", any ? seconds((double)stats->min_usec) : NULL);
	json_object_object_add(object, "avg", any ? seconds(stats->mean_usec) : NULL);
	json_object_object_add(object, "max", any ? seconds((double)stats->max_usec) : NULL);
	json_object_object_add(object, "mdev", any ? seconds(stats_mdev_usec(stats)) : NULL);
	add_percentile(object, stats, "p50", 50);
	add_percentile(object, stats, "p90", 90);
	add_percentile(object, stats, "p95", 95);
	add_percentile(object, stats, "p99", 99);
	return print_line(object, report->out);
}
