/* SPDX-License-Identifier: MIT */
/* fuzz_plugin - any result as check_hello prints it, for monitoring systems to read */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <regex.h>

#include "check_hello/report.h"
#include "made_result.h"

static struct probe_result result;
static struct options options;

/* 'label'=value[UOM];[warn];[crit];[min];[max] of the guidelines, for the one value there is. */
#define RANGE "@?[0-9.:~-]*"
static const char form[] = "^time=(U|[0-9]+[.][0-9]{6}s);(" RANGE ");(" RANGE ");0;([0-9.]+)$";

/* A threshold, unless the string is none. It must stay while the options are used. */
static void set_threshold(char *given, struct threshold *ret_threshold)
{
	*ret_threshold = (struct threshold){0};
	if (range_parse(given, &ret_threshold->range) == 0)
		ret_threshold->given = given;
}

static bool is_same(const char *text, regmatch_t match, const char *given)
{
	size_t length = given != NULL ? strlen(given) : 0;

	return fuzz_equal(text + match.rm_so, (size_t)(match.rm_eo - match.rm_so), given, length);
}

static void check_performance(const char *line, size_t length)
{
	static regex_t regex;
	static bool compiled;
	char *data = fuzz_allocate(length + 1);
	regmatch_t match[5];

	memcpy(data, line, length);
	data[length] = '\0';
	if (!compiled)
		REQUIRE(regcomp(&regex, form, REG_EXTENDED) == 0);
	compiled = true;
	REQUIRE(regexec(&regex, data, 5, match, 0) == 0);
	REQUIRE((data[match[1].rm_so] == 'U') == (result.text == NULL));
	if (result.text != NULL)
		REQUIRE(fabs(strtod(data + match[1].rm_so, NULL) - (double)result.time_usec / 1e6) <
			1e-6);
	REQUIRE(is_same(data, match[2], options.warning.given));
	REQUIRE(is_same(data, match[3], options.critical.given));
	REQUIRE(fabs(strtod(data + match[4].rm_so, NULL) -
		     (double)options.target.timeout_usec / 1e6) < 1e-6);
	free(data);
}

static bool is_outside(const struct threshold *threshold)
{
	int64_t usec = (int64_t)result.time_usec;

	return threshold->given != NULL && (usec < threshold->range.start ||
					    usec > threshold->range.end) != threshold->range.inside;
}

static enum status wanted_status(void)
{
	if (result.outcome == OUTCOME_TIMED_OUT)
		return options.timeout_status;
	if (result.outcome == OUTCOME_SYSTEM_ERROR ||
	    (result.outcome == OUTCOME_UNKNOWN_HOST && result.error == EAI_SERVICE))
		return STATUS_UNKNOWN;
	if (result.outcome != OUTCOME_GREETED)
		return STATUS_CRITICAL;
	return is_outside(&options.critical)  ? STATUS_CRITICAL
	       : is_outside(&options.warning) ? STATUS_WARNING
					      : STATUS_OK;
}

/* The first byte: how much is printed, and the status of a timeout. Then both thresholds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned first = fuzz_byte(&input);
	char *warning = fuzz_string(&input), *critical = fuzz_string(&input);
	char begin[32], *printed, *bar, *end;
	enum status status;
	size_t length;

	options.verbosity = first % 4;
	options.timeout_status = (enum status)(first / 4 % 4);
	set_threshold(warning, &options.warning);
	set_threshold(critical, &options.critical);
	made_target(&input, &options.target);
	made_result(&input, &options.target, &result);

	made_catch(&stdout);
	status = report_print(&options, &result);
	printed = made_take(&stdout, &length);
	REQUIRE(status == wanted_status());
	REQUIRE(strlen(printed) == length && made_is_harmless(printed, length));
	snprintf(begin, sizeof(begin), "HELLO %s: ", status_word(status));
	REQUIRE(strncmp(printed, begin, strlen(begin)) == 0);
	/* One bar, in the first line, and only then are there more lines. */
	bar = strchr(printed, '|');
	end = strchr(printed, '\n');
	REQUIRE(bar != NULL && end != NULL && bar < end && strchr(bar + 1, '|') == NULL);
	check_performance(bar + 1, (size_t)(end - bar - 1));
	REQUIRE(printed[length - 1] == '\n');
	REQUIRE((end == printed + length - 1) == (options.verbosity < 2));
	free(printed);
	made_free(&options.target, &result);
	free(warning);
	free(critical);
	return 0;
}
