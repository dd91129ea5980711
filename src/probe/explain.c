/* SPDX-License-Identifier: MIT */
/* explain - what went wrong with a probe, in words */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "probe/escape.h"
#include "probe/explain.h"

static double seconds(uint64_t usec)
{
	return (double)usec / USEC_PER_SEC;
}

/* The address of an attempt. That of a UNIX socket is `host`, which is escaped and cut. */
static const char *address_of(const struct connect_attempt *attempt,
			      const struct probe_target *target, const char *host,
			      struct address_text *text)
{
	if (target->endpoint.kind == ENDPOINT_UNIX)
		return host;
	address_format(attempt->to, text);
	return text->whole;
}

/* These return as asprintf(3) does. `host` is escaped. */

/* Every address that was tried, and how it failed. */
static int explain_attempts(const char *host, const struct probe_target *target,
			    const struct probe_result *result, size_t most, char **ret_text)
{
	struct address_text text;
	const char *separator = "";
	size_t length;
	FILE *stream = open_memstream(ret_text, &length);

	if (stream == NULL)
		return -1;
	for (size_t i = 0; i < result->addresses.count; i++) {
		const struct connect_attempt *attempt = &result->attempts[i];

		if (attempt->state == ATTEMPT_NOT_TRIED)
			continue;
		if ((size_t)ftell(stream) > most) {
			fputs("; ...", stream);
			break;
		}
		fprintf(stream, "%s%s: ", separator, address_of(attempt, target, host, &text));
		if (attempt->state == ATTEMPT_FAILED)
			fputs(strerror(attempt->error), stream);
		else
			fprintf(stream, "timed out after %.9g s", seconds(target->timeout_usec));
		if (attempt->state != ATTEMPT_FAILED && attempt->asked > 0)
			fprintf(stream, attempt->asked > 1 ? ", asked %u times" : ", asked once",
				attempt->asked);
		separator = "; ";
	}
	return fclose(stream);
}

static int explain_unexpected(const char *address, const struct probe_target *target,
			      const struct probe_result *result, size_t most, char **ret_text)
{
	char *greeting = escape_cut(result->text, result->text_length, most);
	char *expected = escape_cut(target->expected, strlen(target->expected), most);
	int r = -1;

	if (greeting != NULL && expected != NULL)
		r = asprintf(ret_text, "%s: greeted with \"%s\", not with \"%s\"", address,
			     greeting, expected);
	free(greeting);
	free(expected);
	return r;
}

/* What is wrong with the frame. `progress` is "after N of M bytes". */
static int explain_malformed(const char *address, const char *progress,
			     const struct probe_result *result, size_t whole, char **ret_text)
{
	/* Only a datagram may differ in length. */
	if (result->frame_have < whole)
		return asprintf(ret_text, "%s: cut short %s", address, progress);
	if (result->frame_have > whole)
		return asprintf(ret_text, "%s: answered with %zu bytes, more than the frame's %zu",
				address, result->frame_have, whole);
	return asprintf(ret_text, "%s: malformed at byte %zu of the greeting's %zu", address,
			result->bad_offset, whole - FRAME_HEADER_BYTES);
}

/* What happened after the connection was made. */
static int explain_connected(const char *host, const struct probe_target *target,
			     const struct probe_result *result, size_t most, char **ret_text)
{
	struct address_text text;
	const char *address = address_of(result->connected, target, host, &text);
	char progress[64];
	size_t have = result->frame_have, whole = FRAME_HEADER_BYTES;

	/* The length of the frame is known only from its header. */
	if (have >= FRAME_HEADER_BYTES)
		whole += frame_missing(result->frame, FRAME_HEADER_BYTES);
	snprintf(progress, sizeof(progress), "after %zu of %zu %sbytes", have, whole,
		 have < FRAME_HEADER_BYTES ? "header " : "");

	switch (result->outcome) {
	case OUTCOME_UNEXPECTED:
		return explain_unexpected(address, target, result, most, ret_text);
	case OUTCOME_TIMED_OUT:
		return asprintf(ret_text, "%s: timed out after %.9g s, %s", address,
				seconds(target->timeout_usec), progress);
	case OUTCOME_RESET:
		return asprintf(ret_text, "%s: %s %s", address, strerror(result->error), progress);
	case OUTCOME_CLOSED:
		/* systemd does this above MaxConnections=, and while the service fails. */
		return asprintf(ret_text, "%s: closed %s%s", address, progress,
				have > 0 ? ""
					 : ": connection limit reached, or the service is failing");
	default:
		return explain_malformed(address, progress, result, whole, ret_text);
	}
}

static int explain_unknown(const char *host, const struct probe_target *target, int error,
			   char **ret_text)
{
	const char *hint = error == EAI_NONAME ? endpoint_hint(&target->endpoint) : NULL;

	if (error == EAI_SERVICE)
		return asprintf(ret_text, "%s: no service '%s/%s' in services(5): give a number",
				host, target->endpoint.port,
				target->request_bytes > 0 ? "udp" : "tcp");
	return asprintf(ret_text, "%s: %s%s%s", host, gai_strerror(error), hint != NULL ? ": " : "",
			hint != NULL ? hint : "");
}

/* A name, or an address that is written in another way. */
static bool is_name(const struct endpoint *endpoint, const struct resolve_list *addresses)
{
	struct address_text text;

	address_format(&addresses->addresses[0], &text);
	return endpoint->kind == ENDPOINT_HOST && strcmp(endpoint->host, text.host) != 0;
}

/* What happened at the addresses, after the name that they are of. */
static int explain_addresses(const char *host, const struct probe_target *target,
			     const struct probe_result *result, size_t most, char **ret_text)
{
	char *text;
	int r = result->connected != NULL ? explain_connected(host, target, result, most, &text)
					  : explain_attempts(host, target, result, most, &text);

	if (r < 0)
		return r;
	if (!is_name(&target->endpoint, &result->addresses)) {
		*ret_text = text;
		return r;
	}
	r = asprintf(ret_text, "%s: %s", host, text);
	free(text);
	return r;
}

char *explain_result(const struct probe_target *target, const struct probe_result *result,
		     size_t most)
{
	bool tried = result->attempts != NULL && result->attempts[0].state != ATTEMPT_NOT_TRIED;
	const char *given = target->endpoint.host;
	char *host = escape_cut(given, strlen(given), most), *text = NULL;
	int r;

	if (host == NULL)
		return NULL;
	if (result->outcome == OUTCOME_GREETED)
		r = asprintf(&text, "%s", "");
	else if (result->outcome == OUTCOME_UNKNOWN_HOST)
		r = explain_unknown(host, target, result->error, &text);
	else if (result->outcome == OUTCOME_SYSTEM_ERROR)
		r = asprintf(&text, "%s: %s", host, strerror(result->error));
	else if (result->outcome == OUTCOME_INTERRUPTED)
		r = asprintf(&text, "%s: interrupted", host);
	else if (tried)
		r = explain_addresses(host, target, result, most, &text);
	else
		r = asprintf(&text, "%s: %stimed out after %.9g s", host,
			     result->resolved_usec == 0 ? "name resolution " : "",
			     seconds(target->timeout_usec));
	free(host);
	return r < 0 ? NULL : text;
}

const char *explain_attempt_state(const struct connect_attempt *attempt)
{
	static const char *const states[] = {
		[ATTEMPT_NOT_TRIED] = "not tried",
		[ATTEMPT_PENDING] = "pending",
		[ATTEMPT_CONNECTED] = "connected",
		[ATTEMPT_FAILED] = "failed",
		[ATTEMPT_TIMED_OUT] = "timed out",
		[ATTEMPT_SUPERSEDED] = "overtaken by another address",
	};
	bool answered = attempt->state == ATTEMPT_CONNECTED && attempt->asked > 0;

	return answered ? "answered" : states[attempt->state];
}

static const char *advise_timed_out(const struct probe_target *target,
				    const struct probe_result *result)
{
	/* The path of a UNIX socket was found, or it would be another outcome. */
	bool found = result->connected != NULL || target->endpoint.kind == ENDPOINT_UNIX;

	if (result->resolved_usec == 0)
		return "check the name server, or give more time with -t";
	/* hellod drops a request that is not longer than its frame. */
	if (target->request_bytes > 0)
		return found ? "see the server's log, or give a longer --request-size"
			     : "check the address and the firewall, or give a longer "
			       "--request-size";
	return found ? "see the server's log, or give more time with -t"
		     : "check the address and the firewall, or give more time with -t";
}

static const char *advise_unreachable(const struct probe_target *target,
				      const struct probe_result *result)
{
	if (target->endpoint.kind != ENDPOINT_UNIX)
		return "check the address and the network";
	if (result->attempts[0].error != EPROTOTYPE)
		return "check the path and its permissions";
	return target->request_bytes > 0 ? "leave out --udp, or check the path"
					 : "add --udp, or check the path";
}

static const char *advise_unknown(const struct endpoint *endpoint, int error)
{
	switch (error) {
	case EAI_SERVICE: /* explain_unknown() has said it */
		return NULL;
	case EAI_AGAIN:
		return "check the name server";
	case EAI_ADDRFAMILY:
		return "leave out -4 and -6";
	case EAI_IDN_ENCODE:
		return "give a name that IDNA allows, in UTF-8, and install libidn2";
	default:
		return endpoint_hint(endpoint) == NULL ? "check the name" : NULL;
	}
}

static const char *advise_system_error(int error)
{
	switch (error) {
	case EAGAIN: /* of the thread that looks up the name */
		return "raise the limit of processes on this host, or end some";
	case EMFILE:
	case ENFILE:
		return "raise the limit of file descriptors on this host, or close some";
	case EAFNOSUPPORT:
		return "give an address of a family that this host has";
	case EADDRINUSE:
	case EADDRNOTAVAIL:
		return "check the addresses and the free ports of this host";
	case EPERM:
		return "check the firewall and the security policy of this host";
	default:
		return "free memory on this host";
	}
}

const char *explain_advice(const struct probe_target *target, const struct probe_result *result)
{
	switch (result->outcome) {
	case OUTCOME_REFUSED:
		return target->request_bytes > 0 ? "add ListenDatagram= to hello-listen.socket "
						   "there, or check the address"
						 : "start hello.socket there, or check the address";
	case OUTCOME_UNREACHABLE:
		return advise_unreachable(target, result);
	case OUTCOME_TIMED_OUT:
		return advise_timed_out(target, result);
	case OUTCOME_RESET:
	case OUTCOME_CLOSED:
		return "see the server's log";
	case OUTCOME_MALFORMED:
		return "check that the server is a hellod";
	case OUTCOME_UNKNOWN_HOST:
		return advise_unknown(&target->endpoint, result->error);
	case OUTCOME_SYSTEM_ERROR:
		return advise_system_error(result->error);
	default:
		return NULL;
	}
}
