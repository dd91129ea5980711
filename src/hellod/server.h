/* SPDX-License-Identifier: MIT */
/* server - greets the clients of the passed sockets */
#ifndef HELLOD_SERVER_H
#define HELLOD_SERVER_H

#include "hellod/activation.h"
#include "hellod/greeting.h"
#include "hellod/options.h"

/*
 * One thread and one epoll set serve all kinds of sockets: passed connections are clients of a
 * server that does not accept.
 *
 * At the limit of connections, or without a descriptor or memory for one more, the client that was
 * greeted longest ago is disconnected. If there is none, the listening sockets are not polled until
 * a client ends or, after a local error, SERVER_PAUSE_MSEC have passed. Their flags and queues are
 * not changed, because systemd shares them: clients still queued at the end are left to it.
 *
 * Datagrams are answered beside all that, also at the limit of connections, in batches
 * (datagram.h); those still queued at the end are left to systemd too.
 *
 * epoll and not sd-event: a prototype of this loop on sd-event took 15 % more CPU per greeting.
 */

#define SERVER_PAUSE_MSEC 100U	 /* after a local error of accept4(2) or recvmmsg(2) */
#define SERVER_ERROR_MSEC 60000U /* between two local errors in the log */
#define SERVER_STATUS_MSEC 1000U /* between two STATUS= notifications */

/* Blocks the signals that server_run() handles. To be called first, so that none is too early. */
void server_block_signals(void);

/*
 * Greets the clients of `sockets`, and owns the caller's reference to the greeting. With passed
 * connections, returns when the last is closed, by the deadlines of client.h, and ignores signals.
 * With listening sockets, returns when there was no client and no datagram to answer for
 * options->idle_usec, or after SIGTERM or SIGINT, when the connected clients are closed; SIGHUP
 * loads the greeting again.
 *
 * Returns 0;
 *         1 if this host failed to greet a passed connection, which was logged;
 *         -ENOMEM, or the -errno of epoll_create1(2), epoll_ctl(2), epoll_wait(2), signalfd(2),
 *         setsockopt(2) of a datagram socket or, if a socket turns out not to listen, accept4(2).
 */
int server_run(const struct activation *sockets, const struct options *options,
	       struct greeting *greeting);

#endif
