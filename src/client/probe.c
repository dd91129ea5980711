/* SPDX-License-Identifier: MIT */
/* probe - client side: one greeting, timed and classified */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/probe.h"
#include "client/signals.h"
#include "common/clock.h"

static enum probe_status system_error(struct probe_result *result, int error)
{
	if (error == EINTR)
		return PROBE_INTERRUPTED;
	result->system_error = error;
	return PROBE_SYSTEM_ERROR;
}

/* Connects, with the socket in *fd. Returns PROBE_GREETED to go on. */
static enum probe_status reach(const struct probe_target *target, uint64_t deadline_usec,
			       struct probe_result *result, int *fd)
{
	int r = resolve(target->host, target->port, target->family, deadline_usec,
			&result->addresses);

	if (r == RESOLVE_TIMED_OUT)
		return PROBE_TIMED_OUT;
	if (r == EAI_SYSTEM || r == EAI_MEMORY || r == RESOLVE_INTERRUPTED)
		return system_error(result, r == EAI_SYSTEM   ? errno
					    : r == EAI_MEMORY ? ENOMEM
							      : EINTR);
	if (r != 0) {
		result->resolve_error = r;
		return PROBE_UNRESOLVED;
	}
	result->resolved_usec = clock_now_usec();
	result->winner = result->addresses.count;

	result->attempts = calloc(result->addresses.count, sizeof(*result->attempts));
	if (result->attempts == NULL)
		return system_error(result, ENOMEM);
	r = dial(&result->addresses, deadline_usec, result->attempts, fd, &result->winner);
	if (r == -ETIMEDOUT)
		return PROBE_TIMED_OUT;
	if (r == -ECONNREFUSED)
		return PROBE_UNCONNECTED;
	if (r < 0)
		return system_error(result, -r);
	result->connected_usec = clock_now_usec();
	return PROBE_GREETED;
}

/* Waits for input. Returns PROBE_GREETED to go on. */
static enum probe_status wait_for_input(int fd, uint64_t deadline_usec, struct probe_result *result)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	int r = wait_poll(&polled, 1, deadline_usec);

	if (r == 0)
		return PROBE_TIMED_OUT;
	return r < 0 ? system_error(result, -r) : PROBE_GREETED;
}

/* Reads the frame. Returns PROBE_GREETED once it is whole. */
static enum probe_status read_frame(int fd, uint64_t deadline_usec, struct probe_result *result)
{
	size_t missing;

	while ((missing = frame_missing(result->frame, result->frame_have)) > 0) {
		ssize_t n = recv(fd, result->frame + result->frame_have, missing, MSG_DONTWAIT);

		if (n > 0) {
			if (result->frame_have == 0)
				result->first_byte_usec = clock_now_usec();
			result->frame_have += (size_t)n;
		} else if (n == 0) {
			return PROBE_CLOSED;
		} else if (errno == EAGAIN) {
			enum probe_status status = wait_for_input(fd, deadline_usec, result);

			if (status != PROBE_GREETED)
				return status;
		} else if (errno != EINTR) {
			result->system_error = errno;
			return PROBE_RESET;
		}
	}
	return PROBE_GREETED;
}

static enum probe_status decode(struct probe_result *result)
{
	char *text = malloc(result->frame_have);

	if (text == NULL)
		return system_error(result, ENOMEM);
	if (frame_decode(result->frame, text, &result->text_length, &result->bad_offset) < 0) {
		free(text);
		return PROBE_MALFORMED;
	}
	result->text = text;
	return PROBE_GREETED;
}

/* Sees the peer's end of file without reading, since what follows the frame is not ours to read. */
static uint64_t await_close(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLRDHUP};
	uint64_t give_up = clock_now_usec() + PROBE_CLOSE_MSEC * USEC_PER_MSEC;

	return wait_poll(&polled, 1, give_up) > 0 ? clock_now_usec() : 0;
}

void probe_run(const struct probe_target *target, struct probe_result *result)
{
	uint64_t now = clock_now_usec(), deadline = now + target->timeout_usec;
	int fd = -1;

	*result = (struct probe_result){.started_usec = now};

	result->status = reach(target, deadline, result, &fd);
	if (result->status == PROBE_GREETED)
		result->status = read_frame(fd, deadline, result);
	if (result->status == PROBE_GREETED)
		result->status = decode(result);
	result->ended_usec = clock_now_usec();
	if (result->status == PROBE_GREETED && target->await_close)
		result->closed_usec = await_close(fd);
	if (fd >= 0)
		close(fd);
}

void probe_clear(struct probe_result *result)
{
	free(result->text);
	free(result->attempts);
	resolve_free(&result->addresses);
	result->text = NULL;
	result->attempts = NULL;
}
