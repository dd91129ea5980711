/* SPDX-License-Identifier: MIT */
/* server - greets the clients of the passed sockets */
#ifndef HELLOD_SERVER_H
#define HELLOD_SERVER_H

#include "hellod/activation.h"
#include "hellod/greeting.h"
#include "hellod/options.h"

/*
 * One thread and one epoll set serve both kinds of sockets: passed connections are a server that
 * accepts nobody and still has clients.
 * No client is refused a greeting because others linger. At the limit of connections, or without a
 * descriptor or memory for one more, the client that was greeted longest ago is disconnected. If
 * there is none, the listening sockets are not polled until a client ends or, in a shortage,
 * SERVER_PAUSE_MSEC have passed. Neither their flags nor their queues are touched, because systemd
 * shares them: clients still queued at the end are left to it.
 *
 * epoll and not sd-event, on which a prototype of this loop took 15 % more CPU for each greeting.
 */

#define SERVER_ACCEPT_BATCH 64	 /* clients of a socket before other sockets have their turn */
#define SERVER_PAUSE_MSEC 100U	 /* in a shortage */
#define SERVER_ERROR_MSEC 60000U /* between two errors of this host in the log */
#define SERVER_STATUS_MSEC 1000U /* between two STATUS= notifications */

/* Blocks the signals that server_run() handles. To be called first, so that none is too early. */
void server_block_signals(void);

/*
 * Greets the clients of `sockets`, and takes over the caller's reference to the greeting. With
 * connections, returns when the last is closed, by the deadlines of client.h; signals change
 * nothing. With listening sockets, returns when there was no client for options->idle_usec, or
 * after SIGTERM or SIGINT when those connected then are closed; SIGHUP loads the greeting again.
 *
 * Returns 0;
 *         1 if this host failed to greet a passed connection, which was logged;
 *         -ENOMEM, or the -errno of epoll_create1(2), epoll_ctl(2), epoll_wait(2), signalfd(2) or,
 *         if a socket turns out not to listen, accept4(2).
 */
int server_run(const struct activation *sockets, const struct options *options,
	       struct greeting *greeting);

#endif
