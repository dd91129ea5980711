/* SPDX-License-Identifier: MIT */
/* scene - what the suites of the reports report on */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/utf8.h"
#include "report_fixture.h"

#define TRIED_MAX 3

struct scene *scene_new(enum report_format format)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->target = (struct probe_target){
		.host = "host.example", .port = "6666", .timeout_usec = 10000000};
	scene->expectation = (struct expectation){NULL, CLOCK_NEVER, CLOCK_NEVER};
	scene->report.format = format;
	scene->report.target = &scene->target;
	scene->report.expectation = &scene->expectation;
	scene->report.out = tmpfile();
	scene->report.err = tmpfile();
	return scene;
}

static void slurp(FILE *file, char *buffer)
{
	ck_assert_int_eq(ferror(file), 0);
	rewind(file);
	buffer[fread(buffer, 1, OUTPUT_BYTES - 1, file)] = '\0';
	rewind(file);
	ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
}

void take(struct scene *scene)
{
	slurp(scene->report.out, scene->out);
	slurp(scene->report.err, scene->err);
}

void scene_free(struct scene *scene)
{
	probe_clear(&scene->result);
	fclose(scene->report.out);
	fclose(scene->report.err);
	ck_assert_ptr_null(scene->report.last_failure);
	free(scene);
}

void add_attempt(struct probe_result *result, const char *where, enum dial_outcome outcome,
		 int error)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(6666)};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(6666)};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct resolve_address *made;
	size_t n = result->addresses.count;

	if (n == 0) {
		result->addresses.addresses = calloc(TRIED_MAX, sizeof(struct resolve_address));
		result->attempts = calloc(TRIED_MAX, sizeof(struct dial_attempt));
		result->resolved_usec = STARTED_USEC + 1000;
	}
	made = &result->addresses.addresses[n];
	if (where[0] == '/') {
		strcpy(sun.sun_path, where);
		memcpy(&made->address, &sun, made->length = sizeof(sun));
	} else if (inet_pton(AF_INET, where, &sin.sin_addr) == 1) {
		memcpy(&made->address, &sin, made->length = sizeof(sin));
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, where, &sin6.sin6_addr), 1);
		memcpy(&made->address, &sin6, made->length = sizeof(sin6));
	}
	result->attempts[n].outcome = outcome;
	result->attempts[n].error = error;
	if (outcome != DIAL_NOT_TRIED) {
		result->attempts[n].started_usec = STARTED_USEC + 1000;
		result->attempts[n].ended_usec = STARTED_USEC + 1000 + 250 * (n + 1);
	}
	result->addresses.count = ++n;
	if (outcome == DIAL_CONNECTED) {
		result->winner = n - 1;
		result->connected_usec = STARTED_USEC + 3000;
	} else if (result->connected_usec == 0) {
		result->winner = n;
	}
}

void make_result(struct probe_result *result, enum probe_status status)
{
	probe_clear(result);
	*result = (struct probe_result){
		.status = status,
		.started_usec = STARTED_USEC,
		.ended_usec = STARTED_USEC + 20000,
	};
}

void make_greeting(struct probe_result *result, const char *where, const char *text, size_t length,
		   uint64_t time_usec)
{
	make_result(result, PROBE_GREETED);
	add_attempt(result, where, DIAL_CONNECTED, 0);
	result->text = unit_copy(text, length);
	result->text_length = length;
	result->frame_have = FRAME_HEADER_BYTES + length;
	result->first_byte_usec = STARTED_USEC + 6000;
	result->ended_usec = STARTED_USEC + time_usec;
}

const struct status_case statuses[STATUS_COUNT] = {
	{PROBE_GREETED, "greeted", "0",
	 "HELLO OK - greeted with \"HELLO\" by 192.0.2.1:6666 in 0.000001 s|time=0.000001s;;;0;10"},
	{PROBE_UNRESOLVED, "unknown-host", "3",
	 "HELLO UNKNOWN - host.example: Name or service not known|time=U;;;0;10"},
	{PROBE_UNCONNECTED, "refused", "2",
	 "HELLO CRITICAL - 192.0.2.1:6666: Connection refused|time=U;;;0;10"},
	{PROBE_RESET, "reset", "2",
	 "HELLO CRITICAL - 192.0.2.1:6666: Connection reset by peer after 0 of 2 header bytes"
	 "|time=U;;;0;10"},
	{PROBE_CLOSED, "closed", "2",
	 "HELLO CRITICAL - 192.0.2.1:6666: closed after 0 of 2 header bytes: too many connections, "
	 "or its service fails|time=U;;;0;10"},
	{PROBE_TIMED_OUT, "timed-out", "2",
	 "HELLO CRITICAL - 192.0.2.1:6666: timed out after 10 s, after 0 of 2 header bytes"
	 "|time=U;;;0;10"},
	{PROBE_MALFORMED, "malformed", "2",
	 "HELLO CRITICAL - 192.0.2.1:6666: malformed at byte 0 of the greeting's 1|time=U;;;0;10"},
	{PROBE_SYSTEM_ERROR, "system-error", "3",
	 "HELLO UNKNOWN - host.example: Too many open files|time=U;;;0;10"},
	{PROBE_INTERRUPTED, "interrupted", "3",
	 "HELLO UNKNOWN - host.example: interrupted|time=U;;;0;10"},
};

void make_status(struct probe_result *result, enum probe_status status)
{
	if (status == PROBE_GREETED) {
		make_greeting(result, "192.0.2.1", UNIT_BYTES("HELLO"), 1);
		return;
	}
	make_result(result, status);
	result->resolve_error = status == PROBE_UNRESOLVED ? EAI_NONAME : 0;
	result->system_error = status == PROBE_RESET ? ECONNRESET : EMFILE;
	if (status == PROBE_UNCONNECTED)
		add_attempt(result, "192.0.2.1", DIAL_FAILED, ECONNREFUSED);
	else if (status != PROBE_UNRESOLVED)
		add_attempt(result, "192.0.2.1", DIAL_CONNECTED, 0);
	if (status == PROBE_MALFORMED) {
		memcpy(result->frame, "\0\1\xFF", 3);
		result->frame_have = 3;
	}
}

void report_one(struct scene *scene, uint64_t sequence)
{
	enum verdict verdict = verdict_of(&scene->result, &scene->expectation);

	ck_assert_int_eq(report_probe(&scene->report, sequence, verdict, &scene->result), 0);
}

void print_summary(struct scene *scene, int greeted, int failed, enum verdict_exit worst)
{
	struct stats stats = {0};

	for (int i = 1; i <= greeted; i++)
		stats_add_time(&stats, (uint64_t)i * USEC_PER_MSEC);
	for (int i = 0; i < failed; i++)
		stats_add_failure(&stats);
	ck_assert_int_eq(report_summary(&scene->report, worst, &stats), 0);
	stats_free(&stats);
}

void sum_up(struct scene *scene, int greeted, int failed, enum verdict_exit worst)
{
	print_summary(scene, greeted, failed, worst);
	take(scene);
}

struct json_object *parse_line(struct scene *scene)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	size_t length;
	uint32_t c;

	take(scene);
	ck_assert_str_eq(scene->err, "");
	length = strcspn(scene->out, "\n");
	ck_assert_str_eq(scene->out + length, "\n");
	for (size_t offset = 0, n; offset < length; offset += n)
		ck_assert_msg((n = utf8_get(scene->out + offset, length - offset, &c)) > 0,
			      "not UTF-8 at byte %zu: '%s'", offset, scene->out);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, scene->out, (int)length);
	ck_assert_msg(object != NULL, "'%s': %s", scene->out,
		      json_tokener_error_desc(json_tokener_get_error(tokener)));
	json_tokener_free(tokener);
	return object;
}
