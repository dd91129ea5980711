/* SPDX-License-Identifier: MIT */
/* report_text - the report for people, in the manner of ping(8) */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "report_fixture.h"

/* Standard output is the same as without --verbose. */
START_TEST(details_are_on_standard_error)
{
	struct fixture *fixture = fixture_new(&report_text);
	struct probe_result *result = &fixture->result;

	fixture->style.verbose = true;
	result_make_greeting(result, "192.0.2.1", UNIT_BYTES("HELLO"), 9000);
	result_add_attempt(result, "2001:db8::1", ATTEMPT_SUPERSEDED, 0);
	result_add_attempt(result, "/run/x", ATTEMPT_NOT_TRIED, 0);
	result->closed_usec = result->ended_usec + 123;
	fixture_probe(fixture, 1);
	ck_assert_str_eq(fixture->out, "HELLO\n");
	ck_assert_str_eq(fixture->err,
			 "192.0.2.1:6666: connected after 0.250 ms\n"
			 "[2001:db8::1]:6666: overtaken by another address after 0.500 ms\n"
			 "/run/x: not tried\n"
			 "resolve: 1.000 ms\n"
			 "connect: 2.000 ms\n"
			 "first byte: 3.000 ms\n"
			 "whole frame: 3.000 ms\n"
			 "peer's close: 0.123 ms\n");

	/* Only the phases that were reached. */
	result_make(result, OUTCOME_TIMED_OUT);
	result_add_attempt(result, "192.0.2.1", ATTEMPT_FAILED, ECONNREFUSED);
	result_add_attempt(result, "192.0.2.2", ATTEMPT_TIMED_OUT, 0);
	fixture_probe(fixture, 1);
	ck_assert_str_eq(fixture->out, "");
	ck_assert_str_eq(fixture->err,
			 "192.0.2.1:6666: failed (Connection refused) after 0.250 ms\n"
			 "192.0.2.2:6666: timed out after 0.500 ms\n"
			 "resolve: 1.000 ms\n"
			 "hello-client: host.example: 192.0.2.1:6666: Connection refused; "
			 "192.0.2.2:6666: timed out after 10 s: "
			 "check the address and the firewall, or give more time with -t\n");

	/* Repeated requests are counted. */
	result_make_greeting(result, "192.0.2.1", UNIT_BYTES("HELLO"), 9000);
	result_add_attempt(result, "192.0.2.2", ATTEMPT_SUPERSEDED, 0);
	result->attempts[0].asked = 2;
	result->attempts[1].asked = 1;
	fixture_probe(fixture, 1);
	ck_assert_ptr_eq(strstr(fixture->err, "192.0.2.1:6666: answered after 0.250 ms, asked 2 "
					      "times\n192.0.2.2:6666: overtaken by another "
					      "address after 0.500 ms\nresolve"),
			 fixture->err);

	fixture->style.quiet = true;
	fixture_probe(fixture, 1);
	ck_assert_str_eq(fixture->err, "");
	fixture_free(fixture);
}
END_TEST

/* Width of the terminal; 0 if standard output is not a terminal. */
static unsigned short terminal_columns;

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	struct winsize *size;

	va_start(arguments, request);
	size = va_arg(arguments, struct winsize *);
	va_end(arguments);
	if (fd != STDOUT_FILENO || request != TIOCGWINSZ || terminal_columns == 0)
		return -1;
	*size = (struct winsize){.ws_col = terminal_columns};
	return 0;
}

static const unsigned short widths[] = {0, 80, 132, 40, 36, 35, 10};

/* Bars are proportional. Lines are no wider than the terminal, unless it is too narrow for bars. */
START_TEST(histogram_fits_the_terminal)
{
	/* For times of 1 to 5 ms. */
	static const char *const labels[] = {
		"     0.512 -      1.024 ms       1 ",
		"     1.024 -      2.048 ms       1 ",
		"     2.048 -      4.096 ms       2 ",
		"     4.096 -      8.192 ms       1 ",
	};
	struct fixture *fixture = fixture_new(&report_text);
	size_t label = strlen(labels[0]), columns = widths[_i] > 0 ? widths[_i] : 80U;
	size_t longest = columns > label ? columns - label : 1;
	char *line;

	terminal_columns = widths[_i];
	fixture->style.histogram = true;
	strcpy(fixture->target.endpoint.host, "a\x1B");
	fixture_summary(fixture, 5, 0, 0);
	line = strstr(fixture->out, "--- a\\x1b port 6666 ---\n5 greeted of 5 tried, 0% loss\nmin");
	ck_assert_ptr_nonnull(line);
	line = strstr(line, "ms\n");
	strtok(line, "\n");
	for (int i = 0; i < UNIT_COUNT(labels); i++) {
		size_t bar = i == 2 ? longest : (longest + 1) / 2;

		line = strtok(NULL, "\n");
		ck_assert_msg(strncmp(line, labels[i], label) == 0, "'%s'", line);
		ck_assert_uint_eq(strspn(line + label, "#"), bar);
		ck_assert_uint_eq(strlen(line), label + bar);
	}
	ck_assert_ptr_null(strtok(NULL, "\n"));

	/* Without greetings there is no histogram. */
	fixture_summary(fixture, 0, 3, 0);
	ck_assert_ptr_nonnull(strstr(fixture->out, "0 greeted of 3 tried, 100% loss\n"));
	ck_assert_ptr_null(strchr(fixture->out, '#'));
	/* Of nothing, no share is lost. */
	fixture_summary(fixture, 0, 0, EXIT_NOT_TRIED);
	ck_assert_str_eq(fixture->out, "\n--- a\\x1b port 6666 ---\n0 greeted of 0 tried\n");
	fixture_free(fixture);
}
END_TEST

int main(void)
{
	return UNIT_RUN("report_text", {details_are_on_standard_error, 1},
			{histogram_fits_the_terminal, UNIT_COUNT(widths)});
}
