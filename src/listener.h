/* SPDX-License-Identifier: MIT */
/* listener - greets everyone who connects to the listening sockets that were passed */
#ifndef HELLOD_LISTENER_H
#define HELLOD_LISTENER_H

#include "connections.h"

/*
 * Accepts from `fd_count` listening stream sockets, from `first_fd` on, and greets the clients
 * one after the other. The listening sockets are not changed: their flags, like the sockets
 * themselves, are shared with systemd.
 *
 * What goes wrong with one connection never ends it. Returns only when there is nothing left to
 * wait for: the -errno of poll(2), or -ENOMEM.
 */
int listener_run(int first_fd, int fd_count, const struct greeting *greeting,
		 connection_ended *ended);

#endif
