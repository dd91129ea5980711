/* SPDX-License-Identifier: MIT */
/* report_fixture - the reports of made-up results */
#ifndef HELLOD_TEST_REPORT_FIXTURE_H
#define HELLOD_TEST_REPORT_FIXTURE_H

#include <stdio.h>

#include "../probe/result_fixture.h"
#include "client/report.h"

struct fixture {
	struct probe_target target;
	const struct report_format *format;
	struct report_style style;
	struct report report;
	struct probe_result result;
	char out[16384], err[16384]; /* printed by the last fixture_probe() or fixture_summary() */
};

/* For "host.example", port 6666, ten seconds. Captures standard output and error. */
struct fixture *fixture_new(const struct report_format *format);
void fixture_free(struct fixture *fixture);

/* Reports fixture->result as the probe with this sequence number. */
void fixture_probe(struct fixture *fixture, uint64_t sequence);

/* Reports a summary of times of 1 ms, 2 ms, 3 ms and so on, and of failures. */
void fixture_summary(struct fixture *fixture, unsigned greeted, unsigned failed, int worst);

#endif
