/* SPDX-License-Identifier: MIT */
/* report_nagios - the report for monitoring systems: one line with performance data */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/escape.h"
#include "client/report_formats.h"
#include "common/clock.h"
#include "common/utf8.h"

/*
 * The form is that of the Monitoring Plugins' development guidelines ("Plugin Output for Nagios",
 * "Performance data"):
 *
 *	HELLO OK - greeted with "HELLO" by 127.0.0.1:6666 in 0.000512 s|time=0.000512s;0.5;2;0;10
 *
 * A '|' in the text would begin the performance data, so it is written as \x7c.
 */

/* The line is cut by some monitoring systems at 1 kB, and its end is the performance data. */
#define TEXT_CHARACTERS_MAX 200

static double sec(double usec)
{
	return usec / USEC_PER_SEC;
}

static void print_status(enum verdict_exit status, FILE *out)
{
	static const char *const words[] = {
		[VERDICT_EXIT_GREETED] = "OK",
		[VERDICT_EXIT_SLOW] = "WARNING",
		[VERDICT_EXIT_NO_GREETING] = "CRITICAL",
		[VERDICT_EXIT_NOT_TRIED] = "UNKNOWN",
	};

	fprintf(out, "HELLO %s - ", words[status]);
}

/* No more of a text than leaves room for the performance data. Returns a copy to free, or NULL. */
static char *cut_text(const char *text)
{
	size_t length = strlen(text), kept = 0, n = 1;
	char *copy;
	uint32_t c;

	for (size_t i = 0; i < TEXT_CHARACTERS_MAX && n > 0; i++) {
		n = utf8_get(text + kept, length - kept, &c);
		kept += n;
	}
	if (asprintf(&copy, "%.*s%s", (int)kept, text, kept < length ? "..." : "") < 0)
		return NULL;
	return copy;
}

static int print_text(const char *text, FILE *out)
{
	char *cut = cut_text(text);
	int r = cut == NULL ? -ENOMEM : 0;

	text = cut;

	while (r == 0 && *text != '\0') {
		size_t length = strcspn(text, "|");

		r = report_write(text, length, out);
		text += length;
		if (*text == '|') {
			fputs("\\x7c", out);
			text++;
		}
	}
	free(cut);
	return r;
}

/* Millionths, with as many decimals as it takes; performance data knows no exponents. */
static void print_millionths(uint64_t number, FILE *out)
{
	uint64_t fraction = number % 1000000;
	int decimals = 6;

	for (; decimals > 0 && fraction % 10 == 0; decimals--)
		fraction /= 10;
	fprintf(out, "%" PRIu64, number / 1000000);
	if (decimals > 0)
		fprintf(out, ".%0*" PRIu64, decimals, fraction);
}

static void print_limit(uint64_t limit_usec, FILE *out)
{
	putc(';', out);
	if (limit_usec != CLOCK_NEVER)
		print_millionths(limit_usec, out);
}

/* time=VALUE;WARNING;CRITICAL;MINIMUM;MAXIMUM, "U" standing for an unknown value. */
static void print_time(const struct report *report, bool known, double usec)
{
	if (known)
		fprintf(report->out, "|time=%.6fs", sec(usec));
	else
		fputs("|time=U", report->out);
	print_limit(report->expectation->warning_usec, report->out);
	print_limit(report->expectation->critical_usec, report->out);
	fputs(";0;", report->out);
	print_millionths(report->target->timeout_usec, report->out);
}

static int print_greeting(const struct report *report, const struct probe_result *result)
{
	struct address_text peer;
	char joined[ADDRESS_BYTES];
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);
	int r;

	if (stream == NULL)
		return -errno;
	printable_write(result->text, result->text_length, stream);
	if (fclose(stream) != 0) {
		free(text);
		return -ENOMEM;
	}

	report_peer(result, &peer);
	address_join(&peer, joined);
	fputs("greeted with \"", report->out);
	r = print_text(text, report->out);
	fprintf(report->out, "\" by %s in %.6f s", joined, sec((double)verdict_time_usec(result)));
	free(text);
	return r;
}

int report_nagios_probe(struct report *report, uint64_t sequence, enum verdict verdict,
			const struct probe_result *result)
{
	char *explanation = NULL;
	int r = 0;

	(void)sequence;
	if (verdict != VERDICT_GREETED) {
		explanation = report_explanation(report, verdict, result);
		if (explanation == NULL)
			return -ENOMEM;
	}
	if (report->counting) {
		/* One line is all there is: it tells the last of the worst. */
		if (explanation != NULL &&
		    verdict_worse(verdict_exit(verdict), report->worst) == verdict_exit(verdict)) {
			free(report->last_failure);
			report->last_failure = explanation;
			report->worst = verdict_exit(verdict);
		} else {
			free(explanation);
		}
		return 0;
	}

	print_status(verdict_exit(verdict), report->out);
	if (explanation != NULL)
		r = print_text(explanation, report->out);
	else
		r = print_greeting(report, result);
	print_time(report, result->status == PROBE_GREETED, (double)verdict_time_usec(result));
	putc('\n', report->out);
	free(explanation);
	return r;
}

int report_nagios_summary(struct report *report, enum verdict_exit worst, struct stats *stats)
{
	int r = 0;

	if (!report->counting)
		return 0;
	print_status(worst, report->out);
	fprintf(report->out, "%" PRIu64 " greeted of %" PRIu64 " tried", stats->greeted,
		stats->tried);
	if (stats->greeted > 0)
		fprintf(report->out, " in %.6f s on average", sec(stats->mean_usec));
	if (report->last_failure != NULL) {
		fputs(", last problem: ", report->out);
		r = print_text(report->last_failure, report->out);
	}
	print_time(report, stats->greeted > 0, stats->mean_usec);
	fputs(" loss=", report->out);
	if (stats->tried > 0) {
		print_millionths((uint64_t)(stats_loss(stats) * 100 * 1000000 + 0.5), report->out);
		putc('%', report->out);
	} else {
		putc('U', report->out);
	}
	fputs(";;;0;100\n", report->out);
	return r;
}
