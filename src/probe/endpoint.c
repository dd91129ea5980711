/* SPDX-License-Identifier: MIT */
/* endpoint - where a server is, as given on a command line */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/number.h"
#include "probe/endpoint.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define PORT_MAX 65535U

#define UNIX_PREFIX "unix:"
#define VSOCK_PREFIX "vsock:"

#define WHY_TWO_PORTS "the port is given twice: give it once"
#define WHY_NO_ZONE "a link-local address has a zone: give fe80::1%eth0 or [fe80::1%eth0]:PORT"

/* The functions parse_...() return NULL, or why the text is wrong. */

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool consists_of(const char *text, const char *characters)
{
	return text[strspn(text, characters)] == '\0';
}

/* Stores the first `length` bytes as the host. */
static const char *parse_host(const char *text, size_t length, struct endpoint *endpoint)
{
	if (length == 0)
		return "the host is empty: give HOST or HOST:PORT";
	if (length >= sizeof(endpoint->host))
		return "the host is too long: give at most 1024 bytes";
	memcpy(endpoint->host, text, length);
	endpoint->host[length] = '\0';
	return NULL;
}

/* A name of a service has a letter, but may begin with a digit: 914c-g, whois++, z39.50. */
static const char *parse_port(const char *text, struct endpoint *endpoint)
{
	uint64_t number;

	if (text[0] == '\0')
		return "the port is empty: give a number, or leave it out";
	if (number_parse(text, 1, PORT_MAX, &number) == 0)
		sprintf(endpoint->port, "%u", (unsigned)number);
	else if (strpbrk(text, LETTERS) != NULL && consists_of(text, LETTERS DIGITS "+-._") &&
		 strlen(text) < sizeof(endpoint->port))
		strcpy(endpoint->port, text);
	else
		return "the port is wrong: give a number from 1 to 65535, or the name of a service";
	return NULL;
}

/* An address with any zone, but no ']', because it could not be given in brackets. */
static bool parse_ipv6(const char *text, size_t length, struct in6_addr *ret_address)
{
	const char *percent = memchr(text, '%', length);
	size_t bare = percent != NULL ? (size_t)(percent - text) : length;
	char copy[INET6_ADDRSTRLEN];

	if (bare >= sizeof(copy) || bare + 1 == length || memchr(text, ']', length) != NULL)
		return false;
	memcpy(copy, text, bare);
	copy[bare] = '\0';
	return inet_pton(AF_INET6, copy, ret_address) == 1;
}

static bool is_ipv6(const char *text, size_t length)
{
	struct in6_addr ignored;

	return parse_ipv6(text, length, &ignored);
}

/* Every interface has a network of such addresses, so that connect(2) refuses one without. */
static bool lacks_zone(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET6, host, &address) == 1 && IN6_IS_ADDR_LINKLOCAL(&address);
}

static const char *check_characters(const char *host)
{
	if (strchr(host, '/') != NULL)
		return "a host has no '/': give HOST:PORT, or unix:PATH for a UNIX socket";
	for (const char *c = host; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7F)
			return "a host has no blanks: give HOST:PORT, or -p PORT";
	return NULL;
}

/* Of such a host, HOST:PORT would be something else: see endpoint_format(). */
static const char *check_prefix(const char *host)
{
	if (strcasecmp(host, "unix") == 0)
		return "a UNIX socket has a path: give unix:PATH, or 'unix.' for a host";
	if (strcasecmp(host, "vsock") == 0)
		return "vsock has a CID: give vsock:CID[:PORT], or 'vsock.' for a host";
	return NULL;
}

static const char *parse_bracketed(const char *text, const char *port, struct endpoint *endpoint)
{
	size_t length = strcspn(text + 1, "]");
	const char *rest = text + 1 + length, *why;

	if (*rest == '\0')
		return "the ']' is missing: give [IPV6] or [IPV6]:PORT";
	rest++;
	if (!is_ipv6(text + 1, length))
		return "brackets are for an IPv6 address: give [IPV6]:PORT or HOST:PORT";
	if (*rest != '\0' && *rest != ':')
		return "the ':' after the ']' is missing: give [IPV6]:PORT";
	if (*rest == ':' && port != NULL)
		return WHY_TWO_PORTS;
	why = parse_host(text + 1, length, endpoint);
	if (why == NULL)
		why = check_characters(endpoint->host);
	if (why == NULL && lacks_zone(endpoint->host))
		why = WHY_NO_ZONE;
	if (why == NULL && *rest == ':')
		why = parse_port(rest + 1, endpoint);
	else if (why == NULL && port != NULL)
		why = parse_port(port, endpoint);
	return why;
}

static const char *parse_inet(const char *text, const char *port, struct endpoint *endpoint)
{
	const char *colon = strchr(text, ':'), *percent = strchr(text, '%'), *why;
	bool ipv6 = is_ipv6(text, strlen(text));

	if (ipv6 && percent != NULL && strchr(percent, ':') != NULL)
		return "an IPv6 address with a port has brackets: give [IPV6%ZONE]:PORT";
	if (ipv6)
		colon = NULL;
	why = check_characters(text);
	if (why != NULL)
		return why;
	if (colon != NULL && strchr(colon + 1, ':') != NULL)
		return "this is not an IPv6 address: give HOST:PORT or [IPV6]:PORT";
	if (colon != NULL && port != NULL)
		return WHY_TWO_PORTS;
	why = parse_host(text, colon != NULL ? (size_t)(colon - text) : strlen(text), endpoint);
	if (why == NULL)
		why = check_prefix(endpoint->host);
	if (why != NULL)
		return why;
	if (lacks_zone(endpoint->host))
		return WHY_NO_ZONE;
	/* inet_aton(3) would take it as the 32 bits of an IPv4 address. */
	if (consists_of(endpoint->host, DIGITS))
		return "a number is not a host: give HOST:PORT, or -p PORT for a port of localhost";
	if (colon != NULL)
		port = colon + 1;
	return port != NULL ? parse_port(port, endpoint) : NULL;
}

static const char *parse_unix(const char *text, const char *port, struct endpoint *endpoint)
{
	const char *path = begins_with(text, UNIX_PREFIX) ? text + strlen(UNIX_PREFIX) : text;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t length = strlen(path), abstract = path[0] == '@';

	if (port != NULL)
		return "a UNIX socket has no port: leave it out";
	if (length == abstract)
		return "the path is empty: give unix:PATH or unix:@NAME";
	if (length - abstract >= sizeof(sun.sun_path))
		return "the path is too long for a socket: give at most 107 bytes";
	memcpy(sun.sun_path, path, length);
	/* Of an abstract name every byte counts, and no NUL ends it. */
	endpoint->address.length = sizeof(sun);
	if (abstract) {
		sun.sun_path[0] = '\0';
		endpoint->address.length =
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	}
	memcpy(&endpoint->address.storage, &sun, sizeof(sun));
	endpoint->kind = ENDPOINT_UNIX;
	endpoint->port[0] = '\0';
	return parse_host(path, length, endpoint);
}

/* The largest number of 32 bits stands for any: it is for bind(2). */
static const char *parse_vsock(const char *text, const char *port, struct endpoint *endpoint)
{
	const char *colon = strchr(text + strlen(VSOCK_PREFIX), ':'), *why;
	size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
	struct sockaddr_vm svm = {.svm_family = AF_VSOCK};
	uint64_t cid, number;

	if (colon != NULL && port != NULL)
		return WHY_TWO_PORTS;
	if (colon != NULL)
		port = colon + 1;
	why = parse_host(text, length, endpoint);
	if (why != NULL)
		return why;
	if (number_parse(endpoint->host + strlen(VSOCK_PREFIX), 0, VMADDR_CID_ANY - 1, &cid) < 0)
		return "the CID is wrong: give vsock:CID or vsock:CID:PORT with a number of 32 "
		       "bits";
	if (number_parse(port != NULL ? port : endpoint->port, 1, VMADDR_PORT_ANY - 1, &number) < 0)
		return "the port is wrong: give a number from 1 to 4294967294 for vsock";
	svm.svm_cid = (unsigned)cid;
	svm.svm_port = (unsigned)number;
	memcpy(&endpoint->address.storage, &svm, sizeof(svm));
	endpoint->address.length = sizeof(svm);
	endpoint->kind = ENDPOINT_VSOCK;
	sprintf(endpoint->host, VSOCK_PREFIX "%u", svm.svm_cid);
	sprintf(endpoint->port, "%u", svm.svm_port);
	return NULL;
}

int endpoint_parse(const char *text, const char *port, struct endpoint *ret_endpoint,
		   const char **ret_why)
{
	struct endpoint endpoint = {.kind = ENDPOINT_HOST, .port = ENDPOINT_PORT_DEFAULT};
	const char *why;

	if (text == NULL)
		text = ENDPOINT_HOST_DEFAULT;
	if (text[0] == '/' || text[0] == '@' || begins_with(text, UNIX_PREFIX))
		why = parse_unix(text, port, &endpoint);
	else if (begins_with(text, VSOCK_PREFIX))
		why = parse_vsock(text, port, &endpoint);
	else if (text[0] == '[')
		why = parse_bracketed(text, port, &endpoint);
	else
		why = parse_inet(text, port, &endpoint);
	if (why != NULL) {
		*ret_why = why;
		return -EINVAL;
	}
	*ret_endpoint = endpoint;
	return 0;
}

const char *endpoint_format(const struct endpoint *endpoint, char *ret_text)
{
	bool inet = endpoint->kind == ENDPOINT_HOST, ipv6 = inet && strchr(endpoint->host, ':');
	bool relative = endpoint->kind == ENDPOINT_UNIX && strchr("/@", endpoint->host[0]) == NULL;

	snprintf(ret_text, ENDPOINT_BYTES, "%s%s%s%s%s%s", relative ? UNIX_PREFIX : "",
		 ipv6 ? "[" : "", endpoint->host, ipv6 ? "]" : "",
		 endpoint->port[0] != '\0' ? ":" : "", endpoint->port);
	return ret_text;
}

const char *endpoint_address(const struct endpoint *endpoint, const char *formatted)
{
	return endpoint->kind == ENDPOINT_UNIX ? endpoint->host : formatted;
}

const char *endpoint_hint(const struct endpoint *endpoint)
{
	const char *host = endpoint->host, *label = strrchr(host, '.');
	struct in6_addr address;
	bool ipv6 = parse_ipv6(host, strlen(host), &address);

	if (endpoint->kind != ENDPOINT_HOST)
		return NULL;
	if (ipv6 && !IN6_IS_ADDR_LINKLOCAL(&address) && !IN6_IS_ADDR_MC_LINKLOCAL(&address))
		return "only a link-local address has a zone: leave it out";
	if (ipv6)
		return "for the zone, give the name or number of an interface, as in fe80::1%eth0";
	if (consists_of(host, DIGITS "."))
		return "for an IPv4 address, give four numbers from 0 to 255, as in 192.0.2.1";
	if (label != NULL && label[1] != '\0' && consists_of(label + 1, DIGITS))
		return "for a port, give HOST:PORT";
	if (label != NULL && (strcmp(label, ".sock") == 0 || strcmp(label, ".socket") == 0))
		return "for a UNIX socket, give unix:PATH";
	return NULL;
}
