/* SPDX-License-Identifier: MIT */
/* address - socket addresses as people write them */
#include "config.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/address.h"

static void format_inet(const struct in_addr *host, in_port_t port, struct address_text *text)
{
	inet_ntop(AF_INET, host, text->host, sizeof(text->host));
	snprintf(text->port, sizeof(text->port), "%u", ntohs(port));
}

static void format_inet6(const struct sockaddr_in6 *sin6, struct address_text *text)
{
	size_t used;

	/* What a dual-stack socket calls ::ffff:192.0.2.1 is an IPv4 peer (RFC 4291, 2.5.5.2). */
	if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
		struct in_addr host;

		memcpy(&host, sin6->sin6_addr.s6_addr + 12, sizeof(host));
		format_inet(&host, sin6->sin6_port, text);
		return;
	}

	inet_ntop(AF_INET6, &sin6->sin6_addr, text->host, sizeof(text->host));
	used = strlen(text->host);
	/* The zone by number: its name would cost a socket and an ioctl. */
	if (sin6->sin6_scope_id != 0)
		snprintf(text->host + used, sizeof(text->host) - used, "%%%u", sin6->sin6_scope_id);
	snprintf(text->port, sizeof(text->port), "%u", ntohs(sin6->sin6_port));
}

static void format_unix(const struct sockaddr_un *sun, socklen_t length, struct address_text *text)
{
	size_t name_length, first = 0, used = 0;

	/* A kernel may count a NUL behind the structure: see unix(7). */
	if (length > sizeof(*sun))
		length = sizeof(*sun);
	if (length <= offsetof(struct sockaddr_un, sun_path)) {
		strcpy(text->host, "unix");
		return;
	}

	name_length = length - offsetof(struct sockaddr_un, sun_path);
	/* A path ends at its NUL; an abstract name begins with one and may hold others. */
	if (sun->sun_path[0] != '\0') {
		name_length = strnlen(sun->sun_path, name_length);
	} else {
		text->host[used++] = '@';
		first = 1;
	}
	for (size_t i = first; i < name_length; i++) {
		unsigned char c = (unsigned char)sun->sun_path[i];

		if (c > ' ' && c < 0x7F)
			text->host[used++] = (char)c;
		else
			used += (size_t)snprintf(text->host + used, sizeof(text->host) - used,
						 "\\x%02x", c);
	}
	text->host[used] = '\0';
}

void address_format(const struct sockaddr *address, socklen_t length, struct address_text *text)
{
	/* Copies, because a sockaddr may be aligned for less than its family's structure. */
	union {
		sa_family_t family;
		struct sockaddr_in sin;
		struct sockaddr_in6 sin6;
		struct sockaddr_un sun;
		struct sockaddr_vm svm;
	} copy = {.family = AF_UNSPEC};

	memcpy(&copy, address, length < sizeof(copy) ? length : sizeof(copy));
	text->port[0] = '\0';

	switch (copy.family) {
	case AF_INET:
		format_inet(&copy.sin.sin_addr, copy.sin.sin_port, text);
		break;
	case AF_INET6:
		format_inet6(&copy.sin6, text);
		break;
	case AF_UNIX:
		format_unix(&copy.sun, length, text);
		break;
	case AF_VSOCK:
		snprintf(text->host, sizeof(text->host), "vsock:%u", copy.svm.svm_cid);
		snprintf(text->port, sizeof(text->port), "%u", copy.svm.svm_port);
		break;
	default:
		strcpy(text->host, "unknown");
	}
}

void address_join(const struct address_text *text, char *joined)
{
	bool has_port = text->port[0] != '\0';
	bool is_inet6 = has_port && text->host[0] != 'v' && strchr(text->host, ':') != NULL;

	snprintf(joined, ADDRESS_BYTES, "%s%s%s%s%s", is_inet6 ? "[" : "", text->host,
		 is_inet6 ? "]" : "", has_port ? ":" : "", text->port);
}
