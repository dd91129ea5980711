/* SPDX-License-Identifier: MIT */
/* scene - what the suites of the reports report on */
#ifndef HELLOD_TEST_REPORT_FIXTURE_H
#define HELLOD_TEST_REPORT_FIXTURE_H

#include <json-c/json.h>

#include "../unit.h"
#include "client/report.h"

#define OUTPUT_BYTES 65536

/* When every probe was begun. */
#define STARTED_USEC 5000000U

/* What is reported on, and how. */
struct scene {
	struct probe_target target;
	struct expectation expectation;
	struct report report;
	struct probe_result result;
	char out[OUTPUT_BYTES], err[OUTPUT_BYTES];
};

/* A host, a port, no expectations, and files that take what is printed. */
struct scene *scene_new(enum report_format format);
void scene_free(struct scene *scene);

/* Takes what was printed since the last time to scene->out and scene->err. */
void take(struct scene *scene);

/* The one object that was printed, on one line in UTF-8. Given back to json_object_put(). */
struct json_object *parse_line(struct scene *scene);

/* A result without a greeting. Takes 20 ms. */
void make_result(struct probe_result *result, enum probe_status status);

/* One more address that was tried: of any family, or the path of a UNIX socket. */
void add_attempt(struct probe_result *result, const char *where, enum dial_outcome outcome,
		 int error);

/* As if this had come after that time. */
void make_greeting(struct probe_result *result, const char *where, const char *text, size_t length,
		   uint64_t time_usec);

/* Every status. */
#define STATUS_COUNT 9
struct status_case {
	enum probe_status status;
	const char *word, *exit; /* as JSON has them */
	const char *line;	 /* for Nagios */
};
extern const struct status_case statuses[STATUS_COUNT];

/* A result of that status, with what it is told with in `statuses`. */
void make_status(struct probe_result *result, enum probe_status status);

/* Has the scene's result reported. */
void report_one(struct scene *scene, uint64_t sequence);

/* Has a summary reported: of times from 1 ms on, a millisecond apart, and of failures. */
void print_summary(struct scene *scene, int greeted, int failed, enum verdict_exit worst);

/* The same, and takes it. */
void sum_up(struct scene *scene, int greeted, int failed, enum verdict_exit worst);

#endif
