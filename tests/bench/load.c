/* SPDX-License-Identifier: MIT */
/* load - many clients at a time, which check and time the greetings of a server */
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

/* Interval between checks for clients that have timed out. */
#define TIMEOUT_STEP_MSEC 100

/* Events of one epoll_wait(2). */
#define EVENTS_MAX 256

/* Exit status: a client was not greeted. */
#define LOST 1

struct options {
	const char *host;
	const char *port;
	const char *path; /* of a UNIX socket, instead of host and port */
	const char *greeting;
	const char *bytes; /* expected instead of the frame of the greeting */
	uint64_t concurrency;
	uint64_t count;
	uint64_t hold; /* 0: off */
	uint64_t talk;
	uint64_t usec;
	uint64_t timeout_usec;
	bool json;
};

/* parse_options(): load is to run. Other values are exit statuses. */
#define PARSED (-1)

struct load {
	const struct options *options;
	const struct target *target;
	struct histogram *histogram;
	uint64_t started; /* number of clients */
	uint64_t active;
	uint64_t end_usec; /* no client is started after that */
	int epoll_fd;
};

static void print_help(void)
{
	printf("Usage: load [OPTION]... --port=PORT | --unix=PATH\n"
	       "Keep a number of clients connected to a greeting server. Each client reads to the\n"
	       "end of file and checks every byte.\n"
	       "\n"
	       "      --host=ADDRESS     a numeric address (default: 127.0.0.1)\n"
	       "  -p, --port=PORT\n"
	       "  -u, --unix=PATH        UNIX socket\n"
	       "  -g, --greeting=TEXT    expected greeting (default: HELLO)\n"
	       "  -b, --bytes=TEXT       expected bytes, instead of a frame\n"
	       "  -c, --concurrency=N    clients at a time (default: %u)\n"
	       "  -n, --count=N          number of clients (default: %u, or no limit with -s)\n"
	       "  -s, --seconds=SECONDS  start no client after this time\n"
	       "  -t, --timeout=SECONDS  timeout of a client (default: %u)\n"
	       "      --talk=BYTES       first send this many bytes, as HTTP clients do\n"
	       "      --hold=N           connect N clients, which read only when standard input\n"
	       "                         ends\n"
	       "  -j, --json\n"
	       "  -h, --help\n"
	       "\n"
	       "A latency is the time from connect to end of file. The rate counts the clients\n"
	       "that ended within -s. With --hold, the line \"holding N\" says that all clients\n"
	       "are connected, and latencies and rate are those of connecting.\n"
	       "\n"
	       "Exit status: 0 all clients greeted, %d not all, %d usage error,\n"
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

static void load_count(struct load *load, const struct client *client, enum outcome outcome)
{
	uint64_t now_usec = clock_now_usec();

	if (histogram_add(load->histogram, outcome, now_usec - client->started_usec) < 0)
		die("histogram");
	/* Late clients do not count for the rate, because the last few may take far longer. */
	load->histogram->timely += outcome == OUTCOME_GREETED && now_usec <= load->end_usec;
}

/* Starts the next client. If connect(2) fails, counts that client and tries the next one. */
static void load_start(struct load *load, struct client *client)
{
	struct epoll_event event = {
		.events = load->options->talk > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN,
		.data.ptr = client,
	};
	const char *failed;

	client->fd = -1;
	while (load_may_start(load)) {
		int r = client_connect(client, load->target, load->started++, 0, &failed);

		if (r == 0) {
			if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
				die("epoll_ctl");
			load->active++;
			return;
		}
		errno = -r;
		if (failed != NULL)
			die(failed);
		load_count(load, client, outcome_of_errno(-r));
	}
}

static void load_end(struct load *load, struct client *client, enum outcome outcome)
{
	load_count(load, client, outcome);
	close(client->fd);
	load->active--;
	load_start(load, client);
}

/* Called once the client is connected. */
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
			load_end(load, client, OUTCOME_TIMED_OUT);
	}
}

/* Runs `concurrency` clients at a time: when a client ends, the next one starts. */
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
	free(clients);
}

/* Connects `hold` clients, which read when standard input ends. */
static void load_hold(struct load *load)
{
	uint64_t began_usec = clock_now_usec(), held = 0;
	struct holder {
		struct client client;
		uint64_t latency_usec;
	} *holders = calloc(load->options->hold, sizeof(*holders));
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
	struct options options = {
		.host = "127.0.0.1",
		.greeting = "HELLO",
		.concurrency = CONCURRENCY_DEFAULT,
		.timeout_usec = TIMEOUT_DEFAULT_SEC * (uint64_t)USEC_PER_SEC,
	};
	static struct target target;
	struct histogram histogram = {0};
	struct load load = {.options = &options, .target = &target, .histogram = &histogram};
	int status = parse_options(argc, argv, &options);
	const char *wrong;

	if (status != PARSED)
		return status;
	wrong = target_resolve(&target, options.path, options.host, options.port);
	if (wrong != NULL)
		return wrong_usage("--host, --port, --unix", wrong);
	wrong = target_expect(&target, options.bytes, options.greeting);
	if (wrong != NULL)
		return wrong_usage("--greeting, --bytes", wrong);

	raise_file_limit();
	if (options.hold > 0)
		load_hold(&load);
	else
		load_run(&load);
	histogram_print(&histogram, options.json);
	status = histogram_lost(&histogram) > 0 ? LOST : EX_OK;
	histogram_free(&histogram);
	return stdio_close() < 0 ? EX_IOERR : status;
}
