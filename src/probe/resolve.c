/* SPDX-License-Identifier: MIT */
/* resolve - the addresses of a host, by a deadline */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "probe/resolve.h"
#include "probe/signals.h"

/* Shared with the thread. The last one to release it frees it. */
struct request {
	struct endpoint endpoint;
	struct addrinfo hints, *result;
	int error, saved_errno;
	pthread_t thread;
	int done_fd; /* an eventfd, readable when the result is there */
	int references;
};

static void request_release(struct request *request)
{
	if (__atomic_sub_fetch(&request->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (request->result != NULL)
		freeaddrinfo(request->result);
	if (request->done_fd >= 0)
		close(request->done_fd);
	free(request);
}

static bool is_ascii(const char *text)
{
	while ((signed char)*text > 0)
		text++;
	return *text == '\0';
}

static void *request_run(void *argument)
{
	struct request *request = argument;
	const char *host = request->endpoint.host, *port = request->endpoint.port;
	locale_t utf8 = NULL;

	/* AI_IDN takes the encoding of the name from the locale, but it is always UTF-8. */
	if (!is_ascii(host))
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	if (utf8 != NULL)
		uselocale(utf8);
	request->error = getaddrinfo(host, port, &request->hints, &request->result);
	/* A host without /etc/hosts has a loopback address all the same (RFC 6761, section 6.3). */
	if (request->error != 0 && strcasecmp(host, "localhost") == 0)
		request->error = getaddrinfo(NULL, port, &request->hints, &request->result);
	request->saved_errno = errno;
	uselocale(LC_GLOBAL_LOCALE);
	if (utf8 != NULL)
		freelocale(utf8);
	eventfd_write(request->done_fd, 1);
	request_release(request);
	return NULL;
}

/* Blocks all signals in the thread: they must end the wait of the caller. Returns 0 or errno. */
static int request_start(struct request *request)
{
	sigset_t all, before;
	int error;

	request->references++;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&request->thread, NULL, request_run, request);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		request->references--;
	return error;
}

/* Alternates the families: moves the next address of another family up, as long as there is one. */
static void interleave(struct resolve_list *list)
{
	for (size_t i = 1; i < list->count; i++) {
		struct address *next = &list->addresses[i], picked;
		size_t pick = 0, left = list->count - i;

		while (pick < left && next[pick].storage.ss_family == next[-1].storage.ss_family)
			pick++;
		if (pick == left)
			return;
		picked = next[pick];
		memmove(next + 1, next, pick * sizeof(*next));
		*next = picked;
	}
}

static enum outcome copy_result(const struct request *request, struct resolve_list *ret_list,
				int *ret_error)
{
	struct resolve_list list = {0};

	if (request->error == EAI_SYSTEM || request->error == EAI_MEMORY)
		return outcome_system_error(
			request->error == EAI_MEMORY ? ENOMEM : request->saved_errno, ret_error);
	if (request->error != 0) {
		*ret_error = request->error;
		return OUTCOME_UNKNOWN_HOST;
	}

	for (const struct addrinfo *ai = request->result; ai != NULL; ai = ai->ai_next)
		list.count++;
	list.addresses = calloc(list.count, sizeof(*list.addresses));
	if (list.addresses == NULL)
		return outcome_system_error(ENOMEM, ret_error);
	list.count = 0;
	for (const struct addrinfo *ai = request->result; ai != NULL; ai = ai->ai_next) {
		struct address *address = &list.addresses[list.count++];

		memcpy(&address->storage, ai->ai_addr, ai->ai_addrlen);
		address->length = ai->ai_addrlen;
	}
	interleave(&list);
	*ret_list = list;
	return OUTCOME_NONE;
}

/* What needs no name service. */
static enum outcome copy_address(const struct address *address, struct resolve_list *ret_list,
				 int *ret_error)
{
	struct address *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return outcome_system_error(ENOMEM, ret_error);
	*copy = *address;
	*ret_list = (struct resolve_list){.addresses = copy, .count = 1};
	return OUTCOME_NONE;
}

enum outcome resolve_host(const struct endpoint *endpoint, int family, int type,
			  uint64_t deadline_usec, struct resolve_list *ret_list, int *ret_error)
{
	struct pollfd polled = {.events = POLLIN};
	struct request *request;
	enum outcome outcome;
	int error;

	if (endpoint->kind != ENDPOINT_HOST)
		return copy_address(&endpoint->address, ret_list, ret_error);
	request = malloc(sizeof(*request));
	if (request == NULL)
		return outcome_system_error(ENOMEM, ret_error);
	*request = (struct request){
		.endpoint = *endpoint,
		.hints = {.ai_family = family, .ai_socktype = type, .ai_flags = AI_IDN},
		.done_fd = eventfd(0, EFD_CLOEXEC),
		.references = 1,
	};
	polled.fd = request->done_fd;
	error = polled.fd < 0 ? errno : request_start(request);
	outcome = error != 0 ? outcome_system_error(error, ret_error)
			     : signals_wait(&polled, 1, deadline_usec, ret_error);
	if (outcome == OUTCOME_NONE) {
		pthread_join(request->thread, NULL);
		outcome = copy_result(request, ret_list, ret_error);
	} else if (error == 0) {
		pthread_detach(request->thread);
	}
	request_release(request);
	return outcome;
}

void resolve_free(struct resolve_list *list)
{
	free(list->addresses);
	*list = (struct resolve_list){0};
}
