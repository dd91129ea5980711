/* SPDX-License-Identifier: MIT */
/* load - many clients of a greeting server, which check and time what they get */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "common/clock.h"
#include "common/number.h"
#include "common/stdio.h"
#include "histogram.h"

#define CONCURRENCY_DEFAULT 8U
#define CONCURRENCY_MAX 100000U
#define COUNT_DEFAULT 1000U
#define SECONDS_MAX 3600U
#define TIMEOUT_DEFAULT_SEC 10U

/* How often to look for clients that wait for too long. */
#define TIMEOUT_STEP_MSEC 100

/* How many clients one look at all of them tells about. */
#define EVENTS_MAX 256

/* An exit status: somebody was not greeted. */
#define LOST 1

struct options {
	const char *host;
	const char *port;
	const char *path; /* of a UNIX socket, instead of both */
	const char *greeting;
	const char *bytes; /* instead of the frame of the greeting */
	uint64_t concurrency;
	uint64_t count;
	uint64_t hold; /* 0: do not */
	uint64_t talk;
	uint64_t usec;
	uint64_t timeout_usec;
	bool json;
};

/* What parse_options() returns to have load run; anything else is an exit status. */
#define PARSED (-1)

struct load {
	const struct options *options;
	const struct target *target;
	struct tally *tally;
	uint64_t started; /* clients so far */
	uint64_t active;
	uint64_t end_usec; /* when to start no more */
	int epoll_fd;
};

static void print_help(void)
{
	printf("Usage: load [OPTION]... --port=PORT | --unix=PATH\n"
	       "Connect again and again, so many at a time; each client reads to the end and\n"
	       "checks every byte.\n"
	       "\n"
	       "      --host=ADDRESS     a numeric address (default: 127.0.0.1)\n"
	       "  -p, --port=PORT\n"
	       "  -u, --unix=PATH        a UNIX socket instead\n"
	       "  -g, --greeting=TEXT    the greeting whose frame must come (default: HELLO)\n"
	       "  -b, --bytes=TEXT       the bytes that must come instead, without a length\n"
	       "  -c, --concurrency=N    clients at a time (default: %u)\n"
	       "  -n, --count=N          clients in all (default: %u, or no limit with -s)\n"
	       "  -s, --seconds=SECONDS  start no client after that\n"
	       "  -t, --timeout=SECONDS  for one client (default: %u)\n"
	       "      --talk=BYTES       send so many first, as who expects another server would\n"
	       "      --hold=N           N clients that connect and do not read; when standard\n"
	       "                         input ends they look at what they got, and end\n"
	       "  -j, --json\n"
	       "  -h, --help\n"
	       "\n"
	       "Latencies are from the start of the connection to its end; the rate is of those\n"
	       "that ended within -s. With --hold, a line \"holding N\" tells that all are\n"
	       "connected, and latencies and rate are up to there.\n"
	       "\n"
	       "Exit status: 0 everyone was greeted, %d someone was not, %d wrong usage,\n"
	       "%d system error, %d output not written.\n",
	       CONCURRENCY_DEFAULT, COUNT_DEFAULT, TIMEOUT_DEFAULT_SEC, LOST, EX_USAGE, EX_OSERR,
	       EX_IOERR);
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(EX_OSERR);
}

static int wrong_usage(const char *option, const char *problem)
{
	fprintf(stderr, "load: %s: %s\nTry 'load --help'.\n", option, problem);
	return EX_USAGE;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"host", required_argument, NULL, 'H'},
		{"port", required_argument, NULL, 'p'},
		{"unix", required_argument, NULL, 'u'},
		{"greeting", required_argument, NULL, 'g'},
		{"bytes", required_argument, NULL, 'b'},
		{"concurrency", required_argument, NULL, 'c'},
		{"count", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, 't'},
		{"talk", required_argument, NULL, 'k'},
		{"hold", required_argument, NULL, 'o'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c, r = 0;

	while ((c = getopt_long(argc, argv, "p:u:g:b:c:n:s:t:jh", known, NULL)) != -1) {
		switch (c) {
		case 'H':
			options->host = optarg;
			break;
		case 'p':
			options->port = optarg;
			break;
		case 'u':
			options->path = optarg;
			break;
		case 'g':
			options->greeting = optarg;
			break;
		case 'b':
			options->bytes = optarg;
			break;
		case 'c':
			r = number_parse(optarg, 1, CONCURRENCY_MAX, &options->concurrency);
			break;
		case 'n':
			r = number_parse(optarg, 1, UINT32_MAX, &options->count);
			break;
		case 's':
			r = number_parse_seconds(optarg, 1, SECONDS_MAX * (uint64_t)USEC_PER_SEC,
						 &options->usec);
			break;
		case 't':
			r = number_parse_seconds(optarg, 1, SECONDS_MAX * (uint64_t)USEC_PER_SEC,
						 &options->timeout_usec);
			break;
		case 'k':
			r = number_parse(optarg, 1, CLIENT_TALK_BYTES_MAX, &options->talk);
			break;
		case 'o':
			r = number_parse(optarg, 1, CONCURRENCY_MAX, &options->hold);
			break;
		case 'j':
			options->json = true;
			break;
		case 'h':
			print_help();
			return stdio_close() < 0 ? EX_IOERR : EX_OK;
		default:
			return EX_USAGE;
		}
		if (r < 0)
			return wrong_usage(optarg, "not a number in the range of the option");
	}
	if (optind < argc)
		return wrong_usage(argv[optind], "no operand is expected");
	if ((options->port == NULL) == (options->path == NULL))
		return wrong_usage("--port, --unix", "one of them is needed");
	if (options->count == 0)
		options->count = options->usec > 0 ? UINT64_MAX : COUNT_DEFAULT;
	return PARSED;
}

static bool load_may_start(const struct load *load)
{
	return load->started < load->options->count && clock_now_usec() < load->end_usec;
}

static void load_count(struct load *load, const struct client *client, enum tally_outcome outcome)
{
	uint64_t now_usec = clock_now_usec();

	if (tally_add(load->tally, outcome, now_usec - client->started_usec) < 0)
		die("tally");
	/* The last few may take far longer than all others: the rate is not to depend on them. */
	load->tally->timely += outcome == TALLY_GREETED && now_usec <= load->end_usec;
}

/* Starts a client, and when that fails at once another one, until there shall be no more. */
static void load_start(struct load *load, struct client *client)
{
	struct epoll_event event = {
		.events = load->options->talk > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN,
		.data.ptr = client,
	};
	const char *broken;

	client->fd = -1;
	while (load_may_start(load)) {
		int r = client_connect(client, load->target, load->started++, 0, &broken);

		if (r == 0) {
			if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
				die("epoll_ctl");
			load->active++;
			return;
		}
		errno = -r;
		if (broken != NULL)
			die(broken);
		load_count(load, client, tally_outcome_of(-r));
	}
}

static void load_end(struct load *load, struct client *client, enum tally_outcome outcome)
{
	load_count(load, client, outcome);
	close(client->fd);
	load->active--;
	load_start(load, client);
}

/* To be called once the client is connected. */
static void load_talk(struct load *load, struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	client_talk(client, load->options->talk);
	if (epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, client->fd, &event) < 0)
		die("epoll_ctl");
}

static void load_time_out(struct load *load, struct client *clients, uint64_t now_usec)
{
	for (uint64_t i = 0; i < load->options->concurrency; i++) {
		struct client *client = &clients[i];

		if (client->fd >= 0 && client->started_usec < now_usec &&
		    now_usec - client->started_usec >= load->options->timeout_usec)
			load_end(load, client, TALLY_TIMED_OUT);
	}
}

/* As many clients as asked for at any time; each one that ends is followed by another. */
static void load_run(struct load *load)
{
	struct client *clients = calloc(load->options->concurrency, sizeof(*clients));
	struct epoll_event events[EVENTS_MAX];
	uint64_t began_usec = clock_now_usec(), looked_usec = began_usec, now_usec;

	if (clients == NULL)
		die("calloc");
	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll_fd < 0)
		die("epoll_create1");
	load->end_usec = load->options->usec > 0 ? began_usec + load->options->usec : CLOCK_NEVER;

	for (uint64_t i = 0; i < load->options->concurrency; i++)
		load_start(load, &clients[i]);
	while (load->active > 0) {
		int n = epoll_wait(load->epoll_fd, events, EVENTS_MAX, TIMEOUT_STEP_MSEC);

		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct client *client = events[i].data.ptr;
			enum tally_outcome outcome;

			if (events[i].events & EPOLLOUT)
				load_talk(load, client);
			outcome = client_receive(client, load->target);
			if (outcome != TALLY_PENDING)
				load_end(load, client, outcome);
		}
		now_usec = clock_now_usec();
		if (now_usec - looked_usec >= TIMEOUT_STEP_MSEC * USEC_PER_MSEC) {
			load_time_out(load, clients, now_usec);
			looked_usec = now_usec;
		}
	}
	now_usec = clock_now_usec();
	load->tally->usec = (now_usec < load->end_usec ? now_usec : load->end_usec) - began_usec;
	close(load->epoll_fd);
	free(clients);
}

/* Clients that only connect, and look at what they got when standard input ends. */
static void load_hold(struct load *load)
{
	uint64_t began_usec = clock_now_usec(), held = 0;
	struct holder {
		struct client client;
		uint64_t latency_usec;
	} *holders = calloc(load->options->hold, sizeof(*holders));
	const char *broken;
	char ignored;

	if (holders == NULL)
		die("calloc");
	while (load->started < load->options->hold) {
		struct client *client = &holders[held].client;
		int r = client_connect(client, load->target, load->started++,
				       load->options->timeout_usec, &broken);

		errno = -r;
		if (broken != NULL)
			die(broken);
		if (r < 0)
			load_count(load, client, tally_outcome_of(-r));
		else
			holders[held++].latency_usec = clock_now_usec() - client->started_usec;
	}
	load->tally->usec = clock_now_usec() - began_usec;
	printf("holding %" PRIu64 "\n", held);
	fflush(stdout);

	while (read(STDIN_FILENO, &ignored, 1) > 0)
		;
	for (struct holder *holder = holders; holder < holders + held; holder++) {
		enum tally_outcome outcome = client_receive(&holder->client, load->target);

		/* The server need not have ended what it has sent, as long as that is whole. */
		if (outcome == TALLY_PENDING)
			outcome = holder->client.got == load->target->wanted_length
					  ? TALLY_GREETED
					  : TALLY_TIMED_OUT;
		if (tally_add(load->tally, outcome, holder->latency_usec) < 0)
			die("tally");
		load->tally->timely += outcome == TALLY_GREETED;
		close(holder->client.fd);
	}
	free(holders);
}

/* As many as root allows. What that is not enough for shows when the socket is made. */
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
	struct options options = {
		.host = "127.0.0.1",
		.greeting = "HELLO",
		.concurrency = CONCURRENCY_DEFAULT,
		.timeout_usec = TIMEOUT_DEFAULT_SEC * (uint64_t)USEC_PER_SEC,
	};
	static struct target target;
	struct tally tally = {0};
	struct load load = {.options = &options, .target = &target, .tally = &tally};
	int status = parse_options(argc, argv, &options);
	const char *wrong;

	if (status != PARSED)
		return status;
	wrong = target_resolve(&target, options.path, options.host, options.port);
	if (wrong != NULL)
		return wrong_usage("--host, --port, --unix", wrong);
	wrong = target_want(&target, options.bytes, options.greeting);
	if (wrong != NULL)
		return wrong_usage("--greeting, --bytes", wrong);

	raise_file_limit();
	if (options.hold > 0)
		load_hold(&load);
	else
		load_run(&load);
	tally_print(&tally, options.json);
	status = tally_lost(&tally) > 0 ? LOST : EX_OK;
	tally_end(&tally);
	return stdio_close() < 0 ? EX_IOERR : status;
}
