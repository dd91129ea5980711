/* SPDX-License-Identifier: MIT */
/* resolve - client side: from a name to addresses, by a deadline */
#ifndef HELLOD_RESOLVE_H
#define HELLOD_RESOLVE_H

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct resolve_address {
	struct sockaddr_storage address;
	socklen_t length;
};

/*
 * What a name stands for, in the order to try: as getaddrinfo(3) sorts it (RFC 6724), but with
 * the families taking turns, so that a dead one does not come first more than once (RFC 8305,
 * section 4).
 */
struct resolve_list {
	struct resolve_address *addresses;
	size_t count;
};

/* Beyond the codes of getaddrinfo(3), which are negative. */
#define RESOLVE_TIMED_OUT 1
#define RESOLVE_PATH_TOO_LONG 2
#define RESOLVE_INTERRUPTED 3

/*
 * Resolves a host name or numeric address, and a decimal port. `family` is AF_INET, AF_INET6 or
 * AF_UNSPEC. A host that begins with '/' is the path of a UNIX socket, which has no port.
 *
 * The resolver of the C library knows no deadline, so it runs in a thread of its own, which is
 * left behind when the deadline comes first.
 *
 * Returns 0, with *list for the caller to give to resolve_free();
 *         RESOLVE_TIMED_OUT at the deadline;
 *         RESOLVE_PATH_TOO_LONG if a path does not fit in an address;
 *         RESOLVE_INTERRUPTED after a signal (wait.h);
 *         an EAI_ code of getaddrinfo(3); of EAI_SYSTEM, errno tells more.
 */
int resolve(const char *host, const char *port, int family, uint64_t deadline_usec,
	    struct resolve_list *list);

/* Frees a list. One that is all zeros is fine. */
void resolve_free(struct resolve_list *list);

/* The error in words, for any result but 0. */
const char *resolve_strerror(int result);

#endif
