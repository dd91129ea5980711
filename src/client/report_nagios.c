/* SPDX-License-Identifier: MIT */
/* report_nagios - the report for monitoring systems: one line with performance data */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/report.h"
#include "common/clock.h"
#include "common/utf8.h"
#include "probe/escape.h"
#include "probe/explain.h"

/*
 * The form is that of the Monitoring Plugins' development guidelines ("Plugin Output for Nagios",
 * "Performance data"):
 *
 *	HELLO OK - greeted with "HELLO" by 127.0.0.1:6666 in 0.000512 s|time=0.000512s;0.5;2;0;10
 *
 * A '|' in the text would begin the performance data, so it is written as \x7c.
 */

/* Some monitoring systems cut the line at 1 kB, but the performance data come last. */
#define TEXT_CHARACTERS_MAX 200

static void print_status(int exit_status)
{
	static const char *const words[] = {
		[EXIT_GREETED] = "OK",
		[EXIT_SLOW] = "WARNING",
		[EXIT_NO_GREETING] = "CRITICAL",
		[EXIT_NOT_TRIED] = "UNKNOWN",
	};

	printf("HELLO %s - ", words[exit_status]);
}

/* Prints the first TEXT_CHARACTERS_MAX characters of UTF-8. */
static void print_text(const char *text)
{
	size_t length = strlen(text), n;
	uint32_t c;

	for (size_t i = 0; i < TEXT_CHARACTERS_MAX && length > 0; i++, text += n, length -= n) {
		n = utf8_get(text, length, &c);
		if (n == 0)
			n = 1;
		if (text[0] == '|')
			fputs("\\x7c", stdout);
		else
			fwrite(text, 1, n, stdout);
	}
	if (length > 0)
		fputs("...", stdout);
}

/* Prints all digits that are not zero, without an exponent, which performance data do not have. */
static void print_millionths(uint64_t number)
{
	uint64_t fraction = number % 1000000;
	int decimals = 6;

	for (; decimals > 0 && fraction % 10 == 0; decimals--)
		fraction /= 10;
	printf("%" PRIu64, number / 1000000);
	if (decimals > 0)
		printf(".%0*" PRIu64, decimals, fraction);
}

/* Prints time=VALUE;WARNING;CRITICAL;MINIMUM;MAXIMUM, where "U" is an unknown value. */
static void print_time(const struct probe_target *target, bool known, double usec)
{
	const uint64_t limits[] = {target->warning_usec, target->critical_usec};

	if (known)
		printf("|time=%.6fs", usec / USEC_PER_SEC);
	else
		fputs("|time=U", stdout);
	for (size_t i = 0; i < 2; i++) {
		putchar(';');
		if (limits[i] != CLOCK_NEVER)
			print_millionths(limits[i]);
	}
	fputs(";0;", stdout);
	print_millionths(target->timeout_usec);
}

static int print_greeting(const struct probe_result *result)
{
	char *escaped = escape(result->text, result->text_length);
	struct address_text peer;

	if (escaped == NULL)
		return -ENOMEM;
	address_format(result->connected->to, &peer);
	fputs("greeted with \"", stdout);
	print_text(escaped);
	printf("\" by %s in %.6f s", peer.whole, (double)result->time_usec / USEC_PER_SEC);
	free(escaped);
	return 0;
}

static int nagios_probe(struct report *report, const struct probe_result *result)
{
	int exit_status = outcome_exit_status(result->outcome), r = 0;
	char *explanation = explain_result(report->target, result);

	if (explanation == NULL)
		return -ENOMEM;
	if (report->style->counting) {
		/* The one line of all probes has room for one explanation. */
		if (explanation[0] != '\0' &&
		    outcome_worse_status(exit_status, report->worst) == exit_status) {
			free(report->last_problem);
			report->last_problem = explanation;
			return 0;
		}
		free(explanation);
		return 0;
	}

	print_status(exit_status);
	if (result->outcome == OUTCOME_GREETED)
		r = print_greeting(result);
	else
		print_text(explanation);
	free(explanation);
	print_time(report->target, result->text != NULL, (double)result->time_usec);
	putchar('\n');
	return r;
}

static int nagios_summary(struct report *report)
{
	const struct stats *stats = &report->stats;

	print_status(report->worst);
	printf("%" PRIu64 " greeted of %" PRIu64 " tried", stats->greeted, stats->tried);
	if (stats->greeted > 0)
		printf(" in %.6f s on average", stats->mean_usec / USEC_PER_SEC);
	if (report->last_problem != NULL) {
		fputs(", last problem: ", stdout);
		print_text(report->last_problem);
	}
	print_time(report->target, stats->greeted > 0, stats->mean_usec);
	fputs(" loss=", stdout);
	if (stats->tried > 0) {
		print_millionths((uint64_t)(stats_loss(stats) * 100 * 1000000 + 0.5));
		putchar('%');
	} else {
		putchar('U');
	}
	fputs(";;;0;100\n", stdout);
	return 0;
}

const struct report_format report_nagios = {"nagios", nagios_probe, nagios_summary};
