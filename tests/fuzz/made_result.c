/* SPDX-License-Identifier: MIT */
/* made_result - any result that a probe can have, and what is printed about it */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netdb.h>
#include <sys/param.h>
#include <sys/un.h>

#include "common/mutf8.h"
#include "common/utf8.h"
#include "made_result.h"
#include "probe/datagram.h"

#define STARTED_USEC UINT64_C(5000000)
#define ADDRESSES_MAX 3

void made_target(struct fuzz_input *input, struct probe_target *ret_target)
{
	unsigned first = fuzz_byte(input);
	char *host = fuzz_string(input), *expected = first & 1 ? fuzz_string(input) : NULL;
	size_t length, offset;
	const char *why;

	*ret_target = (struct probe_target){
		.family = AF_UNSPEC,
		.timeout_usec = 1000 * (1 + fuzz_number(input, 3)),
		.request_bytes = first & 2 ? DATAGRAM_REQUEST_BYTES_DEFAULT : 0,
	};
	if (endpoint_parse(host, NULL, &ret_target->endpoint, &why) < 0)
		REQUIRE(endpoint_parse(NULL, NULL, &ret_target->endpoint, &why) == 0);
	if (ret_target->endpoint.kind == ENDPOINT_HOST && (first & 4))
		ret_target->family = first & 8 ? AF_INET : AF_INET6;
	if (expected != NULL &&
	    mutf8_encode(expected, strlen(expected), NULL, 0, &length, &offset) == -EILSEQ) {
		free(expected);
		expected = NULL;
	}
	ret_target->expected = expected;
	free(host);
}

static void make_address(struct fuzz_input *input, struct address *ret_address)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(6666)};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(6666)};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct sockaddr_vm svm = {.svm_family = AF_VSOCK, .svm_port = 6666};
	char *path;

	switch (fuzz_byte(input) % 4) {
	case 0:
		sin.sin_addr.s_addr = (in_addr_t)fuzz_number(input, 4);
		memcpy(&ret_address->storage, &sin, ret_address->length = sizeof(sin));
		break;
	case 1:
		sin6.sin6_addr.s6_addr[15] = (uint8_t)fuzz_byte(input);
		sin6.sin6_scope_id = fuzz_byte(input);
		memcpy(&ret_address->storage, &sin6, ret_address->length = sizeof(sin6));
		break;
	case 2:
		svm.svm_cid = fuzz_byte(input);
		memcpy(&ret_address->storage, &svm, ret_address->length = sizeof(svm));
		break;
	default:
		path = fuzz_string(input);
		memcpy(sun.sun_path, path, MIN(strlen(path), sizeof(sun.sun_path) - 1));
		free(path);
		memcpy(&ret_address->storage, &sun, ret_address->length = sizeof(sun));
	}
}

/* The attempts, of which the last is connected or not. */
static void make_attempts(struct fuzz_input *input, const struct probe_target *target,
			  bool connected, struct probe_result *result)
{
	static const int errors[] = {ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT, ENOENT, EACCES, EPIPE};
	size_t count = 1 + fuzz_byte(input) % ADDRESSES_MAX;

	result->addresses.count = count;
	result->addresses.addresses = calloc(count, sizeof(struct address));
	result->attempts = calloc(count, sizeof(struct connect_attempt));
	result->resolved_usec = STARTED_USEC + 1 + fuzz_byte(input);
	for (size_t i = 0; i < count; i++) {
		struct connect_attempt *attempt = &result->attempts[i];
		unsigned byte = fuzz_byte(input);

		make_address(input, &result->addresses.addresses[i]);
		attempt->to = &result->addresses.addresses[i];
		attempt->fd = -1;
		attempt->state = byte & 1 ? ATTEMPT_FAILED : ATTEMPT_TIMED_OUT;
		if (attempt->state == ATTEMPT_FAILED)
			attempt->error = errors[byte / 2 % 6];
		else if (connected && (byte & 2))
			attempt->state = byte & 4 ? ATTEMPT_NOT_TRIED : ATTEMPT_SUPERSEDED;
		if (connected && i == count - 1) {
			attempt->state = ATTEMPT_CONNECTED;
			attempt->error = 0;
			result->connected = attempt;
		}
		if (attempt->state == ATTEMPT_NOT_TRIED)
			continue;
		attempt->asked = target->request_bytes > 0 ? 1 + byte / 64 : 0;
		attempt->started_usec = result->resolved_usec + byte;
		attempt->ended_usec = attempt->started_usec + fuzz_number(input, 3);
	}
	if (connected)
		result->connected_usec = result->attempts[count - 1].ended_usec;
}

/* The rest of the input is what the server sent. */
static void make_frame(struct fuzz_input *input, const struct probe_target *target, unsigned how,
		       struct probe_result *result)
{
	size_t length = MIN(input->size, FRAME_GREETING_BYTES_MAX);

	result->frame[0] = (uint8_t)(length >> 8);
	result->frame[1] = (uint8_t)length;
	if (length > 0)
		memcpy(result->frame + FRAME_HEADER_BYTES, input->data, length);
	result->frame_have = FRAME_HEADER_BYTES + length;
	result->first_byte_usec = result->connected_usec + how;
	if (how % 4 == 0) {
		static const enum outcome cut[] = {OUTCOME_CLOSED, OUTCOME_RESET,
						   OUTCOME_TIMED_OUT};

		result->frame_have = how % 64 % (result->frame_have);
		result->outcome = cut[how / 64 % 3];
		result->error = result->outcome == OUTCOME_RESET ? ECONNRESET : 0;
		if (result->frame_have == 0)
			result->first_byte_usec = 0;
		return;
	}
	result->text = fuzz_allocate(length + 1);
	result->outcome = OUTCOME_GREETED;
	if (frame_decode(result->frame, result->text, &result->text_length, &result->bad_offset) <
	    0) {
		free(result->text);
		result->text = NULL;
		result->outcome = OUTCOME_MALFORMED;
	} else if (target->expected != NULL &&
		   !fuzz_equal(target->expected, strlen(target->expected), result->text,
			       result->text_length)) {
		result->outcome = OUTCOME_UNEXPECTED;
	}
}

void made_result(struct fuzz_input *input, const struct probe_target *target,
		 struct probe_result *ret_result)
{
	static const enum outcome failed[] = {OUTCOME_REFUSED, OUTCOME_UNREACHABLE,
					      OUTCOME_TIMED_OUT, OUTCOME_RESET};
	static const int unknown[] = {EAI_NONAME, EAI_AGAIN, EAI_SERVICE, EAI_ADDRFAMILY,
				      EAI_IDN_ENCODE};
	unsigned how = fuzz_byte(input), detail = fuzz_byte(input);
	struct probe_result *result = ret_result;

	memset(result, 0, offsetof(struct probe_result, frame));
	memset(&result->frame_have, 0, sizeof(*result) - offsetof(struct probe_result, frame_have));
	result->started_usec = STARTED_USEC;
	switch (how % 8) {
	case 0:
		result->outcome = OUTCOME_UNKNOWN_HOST;
		result->error = unknown[detail % 5];
		break;
	case 1:
		result->outcome = OUTCOME_SYSTEM_ERROR;
		result->error = ENOMEM;
		break;
	case 2:
		result->outcome = OUTCOME_TIMED_OUT; /* of the resolver */
		break;
	case 3:
		make_attempts(input, target, false, result);
		result->outcome = failed[detail % 4];
		break;
	default:
		make_attempts(input, target, true, result);
		make_frame(input, target, detail, result);
	}
	result->ended_usec =
		MAX(result->first_byte_usec, MAX(result->connected_usec, result->resolved_usec));
	result->ended_usec = MAX(result->ended_usec, STARTED_USEC) + detail;
	result->time_usec = result->ended_usec - STARTED_USEC;
	if (result->text != NULL && target->request_bytes == 0 && (how & 8))
		result->closed_usec = result->ended_usec + 7;
}

void made_free(struct probe_target *target, struct probe_result *result)
{
	free((char *)(uintptr_t)target->expected);
	probe_clear(result);
}

static char *caught;
static size_t caught_length;
static FILE *real;

void made_catch(FILE **stream)
{
	real = *stream;
	*stream = open_memstream(&caught, &caught_length);
	REQUIRE(*stream != NULL);
}

char *made_take(FILE **stream, size_t *ret_length)
{
	REQUIRE(fclose(*stream) == 0);
	*stream = real;
	*ret_length = caught_length;
	return caught;
}

bool made_is_harmless(const char *text, size_t length)
{
	/* The characters that escape.h names, from and to. */
	static const uint32_t harmful[][2] = {{0, 0x09},	{0x0B, 0x1F},	  {0x7F, 0x9F},
					      {0x061C, 0x061C}, {0x200E, 0x200F}, {0x2028, 0x202E},
					      {0x2066, 0x2069}};
	size_t n;

	for (size_t offset = 0; offset < length; offset += n) {
		uint32_t c = 0;

		n = utf8_get(text + offset, length - offset, &c);
		if (n == 0)
			return false;
		for (size_t i = 0; i < sizeof(harmful) / sizeof(*harmful); i++)
			if (c >= harmful[i][0] && c <= harmful[i][1])
				return false;
	}
	return true;
}
