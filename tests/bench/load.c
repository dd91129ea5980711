/* SPDX-License-Identifier: MIT */
/* load - many clients, which check and time the greetings of a server */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "arrivals.h"
#include "client.h"
#include "common/clock.h"
#include "common/stdio.h"
#include "histogram.h"
#include "load_options.h"

/* Interval between checks for clients that have timed out. */
#define TIMEOUT_STEP_MSEC 100

/* Events of one epoll_wait(2). */
#define EVENTS_MAX 256

struct load {
	const struct load_options *options;
	const struct target *target;
	struct histogram *histogram;
	struct arrivals arrivals; /* with a rate */
	struct client **idle;	  /* without a connection; the last one is used next */
	uint64_t idle_count;
	uint64_t started;  /* number of clients */
	uint64_t end_usec; /* no client is due after that */
	int epoll_fd;
};

static volatile sig_atomic_t terminated; /* by SIGTERM: no client is due any more */

static void on_terminate(int number)
{
	(void)number;
	terminated = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(EX_OSERR);
}

/* Returns when the next client is due, CLOCK_NEVER if there is none. */
static uint64_t load_due_usec(const struct load *load, uint64_t now_usec)
{
	uint64_t due_usec =
		load->options->rate > 0 ? arrivals_next_usec(&load->arrivals) : now_usec;

	if (terminated || load->started >= load->options->count || due_usec >= load->end_usec)
		return CLOCK_NEVER;
	return due_usec;
}

static void load_count(struct load *load, const struct client *client, enum outcome outcome)
{
	uint64_t now_usec = clock_now_usec();

	if (histogram_add(load->histogram, outcome, now_usec - client->started_usec) < 0)
		die("histogram");
	/* Late clients do not count for the rate, because the last few may take far longer. */
	load->histogram->timely += outcome == OUTCOME_GREETED && now_usec <= load->end_usec;
}

/* Starts the next client. If connect(2) fails, the client is counted and idle again. */
static void load_start(struct load *load, uint64_t due_usec)
{
	struct client *client = load->idle[--load->idle_count];
	struct epoll_event event = {
		.events = load->options->talk > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN,
		.data.ptr = client,
	};
	const char *failed;
	int r = client_connect(client, load->target, load->started++, 0, &failed);

	errno = -r;
	if (failed != NULL)
		die(failed);
	if (load->options->rate > 0) {
		if (histogram_add_late(load->histogram, client->started_usec - due_usec) < 0)
			die("histogram");
		client->started_usec = due_usec;
		arrivals_advance(&load->arrivals);
	}
	if (r < 0) {
		load_count(load, client, outcome_of_errno(-r));
		load->idle[load->idle_count++] = client;
	} else if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0) {
		die("epoll_ctl");
	}
}

/* Starts the clients that are due, as far as there are idle ones. */
static void load_start_due(struct load *load)
{
	while (load->idle_count > 0) {
		uint64_t now_usec = clock_now_usec();
		uint64_t due_usec = load_due_usec(load, now_usec);

		if (due_usec > now_usec)
			return;
		load_start(load, due_usec);
	}
}

static void load_end(struct load *load, struct client *client, enum outcome outcome)
{
	load_count(load, client, outcome);
	close(client->fd);
	client->fd = -1;
	load->idle[load->idle_count++] = client;
	load_start_due(load);
}

/* Called once the client is connected. */
static void load_talk(struct load *load, struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	client_talk(client, (size_t)load->options->talk);
	if (epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, client->fd, &event) < 0)
		die("epoll_ctl");
}

static void load_time_out(struct load *load, struct client *clients, uint64_t now_usec)
{
	for (uint64_t i = 0; i < load->options->concurrency; i++) {
		struct client *client = &clients[i];

		if (client->fd >= 0 && client->started_usec < now_usec &&
		    now_usec - client->started_usec >= load->options->timeout_usec)
			load_end(load, client, OUTCOME_TIMED_OUT);
	}
}

/* Waits for events of clients, until a client is due or may have timed out. */
static int load_wait(const struct load *load, struct epoll_event *events)
{
	uint64_t now_usec = clock_now_usec(), due_usec = CLOCK_NEVER, wait_usec;
	struct pollfd epoll = {.fd = load->epoll_fd, .events = POLLIN};
	struct timespec wait;

	if (load->options->rate == 0)
		return epoll_wait(load->epoll_fd, events, EVENTS_MAX, TIMEOUT_STEP_MSEC);

	/* The milliseconds of epoll_wait(2) are too coarse for a client that is due. */
	if (load->idle_count > 0)
		due_usec = load_due_usec(load, now_usec);
	wait_usec = due_usec > now_usec ? due_usec - now_usec : 0;
	if (wait_usec > TIMEOUT_STEP_MSEC * USEC_PER_MSEC)
		wait_usec = TIMEOUT_STEP_MSEC * USEC_PER_MSEC;
	wait = (struct timespec){.tv_nsec = (long)(wait_usec * NSEC_PER_USEC)};
	if (ppoll(&epoll, 1, &wait, NULL) < 0)
		return -1;
	return epoll_wait(load->epoll_fd, events, EVENTS_MAX, 0);
}

static void load_init(struct load *load, struct client *clients)
{
	uint64_t now_usec = clock_now_usec();

	load->idle = calloc((size_t)load->options->concurrency, sizeof(struct client *));
	if (load->idle == NULL)
		die("calloc");
	for (uint64_t i = load->options->concurrency; i > 0; i--) {
		clients[i - 1].fd = -1;
		load->idle[load->idle_count++] = &clients[i - 1];
	}
	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll_fd < 0)
		die("epoll_create1");
	/* By default, ppoll(2) may take 50 microseconds more: PR_SET_TIMERSLACK(2const). */
	if (prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0) < 0)
		die("prctl");
	load->end_usec = load->options->usec > 0 ? now_usec + load->options->usec : CLOCK_NEVER;
	if (load->options->rate > 0)
		arrivals_init(&load->arrivals, load->options->rate, now_usec);
}

/*
 * Runs up to `concurrency` clients at a time. The next one starts when a client ends, or with a
 * rate when it is due.
 */
static void load_run(struct load *load)
{
	struct client *clients = calloc((size_t)load->options->concurrency, sizeof(*clients));
	struct epoll_event events[EVENTS_MAX];
	uint64_t began_usec = clock_now_usec(), looked_usec = began_usec, now_usec = began_usec;

	if (clients == NULL)
		die("calloc");
	load_init(load, clients);
	signal(SIGTERM, on_terminate);

	load_start_due(load);
	while (load->idle_count < load->options->concurrency ||
	       load_due_usec(load, now_usec) != CLOCK_NEVER) {
		int n = load_wait(load, events);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		load_start_due(load);
		for (int i = 0; i < n; i++) {
			struct client *client = events[i].data.ptr;
			enum outcome outcome;

			if (events[i].events & EPOLLOUT)
				load_talk(load, client);
			outcome = client_receive(client, load->target);
			if (outcome != OUTCOME_PENDING)
				load_end(load, client, outcome);
		}
		now_usec = clock_now_usec();
		if (now_usec - looked_usec >= TIMEOUT_STEP_MSEC * USEC_PER_MSEC) {
			load_time_out(load, clients, now_usec);
			looked_usec = now_usec;
		}
	}
	now_usec = clock_now_usec();
	load->histogram->usec =
		(now_usec < load->end_usec ? now_usec : load->end_usec) - began_usec;
	close(load->epoll_fd);
	free(load->idle);
	free(clients);
}

/* Connects `hold` clients, which read when standard input ends. */
static void load_hold(struct load *load)
{
	uint64_t began_usec = clock_now_usec(), held = 0;
	struct holder {
		struct client client;
		uint64_t latency_usec;
	} *holders = calloc((size_t)load->options->hold, sizeof(*holders));
	const char *failed;
	char ignored;

	if (holders == NULL)
		die("calloc");
	while (load->started < load->options->hold) {
		struct client *client = &holders[held].client;
		int r = client_connect(client, load->target, load->started++,
				       load->options->timeout_usec, &failed);

		errno = -r;
		if (failed != NULL)
			die(failed);
		if (r < 0)
			load_count(load, client, outcome_of_errno(-r));
		else
			holders[held++].latency_usec = clock_now_usec() - client->started_usec;
	}
	load->histogram->usec = clock_now_usec() - began_usec;
	printf("holding %" PRIu64 "\n", held);
	fflush(stdout);

	while (read(STDIN_FILENO, &ignored, 1) > 0)
		;
	for (struct holder *holder = holders; holder < holders + held; holder++) {
		enum outcome outcome = client_receive(&holder->client, load->target);

		/* A whole greeting counts without end of file. */
		if (outcome == OUTCOME_PENDING)
			outcome = holder->client.got == load->target->expected_length
					  ? OUTCOME_GREETED
					  : OUTCOME_TIMED_OUT;
		if (histogram_add(load->histogram, outcome, holder->latency_usec) < 0)
			die("histogram");
		load->histogram->timely += outcome == OUTCOME_GREETED;
		close(holder->client.fd);
	}
	free(holders);
}

/* Raises the limit of file descriptors to the hard limit. socket(2) fails if that is too low. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("setrlimit");
}

int main(int argc, char **argv)
{
	struct load_options options;
	static struct target target;
	struct histogram histogram = {0};
	struct load load = {.options = &options, .target = &target, .histogram = &histogram};
	int status = load_options_parse(argc, argv, &options);
	const char *wrong;

	if (status != LOAD_OPTIONS_RUN)
		return status;
	wrong = target_resolve(&target, options.path, options.host, options.port);
	if (wrong != NULL)
		return load_options_wrong("--host, --port, --unix", wrong);
	wrong = target_expect(&target, options.bytes, options.greeting);
	if (wrong != NULL)
		return load_options_wrong("--greeting, --bytes", wrong);

	raise_file_limit();
	if (options.hold > 0)
		load_hold(&load);
	else
		load_run(&load);
	histogram_print(&histogram, options.json);
	status = histogram_lost(&histogram) > 0 ? LOAD_LOST : EX_OK;
	histogram_free(&histogram);
	return stdio_close() < 0 ? EX_IOERR : status;
}
