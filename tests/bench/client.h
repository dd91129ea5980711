/* SPDX-License-Identifier: MIT */
/* client - a client that checks every byte of the greeting */
#ifndef HELLOD_CLIENT_H
#define HELLOD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/frame.h"
#include "histogram.h"

/*
 * For an IPv4 loopback address, clients use these source addresses in turn: each address has 28,000
 * local ports, and stays below limits per source address.
 */
#define CLIENT_SOURCE_FIRST 0x7f010001U /* 127.1.0.1 */
#define CLIENT_SOURCE_COUNT 4096U

/* The server address, and the bytes that the server must send. */
struct target {
	struct sockaddr_storage address;
	socklen_t length;
	bool rotate; /* the source address */
	uint8_t expected[FRAME_BYTES_MAX];
	size_t expected_length;
};

struct client {
	uint64_t started_usec;
	size_t got; /* number of expected bytes received */
	int fd;	    /* owned; -1 if there is none */
};

/*
 * Sets the address: the path of a UNIX socket, or if `path` is NULL a numeric host and port.
 *
 * Returns NULL or an error message.
 */
const char *target_resolve(struct target *target, const char *path, const char *host,
			   const char *port);

/*
 * Sets the expected bytes: `bytes`, or if that is NULL the frame of `greeting`.
 *
 * Returns NULL or an error message.
 */
const char *target_expect(struct target *target, const char *bytes, const char *greeting);

/*
 * Starts connection number `number`. Waits up to `timeout_usec` for it, or not at all if that is 0.
 *
 * Returns 0, and the client has a socket; or -errno of connect(2) with *ret_failed NULL; or -errno
 * of another system call with its name in *ret_failed.
 */
int client_connect(struct client *client, const struct target *target, uint64_t number,
		   uint64_t timeout_usec, const char **ret_failed);

/* Maximum for client_talk(). */
#define CLIENT_TALK_BYTES_MAX ((size_t)64 << 10)

/*
 * Sends zero bytes, as many as the socket's buffer takes without waiting. client_receive() reports
 * errors.
 */
void client_talk(const struct client *client, size_t length);

/* Reads and checks the received bytes, without waiting. */
enum outcome client_receive(struct client *client, const struct target *target);

#endif
