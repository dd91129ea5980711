/* SPDX-License-Identifier: MIT */
/* target - the options that say what to probe */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/mutf8.h"
#include "common/number.h"
#include "probe/datagram.h"
#include "probe/target.h"

void usage_error(const char *format, ...)
{
	char *message;
	va_list arguments;
	int status;

	va_start(arguments, format);
	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	va_end(arguments);
	status = usage_print(message != NULL ? message : strerror(ENOMEM));
	free(message);
	exit(status);
}

struct probe_target target_default(void)
{
	return (struct probe_target){
		.family = AF_UNSPEC,
		.timeout_usec = (uint64_t)TARGET_TIMEOUT_DEFAULT_SEC * USEC_PER_SEC,
	};
}

int target_next_option(int argc, char **argv, const char *letters,
		       const struct option *long_options, const char **ret_message)
{
	FILE *real_stderr = stderr, *stream;
	char *message = NULL;
	size_t length = 0, prefix;
	int c;

	stream = open_memstream(&message, &length);
	if (stream != NULL)
		stderr = stream;
	c = getopt_long(argc, argv, letters, long_options, NULL);
	stderr = real_stderr;
	if (stream != NULL)
		fclose(stream);
	if (c != '?') {
		free(message);
		return c;
	}
	prefix = strlen(argv[0]) + strlen(": ");
	*ret_message = "wrong usage";
	if (length > prefix) {
		message[length - 1] = '\0'; /* the newline */
		*ret_message = message + prefix;
	}
	return c;
}

uint64_t target_parse_seconds(const char *option, const char *text, uint64_t min_usec)
{
	uint64_t usec = 0, max_usec = (uint64_t)TARGET_SECONDS_MAX * USEC_PER_SEC;

	if (number_parse_seconds(text, min_usec, max_usec, &usec) < 0)
		usage_error("--%s: '%s' is wrong: give seconds from %g to %u", option, text,
			    (double)min_usec / USEC_PER_SEC, TARGET_SECONDS_MAX);
	return usec;
}

static size_t parse_request_size(const char *text)
{
	uint64_t bytes = 0;

	if (number_parse(text, 1, DATAGRAM_REQUEST_BYTES_MAX, &bytes) < 0)
		usage_error("--request-size: '%s' is wrong: give a number of bytes from 1 to %u",
			    text, DATAGRAM_REQUEST_BYTES_MAX);
	return (size_t)bytes;
}

static const char *parse_expected(const char *text)
{
	size_t length, bad_offset;

	if (mutf8_encode(text, strlen(text), NULL, 0, &length, &bad_offset) == -EILSEQ)
		usage_error("--expect: '%s' is not UTF-8: give the text in UTF-8", text);
	return text;
}

bool target_option(int c, const char *argument, struct target_server *server,
		   struct probe_target *target)
{
	switch (c) {
	case '4':
		target->family = AF_INET;
		return true;
	case '6':
		target->family = AF_INET6;
		return true;
	case 'p':
		server->port = argument;
		return true;
	case 'u':
		server->udp = true;
		return true;
	case TARGET_REQUEST_SIZE:
		target->request_bytes = parse_request_size(argument);
		return true;
	case 'e':
		target->expected = parse_expected(argument);
		return true;
	default:
		return false;
	}
}

/* Names are not looked up: they may have addresses of both families. */
static bool is_of_other_family(const struct probe_target *target)
{
	const struct addrinfo hints = {.ai_family = target->family, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *list = NULL;
	int r = getaddrinfo(target->endpoint.host, NULL, &hints, &list);

	if (r == 0)
		freeaddrinfo(list);
	return r == EAI_ADDRFAMILY;
}

void target_complete(const struct target_server *server, struct probe_target *target)
{
	const char *host = server->host != NULL ? server->host : "";
	const char *port = server->port != NULL ? server->port : "", *why;

	if (endpoint_parse(server->host, server->port, &target->endpoint, &why) < 0)
		usage_error("'%s%s%s': %s", host,
			    server->host != NULL && server->port != NULL ? " " : "", port, why);
	if (target->family != AF_UNSPEC && target->endpoint.kind != ENDPOINT_HOST)
		usage_error("'%s' is not an IP address: leave out -4 and -6",
			    target->endpoint.host);
	if (target->family != AF_UNSPEC && is_of_other_family(target))
		usage_error("'%1$s' is not an IPv%2$c address: leave out -%2$c",
			    target->endpoint.host, target->family == AF_INET ? '4' : '6');
	if (!server->udp && target->request_bytes > 0)
		usage_error("--request-size is the length of a datagram: add --udp");
	if (server->udp && target->endpoint.kind == ENDPOINT_VSOCK)
		usage_error("'%s': vsock has no datagrams: leave out --udp", target->endpoint.host);
	if (server->udp && target->request_bytes == 0)
		target->request_bytes = DATAGRAM_REQUEST_BYTES_DEFAULT;
}
