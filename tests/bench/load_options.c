/* SPDX-License-Identifier: MIT */
/* load_options - the command line of load */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "client.h"
#include "common/clock.h"
#include "common/number.h"
#include "common/stdio.h"
#include "load_options.h"

#define CONCURRENCY_DEFAULT 8U
#define CONCURRENCY_DEFAULT_WITH_RATE 1000U
#define CONCURRENCY_MAX 100000U
#define COUNT_DEFAULT 1000U
#define RATE_MAX 1000000U
#define SECONDS_MAX 3600U
#define TIMEOUT_DEFAULT_SEC 10U

static void print_help(void)
{
	printf("Usage: load [OPTION]... --port=PORT | --unix=PATH\n"
	       "Keep a number of clients connected to a greeting server, or start them at a rate.\n"
	       "Each client reads to the end of file and checks every byte.\n"
	       "\n"
	       "      --host=ADDRESS     a numeric address (default: 127.0.0.1)\n"
	       "  -p, --port=PORT\n"
	       "  -u, --unix=PATH        UNIX socket\n"
	       "  -g, --greeting=TEXT    expected greeting (default: HELLO)\n"
	       "  -b, --bytes=TEXT       expected bytes, instead of a frame\n"
	       "  -c, --concurrency=N    clients at a time (default: %u); with -r, a limit (%u)\n"
	       "  -r, --rate=N           start N clients per second, whatever the responses; the\n"
	       "                         gaps are exponential, and the same in each run\n"
	       "  -n, --count=N          number of clients (default: %u, or no limit with -s)\n"
	       "  -s, --seconds=SECONDS  start no client after this time, or SIGTERM\n"
	       "  -t, --timeout=SECONDS  timeout of a client (default: %u)\n"
	       "      --talk=BYTES       first send this many bytes, as HTTP clients do\n"
	       "      --hold=N           connect N clients, which read only when standard input\n"
	       "                         ends\n"
	       "  -j, --json\n"
	       "  -h, --help\n"
	       "\n"
	       "A latency is the time from connect to end of file; with -r, it begins when the\n"
	       "client is due, so that it includes the time by which it is started late, which is\n"
	       "printed too. The rate counts the clients that ended within -s. With --hold, the\n"
	       "line \"holding N\" says that all clients are connected, and latencies and rate "
	       "are\n"
	       "those of connecting.\n"
	       "\n"
	       "Exit status: 0 all clients greeted, %d not all, %d usage error,\n"
	       "%d system error, %d output not written.\n",
	       CONCURRENCY_DEFAULT, CONCURRENCY_DEFAULT_WITH_RATE, COUNT_DEFAULT,
	       TIMEOUT_DEFAULT_SEC, LOAD_LOST, EX_USAGE, EX_OSERR, EX_IOERR);
}

int load_options_wrong(const char *option, const char *problem)
{
	fprintf(stderr, "load: %s: %s\nTry 'load --help'.\n", option, problem);
	return EX_USAGE;
}

int load_options_parse(int argc, char **argv, struct load_options *ret_options)
{
	static const struct option known[] = {
		{"host", required_argument, NULL, 'H'},
		{"port", required_argument, NULL, 'p'},
		{"unix", required_argument, NULL, 'u'},
		{"greeting", required_argument, NULL, 'g'},
		{"bytes", required_argument, NULL, 'b'},
		{"concurrency", required_argument, NULL, 'c'},
		{"rate", required_argument, NULL, 'r'},
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

	*ret_options = (struct load_options){
		.host = "127.0.0.1",
		.greeting = "HELLO",
		.timeout_usec = TIMEOUT_DEFAULT_SEC * (uint64_t)USEC_PER_SEC,
	};

	while ((c = getopt_long(argc, argv, "p:u:g:b:c:r:n:s:t:jh", known, NULL)) != -1) {
		switch (c) {
		case 'H':
			ret_options->host = optarg;
			break;
		case 'p':
			ret_options->port = optarg;
			break;
		case 'u':
			ret_options->path = optarg;
			break;
		case 'g':
			ret_options->greeting = optarg;
			break;
		case 'b':
			ret_options->bytes = optarg;
			break;
		case 'c':
			r = number_parse(optarg, 1, CONCURRENCY_MAX, &ret_options->concurrency);
			break;
		case 'r':
			r = number_parse(optarg, 1, RATE_MAX, &ret_options->rate);
			break;
		case 'n':
			r = number_parse(optarg, 1, UINT32_MAX, &ret_options->count);
			break;
		case 's':
			r = number_parse_seconds(optarg, 1, SECONDS_MAX * (uint64_t)USEC_PER_SEC,
						 &ret_options->usec);
			break;
		case 't':
			r = number_parse_seconds(optarg, 1, SECONDS_MAX * (uint64_t)USEC_PER_SEC,
						 &ret_options->timeout_usec);
			break;
		case 'k':
			r = number_parse(optarg, 1, CLIENT_TALK_BYTES_MAX, &ret_options->talk);
			break;
		case 'o':
			r = number_parse(optarg, 1, CONCURRENCY_MAX, &ret_options->hold);
			break;
		case 'j':
			ret_options->json = true;
			break;
		case 'h':
			print_help();
			return stdio_close() < 0 ? EX_IOERR : EX_OK;
		default:
			return EX_USAGE;
		}
		if (r < 0)
			return load_options_wrong(optarg,
						  "not a number in the range of the option");
	}
	if (optind < argc)
		return load_options_wrong(argv[optind], "no operand is expected");
	if ((ret_options->port == NULL) == (ret_options->path == NULL))
		return load_options_wrong("--port, --unix", "one of them is needed");
	if (ret_options->hold > 0 && ret_options->rate > 0)
		return load_options_wrong("--hold, --rate", "only one of them can be used");
	if (ret_options->concurrency == 0)
		ret_options->concurrency =
			ret_options->rate > 0 ? CONCURRENCY_DEFAULT_WITH_RATE : CONCURRENCY_DEFAULT;
	if (ret_options->count == 0)
		ret_options->count = ret_options->usec > 0 ? UINT64_MAX : COUNT_DEFAULT;
	return LOAD_OPTIONS_RUN;
}
