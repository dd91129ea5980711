/* SPDX-License-Identifier: MIT */
/* report_openmetrics - the report for Prometheus: one set of metrics */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/report.h"
#include "common/clock.h"
#include "common/utf8.h"

/*
 * The output is valid in both formats of Prometheus: OpenMetrics 1.0, and the older text format
 * 0.0.4, which the textfile collector of node_exporter reads. Features of only one are left out:
 * timestamps of samples, units, and every type but gauge and histogram. There is no counter,
 * because each run begins at 0. "# EOF", which OpenMetrics requires, is a comment in the other.
 *
 * Names and labels are an interface, described in hello-client(1): never change one.
 */

/* OpenMetrics compares "le" as text, and wants a decimal point: "1.0". */
static const struct {
	uint64_t usec;
	const char *le;
} buckets[REPORT_BUCKETS] = {
	{100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"},
	{2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"},
	{50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
	{1000000, "1.0"}, {2500000, "2.5"}, {5000000, "5.0"}, {10000000, "10.0"},
};

/* Writes the value of a label. Bytes that are not UTF-8 are replaced. */
static void write_value(const char *text, FILE *stream)
{
	size_t length = strlen(text), n;
	uint32_t ignored;

	for (; length > 0; text += n, length -= n) {
		n = utf8_get(text, length, &ignored);
		if (n == 0) {
			n = 1;
			fputs("\uFFFD", stream);
		} else if (*text == '\n') {
			fputs("\\n", stream);
		} else {
			if (*text == '"' || *text == '\\')
				putc('\\', stream);
			fwrite(text, 1, n, stream);
		}
	}
}

/* Returns the labels that every sample has, for the caller to free, or NULL without memory. */
static char *make_labels(const struct probe_target *target)
{
	char *labels, endpoint[ENDPOINT_BYTES];
	size_t length;
	FILE *stream = open_memstream(&labels, &length);

	if (stream == NULL)
		return NULL;
	fputs("endpoint=\"", stream);
	write_value(endpoint_format(&target->endpoint, endpoint), stream);
	/* Two files, for the families or the transports of a name, must not have the same labels. */
	if (target->family != AF_UNSPEC)
		fprintf(stream, "\",family=\"%s", target->family == AF_INET ? "ipv4" : "ipv6");
	if (target->request_bytes > 0)
		fputs("\",transport=\"udp", stream);
	putc('"', stream);
	return fclose(stream) == 0 ? labels : NULL;
}

static void print_head(const char *name, const char *type, const char *help)
{
	printf("# HELP hello_probe_%s %s\n# TYPE hello_probe_%s %s\n", name, help, name, type);
}

static void print_sample(const char *name, const char *labels, const char *key, const char *value,
			 double number, int decimals)
{
	printf("hello_probe_%s{%s", name, labels);
	if (key != NULL)
		printf(",%s=\"%s\"", key, value);
	printf("} %.*f\n", decimals, number);
}

/* A metric of one sample. */
static void print_gauge(const char *name, const char *labels, const char *help, double number,
			int decimals)
{
	print_head(name, "gauge", help);
	print_sample(name, labels, NULL, NULL, number, decimals);
}

/* The metrics that one probe and many have in common. */
static void print_results(const struct report *report, const char *labels, int exit_status)
{
	print_gauge("success", labels, "Whether all probes succeeded (exit status 0).",
		    exit_status == EXIT_GREETED, 0);
	if (report->ended != 0)
		print_gauge("timestamp_seconds", labels,
			    "The UNIX time of the end of the last probe that was counted.",
			    (double)report->ended, 0);
	if (report->target->expected != NULL && report->stats.greeted > 0)
		print_gauge("expected", labels, "Whether all greetings had the expected text.",
			    report->outcomes[OUTCOME_UNEXPECTED] == 0, 0);
	print_head("results", "gauge", "The number of probes with each result.");
	for (enum outcome outcome = OUTCOME_GREETED; outcome < OUTCOME_INTERRUPTED; outcome++)
		print_sample("results", labels, "status", outcome_word(outcome),
			     (double)report->outcomes[outcome], 0);
}

/* The metrics of a single probe. Those of phases that were not completed are left out. */
static void print_probe(const struct probe_result *result, const char *labels)
{
	static const char *const phases[] = {"resolve", "connect", "first_byte", "frame"};
	const char *name = "phase_duration_seconds";
	uint64_t usec;

	print_gauge("duration_seconds", labels, "The time from the start of the probe to its end.",
		    (double)result->time_usec / USEC_PER_SEC, 6);
	if (result->resolved_usec != 0)
		print_head(name, "gauge", "The time of each completed phase.");
	for (enum phase phase = PHASE_RESOLVE; phase <= PHASE_FRAME; phase++)
		if (probe_phase(result, phase, &usec))
			print_sample(name, labels, "phase", phases[phase],
				     (double)usec / USEC_PER_SEC, 6);
	if (result->text != NULL)
		print_gauge("greeting_bytes", labels, "The length of the greeting in UTF-8.",
			    (double)result->text_length, 0);
}

/* The metrics of --count. */
static void print_run(const struct report *report, const char *labels)
{
	const char *name = "greeting_duration_seconds",
		   *bucket = "greeting_duration_seconds_bucket";
	double greeted = (double)report->stats.greeted;

	print_gauge("tried", labels, "The number of probes.", (double)report->stats.tried, 0);
	print_gauge("greeted", labels, "The number of probes with a greeting.", greeted, 0);
	print_head(name, "histogram", "The times of the greetings.");
	for (size_t i = 0; i < REPORT_BUCKETS; i++)
		print_sample(bucket, labels, "le", buckets[i].le, (double)report->buckets[i], 0);
	print_sample(bucket, labels, "le", "+Inf", greeted, 0);
	print_sample("greeting_duration_seconds_sum", labels, NULL, NULL,
		     report->stats.mean_usec * greeted / USEC_PER_SEC, 6);
	print_sample("greeting_duration_seconds_count", labels, NULL, NULL, greeted, 0);
}

/* Prints everything. `result` is that of a single probe, or NULL. Returns 0, or -ENOMEM. */
static int print(const struct report *report, const struct probe_result *result, int exit_status)
{
	char *labels = make_labels(report->target);

	if (labels == NULL)
		return -ENOMEM;
	print_results(report, labels, exit_status);
	if (result != NULL)
		print_probe(result, labels);
	else
		print_run(report, labels);
	fputs("# EOF\n", stdout);
	free(labels);
	return 0;
}

static int openmetrics_probe(struct report *report, const struct probe_result *result)
{
	int r;

	report->ended = time(NULL);
	report->outcomes[result->outcome]++;
	for (size_t i = 0; i < REPORT_BUCKETS; i++)
		if (result->text != NULL && result->time_usec <= buckets[i].usec)
			report->buckets[i]++;
	/* The metrics cannot say which address failed and how. */
	r = report_text_problem(report, result);
	if (r < 0 || report->style->counting)
		return r;
	return print(report, result, outcome_exit_status(result->outcome));
}

static int openmetrics_summary(struct report *report)
{
	return print(report, NULL, report->worst);
}

const struct report_format report_openmetrics = {"openmetrics", openmetrics_probe,
						 openmetrics_summary, false};
