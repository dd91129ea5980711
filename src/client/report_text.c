/* SPDX-License-Identifier: MIT */
/* report_text - the report for people, in the manner of ping(8) */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/report.h"
#include "common/clock.h"
#include "common/stdio.h"
#include "probe/escape.h"
#include "probe/explain.h"

#define HISTOGRAM_LABEL_COLUMNS 35
#define COLUMNS_DEFAULT 80U

static double msec(uint64_t usec)
{
	return (double)usec / USEC_PER_MSEC;
}

static int print_escaped(const char *text, size_t length, FILE *stream)
{
	char *escaped = escape(text, length);

	if (escaped == NULL)
		return -ENOMEM;
	fputs(escaped, stream);
	free(escaped);
	return 0;
}

static int print_address(const struct endpoint *endpoint, const char *formatted, FILE *stream)
{
	const char *address = endpoint_address(endpoint, formatted);

	return print_escaped(address, strlen(address), stream);
}

static int print_attempt(const struct endpoint *endpoint, const struct connect_attempt *attempt)
{
	struct address_text text;

	address_format(attempt->to, &text);
	if (print_address(endpoint, text.whole, stderr) < 0)
		return -ENOMEM;
	fprintf(stderr, ": %s", explain_attempt_state(attempt));
	if (attempt->state == ATTEMPT_FAILED)
		fprintf(stderr, " (%s)", strerror(attempt->error));
	if (attempt->state != ATTEMPT_NOT_TRIED)
		fprintf(stderr, " after %.3f ms",
			msec(attempt->ended_usec - attempt->started_usec));
	if (attempt->asked > 1)
		fprintf(stderr, ", asked %u times", attempt->asked);
	putc('\n', stderr);
	return 0;
}

/* Every address, and how long each phase took that came to its end. */
static int print_phases(const struct report *report, const struct probe_result *result)
{
	static const char *const names[] = {"resolve", "connect", "first byte", "whole frame",
					    "peer's close"};
	uint64_t usec;

	for (size_t i = 0; result->attempts != NULL && i < result->addresses.count; i++)
		if (print_attempt(&report->target->endpoint, &result->attempts[i]) < 0)
			return -ENOMEM;
	for (enum phase phase = PHASE_RESOLVE; phase <= PHASE_CLOSE; phase++)
		if (probe_phase(result, phase, &usec))
			fprintf(stderr, "%s: %.3f ms\n", names[phase], msec(usec));
	return 0;
}

static int print_greeting(const struct report *report, const struct probe_result *result)
{
	int r = 0;

	if (report->style->counting) {
		struct address_text peer;

		address_format(result->connected->to, &peer);
		fputs("from ", stdout);
		r = print_address(&report->target->endpoint, peer.host, stdout);
		printf("%s%s: seq=%" PRIu64 " time=%.3f ms: ", peer.port[0] != '\0' ? " port " : "",
		       peer.port, report->stats.tried, msec(result->time_usec));
	}
	if (r < 0)
		return r;
	if (report->style->counting || isatty(STDOUT_FILENO))
		r = print_escaped(result->text, result->text_length, stdout);
	else
		fwrite(result->text, 1, result->text_length, stdout);
	if (r == 0)
		putchar('\n');
	return r;
}

int report_text_problem(const struct report *report, const struct probe_result *result)
{
	const char *advice;
	char *explanation;

	if (report->style->quiet || result->outcome == OUTCOME_GREETED)
		return 0;
	explanation = explain_result(report->target, result, ESCAPE_WHOLE);
	if (explanation == NULL)
		return -ENOMEM;
	advice = explain_advice(report->target, result);
	/* The greeting comes first, even if both go to the same file. */
	stdio_flush();
	fputs("hello-client: ", stderr);
	if (report->style->counting)
		fprintf(stderr, "seq=%" PRIu64 ": ", report->stats.tried);
	fprintf(stderr, "%s%s%s\n", explanation, advice != NULL ? ": " : "",
		advice != NULL ? advice : "");
	free(explanation);
	return 0;
}

static int text_probe(struct report *report, const struct probe_result *result)
{
	int r = 0;

	if (report->style->quiet)
		return 0;
	if (report->style->verbose)
		r = print_phases(report, result);
	if (r == 0 && result->text != NULL)
		r = print_greeting(report, result);
	return r < 0 ? r : report_text_problem(report, result);
}

/* A line for each power of two between the shortest and the longest time. */
static void print_histogram(const struct stats *stats)
{
	size_t bins[64] = {0}, first = 64, last = 0, most = 0, width;
	struct winsize terminal = {.ws_col = 0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &terminal);
	width = terminal.ws_col > 0 ? terminal.ws_col : COLUMNS_DEFAULT;
	width = width > HISTOGRAM_LABEL_COLUMNS ? width - HISTOGRAM_LABEL_COLUMNS : 1;
	for (size_t i = 0; i < stats->times_count; i++) {
		/* The logarithm to base two, rounded down; of 0 it is 0. */
		size_t bin = 63U - (size_t)__builtin_clzll(stats->times[i] | 1);

		bins[bin]++;
		first = bin < first ? bin : first;
		last = bin > last ? bin : last;
		most = bins[bin] > most ? bins[bin] : most;
	}
	for (size_t bin = first; bin <= last && most > 0; bin++) {
		size_t length = (bins[bin] * width + most - 1) / most;

		/* NOLINTNEXTLINE(*UndefinedBinaryOperatorResult): clang does not know that bin < 64 */
		printf("%10.3f - %10.3f ms %7zu ", bin > 0 ? msec(1ULL << bin) : 0,
		       2 * msec(1ULL << bin), bins[bin]);
		while (length-- > 0)
			putchar('#');
		putchar('\n');
	}
}

static int text_summary(struct report *report)
{
	struct stats *stats = &report->stats;
	const struct endpoint *endpoint = &report->target->endpoint;
	char *host = escape(endpoint->host, strlen(endpoint->host));

	if (host == NULL)
		return -ENOMEM;
	if (!report->style->quiet)
		putchar('\n');
	printf("--- %s%s%s ---\n", host, endpoint->port[0] != '\0' ? " port " : "", endpoint->port);
	free(host);
	printf("%" PRIu64 " greeted of %" PRIu64 " tried", stats->greeted, stats->tried);
	if (stats->tried > 0)
		printf(", %.6g%% loss", 100 * stats_loss(stats));
	putchar('\n');
	if (stats->greeted > 0)
		printf("min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", msec(stats->min_usec),
		       stats->mean_usec / USEC_PER_MSEC, msec(stats->max_usec),
		       stats_mdev_usec(stats) / USEC_PER_MSEC);
	if (stats->greeted >= STATS_PERCENTILES_MIN)
		printf("p50/p90/p95/p99 = %.3f/%.3f/%.3f/%.3f ms\n",
		       msec(stats_percentile_usec(stats, 50)),
		       msec(stats_percentile_usec(stats, 90)),
		       msec(stats_percentile_usec(stats, 95)),
		       msec(stats_percentile_usec(stats, 99)));
	if (report->style->histogram)
		print_histogram(stats);
	return 0;
}

const struct report_format report_text = {"text", text_probe, text_summary, true};
