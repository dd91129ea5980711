/* SPDX-License-Identifier: MIT */
/* activation - what systemd passed: connections or listeners */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "hellod/activation.h"

/*
 * Tells a connection whose peer is gone from a socket that never was connected: for both
 * getpeername() says ENOTCONN, but only on the latter does reading fail for that reason.
 */
static bool was_ever_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	char byte;

	if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
		return true;
	if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		return true;
	return errno != ENOTCONN && errno != EINVAL; /* EINVAL: the same from a UNIX socket */
}

/* Returns 0 with *kind, or -errno with *what, which is wrong with it. */
static int examine(int fd, enum activation_kind *kind, const char **what)
{
	int is_socket = sd_is_socket(fd, AF_UNSPEC, 0, -1);
	int is_stream = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, -1);
	int is_listening = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, true);

	if (is_socket < 0 || is_stream < 0 || is_listening < 0) {
		*what = "something that cannot be examined";
		return -EIO;
	}
	if (is_listening) {
		*kind = ACTIVATION_LISTENERS;
		return 0;
	}
	if (is_stream && was_ever_connected(fd)) {
		*kind = ACTIVATION_CONNECTIONS;
		return 0;
	}
	*what = is_stream   ? "a socket that neither listens nor is connected"
		: is_socket ? "not a stream socket"
			    : "not a socket";
	return -EINVAL;
}

static int refuse(int error, char **why, int fd, const char *what)
{
	if (asprintf(why,
		     "file descriptor %d: %s; pass stream sockets, all with Accept=yes or all "
		     "with Accept=no: see hello.socket(8)",
		     fd, what) < 0)
		*why = NULL;
	return error;
}

int activation_receive(struct activation *activation, char **ret_why)
{
	enum activation_kind first = ACTIVATION_NOTHING, kind = ACTIVATION_NOTHING;
	const char *what;
	int count, r;

	count = sd_listen_fds(true);
	if (count < 0) {
		if (asprintf(ret_why, "$LISTEN_PID, $LISTEN_FDS: %s; leave them to systemd",
			     strerror(-count)) < 0)
			*ret_why = NULL;
		return count;
	}

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
		r = examine(fd, &kind, &what);
		if (r < 0)
			return refuse(r, ret_why, fd, what);
		if (fd == SD_LISTEN_FDS_START)
			first = kind;
		if (kind != first)
			return refuse(-EINVAL, ret_why, fd,
				      kind == ACTIVATION_LISTENERS
					      ? "a listening socket among connections"
					      : "a connection among listening sockets");
	}

	*activation = (struct activation){
		.kind = first,
		.first_fd = SD_LISTEN_FDS_START,
		.fd_count = count,
	};
	return 0;
}

socklen_t activation_peer(int fd, struct sockaddr_storage *ret_peer)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret_peer;
	struct sockaddr_in *sin = (struct sockaddr_in *)ret_peer;
	const char *host = getenv("REMOTE_ADDR"), *port = getenv("REMOTE_PORT");
	socklen_t length = sizeof(*ret_peer);

	*ret_peer = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
	if (getpeername(fd, (struct sockaddr *)ret_peer, &length) == 0)
		return length;
	if (host == NULL || port == NULL)
		return sizeof(*ret_peer);
	if (inet_pton(AF_INET, host, &sin->sin_addr) == 1)
		sin->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &sin6->sin6_addr) == 1)
		sin6->sin6_family = AF_INET6;
	sin->sin_port = htons((in_port_t)atoi(port)); /* sin6_port is at the same offset */
	return sizeof(*ret_peer);
}
