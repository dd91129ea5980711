/* SPDX-License-Identifier: MIT */
/* hello-client - prints or checks the greeting of a hellod */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/options.h"
#include "common/clock.h"
#include "common/stdio.h"
#include "probe/signals.h"

/* Probes and reports as often as asked, or until a signal. Returns 0 or -errno. */
static int probe_all(const struct options *options, struct report *report)
{
	static struct probe_result result;
	enum outcome wait;
	uint64_t next_usec;
	int r = 0, error;

	do {
		probe_run(&options->target, &result);
		next_usec = result.started_usec + options->interval_usec;
		/* An interrupted probe does not count. */
		if (result.outcome != OUTCOME_INTERRUPTED) {
			int exit_status = outcome_exit_status(result.outcome);

			stats_add(&report->stats, result.text != NULL, result.time_usec);
			r = options->format->probe(report, &result);
			report->worst = report->stats.tried == 1
						? exit_status
						: outcome_worse_status(report->worst, exit_status);
			/* Flush also into a pipe, and stop when its reader is gone. */
			if (r == 0)
				r = stdio_flush();
		}
		probe_clear(&result);
		if (r < 0 || !options->style.counting || report->stats.tried == options->count)
			return r;
		wait = signals_wait(NULL, 0, next_usec, &error);
	} while (wait == OUTCOME_TIMED_OUT);
	return wait == OUTCOME_SYSTEM_ERROR ? -error : 0;
}

/* For SIGQUIT. An output error is found after the next probe. */
static void print_interim_summary(void *data)
{
	struct report *report = data;

	report->format->summary(report);
	stdio_flush();
}

int main(int argc, char **argv)
{
	static struct options options;
	static struct report report;
	int r;

	stdio_sanitise(EXIT_NOT_TRIED);
	options_parse(argc, argv, &options);
	report.target = &options.target;
	report.style = &options.style;
	report.format = options.format;
	report.worst = EXIT_NOT_TRIED;

	/* Without --count there is no summary to print: a signal ends the process as usual. */
	if (options.style.counting)
		signals_catch(options.format->interim ? print_interim_summary : NULL, &report);
	r = probe_all(&options, &report);
	if (r == 0 && options.style.counting)
		r = options.format->summary(&report);

	if (stdio_close() < 0)
		return EXIT_NOT_TRIED;
	if (r < 0) {
		fprintf(stderr, "hello-client: %s: free memory on this host\n", strerror(-r));
		return EXIT_NOT_TRIED;
	}
	return report.worst;
}
