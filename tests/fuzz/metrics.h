/* SPDX-License-Identifier: MIT */
/* metrics - a strict reader of the metrics that hello-client prints */
#ifndef HELLOD_FUZZ_METRICS_H
#define HELLOD_FUZZ_METRICS_H

#include "fuzz.h"

/*
 * Reads a whole output, and aborts unless it is OpenMetrics: every sample below the HELP and the
 * TYPE of its metric, no sample twice, labels quoted, histograms cumulative, "# EOF" last. Every
 * sample must have the label endpoint, with this value after bytes that are not UTF-8 are replaced.
 */
void metrics_parse(const char *text, size_t length, const char *endpoint);

/* Finds the sample of that name, and of that last label if it is not NULL. */
bool metrics_get(const char *name, const char *last_label, double *ret_value);

#endif
