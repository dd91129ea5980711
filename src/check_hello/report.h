/* SPDX-License-Identifier: MIT */
/* report - the result of a probe, as a monitoring plugin tells it */
#ifndef HELLOD_CHECK_REPORT_H
#define HELLOD_CHECK_REPORT_H

#include "check_hello/options.h"

/*
 * Prints the result to standard output: one line with performance data, and with a verbosity of 2
 * and 3 further lines. Output errors are found by common/stdio.h. Returns the exit status. See
 * "Output" in check_hello(1), and "Plugin Output" in the Monitoring Plugins' development
 * guidelines.
 */
enum status report_print(const struct options *options, const struct probe_result *result);

#endif
