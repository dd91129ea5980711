/* SPDX-License-Identifier: MIT */
/* probe - one greeting, timed and compared with what is expected */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "probe/probe.h"
#include "probe/signals.h"

/* Each step returns OUTCOME_NONE to go on with the next one. */

/* Resolves the name, and connects to one of its addresses, or gets an answer from one. */
static enum outcome step_connect(const struct probe_target *target, uint64_t deadline_usec,
				 struct probe_result *result)
{
	int type = target->request_bytes > 0 ? SOCK_DGRAM : SOCK_STREAM;
	enum outcome outcome = resolve_host(&target->endpoint, target->family, type, deadline_usec,
					    &result->addresses, &result->error);

	if (outcome != OUTCOME_NONE)
		return outcome;
	result->resolved_usec = clock_now_usec();
	result->attempts = calloc(result->addresses.count, sizeof(*result->attempts));
	if (result->attempts == NULL)
		return outcome_system_error(ENOMEM, &result->error);
	outcome = connect_any(&result->addresses, target->request_bytes, deadline_usec,
			      result->attempts, &result->connected, &result->error);
	if (outcome == OUTCOME_NONE)
		result->connected_usec = target->request_bytes > 0 ? result->connected->started_usec
								   : result->connected->ended_usec;
	return outcome;
}

static enum outcome read_failed(struct probe_result *result)
{
	/* Of the errors of recv(2), these two are not the connection's. */
	bool local = errno == ENOMEM || errno == ENOBUFS;

	result->error = errno;
	return local ? OUTCOME_SYSTEM_ERROR : OUTCOME_RESET;
}

/* Reads the datagram that is there. */
static enum outcome step_read_datagram(struct probe_result *result)
{
	ssize_t n = recv(result->connected->fd, result->frame, sizeof(result->frame),
			 MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return read_failed(result);
	result->first_byte_usec = result->connected->ended_usec;
	result->frame_have = (size_t)n;
	if (result->frame_have < FRAME_HEADER_BYTES ||
	    result->frame_have - FRAME_HEADER_BYTES !=
		    frame_missing(result->frame, FRAME_HEADER_BYTES))
		return OUTCOME_MALFORMED;
	return OUTCOME_NONE;
}

/* Reads the frame, and nothing after it. */
static enum outcome step_read(uint64_t deadline_usec, struct probe_result *result)
{
	struct pollfd polled = {.fd = result->connected->fd, .events = POLLIN};
	enum outcome outcome;
	size_t missing;

	while ((missing = frame_missing(result->frame, result->frame_have)) > 0) {
		ssize_t n =
			recv(polled.fd, result->frame + result->frame_have, missing, MSG_DONTWAIT);

		if (n > 0) {
			if (result->frame_have == 0)
				result->first_byte_usec = clock_now_usec();
			result->frame_have += (size_t)n;
		} else if (n == 0) {
			return OUTCOME_CLOSED;
		} else if (errno == EAGAIN || errno == EINTR) {
			outcome = signals_wait(&polled, 1, deadline_usec, &result->error);
			if (outcome != OUTCOME_NONE)
				return outcome;
		} else {
			return read_failed(result);
		}
	}
	return OUTCOME_NONE;
}

/* Decodes the greeting, and compares it with what is expected. */
static enum outcome step_decode(const struct probe_target *target, struct probe_result *result)
{
	char *text = malloc(result->frame_have);

	if (text == NULL)
		return outcome_system_error(ENOMEM, &result->error);
	if (frame_decode(result->frame, text, &result->text_length, &result->bad_offset) < 0) {
		free(text);
		return OUTCOME_MALFORMED;
	}
	result->text = text;
	if (target->expected != NULL && (result->text_length != strlen(target->expected) ||
					 memcmp(text, target->expected, result->text_length) != 0))
		return OUTCOME_UNEXPECTED;
	return OUTCOME_GREETED;
}

/* Waits for the end of file without reading, because the bytes after the frame are not ours. */
static uint64_t await_close(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLRDHUP};
	uint64_t until_usec = clock_now_usec() + PROBE_CLOSE_MSEC * USEC_PER_MSEC;
	int ignored;
	enum outcome outcome = signals_wait(&polled, 1, until_usec, &ignored);

	return outcome == OUTCOME_NONE ? clock_now_usec() : 0;
}

void probe_run(const struct probe_target *target, struct probe_result *ret_result)
{
	uint64_t now = clock_now_usec(), deadline = now + target->timeout_usec;

	*ret_result = (struct probe_result){.started_usec = now};

	ret_result->outcome = step_connect(target, deadline, ret_result);
	if (ret_result->outcome == OUTCOME_NONE)
		ret_result->outcome = target->request_bytes > 0 ? step_read_datagram(ret_result)
								: step_read(deadline, ret_result);
	ret_result->ended_usec = clock_now_usec();
	ret_result->time_usec = ret_result->ended_usec - ret_result->started_usec;
	if (ret_result->outcome == OUTCOME_NONE)
		ret_result->outcome = step_decode(target, ret_result);

	if (ret_result->text != NULL && target->await_close && target->request_bytes == 0)
		ret_result->closed_usec = await_close(ret_result->connected->fd);
	if (ret_result->connected != NULL) {
		close(ret_result->connected->fd);
		ret_result->connected->fd = -1;
	}
}

bool probe_phase(const struct probe_result *result, enum phase phase, uint64_t *ret_usec)
{
	const uint64_t ends[] = {
		[PHASE_RESOLVE] = result->resolved_usec,
		[PHASE_CONNECT] = result->connected_usec,
		[PHASE_FIRST_BYTE] = result->first_byte_usec,
		[PHASE_FRAME] = result->text != NULL ? result->ended_usec : 0,
		[PHASE_CLOSE] = result->closed_usec,
	};

	if (ends[phase] == 0)
		return false;
	*ret_usec = ends[phase] - (phase == PHASE_RESOLVE ? result->started_usec : ends[phase - 1]);
	return true;
}

void probe_clear(struct probe_result *result)
{
	free(result->text);
	free(result->attempts);
	resolve_free(&result->addresses);
	result->text = NULL;
	result->attempts = result->connected = NULL;
}
