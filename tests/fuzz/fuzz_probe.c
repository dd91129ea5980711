/* SPDX-License-Identifier: MIT */
/* fuzz_probe - any server, by a connection and by datagrams, that answers in any pieces */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/param.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "fuzz.h"
#include "probe/datagram.h"
#include "probe/probe.h"

#define FD 900
#define SEC UINT64_C(1000000)
#define REQUESTS_MAX 32
#define STREAM_BYTES_MAX (FRAME_BYTES_MAX + 3)

static struct fuzz_input script; /* how each call ends; at its end, everything goes well */
static const uint8_t *stream;	 /* what the server sends: a stream, or one datagram */
static size_t stream_length, taken;
static bool active, is_open, is_datagram, has_answered, was_cut;
static uint64_t now_usec;
static int broken; /* the errno of the call that has failed for good, or 0 */
static uint64_t asked_usec[REQUESTS_MAX];
static unsigned asked;

uint64_t clock_now_usec(void)
{
	return now_usec;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

int socket(int family, int type, int protocol)
{
	REQUIRE(!is_open && family == AF_INET && protocol == 0);
	REQUIRE(type == ((is_datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK));
	is_open = true;
	return FD;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	REQUIRE(is_open && fd == FD && address->sa_family == AF_INET && length > 0);
	if (is_datagram || fuzz_byte(&script) % 2 == 0)
		return 0;
	return fail(EINPROGRESS);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	int error = 0;

	REQUIRE(is_open && fd == FD && level == SOL_SOCKET && name == SO_ERROR);
	REQUIRE(*length == sizeof(error));
	memcpy(value, &error, sizeof(error));
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	REQUIRE(is_open && fd == FD && level == IPPROTO_IP && name == IP_RECVERR);
	REQUIRE(is_datagram && value != NULL && length == sizeof(int));
	return 0;
}

int close(int fd)
{
	if (!active)
		return (int)syscall(SYS_close, fd);
	REQUIRE(is_open && fd == FD);
	is_open = false;
	return 0;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
	REQUIRE(is_open && fd == FD && is_datagram && flags == (MSG_DONTWAIT | MSG_NOSIGNAL));
	REQUIRE(length > 0 && length <= DATAGRAM_REQUEST_BYTES_MAX);
	for (size_t i = 0; i < length; i++)
		REQUIRE(((const uint8_t *)bytes)[i] == 0);
	REQUIRE(asked < REQUESTS_MAX);
	asked_usec[asked++] = now_usec;
	switch (fuzz_byte(&script) % 8) {
	case 1:
		return fail(EAGAIN);
	case 2:
		return fail(ENOBUFS);
	case 3:
		broken = ECONNREFUSED;
		return fail(broken);
	default:
		return (ssize_t)length;
	}
}

/* The stream in pieces. No byte after the frame may be asked for. */
static ssize_t receive_stream(void *buffer, size_t length)
{
	size_t frame = taken < FRAME_HEADER_BYTES
			       ? FRAME_HEADER_BYTES
			       : FRAME_HEADER_BYTES + (size_t)stream[0] * 256 + stream[1];
	unsigned byte = fuzz_byte(&script);
	size_t n = stream_length - taken;

	REQUIRE(length > 0 && taken + length <= frame);
	if (byte % 16 == 1)
		return fail(EAGAIN);
	if (byte % 16 == 2)
		return fail(EINTR);
	if (byte == 3 || byte == 4) {
		broken = byte == 3 ? ECONNRESET : ENOMEM;
		return fail(broken);
	}
	n = n < length ? n : length;
	if (byte >= 0x80 && n > byte - 0x7FU)
		n = byte - 0x7FU;
	memcpy(buffer, stream + taken, n);
	taken += n;
	was_cut |= n == 0;
	return (ssize_t)n;
}

static ssize_t receive_datagram(void *buffer, size_t length, int flags)
{
	if (flags & MSG_ERRQUEUE)
		return fail(EAGAIN);
	REQUIRE(flags == (MSG_DONTWAIT | MSG_PEEK) || flags == (MSG_DONTWAIT | MSG_TRUNC));
	if (broken != 0)
		return fail(broken);
	if (!has_answered)
		return fail(EAGAIN);
	memcpy(buffer, stream, length < stream_length ? length : stream_length);
	if (flags & MSG_PEEK)
		return (ssize_t)(length < stream_length ? length : stream_length);
	has_answered = false;
	return (ssize_t)stream_length;
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	REQUIRE(is_open && fd == FD);
	if (is_datagram)
		return receive_datagram(buffer, length, flags);
	REQUIRE(flags == MSG_DONTWAIT);
	return receive_stream(buffer, length);
}

/* Something is ready in time, or not. */
int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	uint64_t usec =
		(uint64_t)timeout->tv_sec * SEC + (uint64_t)timeout->tv_nsec / NSEC_PER_USEC;
	unsigned byte = fuzz_byte(&script);
	uint64_t passed = byte % 8 == 3 ? usec : (uint64_t)(byte / 8) * SEC / 8;

	if (!active)
		return (int)syscall(SYS_ppoll, polled, count, timeout, mask, sizeof(*mask));
	if (byte % 8 == 1)
		return fail(EINTR); /* SIGCONT */
	now_usec += MIN(passed, usec);
	for (nfds_t i = 0; i < count; i++)
		polled[i].revents = passed < usec && polled[i].fd >= 0 ? polled[i].events : 0;
	if (passed >= usec || count == 0)
		return 0;
	if (is_datagram && byte % 8 == 2)
		broken = EHOSTUNREACH;
	has_answered = broken == 0;
	return 1;
}

static void check_times(const struct probe_result *result)
{
	const uint64_t times[] = {result->started_usec,	  result->resolved_usec,
				  result->connected_usec, result->first_byte_usec,
				  result->ended_usec,	  result->closed_usec};
	uint64_t last = 1;

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		REQUIRE(times[i] == 0 || times[i] >= last);
		last = times[i] != 0 ? times[i] : last;
	}
	REQUIRE(result->time_usec == result->ended_usec - result->started_usec);
}

/* Requests follow each other after one second, two, four and so on. */
static void check_requests(const struct probe_result *result)
{
	REQUIRE(asked == result->attempts[0].asked || broken != 0);
	for (unsigned i = 1; i < asked; i++)
		REQUIRE(asked_usec[i] >= asked_usec[0] + ((UINT64_C(1) << i) - 1) * SEC);
}

/* What the bytes are, whatever the pieces that they came in. */
static void check_outcome(const struct probe_target *target, const struct probe_result *result)
{
	size_t whole = FRAME_HEADER_BYTES, text_length = 0, bad_offset = 0;
	bool complete;
	char *text;

	if (stream_length >= FRAME_HEADER_BYTES)
		whole += (size_t)stream[0] * 256 + stream[1];
	complete = result->frame_have == whole && stream_length >= FRAME_HEADER_BYTES;
	REQUIRE(fuzz_equal(result->frame, MIN(result->frame_have, sizeof(result->frame)), stream,
			   MIN(result->frame_have, sizeof(result->frame))));
	switch (result->outcome) {
	case OUTCOME_GREETED:
	case OUTCOME_UNEXPECTED:
	case OUTCOME_MALFORMED:
		REQUIRE(broken == 0);
		REQUIRE(complete || (is_datagram && result->outcome == OUTCOME_MALFORMED));
		break;
	case OUTCOME_CLOSED:
		REQUIRE(!is_datagram && was_cut && taken == stream_length);
		REQUIRE(result->frame_have == stream_length && !complete);
		return;
	case OUTCOME_TIMED_OUT:
		REQUIRE(now_usec >= result->started_usec + target->timeout_usec && !complete);
		return;
	default:
		REQUIRE(broken != 0);
		return;
	}
	if (!complete)
		return;
	text = fuzz_allocate(whole);
	if (frame_decode(stream, text, &text_length, &bad_offset) < 0) {
		REQUIRE(result->outcome == OUTCOME_MALFORMED && result->text == NULL);
		REQUIRE(result->bad_offset == bad_offset);
	} else {
		bool expected =
			target->expected == NULL ||
			fuzz_equal(text, text_length, target->expected, strlen(target->expected));

		REQUIRE(result->outcome == (expected ? OUTCOME_GREETED : OUTCOME_UNEXPECTED));
		REQUIRE(fuzz_equal(result->text, result->text_length, text, text_length));
	}
	free(text);
}

static struct probe_result result;

static void probe(const struct probe_target *target)
{
	taken = 0;
	asked = 0;
	broken = 0;
	has_answered = was_cut = false;
	now_usec = 1000 * SEC;
	active = true;
	probe_run(target, &result);
	active = false;
	REQUIRE(!is_open);
	check_times(&result);
	if (is_datagram)
		check_requests(&result);
	check_outcome(target, &result);
}

/*
 * The first byte says how it is asked, and the second how many bytes are the script. The rest is the
 * stream, of which the last byte may be repeated, for long frames.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = 6666};
	/* An address that needs no name service. */
	struct probe_target target = {
		.endpoint = {.kind = ENDPOINT_VSOCK, .address.length = sizeof(sin)},
		.family = AF_UNSPEC,
		.timeout_usec = 10 * SEC,
	};
	static uint8_t bytes[STREAM_BYTES_MAX];
	struct fuzz_input input = {data, size};
	unsigned first = fuzz_byte(&input), length = fuzz_byte(&input);
	enum outcome outcome;

	memcpy(&target.endpoint.address.storage, &sin, sizeof(sin));
	is_datagram = first & 1;
	target.request_bytes = is_datagram ? DATAGRAM_REQUEST_BYTES_DEFAULT : 0;
	target.await_close = first & 2;
	target.expected = first & 4 ? "HELLO" : NULL;
	script = (struct fuzz_input){input.data, length < input.size ? length : input.size};
	stream = bytes;
	stream_length = MIN(input.size - script.size, sizeof(bytes));
	if (stream_length > 0)
		memcpy(bytes, input.data + script.size, stream_length);
	if (stream_length > 0 && (first & 8)) {
		memset(bytes + stream_length, bytes[stream_length - 1],
		       sizeof(bytes) - stream_length);
		stream_length = sizeof(bytes);
	}

	probe(&target);
	outcome = result.outcome;
	probe_clear(&result);
	/* The same bytes in one piece are the same, unless the time or the network ended the probe. */
	script.size = 0;
	if (outcome != OUTCOME_TIMED_OUT && broken == 0 && !is_datagram) {
		probe(&target);
		REQUIRE(result.outcome == outcome);
		probe_clear(&result);
	}
	return 0;
}
