/* SPDX-License-Identifier: MIT */
/* notify - the socket of the service manager's notifications */
#ifndef HELLOD_NOTIFY_H
#define HELLOD_NOTIFY_H

/*
 * Connects to the socket that $NOTIFY_SOCKET names, if any: sd_notify(3). libsystemd makes a socket
 * for each notification, which a confined process cannot (confine.h).
 *
 * Returns 0; or -errno of socket(2) or connect(2), and then there is no service manager.
 */
int notify_open(void);

/*
 * Sends variables, formatted as by printf(3). Without a service manager does nothing. `flags` of
 * MSG_DONTWAIT is for what the service manager can do without, if it is too busy to receive: clients
 * must not wait for it.
 *
 * Returns 0 or the -errno of send(2).
 */
int notify_send(int flags, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
