/* SPDX-License-Identifier: MIT */
/* activation - what systemd passed: connections or listeners */
#ifndef HELLOD_ACTIVATION_H
#define HELLOD_ACTIVATION_H

/* What the passed sockets are for. They are all of the same kind. */
enum activation_kind {
	ACTIVATION_NOTHING,	/* no socket was passed: hellod was started by hand */
	ACTIVATION_CONNECTIONS, /* connected stream sockets: Accept=yes */
	ACTIVATION_LISTENERS,	/* listening stream sockets: Accept=no */
};

struct activation {
	enum activation_kind kind;
	int first_fd; /* the passed file descriptors are consecutive */
	int fd_count;
};

/*
 * Takes over the sockets that systemd passed to this process (sd_listen_fds(3)), and decides
 * by the sockets alone what they are for: the family, the address, the port and the name of
 * the unit do not matter. The environment variables of the protocol are unset. The sockets
 * belong to the caller from here on.
 *
 * A connection whose peer is gone already is still a connection.
 *
 * Returns 0, with *activation filled in;
 *         -EINVAL if what was passed is of no use: no socket, no stream socket, one that
 *         neither listens nor was ever connected, or connections mixed with listeners;
 *         another -errno if $LISTEN_FDS is malformed or a socket cannot be examined.
 * On failure *why is one line that tells what was passed and what to do. The caller frees it;
 * it is NULL without memory.
 */
int activation_receive(struct activation *activation, char **why);

#endif
