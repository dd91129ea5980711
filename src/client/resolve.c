/* SPDX-License-Identifier: MIT */
/* resolve - client side: from a name to addresses, by a deadline */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/resolve.h"
#include "client/signals.h"

/* Shared with the thread; whoever gives up its reference last frees it. */
struct request {
	char *host, *port;
	struct addrinfo hints, *result;
	int error, saved_errno;
	int done_fd; /* an eventfd, readable once the result is in */
	int references;
};

static void release(struct request *request)
{
	if (__atomic_sub_fetch(&request->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (request->result != NULL)
		freeaddrinfo(request->result);
	if (request->done_fd >= 0)
		close(request->done_fd);
	free(request->host);
	free(request->port);
	free(request);
}

static void *look_up(void *argument)
{
	struct request *request = argument;

	request->error =
		getaddrinfo(request->host, request->port, &request->hints, &request->result);
	/* A host without /etc/hosts has one address all the same (RFC 6761, section 6.3). */
	if (request->error != 0 && strcasecmp(request->host, "localhost") == 0)
		request->error =
			getaddrinfo(NULL, request->port, &request->hints, &request->result);
	request->saved_errno = errno;
	eventfd_write(request->done_fd, 1);
	release(request);
	return NULL;
}

/* Signals are for the caller's thread, where they end the waiting. */
static int start_thread(pthread_t *thread, struct request *request)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, look_up, request);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* Returns NULL with errno. */
static struct request *request_new(const char *host, const char *port, int family)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->host = strdup(host);
	request->port = strdup(port);
	request->done_fd = eventfd(0, EFD_CLOEXEC);
	request->references = 1;
	request->hints = (struct addrinfo){
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	if (request->host == NULL || request->port == NULL || request->done_fd < 0) {
		int error = errno;

		release(request);
		errno = error;
		return NULL;
	}
	return request;
}

/* Waits for the eventfd. Returns 0 or as resolve() does. */
static int wait_until(int fd, uint64_t deadline_usec)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	int r = wait_poll(&polled, 1, deadline_usec);

	if (r > 0)
		return 0;
	if (r == 0)
		return RESOLVE_TIMED_OUT;
	errno = -r;
	return r == -EINTR ? RESOLVE_INTERRUPTED : EAI_SYSTEM;
}

/*
 * Copies the addresses, the families taking turns: each turn takes the next address that is of
 * another family than the last one, or else simply the next.
 */
static int interleave(const struct addrinfo *sorted, struct resolve_list *list)
{
	size_t count = 0;
	int last_family = AF_UNSPEC;
	const struct addrinfo *ai;
	const struct addrinfo **left;

	for (ai = sorted; ai != NULL; ai = ai->ai_next)
		count++;
	left = calloc(count, sizeof(struct addrinfo *));
	list->addresses = calloc(count, sizeof(*list->addresses));
	if (left == NULL || list->addresses == NULL) {
		free(left);
		resolve_free(list);
		return EAI_MEMORY;
	}

	count = 0;
	for (ai = sorted; ai != NULL; ai = ai->ai_next)
		left[count++] = ai;
	for (; count > 0; count--) {
		struct resolve_address *next = &list->addresses[list->count++];
		size_t pick = 0;

		while (pick < count - 1 && left[pick]->ai_family == last_family)
			pick++;
		if (left[pick]->ai_family == last_family)
			pick = 0;
		last_family = left[pick]->ai_family;
		memcpy(&next->address, left[pick]->ai_addr, left[pick]->ai_addrlen);
		next->length = left[pick]->ai_addrlen;
		memmove(left + pick, left + pick + 1, (count - pick - 1) * sizeof(*left));
	}
	free(left);
	return 0;
}

static int resolve_path(const char *path, struct resolve_list *list)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(sun.sun_path))
		return RESOLVE_PATH_TOO_LONG;
	list->addresses = calloc(1, sizeof(*list->addresses));
	if (list->addresses == NULL)
		return EAI_MEMORY;
	strcpy(sun.sun_path, path);
	memcpy(&list->addresses[0].address, &sun, sizeof(sun));
	list->addresses[0].length = sizeof(sun);
	list->count = 1;
	return 0;
}

int resolve(const char *host, const char *port, int family, uint64_t deadline_usec,
	    struct resolve_list *list)
{
	struct resolve_list found = {0};
	struct request *request;
	pthread_t thread;
	int r;

	if (host[0] == '/') {
		r = resolve_path(host, &found);
		goto finish;
	}

	request = request_new(host, port, family);
	if (request == NULL)
		return EAI_SYSTEM;
	request->references++;
	r = start_thread(&thread, request);
	if (r != 0) {
		errno = r;
		request->references--;
		r = EAI_SYSTEM;
	} else {
		r = wait_until(request->done_fd, deadline_usec);
		if (r == 0)
			pthread_join(thread, NULL);
		else
			pthread_detach(thread);
	}
	if (r == 0) {
		r = request->error;
		errno = request->saved_errno;
	}
	if (r == 0)
		r = interleave(request->result, &found);
	release(request);

finish:
	if (r == 0)
		*list = found;
	return r;
}

void resolve_free(struct resolve_list *list)
{
	free(list->addresses);
	*list = (struct resolve_list){0};
}

const char *resolve_strerror(int result)
{
	switch (result) {
	case RESOLVE_TIMED_OUT:
		return "timed out";
	case RESOLVE_PATH_TOO_LONG:
		return "the path is too long for a socket";
	case RESOLVE_INTERRUPTED:
		return "interrupted";
	case EAI_SYSTEM:
		return strerror(errno);
	default:
		return gai_strerror(result);
	}
}
