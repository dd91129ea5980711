/* SPDX-License-Identifier: MIT */
/* address - socket addresses as text */
#include "config.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/address.h"

static void format_inet6(const struct sockaddr_in6 *sin6, char *host)
{
	/* A dual-stack socket shows an IPv4 peer as ::ffff:192.0.2.1 (RFC 4291, 2.5.5.2). */
	if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
		inet_ntop(AF_INET, sin6->sin6_addr.s6_addr + 12, host, ADDRESS_HOST_BYTES);
		return;
	}
	inet_ntop(AF_INET6, &sin6->sin6_addr, host, ADDRESS_HOST_BYTES);
	/* The zone's name instead of its number would cost a socket and an ioctl. */
	if (sin6->sin6_scope_id != 0)
		sprintf(host + strlen(host), "%%%u", sin6->sin6_scope_id);
}

static void format_unix(const char *name, size_t length, char *host)
{
	/* A path ends at its NUL; an abstract name begins with a NUL and may contain others. */
	if (length == 0)
		host = stpcpy(host, "unix");
	else if (name[0] != '\0')
		length = strnlen(name, length);

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == '\0' && i == 0)
			*host++ = '@';
		else if (c > ' ' && c < 0x7F)
			*host++ = (char)c;
		else
			host += sprintf(host, "\\x%02x", c);
	}
	*host = '\0';
}

/* Formats the parts. */
static void format_parts(const struct address *address, struct address_text *ret_text)
{
	/* A copy, because C forbids to access the storage as another structure. */
	union {
		sa_family_t family;
		struct sockaddr_in sin;
		struct sockaddr_in6 sin6;
		struct sockaddr_un sun;
		struct sockaddr_vm svm;
	} copy = {.family = AF_UNSPEC};
	socklen_t length = address->length;
	unsigned int port;

	/* The kernel may count a NUL after the longest path: unix(7), BUGS. */
	if (length > sizeof(copy.sun))
		length = sizeof(copy.sun);
	if (length >= sizeof(copy.family))
		memcpy(&copy, &address->storage, length);
	ret_text->port[0] = '\0';

	switch (copy.family) {
	case AF_INET:
		inet_ntop(AF_INET, &copy.sin.sin_addr, ret_text->host, sizeof(ret_text->host));
		port = ntohs(copy.sin.sin_port);
		break;
	case AF_INET6:
		format_inet6(&copy.sin6, ret_text->host);
		port = ntohs(copy.sin6.sin6_port);
		break;
	case AF_VSOCK:
		snprintf(ret_text->host, sizeof(ret_text->host), "vsock:%u", copy.svm.svm_cid);
		port = copy.svm.svm_port;
		break;
	case AF_UNIX:
		format_unix(copy.sun.sun_path, length - sizeof(copy.family), ret_text->host);
		return;
	default:
		strcpy(ret_text->host, "unknown");
		return;
	}
	snprintf(ret_text->port, sizeof(ret_text->port), "%u", port);
}

void address_format(const struct address *address, struct address_text *ret_text)
{
	format_parts(address, ret_text);
	/* Of the hosts with a port, only IPv6 contains more than one colon. */
	snprintf(ret_text->whole, sizeof(ret_text->whole),
		 ret_text->port[0] == '\0'				       ? "%s"
		 : strchr(ret_text->host, ':') != strrchr(ret_text->host, ':') ? "[%s]:%s"
									       : "%s:%s",
		 ret_text->host, ret_text->port);
}
