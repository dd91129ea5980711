/* SPDX-License-Identifier: MIT */
/* report_text - the report for people, in the manner of ping(8) */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "client/escape.h"
#include "client/report_formats.h"
#include "common/clock.h"
#include "common/stdio.h"

#define HISTOGRAM_BINS 37 /* powers of two of a microsecond: up to over a day */
#define HISTOGRAM_LABEL_COLUMNS 35
#define COLUMNS_DEFAULT 80U

static double msec(uint64_t usec)
{
	return (double)usec / USEC_PER_MSEC;
}

/* Prints a greeting, with what a terminal might act upon shown if asked. */
static int print_text(const char *text, size_t length, bool shown, FILE *stream)
{
	char *printable = NULL;
	size_t printable_length = 0;
	FILE *memory;
	int r = -ENOMEM;

	if (!shown)
		return report_write(text, length, stream);
	memory = open_memstream(&printable, &printable_length);
	if (memory == NULL)
		return -errno;
	printable_write(text, length, memory);
	if (fclose(memory) == 0)
		r = report_write(printable, printable_length, stream);
	free(printable);
	return r;
}

/* Each address that was tried, and how long every phase took from the start of it. */
static void print_phases(const struct report *report, const struct probe_result *result)
{
	static const char *const outcomes[] = {
		[DIAL_NOT_TRIED] = "not tried", [DIAL_PENDING] = "pending",
		[DIAL_CONNECTED] = "connected", [DIAL_FAILED] = "failed",
		[DIAL_TIMED_OUT] = "timed out", [DIAL_OVERTAKEN] = "overtaken by another address",
	};
	const struct {
		const char *name;
		uint64_t from_usec, to_usec;
	} phases[] = {
		{"resolve", result->started_usec, result->resolved_usec},
		{"connect", result->resolved_usec, result->connected_usec},
		{"first byte", result->connected_usec, result->first_byte_usec},
		{"whole frame", result->first_byte_usec,
		 result->status == PROBE_GREETED ? result->ended_usec : 0},
		{"peer's close", result->ended_usec, result->closed_usec},
	};

	for (size_t i = 0; result->attempts != NULL && i < result->addresses.count; i++) {
		const struct dial_attempt *attempt = &result->attempts[i];
		const struct resolve_address *address = &result->addresses.addresses[i];
		struct address_text text;
		char joined[ADDRESS_BYTES];

		address_format((const struct sockaddr *)&address->address, address->length, &text);
		address_join(&text, joined);
		fprintf(report->err, "%s: %s", joined, outcomes[attempt->outcome]);
		if (attempt->outcome == DIAL_FAILED)
			fprintf(report->err, " (%s)", strerror(attempt->error));
		if (attempt->outcome != DIAL_NOT_TRIED)
			fprintf(report->err, " after %.3f ms",
				msec(attempt->ended_usec - attempt->started_usec));
		putc('\n', report->err);
	}
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++)
		if (phases[i].to_usec != 0)
			fprintf(report->err, "%s: %.3f ms\n", phases[i].name,
				msec(phases[i].to_usec - phases[i].from_usec));
}

static int print_greeting(const struct report *report, uint64_t sequence,
			  const struct probe_result *result)
{
	int r;

	if (report->counting) {
		struct address_text peer;

		report_peer(result, &peer);
		fprintf(report->out, "from %s%s%s: seq=%" PRIu64 " time=%.3f ms: ", peer.host,
			peer.port[0] != '\0' ? " port " : "", peer.port, sequence,
			msec(verdict_time_usec(result)));
	}
	r = print_text(result->text, result->text_length, report->on_terminal || report->counting,
		       report->out);
	putc('\n', report->out);
	return r;
}

static int print_failure(const struct report *report, uint64_t sequence, enum verdict verdict,
			 const struct probe_result *result)
{
	char *explanation = report_explanation(report, verdict, result);
	int r;

	if (explanation == NULL)
		return -ENOMEM;
	fputs("hello-client: ", report->err);
	if (report->counting)
		fprintf(report->err, "seq=%" PRIu64 ": ", sequence);
	r = report_write(explanation, strlen(explanation), report->err);
	putc('\n', report->err);
	free(explanation);
	return r;
}

int report_text_probe(struct report *report, uint64_t sequence, enum verdict verdict,
		      const struct probe_result *result)
{
	int r = 0;

	if (report->quiet)
		return 0;
	if (report->verbose)
		print_phases(report, result);
	if (result->status == PROBE_GREETED)
		r = print_greeting(report, sequence, result);
	if (r == 0 && verdict != VERDICT_GREETED) {
		/* In this order, if both go to the same place. */
		stdio_flush();
		r = print_failure(report, sequence, verdict, result);
	}
	return r;
}

static unsigned columns(FILE *stream)
{
	struct winsize size;

	if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS_DEFAULT;
	return size.ws_col;
}

/* A line for each power of two between the shortest and the longest time. */
static void print_histogram(const struct report *report, const struct stats *stats)
{
	size_t bins[HISTOGRAM_BINS] = {0}, first = HISTOGRAM_BINS, last = 0, most = 0;
	size_t width = columns(report->out);

	width = width > HISTOGRAM_LABEL_COLUMNS ? width - HISTOGRAM_LABEL_COLUMNS : 1;
	for (size_t i = 0; i < stats->times_count; i++) {
		size_t bin = 0;

		while (bin < HISTOGRAM_BINS - 1 && stats->times[i] >> (bin + 1) != 0)
			bin++;
		bins[bin]++;
		first = bin < first ? bin : first;
		last = bin > last ? bin : last;
		most = bins[bin] > most ? bins[bin] : most;
	}
	for (size_t bin = first; bin <= last && most > 0; bin++) {
		size_t length = (bins[bin] * width + most - 1) / most;

		fprintf(report->out, "%10.3f - %10.3f ms %7zu ", bin > 0 ? msec(1ULL << bin) : 0,
			msec(2ULL << bin), bins[bin]);
		while (length-- > 0)
			putc('#', report->out);
		putc('\n', report->out);
	}
}

int report_text_summary(struct report *report, enum verdict_exit worst, struct stats *stats)
{
	(void)worst;
	if (!report->counting)
		return 0;

	if (!report->quiet)
		putc('\n', report->out);
	fputs("--- ", report->out);
	report_target(report, report->out);
	fprintf(report->out, " ---\n%" PRIu64 " greeted of %" PRIu64 " tried, %.6g%% loss\n",
		stats->greeted, stats->tried, 100 * stats_loss(stats));
	if (stats->greeted > 0)
		fprintf(report->out, "min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n",
			msec(stats->min_usec), stats->mean_usec / USEC_PER_MSEC,
			msec(stats->max_usec), stats_mdev_usec(stats) / USEC_PER_MSEC);
	if (stats->greeted >= STATS_PERCENTILES_MIN)
		fprintf(report->out, "p50/p90/p95/p99 = %.3f/%.3f/%.3f/%.3f ms\n",
			msec(stats_percentile_usec(stats, 50)),
			msec(stats_percentile_usec(stats, 90)),
			msec(stats_percentile_usec(stats, 95)),
			msec(stats_percentile_usec(stats, 99)));
	if (report->histogram)
		print_histogram(report, stats);
	return 0;
}
