/* SPDX-License-Identifier: MIT */
/* fuzz_report - any result as hello-client prints it: for people, as JSON and as metrics */
#include "config.h"

#include <json-c/json.h>
#include <math.h>

#include "client/report.h"
#include "common/utf8.h"
#include "made_result.h"
#include "metrics.h"
#include "probe/escape.h"
#include "probe/explain.h"

static struct report report;
static struct probe_result result;

/* Escaped text is harmless, and is not changed by escaping it again. */
static void check_escape(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size), *escaped = escape(text, size), *again;

	REQUIRE(escaped != NULL && made_is_harmless(escaped, strlen(escaped)));
	REQUIRE(strchr(escaped, '\n') == NULL);
	again = escape(escaped, strlen(escaped));
	REQUIRE(strcmp(again, escaped) == 0);
	if (memchr(data, 0, size) == NULL && made_is_harmless(text, size) &&
	    memchr(data, '\n', size) == NULL)
		REQUIRE(fuzz_equal(escaped, strlen(escaped), text, size));
	free(again);
	free(escaped);
	free(text);
}

/* Prints a result and a summary, or one of them. The caller frees what was printed. */
static char *print(const struct report_format *format, bool summary, size_t *ret_length)
{
	report.format = format;
	made_catch(&stdout);
	REQUIRE((summary ? format->summary(&report) : format->probe(&report, &result)) == 0);
	return made_take(&stdout, ret_length);
}

static struct json_object *get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	REQUIRE(json_object_object_get_ex(object, key, &value));
	return value;
}

static void check_seconds(struct json_object *object, const char *key, bool known, double usec)
{
	struct json_object *value = get(object, key);

	REQUIRE((value != NULL) == known);
	if (known)
		REQUIRE(fabs(json_object_get_double(value) - usec / 1e6) < 1e-6);
}

/* Bytes that are not UTF-8 are replaced, and nothing else. */
static void check_string(struct json_object *value, const char *text, size_t length)
{
	char *clean = fuzz_allocate(length * 3 + 1);
	size_t used = 0, n;

	for (size_t offset = 0; offset<length; offset += n> 0 ? n : 1) {
		uint32_t c;

		n = utf8_get(text + offset, length - offset, &c);
		memcpy(clean + used, n > 0 ? text + offset : "\xEF\xBF\xBD", n > 0 ? n : 3);
		used += n > 0 ? n : 3;
	}
	REQUIRE(json_object_is_type(value, json_type_string));
	REQUIRE(fuzz_equal(json_object_get_string(value), (size_t)json_object_get_string_len(value),
			   clean, used));
	free(clean);
}

/* Parses one line, which must be one object. */
static struct json_object *parse(const char *line, size_t length)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	uint32_t ignored;
	size_t n;

	REQUIRE(length > 0 && memchr(line, '\n', length) == line + length - 1);
	for (size_t offset = 0; offset < length; offset += n)
		REQUIRE((n = utf8_get(line + offset, length - offset, &ignored)) > 0);
	/* json-c 0.18 then refuses all text but ASCII. */
	if (json_c_version_num() != 18 << 8)
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, line, (int)length - 1);
	REQUIRE(object != NULL && json_tokener_get_error(tokener) == json_tokener_success);
	json_tokener_free(tokener);
	return object;
}

static void check_endpoint(struct json_object *object)
{
	const struct endpoint *endpoint = &report.target->endpoint;
	char text[ENDPOINT_BYTES];

	endpoint_format(endpoint, text);
	check_string(get(object, "endpoint"), text, strlen(text));
	check_string(get(object, "host"), endpoint->host, strlen(endpoint->host));
}

static void check_json_probe(void)
{
	size_t length;
	char *line = print(&report_json, false, &length);
	struct json_object *object = parse(line, length), *greeting = get(object, "greeting");
	uint64_t usec = 0;
	bool known;

	check_endpoint(object);
	REQUIRE(strcmp(json_object_get_string(get(object, "status")),
		       outcome_word(result.outcome)) == 0);
	REQUIRE(json_object_get_int(get(object, "exit")) == outcome_exit_status(result.outcome));
	REQUIRE((get(object, "error") == NULL) == (result.outcome == OUTCOME_GREETED));
	REQUIRE((greeting != NULL) == (result.text != NULL));
	if (greeting != NULL)
		check_string(greeting, result.text, result.text_length);
	check_seconds(object, "time", true, (double)result.time_usec);
	known = probe_phase(&result, PHASE_CONNECT, &usec);
	check_seconds(object, "connect_time", known, (double)usec);
	known = probe_phase(&result, PHASE_CLOSE, &usec);
	check_seconds(object, "close_time", known, (double)usec);
	REQUIRE(json_object_array_length(get(object, "attempts")) == result.addresses.count);
	json_object_put(object);
	free(line);
}

static void check_json_summary(void)
{
	struct stats *stats = &report.stats;
	size_t length;
	char *line = print(&report_json, true, &length);
	struct json_object *object = parse(line, length);

	check_endpoint(object);
	REQUIRE(json_object_get_uint64(get(object, "tried")) == stats->tried);
	REQUIRE(json_object_get_uint64(get(object, "greeted")) == stats->greeted);
	check_seconds(object, "min", stats->greeted > 0, (double)stats->min_usec);
	check_seconds(object, "max", stats->greeted > 0, (double)stats->max_usec);
	check_seconds(object, "p99", stats->greeted >= STATS_PERCENTILES_MIN,
		      (double)stats_percentile_usec(stats, 99));
	json_object_put(object);
	free(line);
}

/* The metrics parse, and the values that are in the result are in them. */
static void check_metrics(bool summary)
{
	size_t length;
	char *text = print(&report_openmetrics, summary, &length);
	char endpoint[ENDPOINT_BYTES];
	double value;

	endpoint_format(&report.target->endpoint, endpoint);
	metrics_parse(text, length, endpoint);
	REQUIRE(metrics_get("hello_probe_results", outcome_word(result.outcome), &value));
	REQUIRE((uint64_t)value == report.outcomes[result.outcome]);
	if (summary) {
		REQUIRE(metrics_get("hello_probe_tried", NULL, &value));
		REQUIRE((uint64_t)value == report.stats.tried);
	} else {
		REQUIRE(metrics_get("hello_probe_duration_seconds", NULL, &value));
		REQUIRE(fabs(value - (double)result.time_usec / 1e6) < 1e-6);
		REQUIRE(metrics_get("hello_probe_greeting_bytes", NULL, &value) ==
			(result.text != NULL));
	}
	free(text);
}

/* What is printed to standard error, and to standard output if it is counted, is harmless. */
static void check_text(bool counting)
{
	size_t length, ignored;
	char *printed, *problem;
	FILE *real = stderr;

	report.format = &report_text;
	stderr = open_memstream(&problem, &length);
	printed = print(&report_text, false, &ignored);
	fclose(stderr);
	stderr = real;
	REQUIRE(made_is_harmless(problem, length));
	free(problem);
	if (counting)
		REQUIRE(made_is_harmless(printed, ignored));
	else if (result.text != NULL)
		REQUIRE(fuzz_equal(printed, ignored - 1, result.text, result.text_length));
	free(printed);
	if (!counting)
		return;
	printed = print(&report_text, true, &length);
	REQUIRE(made_is_harmless(printed, length));
	free(printed);
}

static void check_explanation(void)
{
	char *explanation = explain_result(report.target, &result, ESCAPE_WHOLE);

	REQUIRE(explanation != NULL && strchr(explanation, '\n') == NULL);
	REQUIRE(made_is_harmless(explanation, strlen(explanation)));
	REQUIRE((explanation[0] == '\0') == (result.outcome == OUTCOME_GREETED));
	free(explanation);
}

/* The first byte: how it is reported, and how many probes there were before. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned first = fuzz_byte(&input);
	struct report_style style = {
		.counting = first & 1, .verbose = first & 2, .histogram = first & 4};
	struct probe_target target;
	FILE *real = stderr;
	char *ignored;
	size_t length;

	check_escape(data, size);
	made_target(&input, &target);
	made_result(&input, &target, &result);
	report.target = &target;
	report.style = &style;
	memset(&report.stats, 0, offsetof(struct stats, times));
	memset(report.outcomes, 0, sizeof(report.outcomes));
	memset(report.buckets, 0, sizeof(report.buckets));
	for (unsigned i = 0; i < first / 8; i++) {
		stats_add(&report.stats, true, result.time_usec + i);
		report.outcomes[OUTCOME_GREETED]++;
	}
	stats_add(&report.stats, result.text != NULL, result.time_usec);
	report.worst = outcome_exit_status(result.outcome);

	check_explanation();
	check_text(style.counting);
	check_json_probe();
	check_json_summary();
	/* It prints problems too, which check_text() has seen; and counts the result. */
	stderr = open_memstream(&ignored, &length);
	if (style.counting)
		report_openmetrics.probe(&report, &result);
	check_metrics(style.counting);
	fclose(stderr);
	stderr = real;
	free(ignored);
	made_free(&target, &result);
	return 0;
}
