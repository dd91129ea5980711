/* SPDX-License-Identifier: MIT */
/* notify - the socket of the service manager's notifications */
#ifndef HELLOD_NOTIFY_H
#define HELLOD_NOTIFY_H

/*
 * Connects to the socket that $NOTIFY_SOCKET names, if any: sd_notify(3). libsystemd makes a socket
 * for each notification, which a confined process cannot (confine.h).
 */
void notify_open(void);

/* Sends variables, formatted as by printf(3). Without a service manager does nothing. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
