/* SPDX-License-Identifier: MIT */
/* server - greets the clients of the passed sockets */
#ifndef HELLOD_SERVER_H
#define HELLOD_SERVER_H

#include "hellod/activation.h"
#include "hellod/greeting.h"
#include "hellod/options.h"

/*
 * One thread and one epoll set serve both kinds of sockets. Passed connections are a server that
 * accepts nobody and still has clients; passed listening sockets one that accepts until it is idle
 * or stopped.
 *
 * No client is refused a greeting because others linger. At the limit of connections, or without a
 * file descriptor or memory for one more, the client that was greeted longest ago is disconnected;
 * if there is none, the listening sockets are not polled until a client ends or
 * SERVER_PAUSE_MSEC have passed.
 *
 * epoll and not sd-event: a prototype of the same loop on sd-event took 15 % more CPU for each
 * greeting, and an allocation for each connection.
 *
 * The flags and the queues of the listening sockets are shared with systemd: the server neither
 * changes nor closes them, and the clients still queued when it ends are systemd's.
 */

/* Clients accepted from one listening socket before other sockets have their turn. */
#define SERVER_ACCEPT_BATCH 64

/* Until a listening socket that was left alone for a shortage is polled again. */
#define SERVER_PAUSE_MSEC 100U

/* The least time between two errors in the log, and between two STATUS= notifications. */
#define SERVER_ERROR_MSEC 60000U
#define SERVER_STATUS_MSEC 1000U

/*
 * Greets the clients of `sockets`, and takes over the caller's reference to the greeting. With
 * connections, returns when the last one is closed; with listening sockets, when there was no
 * client for options->idle_usec, or when the clients of that moment are closed after SIGTERM or
 * SIGINT. SIGHUP loads the greeting again. Connections ignore SIGHUP, and SIGTERM ends nothing
 * that does not end by itself within the deadlines of client.h.
 *
 * Returns 0;
 *         1 if this host failed to greet a passed connection, which was logged;
 *         -ENOMEM, or the -errno of epoll_create1(2), epoll_ctl(2), epoll_wait(2), signalfd(2) or,
 *         if a socket turns out not to listen, accept4(2).
 */
int server_run(const struct activation *sockets, const struct options *options,
	       struct greeting *greeting);

#endif
