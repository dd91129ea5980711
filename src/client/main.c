/* SPDX-License-Identifier: MIT */
/* hello-client - prints the greeting of a hellod */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/charset.h"
#include "client/options.h"
#include "client/signals.h"
#include "common/clock.h"
#include "common/stdio.h"

/* Notes and reports one probe. Returns 0 or -errno. */
static int account(struct report *report, uint64_t sequence, const struct probe_result *result,
		   struct stats *stats, enum verdict_exit *worst)
{
	enum verdict verdict = verdict_of(result, report->expectation);
	int r;

	*worst = verdict_worse(*worst, verdict_exit(verdict));
	if (result->status != PROBE_GREETED)
		stats_add_failure(stats);
	else if (stats_add_time(stats, verdict_time_usec(result)) < 0)
		return -ENOMEM;

	r = report_probe(report, sequence, verdict, result);
	/* Each line when it is due, also into a pipe; and when nobody takes it, no more probes. */
	return r < 0 ? r : stdio_flush();
}

/* Waits until the next probe is due. Returns false after a signal. */
static bool pause_until(uint64_t due_usec)
{
	wait_poll(NULL, 0, due_usec);
	return !wait_interrupted();
}

/* Probes as often as asked. Returns 0 or -errno. */
static int probe_all(const struct client_options *options, struct report *report,
		     struct stats *stats, enum verdict_exit *worst)
{
	static struct probe_result result;
	uint64_t sequence = 1;
	int r = 0;

	do {
		probe_run(&options->target, &result);
		/* What a signal cut off was not tried. */
		if (result.status != PROBE_INTERRUPTED)
			r = account(report, sequence, &result, stats, worst);
		probe_clear(&result);
	} while (r == 0 && options->counting && sequence++ != options->count &&
		 pause_until(result.started_usec + options->interval_usec));
	return r;
}

static int run(const struct client_options *options)
{
	enum verdict_exit worst = VERDICT_EXIT_GREETED;
	struct stats stats = {0};
	struct report report = {
		.format = options->format,
		.counting = options->counting,
		.quiet = options->quiet,
		.verbose = options->verbose,
		.histogram = options->histogram,
		.on_terminal = isatty(STDOUT_FILENO),
		.target = &options->target,
		.expectation = &options->expectation,
		.out = stdout,
		.err = stderr,
	};
	int r;

	/* Without a count there is nothing to sum up: a signal ends the client as any other. */
	if (options->counting)
		wait_catch_signals();

	r = probe_all(options, &report, &stats, &worst);
	if (stats.tried == 0)
		worst = VERDICT_EXIT_NOT_TRIED;
	if (r == 0)
		r = report_summary(&report, worst, &stats);
	stats_free(&stats);

	if (stdio_close() < 0)
		return VERDICT_EXIT_NOT_TRIED;
	if (r < 0) {
		fprintf(stderr, "hello-client: %s\n", strerror(-r));
		return VERDICT_EXIT_NOT_TRIED;
	}
	return (int)worst;
}

int main(int argc, char **argv)
{
	struct client_options options;
	int status;

	stdio_sanitise();
	/* A reader of our output that goes away is an output error like any other. */
	signal(SIGPIPE, SIG_IGN);
	charset_init();
	status = client_options_parse(argc, argv, &options);
	if (status == CLIENT_OPTIONS_RUN)
		status = run(&options);
	client_options_free(&options);
	return status;
}
