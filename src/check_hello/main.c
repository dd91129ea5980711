/* SPDX-License-Identifier: MIT */
/* check_hello - a monitoring plugin that checks a hellod */
#include "config.h"

#include "check_hello/options.h"
#include "check_hello/report.h"
#include "common/stdio.h"

int main(int argc, char **argv)
{
	static struct probe_result result;
	struct options options;
	enum status status;

	stdio_sanitise(STATUS_UNKNOWN);
	options_parse(argc, argv, &options);
	probe_run(&options.target, &result);
	status = report_print(&options, &result);
	probe_clear(&result);
	return (int)(stdio_close() < 0 ? STATUS_UNKNOWN : status);
}
