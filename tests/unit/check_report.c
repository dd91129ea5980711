/* SPDX-License-Identifier: MIT */
/* report - client side: tells what came of the probes, as text, JSON or for Nagios */
#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "charset.h"
#include "monotonic.h"
#include "report.h"
#include "unit.h"
#include "utf8.h"

#define OUTPUT_BYTES 65536
#define STARTED_USEC 5000000U
#define TRIED_MAX 3

/* What is reported on, and how. */
struct scene {
	struct probe_target target;
	struct expectation expectation;
	struct report report;
	struct probe_result result;
	char out[OUTPUT_BYTES], err[OUTPUT_BYTES];
};

static struct scene *scene_new(enum report_format format)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->target = (struct probe_target){
		.host = "host.example", .port = "6666", .timeout_usec = 10000000};
	scene->expectation = (struct expectation){NULL, MONOTONIC_NEVER, MONOTONIC_NEVER};
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

/* Takes what was printed since the last time to scene->out and scene->err. */
static void take(struct scene *scene)
{
	slurp(scene->report.out, scene->out);
	slurp(scene->report.err, scene->err);
}

static void scene_free(struct scene *scene)
{
	probe_clear(&scene->result);
	fclose(scene->report.out);
	fclose(scene->report.err);
	ck_assert_ptr_null(scene->report.last_failure);
	free(scene);
}

static void add_attempt(struct probe_result *result, const char *where, enum dial_outcome outcome,
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

/* A result without a greeting. Takes 20 ms. */
static void make_result(struct probe_result *result, enum probe_status status)
{
	probe_clear(result);
	*result = (struct probe_result){
		.status = status,
		.started_usec = STARTED_USEC,
		.ended_usec = STARTED_USEC + 20000,
	};
}

/* As if this had come after that time. */
static void make_greeting(struct probe_result *result, const char *where, const char *text,
			  size_t length, uint64_t time_usec)
{
	make_result(result, PROBE_GREETED);
	add_attempt(result, where, DIAL_CONNECTED, 0);
	result->text = unit_copy(text, length);
	result->text_length = length;
	result->frame_have = FRAME_HEADER_BYTES + length;
	result->first_byte_usec = STARTED_USEC + 6000;
	result->ended_usec = STARTED_USEC + time_usec;
}

/* Every status. */
static const struct {
	enum probe_status status;
	const char *word, *exit; /* as JSON has them */
	const char *line;	 /* for Nagios */
} statuses[] = {
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

static void make_status(struct probe_result *result, enum probe_status status)
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

static void report_one(struct scene *scene, uint64_t sequence)
{
	enum verdict verdict = verdict_of(&scene->result, &scene->expectation);

	ck_assert_int_eq(report_probe(&scene->report, sequence, verdict, &scene->result), 0);
}

/* Of times from 1 ms on, a millisecond apart, and of failures. */
static void print_summary(struct scene *scene, int greeted, int failed, enum verdict_exit worst)
{
	struct stats stats = {0};

	for (int i = 1; i <= greeted; i++)
		stats_add_time(&stats, (uint64_t)i * USEC_PER_MSEC);
	for (int i = 0; i < failed; i++)
		stats_add_failure(&stats);
	ck_assert_int_eq(report_summary(&scene->report, worst, &stats), 0);
	stats_free(&stats);
}

static void sum_up(struct scene *scene, int greeted, int failed, enum verdict_exit worst)
{
	print_summary(scene, greeted, failed, worst);
	take(scene);
}

static const struct {
	const char *text;
	size_t length;
	const char *shown; /* to a terminal, or with a number; NULL if unchanged */
} greetings[] = {
	{UNIT_BYTES("HELLO"), NULL},
	{UNIT_BYTES(""), NULL},
	{UNIT_BYTES(" ~\\x1b %s %n | \"'"), NULL},
	{UNIT_BYTES("Gr\u00FC\u00DFe, \u4E16\u754C \U0001F600"), NULL},
	{UNIT_BYTES("A\0B"), "A\\x00B"},
	{UNIT_BYTES("\x1B[2J\x1B]0;title\a\r\n"), "\\x1b[2J\\x1b]0;title\\x07\\x0d\\x0a"},
	{UNIT_BYTES("\u2028\u202E"), "\\u2028\\u202e"},
};

START_TEST(test_text_greeting)
{
	struct scene *scene = scene_new(REPORT_TEXT);
	const char *text = greetings[_i].text, *shown = greetings[_i].shown;
	size_t length = greetings[_i].length;
	char wanted[256];

	make_greeting(&scene->result, "192.0.2.1", text, length, 512);
	/* Unchanged, and a newline. */
	report_one(scene, 1);
	take(scene);
	ck_assert_mem_eq(scene->out, text, length);
	ck_assert_str_eq(scene->out + length, "\n");

	shown = shown != NULL ? shown : text;
	scene->report.on_terminal = true;
	report_one(scene, 1);
	take(scene);
	snprintf(wanted, sizeof(wanted), "%s\n", shown);
	ck_assert_str_eq(scene->out, wanted);

	/* A numbered line is one, wherever it goes. */
	scene->report.on_terminal = false;
	scene->report.counting = true;
	report_one(scene, 18446744073709551615U);
	take(scene);
	snprintf(wanted, sizeof(wanted),
		 "from 192.0.2.1 port 6666: seq=18446744073709551615 time=0.512 ms: %s\n", shown);
	ck_assert_str_eq(scene->out, wanted);
	ck_assert_str_eq(scene->err, "");
	scene_free(scene);
}
END_TEST

START_TEST(test_text_unix)
{
	struct scene *scene = scene_new(REPORT_TEXT);

	scene->target.host = "/run/x";
	scene->report.counting = true;
	make_greeting(&scene->result, "/run/x", UNIT_BYTES("HELLO"), 1500);
	report_one(scene, 2);
	sum_up(scene, 1, 0, VERDICT_EXIT_GREETED);
	ck_assert_str_eq(scene->out, "from /run/x: seq=2 time=1.500 ms: HELLO\n"
				     "\n--- /run/x ---\n"
				     "1 greeted of 1 tried, 0% loss\n"
				     "min/avg/max/mdev = 1.000/1.000/1.000/0.000 ms\n");
	scene_free(scene);
}
END_TEST

/* What goes wrong goes to standard error; a greeting that is slow is still one. */
START_TEST(test_text_failure)
{
	static const char *const prefixes[] = {"hello-client: ", "hello-client: seq=7: "};
	struct scene *scene = scene_new(REPORT_TEXT);
	char wanted[256];

	scene->report.counting = _i != 0;
	make_result(&scene->result, PROBE_UNRESOLVED);
	scene->result.resolve_error = EAI_NONAME;
	report_one(scene, 7);
	take(scene);
	snprintf(wanted, sizeof(wanted), "%shost.example: Name or service not known\n",
		 prefixes[_i]);
	ck_assert_str_eq(scene->err, wanted);
	ck_assert_str_eq(scene->out, "");

	scene->expectation.warning_usec = 1000;
	make_greeting(&scene->result, "::1", UNIT_BYTES("HELLO"), 2000);
	report_one(scene, 7);
	take(scene);
	snprintf(wanted, sizeof(wanted), "%s[::1]:6666: took 0.002000 s, more than 0.001 s\n",
		 prefixes[_i]);
	ck_assert_str_eq(scene->err, wanted);
	ck_assert_str_eq(scene->out,
			 _i != 0 ? "from ::1 port 6666: seq=7 time=2.000 ms: HELLO\n" : "HELLO\n");
	scene_free(scene);
}
END_TEST

/* To `err`, so that `out` stays what it is without. */
START_TEST(test_text_verbose)
{
	struct scene *scene = scene_new(REPORT_TEXT);
	struct probe_result *result = &scene->result;

	scene->report.verbose = true;
	make_greeting(result, "192.0.2.1", UNIT_BYTES("HELLO"), 9000);
	add_attempt(result, "2001:db8::1", DIAL_OVERTAKEN, 0);
	add_attempt(result, "/run/x", DIAL_NOT_TRIED, 0);
	result->closed_usec = result->ended_usec + 123;
	report_one(scene, 1);
	take(scene);
	ck_assert_str_eq(scene->out, "HELLO\n");
	ck_assert_str_eq(scene->err, "192.0.2.1:6666: connected after 0.250 ms\n"
				     "[2001:db8::1]:6666: overtaken by another address after "
				     "0.500 ms\n"
				     "/run/x: not tried\n"
				     "resolve: 1.000 ms\n"
				     "connect: 2.000 ms\n"
				     "first byte: 3.000 ms\n"
				     "whole frame: 3.000 ms\n"
				     "peer's close: 0.123 ms\n");

	/* Only the phases that it came to. */
	make_result(result, PROBE_TIMED_OUT);
	add_attempt(result, "192.0.2.1", DIAL_FAILED, ECONNREFUSED);
	add_attempt(result, "192.0.2.2", DIAL_TIMED_OUT, 0);
	report_one(scene, 1);
	take(scene);
	ck_assert_str_eq(scene->out, "");
	ck_assert_str_eq(scene->err, "192.0.2.1:6666: failed (Connection refused) after 0.250 ms\n"
				     "192.0.2.2:6666: timed out after 0.500 ms\n"
				     "resolve: 1.000 ms\n"
				     "hello-client: 192.0.2.1:6666: Connection refused; "
				     "192.0.2.2:6666: timed out after 10 s\n");
	scene_free(scene);
}
END_TEST

START_TEST(test_text_quiet)
{
	struct scene *scene = scene_new(REPORT_TEXT);

	scene->report.quiet = scene->report.verbose = scene->report.counting = true;
	for (int i = 0; i < UNIT_COUNT(statuses); i++) {
		make_status(&scene->result, statuses[i].status);
		report_one(scene, 1);
	}
	take(scene);
	ck_assert_str_eq(scene->out, "");
	ck_assert_str_eq(scene->err, "");
	scene_free(scene);
}
END_TEST

static const struct {
	int greeted, failed;
	const char *text;
} summaries[] = {
	{0, 0, "0 greeted of 0 tried, 0% loss\n"},
	{0, 3, "0 greeted of 3 tried, 100% loss\n"},
	{2, 1,
	 "2 greeted of 3 tried, 33.3333% loss\n"
	 "min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms\n"},
	{19, 0,
	 "19 greeted of 19 tried, 0% loss\n"
	 "min/avg/max/mdev = 1.000/10.000/19.000/5.477 ms\n"},
	{20, 5,
	 "20 greeted of 25 tried, 20% loss\n"
	 "min/avg/max/mdev = 1.000/10.500/20.000/5.766 ms\n"
	 "p50/p90/p95/p99 = 10.000/18.000/19.000/20.000 ms\n"},
};

START_TEST(test_text_summary)
{
	struct scene *scene = scene_new(REPORT_TEXT);
	char wanted[256];

	/* There is nothing to show of no greetings. */
	scene->report.histogram = summaries[_i].greeted == 0;
	sum_up(scene, summaries[_i].greeted, summaries[_i].failed, VERDICT_EXIT_NO_GREETING);
	ck_assert_str_eq(scene->out, "");

	scene->report.counting = true;
	snprintf(wanted, sizeof(wanted), "\n--- host.example port 6666 ---\n%s",
		 summaries[_i].text);
	sum_up(scene, summaries[_i].greeted, summaries[_i].failed, VERDICT_EXIT_NO_GREETING);
	ck_assert_str_eq(scene->out, wanted);

	/* Without anything before it, no line needs to be left free. */
	scene->report.quiet = true;
	sum_up(scene, summaries[_i].greeted, summaries[_i].failed, VERDICT_EXIT_NO_GREETING);
	ck_assert_str_eq(scene->out, wanted + 1);
	ck_assert_str_eq(scene->err, "");
	scene_free(scene);
}
END_TEST

/* What the terminal says that it has; 0 for no terminal. */
static unsigned short terminal_columns;

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	struct winsize *size;

	(void)fd;
	va_start(arguments, request);
	size = va_arg(arguments, struct winsize *);
	va_end(arguments);
	if (request != TIOCGWINSZ || terminal_columns == 0) {
		errno = ENOTTY;
		return -1;
	}
	*size = (struct winsize){.ws_col = terminal_columns};
	return 0;
}

static const unsigned short widths[] = {0, 80, 132, 40, 36, 35, 10};

/* Bars in proportion, and no line wider than the terminal if there is room for a bar at all. */
START_TEST(test_text_histogram)
{
	static const uint64_t times[] = {512, 1024, 2047, 4096};
	static const char *const labels[] = {
		"     0.512 -      1.024 ms       1 ",
		"     1.024 -      2.048 ms       2 ",
		"     2.048 -      4.096 ms       0 ",
		"     4.096 -      8.192 ms       1 ",
	};
	struct scene *scene = scene_new(REPORT_TEXT);
	struct stats stats = {0};
	size_t bars[4], label = strlen(labels[0]);
	size_t room = (widths[_i] > 0 ? widths[_i] : 80U) - label;
	char *line;

	terminal_columns = widths[_i];
	scene->report.counting = scene->report.histogram = true;
	for (int i = 0; i < UNIT_COUNT(times); i++)
		stats_add_time(&stats, times[i]);
	ck_assert_int_eq(report_summary(&scene->report, VERDICT_EXIT_GREETED, &stats), 0);
	stats_free(&stats);
	take(scene);

	line = strstr(scene->out, "ms\n");
	ck_assert_ptr_nonnull(line);
	strtok(line, "\n");
	for (int i = 0; i < UNIT_COUNT(labels); i++) {
		line = strtok(NULL, "\n");
		ck_assert_ptr_nonnull(line);
		ck_assert_msg(strncmp(line, labels[i], label) == 0, "'%s'", line);
		bars[i] = strspn(line + label, "#");
		ck_assert_uint_eq(strlen(line), label + bars[i]);
	}
	ck_assert_ptr_null(strtok(NULL, "\n"));
	ck_assert_uint_eq(bars[0], (bars[1] + 1) / 2);
	ck_assert_uint_eq(bars[2], 0);
	ck_assert_uint_eq(bars[3], bars[0]);
	if (room == 0 || room > 132)
		room = 1;
	ck_assert_msg(bars[1] <= room, "a bar of %zu where there is room for %zu", bars[1], room);
	ck_assert_msg(bars[1] + 2 >= room, "a bar of %zu where there is room for %zu", bars[1],
		      room);
	scene_free(scene);
}
END_TEST

/* In the locale's character set, what is quoted too. */
START_TEST(test_text_charset)
{
	struct scene *scene = scene_new(REPORT_TEXT);

	setenv("LC_ALL", "C", 1);
	charset_init();
	scene->expectation.text = "HELLO";
	make_greeting(&scene->result, "192.0.2.1", UNIT_BYTES("Gr\u00FC\u00DFe\u2028"), 1);
	report_one(scene, 1);
	scene->report.on_terminal = true;
	report_one(scene, 1);
	take(scene);
	ck_assert_str_eq(scene->out, "Gr??e?\nGr??e\\u2028\n");
	ck_assert_ptr_nonnull(strstr(scene->err, "\"Gr??e\\u2028\", not with \"HELLO\"\n"));
	scene_free(scene);
}
END_TEST

/* The one object that was printed, on one line in UTF-8. Given back to json_object_put(). */
static struct json_object *parse_line(struct scene *scene)
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

/* Compares the whole object, whatever the order of its members is. */
static void assert_object(struct scene *scene, const char *wanted)
{
	struct json_object *got = parse_line(scene), *other = json_tokener_parse(wanted);

	ck_assert_ptr_nonnull(other);
	ck_assert_msg(json_object_equal(got, other), "%s, not %s", scene->out, wanted);
	json_object_put(other);
	json_object_put(got);
}

/* A member as text, or NULL if it is null. It must be there. */
static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value;

	ck_assert_msg(json_object_object_get_ex(object, key, &value), "no %s", key);
	return json_object_get_string(value);
}

START_TEST(test_json_greeting)
{
	struct scene *scene = scene_new(REPORT_JSON);
	struct probe_result *result = &scene->result;

	make_result(result, PROBE_GREETED);
	add_attempt(result, "192.0.2.1", DIAL_FAILED, ECONNREFUSED);
	add_attempt(result, "2001:db8::1", DIAL_CONNECTED, 0);
	add_attempt(result, "/run/x", DIAL_NOT_TRIED, 0);
	result->text = unit_copy("HELLO", 5);
	result->text_length = 5;
	result->frame_have = 7;
	result->first_byte_usec = STARTED_USEC + 6000;
	result->ended_usec = STARTED_USEC + 9000;
	result->closed_usec = result->ended_usec + 123;
	report_one(scene, 3);
	assert_object(scene, "{'type': 'greeting', 'sequence': 3, 'host': 'host.example',"
			     "'port': 6666, 'address': '2001:db8::1', 'family': 'ipv6',"
			     "'status': 'greeted', 'exit': 0, 'error': null,"
			     "'greeting': 'HELLO', 'frame_length': 7,"
			     "'time': 0.009, 'resolve_time': 0.001, 'connect_time': 0.002,"
			     "'first_byte_time': 0.003, 'frame_time': 0.003,"
			     "'close_time': 0.000123, 'attempts': ["
			     "{'address': '192.0.2.1', 'outcome': 'failed',"
			     " 'error': 'Connection refused', 'time': 0.00025},"
			     "{'address': '2001:db8::1', 'outcome': 'connected',"
			     " 'error': null, 'time': 0.0005},"
			     "{'address': '/run/x', 'outcome': 'not-tried',"
			     " 'error': null, 'time': null}]}");

	/* Alone there is no summary; quietly nothing at all. */
	sum_up(scene, 1, 0, VERDICT_EXIT_GREETED);
	ck_assert_str_eq(scene->out, "");
	scene->report.quiet = true;
	report_one(scene, 3);
	take(scene);
	ck_assert_str_eq(scene->out, "");
	scene_free(scene);
}
END_TEST

/* Nothing came of it: what is not known is null. */
START_TEST(test_json_failure)
{
	struct scene *scene = scene_new(REPORT_JSON);

	scene->target.host = "/run/x";
	make_result(&scene->result, PROBE_UNCONNECTED);
	add_attempt(&scene->result, "/run/x", DIAL_FAILED, ECONNREFUSED);
	report_one(scene, 1);
	assert_object(scene, "{'type': 'greeting', 'sequence': 1, 'host': '/run/x',"
			     "'port': null, 'address': null, 'family': null,"
			     "'status': 'refused', 'exit': 2,"
			     "'error': '/run/x: Connection refused',"
			     "'greeting': null, 'frame_length': null,"
			     "'time': 0.02, 'resolve_time': 0.001, 'connect_time': null,"
			     "'first_byte_time': null, 'frame_time': null,"
			     "'close_time': null, 'attempts': ["
			     "{'address': '/run/x', 'outcome': 'failed',"
			     " 'error': 'Connection refused', 'time': 0.00025}]}");
	scene_free(scene);
}
END_TEST

static const struct {
	const char *text;
	size_t length;
} json_texts[] = {
	{UNIT_BYTES("")},
	{UNIT_BYTES("A\0B\0")},
	{UNIT_BYTES("\"\\/'{}|")},
	{UNIT_BYTES("\r\n\t\b\x1B\x7F")},
	{UNIT_BYTES("\u2028\u2029")},
	{UNIT_BYTES("Gr\u00FC\u00DFe \u4E16 \U0001F600")},
};

/* Whatever it is, it comes back. The locale does not matter. */
START_TEST(test_json_text)
{
	struct scene *scene = scene_new(REPORT_JSON);
	struct json_object *object, *greeting;

	setenv("LC_ALL", "C", 1);
	charset_init();
	make_greeting(&scene->result, "192.0.2.1", json_texts[_i].text, json_texts[_i].length, 1);
	report_one(scene, 1);
	object = parse_line(scene);
	ck_assert(json_object_object_get_ex(object, "greeting", &greeting));
	ck_assert_int_eq(json_object_get_string_len(greeting), (int)json_texts[_i].length);
	ck_assert_mem_eq(json_object_get_string(greeting), json_texts[_i].text,
			 json_texts[_i].length);
	json_object_put(object);
	scene_free(scene);
}
END_TEST

/* The error is told for all but one. */
START_TEST(test_json_status)
{
	bool greeted = statuses[_i].status == PROBE_GREETED;
	struct scene *scene = scene_new(REPORT_JSON);
	struct json_object *object;

	make_status(&scene->result, statuses[_i].status);
	report_one(scene, 1);
	object = parse_line(scene);
	ck_assert_str_eq(member(object, "status"), statuses[_i].word);
	ck_assert_str_eq(member(object, "exit"), statuses[_i].exit);
	ck_assert_int_eq(member(object, "error") == NULL, greeted);
	ck_assert_int_eq(member(object, "greeting") != NULL, greeted);
	json_object_put(object);
	scene_free(scene);
}
END_TEST

static const struct {
	int greeted, failed;
	const char *object; /* behind the host and the port */
} json_summaries[] = {
	{0, 0,
	 "'exit': 1, 'tried': 0, 'greeted': 0, 'loss': null, 'min': null, 'avg': null,"
	 "'max': null, 'mdev': null, 'p50': null, 'p90': null, 'p95': null, 'p99': null}"},
	{0, 3,
	 "'exit': 1, 'tried': 3, 'greeted': 0, 'loss': 1, 'min': null, 'avg': null,"
	 "'max': null, 'mdev': null, 'p50': null, 'p90': null, 'p95': null, 'p99': null}"},
	{19, 1,
	 "'exit': 1, 'tried': 20, 'greeted': 19, 'loss': 0.05, 'min': 0.001, 'avg': 0.01,"
	 "'max': 0.019, 'mdev': 0.005477, 'p50': null, 'p90': null, 'p95': null, 'p99': null}"},
	{20, 0,
	 "'exit': 1, 'tried': 20, 'greeted': 20, 'loss': 0, 'min': 0.001, 'avg': 0.0105,"
	 "'max': 0.02, 'mdev': 0.005766, 'p50': 0.01, 'p90': 0.018, 'p95': 0.019, 'p99': 0.02}"},
};

START_TEST(test_json_summary)
{
	struct scene *scene = scene_new(REPORT_JSON);
	char wanted[512];

	scene->report.counting = scene->report.quiet = true;
	print_summary(scene, json_summaries[_i].greeted, json_summaries[_i].failed,
		      VERDICT_EXIT_SLOW);
	snprintf(wanted, sizeof(wanted),
		 "{'type': 'summary', 'host': 'host.example', 'port': 6666, %s",
		 json_summaries[_i].object);
	assert_object(scene, wanted);
	scene_free(scene);
}
END_TEST

static void assert_line(struct scene *scene, const char *line)
{
	take(scene);
	ck_assert_uint_eq(strlen(scene->out), strlen(line) + 1);
	ck_assert_int_eq(strncmp(scene->out, line, strlen(line)), 0);
	ck_assert_str_eq(scene->out + strlen(line), "\n");
	ck_assert_str_eq(scene->err, "");
}

START_TEST(test_nagios_status)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);

	make_status(&scene->result, statuses[_i].status);
	report_one(scene, 1);
	assert_line(scene, statuses[_i].line);
	sum_up(scene, 1, 0, VERDICT_EXIT_GREETED);
	ck_assert_str_eq(scene->out, "");
	scene_free(scene);
}
END_TEST

static const struct {
	const char *text;
	size_t length;
	const char *shown;
} nagios_texts[] = {
	{UNIT_BYTES(""), ""},
	{UNIT_BYTES("A|B||"), "A\\x7cB\\x7c\\x7c"},
	{UNIT_BYTES("|"), "\\x7c"},
	{UNIT_BYTES("A\0B\n"), "A\\x00B\\x0a"},
	{UNIT_BYTES("\"%s'\\"), "\"%s'\\"},
	{UNIT_BYTES("\u2028\x1B"), "\\u2028\\x1b"},
	{UNIT_BYTES("\u00FC \U0001F600"), "\u00FC \U0001F600"},
};

/* On one line, in which the performance data is behind the only '|'. */
START_TEST(test_nagios_text)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);
	char wanted[256];

	make_greeting(&scene->result, "::1", nagios_texts[_i].text, nagios_texts[_i].length, 1500);
	report_one(scene, 1);
	snprintf(wanted, sizeof(wanted),
		 "HELLO OK - greeted with \"%s\" by [::1]:6666 in 0.001500 s"
		 "|time=0.001500s;;;0;10",
		 nagios_texts[_i].shown);
	assert_line(scene, wanted);

	/* The time of what was not expected is known all the same. */
	scene->expectation.text = "x|\n";
	report_one(scene, 1);
	snprintf(wanted, sizeof(wanted),
		 "HELLO CRITICAL - [::1]:6666: greeted with \"%s\", not with \"x\\x7c\\x0a\""
		 "|time=0.001500s;;;0;10",
		 nagios_texts[_i].shown);
	assert_line(scene, wanted);
	scene_free(scene);
}
END_TEST

START_TEST(test_nagios_slow)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);

	scene->expectation.warning_usec = 500000;
	scene->expectation.critical_usec = 2000000;
	make_greeting(&scene->result, "/run/x", UNIT_BYTES("HELLO"), 500001);
	report_one(scene, 1);
	assert_line(scene, "HELLO WARNING - /run/x: took 0.500001 s, more than 0.5 s"
			   "|time=0.500001s;0.5;2;0;10");
	make_greeting(&scene->result, "/run/x", UNIT_BYTES("HELLO"), 2000001);
	report_one(scene, 1);
	assert_line(scene, "HELLO CRITICAL - /run/x: took 2.000001 s, more than 2 s"
			   "|time=2.000001s;0.5;2;0;10");
	scene_free(scene);
}
END_TEST

static const uint64_t limits[] = {
	0, 1, 10, 99, 1000, 500000, 1234567, 86400000000, 86399999999, MONOTONIC_NEVER,
};

/* Digits and a point, says the guideline: no exponent. And the limit itself: none is rounded. */
static void assert_limit(const char *field, uint64_t usec)
{
	ck_assert_ptr_nonnull(field);
	ck_assert_msg(strspn(field, "0123456789.") == strlen(field), "'%s'", field);
	if (usec == MONOTONIC_NEVER)
		ck_assert_str_eq(field, "");
	else
		ck_assert_msg(field[0] != '\0' &&
				      llround(strtod(field, NULL) * 1e6) == (long long)usec,
			      "'%s', not %llu us", field, (unsigned long long)usec);
}

START_TEST(test_nagios_limits)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);
	char *rest;

	scene->expectation.warning_usec = limits[_i];
	scene->expectation.critical_usec = limits[UNIT_COUNT(limits) - 1 - _i];
	make_greeting(&scene->result, "::1", UNIT_BYTES("HELLO"), 0);
	report_one(scene, 1);
	take(scene);
	rest = strchr(scene->out, '|');
	ck_assert_ptr_nonnull(rest);
	ck_assert_str_eq(strsep(&rest, ";"), "|time=0.000000s");
	assert_limit(strsep(&rest, ";"), scene->expectation.warning_usec);
	assert_limit(strsep(&rest, ";"), scene->expectation.critical_usec);
	ck_assert_str_eq(rest, "0;10\n");
	scene_free(scene);
}
END_TEST

/* One line for all of them, with the last of what went wrong. */
START_TEST(test_nagios_counting)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);

	scene->report.counting = true;
	make_greeting(&scene->result, "::1", UNIT_BYTES("|"), 1000);
	report_one(scene, 1);
	sum_up(scene, 2, 0, VERDICT_EXIT_GREETED);
	ck_assert_str_eq(scene->out, "HELLO OK - 2 greeted of 2 tried in 0.001500 s on average"
				     "|time=0.001500s;;;0;10 loss=0%;;;0;100\n");

	scene->expectation.warning_usec = 500000;
	make_status(&scene->result, PROBE_UNRESOLVED);
	report_one(scene, 1);
	scene->expectation.text = "HELLO";
	make_greeting(&scene->result, "::1", UNIT_BYTES("|"), 1000);
	report_one(scene, 2);
	scene->expectation.text = NULL;
	report_one(scene, 3);
	sum_up(scene, 2, 1, VERDICT_EXIT_NO_GREETING);
	ck_assert_str_eq(scene->out,
			 "HELLO CRITICAL - 2 greeted of 3 tried in 0.001500 s on average, last "
			 "problem: [::1]:6666: greeted with \"\\x7c\", not with \"HELLO\""
			 "|time=0.001500s;0.5;;0;10 loss=33.333333%;;;0;100\n");

	make_status(&scene->result, PROBE_UNRESOLVED);
	report_one(scene, 1);
	sum_up(scene, 0, 1, VERDICT_EXIT_NOT_TRIED);
	ck_assert_str_eq(scene->out,
			 "HELLO UNKNOWN - 0 greeted of 1 tried, last problem: host.example: Name "
			 "or service not known|time=U;0.5;;0;10 loss=100%;;;0;100\n");

	/* Interrupted before the first one came to an end. */
	sum_up(scene, 0, 0, VERDICT_EXIT_NOT_TRIED);
	ck_assert_str_eq(scene->out, "HELLO UNKNOWN - 0 greeted of 0 tried"
				     "|time=U;0.5;;0;10 loss=U;;;0;100\n");
	ck_assert_str_eq(scene->err, "");
	scene_free(scene);
}
END_TEST

/* In binary 0.29 is a little less than that. */
START_TEST(test_nagios_loss)
{
	struct scene *scene = scene_new(REPORT_NAGIOS);

	scene->report.counting = true;
	sum_up(scene, 71, 29, VERDICT_EXIT_NO_GREETING);
	ck_assert_ptr_nonnull(strstr(scene->out, " loss=29%;;;0;100\n"));
	scene_free(scene);
}
END_TEST

/*
 * A host from the command line can be anything: no more lines than there should be, nothing for a
 * terminal, and JSON is UTF-8 (RFC 8259, section 8.1).
 */
START_TEST(test_host)
{
	static const enum report_format formats[] = {REPORT_TEXT, REPORT_JSON, REPORT_NAGIOS};
	struct scene *scene = scene_new(formats[_i]);

	scene->target.host = "\"\x1B\n\xFF";
	scene->report.on_terminal = true;
	make_status(&scene->result, PROBE_UNRESOLVED);
	report_one(scene, 1);
	if (formats[_i] == REPORT_JSON)
		json_object_put(parse_line(scene));
	scene->report.counting = true;
	report_one(scene, 1);
	sum_up(scene, 0, 1, VERDICT_EXIT_NOT_TRIED);
	ck_assert_ptr_null(strchr(scene->out, '\x1B'));
	ck_assert_ptr_null(strchr(scene->err, '\x1B'));
	ck_assert_ptr_null(strchr(scene->out, '\xFF'));
	ck_assert_ptr_null(strchr(scene->err, '\xFF'));
	scene_free(scene);
}
END_TEST

/* In every format: a stream that cannot be written to keeps its error for the caller. */
START_TEST(test_full)
{
	static const enum report_format formats[] = {REPORT_TEXT, REPORT_JSON, REPORT_NAGIOS};
	struct scene *scene = scene_new(formats[_i]);
	struct stats stats = {0};

	fclose(scene->report.out);
	scene->report.out = fopen("/dev/full", "we");
	make_greeting(&scene->result, "::1", UNIT_BYTES("HELLO"), 1000);
	report_one(scene, 1);
	scene->report.counting = true;
	ck_assert_int_eq(report_summary(&scene->report, VERDICT_EXIT_GREETED, &stats), 0);
	fflush(scene->report.out);
	ck_assert_int_ne(ferror(scene->report.out), 0);
	scene_free(scene);
}
END_TEST

static Suite *report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *text = tcase_create("text");
	TCase *json = tcase_create("json");
	TCase *nagios = tcase_create("nagios");
	TCase *all = tcase_create("all formats");

	tcase_add_loop_test(text, test_text_greeting, 0, UNIT_COUNT(greetings));
	tcase_add_test(text, test_text_unix);
	tcase_add_loop_test(text, test_text_failure, 0, 2);
	tcase_add_test(text, test_text_verbose);
	tcase_add_test(text, test_text_quiet);
	tcase_add_loop_test(text, test_text_summary, 0, UNIT_COUNT(summaries));
	tcase_add_loop_test(text, test_text_histogram, 0, UNIT_COUNT(widths));
	tcase_add_test(text, test_text_charset);
	suite_add_tcase(suite, text);

	tcase_add_test(json, test_json_greeting);
	tcase_add_test(json, test_json_failure);
	tcase_add_loop_test(json, test_json_text, 0, UNIT_COUNT(json_texts));
	tcase_add_loop_test(json, test_json_status, 0, UNIT_COUNT(statuses));
	tcase_add_loop_test(json, test_json_summary, 0, UNIT_COUNT(json_summaries));
	suite_add_tcase(suite, json);

	tcase_add_loop_test(nagios, test_nagios_status, 0, UNIT_COUNT(statuses));
	tcase_add_loop_test(nagios, test_nagios_text, 0, UNIT_COUNT(nagios_texts));
	tcase_add_test(nagios, test_nagios_slow);
	tcase_add_loop_test(nagios, test_nagios_limits, 0, UNIT_COUNT(limits));
	tcase_add_test(nagios, test_nagios_counting);
	tcase_add_test(nagios, test_nagios_loss);
	suite_add_tcase(suite, nagios);

	tcase_add_loop_test(all, test_host, 0, 3);
	tcase_add_loop_test(all, test_full, 0, 3);
	suite_add_tcase(suite, all);
	return suite;
}

int main(void)
{
	return unit_run(report_suite());
}
