/* SPDX-License-Identifier: MIT */
/* connections - greets the clients whose connections were passed */
#ifndef HELLOD_CONNECTIONS_H
#define HELLOD_CONNECTIONS_H

#include "common/address.h"
#include "hellod/client.h"
#include "hellod/greeting.h"

/* Told of every session that came to its end. */
typedef void connection_ended(const struct session *session, const struct address_text *peer);

/*
 * Greets the clients behind `fd_count` connected stream sockets, from `first_fd` on, side by
 * side, and returns when the last session has ended: within the deadlines of session.h. The
 * sockets are closed then, in every case.
 *
 * Returns 0 whatever the peers did;
 *         -ENOMEM, or the -errno of poll(2): then sessions were cut off, and not told of.
 */
int connections_serve(int first_fd, int fd_count, const struct greeting *greeting,
		      connection_ended *ended);

#endif
