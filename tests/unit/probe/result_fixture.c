/* SPDX-License-Identifier: MIT */
/* result_fixture - made-up results of probes */
#include "config.h"

#include <sys/un.h>

#include <linux/vm_sockets.h>

#include "result_fixture.h"

#define ATTEMPTS_MAX 3

void result_make(struct probe_result *result, enum outcome outcome)
{
	probe_clear(result);
	*result = (struct probe_result){
		.outcome = outcome,
		.started_usec = STARTED_USEC,
		.ended_usec = STARTED_USEC + 20000,
		.time_usec = 20000,
	};
}

static void make_address(const char *where, struct address *ret_address)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(6666)};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(6666)};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct sockaddr_vm svm = {.svm_family = AF_VSOCK, .svm_port = 6666};

	if (sscanf(where, "vsock:%u", &svm.svm_cid) == 1) {
		memcpy(&ret_address->storage, &svm, ret_address->length = sizeof(svm));
	} else if (where[0] == '/') {
		strcpy(sun.sun_path, where);
		memcpy(&ret_address->storage, &sun, ret_address->length = sizeof(sun));
	} else if (inet_pton(AF_INET, where, &sin.sin_addr) == 1) {
		memcpy(&ret_address->storage, &sin, ret_address->length = sizeof(sin));
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, where, &sin6.sin6_addr), 1);
		memcpy(&ret_address->storage, &sin6, ret_address->length = sizeof(sin6));
	}
}

void result_add_attempt(struct probe_result *result, const char *where, enum attempt_state state,
			int error)
{
	size_t n = result->addresses.count++;
	struct connect_attempt *attempt;

	if (n == 0) {
		result->addresses.addresses = calloc(ATTEMPTS_MAX, sizeof(struct address));
		result->attempts = calloc(ATTEMPTS_MAX, sizeof(struct connect_attempt));
		result->resolved_usec = STARTED_USEC + 1000;
	}
	ck_assert_uint_lt(n, ATTEMPTS_MAX);
	make_address(where, &result->addresses.addresses[n]);
	attempt = &result->attempts[n];
	attempt->to = &result->addresses.addresses[n];
	attempt->state = state;
	attempt->error = error;
	if (state != ATTEMPT_NOT_TRIED) {
		attempt->started_usec = STARTED_USEC + 1000;
		attempt->ended_usec = STARTED_USEC + 1000 + 250 * (n + 1);
	}
	if (state == ATTEMPT_CONNECTED) {
		result->connected = attempt;
		result->connected_usec = STARTED_USEC + 3000;
	}
}

void result_make_greeting(struct probe_result *result, const char *where, const char *text,
			  size_t length, uint64_t time_usec)
{
	result_make(result, OUTCOME_GREETED);
	result_add_attempt(result, where, ATTEMPT_CONNECTED, 0);
	result->text = unit_copy(text, length);
	result->text_length = length;
	result->frame_have = FRAME_HEADER_BYTES + length;
	result->first_byte_usec = STARTED_USEC + 6000;
	result->ended_usec = STARTED_USEC + time_usec;
	result->time_usec = time_usec;
}
