/* SPDX-License-Identifier: MIT */
/* client - a client that checks every byte of the greeting */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "common/clock.h"

const char *target_resolve(struct target *target, const char *path, const char *host,
			   const char *port)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int r;

	if (path != NULL) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};

		if (strlen(path) >= sizeof(address.sun_path))
			return "too long for a UNIX socket";
		memcpy(address.sun_path, path, strlen(path));
		memcpy(&target->address, &address, sizeof(address));
		target->length = sizeof(address);
		return NULL;
	}

	r = getaddrinfo(host, port, &hints, &found);
	if (r != 0)
		return gai_strerror(r);
	memcpy(&target->address, found->ai_addr, found->ai_addrlen);
	target->length = found->ai_addrlen;
	freeaddrinfo(found);

	if (target->address.ss_family == AF_INET) {
		struct sockaddr_in address;

		memcpy(&address, &target->address, sizeof(address));
		target->rotate = ntohl(address.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	return NULL;
}

const char *target_expect(struct target *target, const char *bytes, const char *greeting)
{
	size_t bad_offset;

	if (bytes != NULL) {
		target->expected_length = strlen(bytes);
		if (target->expected_length > sizeof(target->expected))
			return "too long";
		memcpy(target->expected, bytes, target->expected_length);
		return NULL;
	}
	if (frame_encode(greeting, strlen(greeting), target->expected, &target->expected_length,
			 &bad_offset) < 0)
		return "not UTF-8, or too long for a frame";
	return NULL;
}

/*
 * Sets the source address. connect(2) chooses the port, because a port that bind(2) chooses cannot
 * be used by another connection.
 */
static int bind_source(int fd, uint64_t number)
{
	const struct sockaddr_in source = {
		.sin_family = AF_INET,
		.sin_addr.s_addr =
			htonl(CLIENT_SOURCE_FIRST + (uint32_t)(number % CLIENT_SOURCE_COUNT)),
	};
	const int on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&source, sizeof(source)) < 0)
		return -errno;
	return 0;
}

int client_connect(struct client *client, const struct target *target, uint64_t number,
		   uint64_t timeout_usec, const char **ret_failed)
{
	const struct timeval timeout = {
		.tv_sec = (time_t)(timeout_usec / USEC_PER_SEC),
		.tv_usec = (suseconds_t)(timeout_usec % USEC_PER_SEC),
	};
	bool wait = timeout_usec > 0;
	int type = SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK);
	int fd, r = 0;

	*client = (struct client){.started_usec = clock_now_usec(), .fd = -1};
	*ret_failed = "socket";
	fd = socket(target->address.ss_family, type, 0);
	if (fd < 0)
		return -errno;
	if (target->rotate) {
		*ret_failed = "bind";
		r = bind_source(fd, number);
	}
	if (r == 0 && wait && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout))) {
		*ret_failed = "setsockopt";
		r = -errno;
	}
	if (r == 0) {
		*ret_failed = NULL;
		if (connect(fd, (const struct sockaddr *)&target->address, target->length) < 0)
			r = -errno;
		/* With SO_SNDTIMEO, this is a timeout: socket(7). */
		if (r == -EINPROGRESS)
			r = wait ? -ETIMEDOUT : 0;
	}
	if (r < 0)
		close(fd);
	else
		client->fd = fd;
	return r;
}

void client_talk(const struct client *client, size_t length)
{
	static const uint8_t zeros[CLIENT_TALK_BYTES_MAX];

	(void)!send(client->fd, zeros, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

enum outcome client_receive(struct client *client, const struct target *target)
{
	for (;;) {
		/* One byte more than expected, to notice surplus bytes. */
		static uint8_t bytes[FRAME_BYTES_MAX + 1];
		size_t missing = target->expected_length - client->got;
		ssize_t n = recv(client->fd, bytes, missing + 1, MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN ? OUTCOME_PENDING : outcome_of_errno(errno);
		if (n == 0)
			return missing == 0 ? OUTCOME_GREETED : OUTCOME_SHORT;
		if ((size_t)n > missing ||
		    memcmp(bytes, target->expected + client->got, (size_t)n) != 0)
			return OUTCOME_WRONG;
		client->got += (size_t)n;
	}
}
