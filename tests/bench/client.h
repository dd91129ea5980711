/* SPDX-License-Identifier: MIT */
/* client - one connection: from an address of its own, every byte checked */
#ifndef HELLOD_CLIENT_H
#define HELLOD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/frame.h"
#include "histogram.h"

/*
 * Clients of an IPv4 loopback address come from so many addresses, one after the other: 28,000
 * local ports each, and far below any limit per source.
 */
#define CLIENT_SOURCE_FIRST 0x7f010001U /* 127.1.0.1 */
#define CLIENT_SOURCE_COUNT 4096U

/* Where to connect to, and what must come from there. */
struct target {
	struct sockaddr_storage address;
	socklen_t length;
	bool rotate; /* the address that clients come from */
	uint8_t wanted[FRAME_BYTES_MAX];
	size_t wanted_length;
};

struct client {
	uint64_t started_usec;
	size_t got; /* bytes of those wanted */
	int fd;	    /* owned; -1 if there is none */
};

/*
 * Sets the address: the path of a UNIX socket, or if that is NULL a numeric host and port.
 *
 * Returns NULL, or what is wrong with them.
 */
const char *target_resolve(struct target *target, const char *path, const char *host,
			   const char *port);

/*
 * Sets what must come: these very bytes, or if that is NULL the frame of a greeting.
 *
 * Returns NULL, or what is wrong with them.
 */
const char *target_want(struct target *target, const char *bytes, const char *greeting);

/*
 * Begins a connection, the `number`th: without waiting for it if `timeout_usec` is 0, else for
 * so long.
 *
 * Returns 0, or the negative errno of a connect(2) that failed, or of anything else with the
 * name of the call in *broken, which is NULL otherwise. The client has a socket only after 0.
 */
int client_connect(struct client *client, const struct target *target, uint64_t number,
		   uint64_t timeout_usec, const char **broken);

/* What client_talk() sends at the most. */
#define CLIENT_TALK_BYTES_MAX ((size_t)64 << 10)

/*
 * Says something that the server did not ask for, without waiting: as many zero bytes as there
 * is room for now. What becomes of them, client_receive() tells.
 */
void client_talk(const struct client *client, size_t length);

/* Reads and checks what has come, without waiting. */
enum tally_outcome client_receive(struct client *client, const struct target *target);

#endif
