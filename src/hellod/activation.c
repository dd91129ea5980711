/* SPDX-License-Identifier: MIT */
/* activation - what systemd passed: connections or listeners */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "hellod/activation.h"

/*
 * Tells a connection whose peer is gone from a socket that was never connected: getpeername() says
 * ENOTCONN of both, but recv() only of the latter, or EINVAL if it is a UNIX socket.
 */
static bool was_ever_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	char byte;

	return getpeername(fd, (struct sockaddr *)&peer, &length) == 0 ||
	       recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	       (errno != ENOTCONN && errno != EINVAL);
}

/* Returns 0, with what to say if the kind differs in *ret_what; or -errno, with what is wrong. */
static int examine(int fd, enum activation_kind *ret_kind, const char **ret_what)
{
	int is_socket = sd_is_socket(fd, AF_UNSPEC, 0, -1);
	int is_stream = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, -1);
	int is_listening = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, true);
	int is_datagram = sd_is_socket(fd, AF_UNSPEC, SOCK_DGRAM, -1);
	int r = MIN(MIN(is_socket, is_stream), MIN(is_listening, is_datagram));

	if (r < 0) {
		*ret_what = strerror(-r);
		return r;
	}
	if (!is_listening && !is_datagram && !(is_stream && was_ever_connected(fd))) {
		*ret_what = is_stream	? "a socket that neither listens nor is connected"
			    : is_socket ? "neither a stream nor a datagram socket"
					: "not a socket";
		return -EINVAL;
	}
	*ret_kind = is_listening || is_datagram ? ACTIVATION_LISTENERS : ACTIVATION_CONNECTIONS;
	*ret_what = is_listening  ? "a listening socket among connections"
		    : is_datagram ? "a datagram socket among connections"
				  : "a connection among listening or datagram sockets";
	return 0;
}

int activation_receive(struct activation *ret_activation, char **ret_why)
{
	struct activation activation = {.first_fd = SD_LISTEN_FDS_START};
	int count = sd_listen_fds(true);

	if (count < 0) {
		if (asprintf(ret_why, "$LISTEN_PID, $LISTEN_FDS: %s; leave them to systemd",
			     strerror(-count)) < 0)
			*ret_why = NULL;
		return count;
	}
	for (int fd = SD_LISTEN_FDS_START; activation.fd_count < count; fd++) {
		enum activation_kind kind = ACTIVATION_NOTHING;
		const char *what;
		int r = examine(fd, &kind, &what);

		if (r == 0 && activation.fd_count++ == 0)
			activation.kind = kind;
		if (r == 0 && kind == activation.kind)
			continue;
		if (asprintf(ret_why,
			     "file descriptor %d: %s; pass connections with Accept=yes, or "
			     "listening and datagram sockets with Accept=no: see hello.socket(8)",
			     fd, what) < 0)
			*ret_why = NULL;
		return r < 0 ? r : -EINVAL;
	}
	*ret_activation = activation;
	return 0;
}
