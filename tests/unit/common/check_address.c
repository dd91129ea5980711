/* SPDX-License-Identifier: MIT */
/* address - socket addresses as text */
#include "config.h"

#include <linux/vm_sockets.h>
#include <netdb.h>
#include <stddef.h>
#include <sys/un.h>

#include "../unit.h"
#include "common/address.h"

/* Formats the first `length` bytes of an address. */
static void format_one(const void *address, size_t length, const char *host, const char *port,
		       const char *joined)
{
	struct address *copy = malloc(sizeof(*copy));
	struct address_text *text = malloc(sizeof(*text));

	memset(text, 'x', sizeof(*text));
	memset(copy, 'x', sizeof(*copy));
	memcpy(&copy->storage, address, length);
	copy->length = (socklen_t)length;
	address_format(copy, text);
	ck_assert_str_eq(text->host, host);
	ck_assert_str_eq(text->port, port);
	ck_assert_str_eq(text->whole, joined);
	free(text);
	free(copy);
}

static const struct {
	const char *address, *port, *text, *joined;
} inet[] = {
	{"192.0.2.1", "6666", "192.0.2.1", "192.0.2.1:6666"},
	{"0.0.0.0", "0", "0.0.0.0", "0.0.0.0:0"},
	{"::", "0", "::", "[::]:0"},
	{"::1", "6666", "::1", "[::1]:6666"},
	{"2001:db8:1:2:3:4:5:6", "65535", "2001:db8:1:2:3:4:5:6", "[2001:db8:1:2:3:4:5:6]:65535"},
	{"fe80::1%2", "6666", "fe80::1%2", "[fe80::1%2]:6666"},
	{"fe80:1111:2222:3333:4444:5555:6666:7777%4294967295", "65535",
	 "fe80:1111:2222:3333:4444:5555:6666:7777%4294967295",
	 "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535"},
	/* IPv4-mapped addresses (RFC 4291, 2.5.5.2), and similar ones. */
	{"::ffff:192.0.2.1", "6666", "192.0.2.1", "192.0.2.1:6666"},
	{"::ffff:255.255.255.255", "65535", "255.255.255.255", "255.255.255.255:65535"},
	{"::fffe:c000:201", "1", "::fffe:c000:201", "[::fffe:c000:201]:1"},
	{"64:ff9b::c000:201", "1", "64:ff9b::c000:201", "[64:ff9b::c000:201]:1"},
};

START_TEST(inet_addresses)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *info;

	ck_assert_int_eq(getaddrinfo(inet[_i].address, inet[_i].port, &hints, &info), 0);
	format_one(info->ai_addr, info->ai_addrlen, inet[_i].text, inet[_i].port, inet[_i].joined);
	freeaddrinfo(info);
}
END_TEST

static const struct {
	const char *name;
	size_t name_length;
	const char *text;
} unix_names[] = {
	/* No name: an end of a socketpair(2), or a client that is not bound. */
	{UNIT_BYTES(""), "unix"},
	/* A path, with and without the NUL that the kernel counts, and with bytes after it. */
	{UNIT_BYTES("/run/x\0"), "/run/x"},
	{UNIT_BYTES("/run/x"), "/run/x"},
	{UNIT_BYTES("/run/x\0yz"), "/run/x"},
	{UNIT_BYTES("x:1"), "x:1"},
	{UNIT_BYTES("/run/v::\0"), "/run/v::"},
	/* An abstract name begins with a NUL and may contain others. */
	{UNIT_BYTES("\0x"), "@x"},
	{UNIT_BYTES("\0"), "@"},
	{UNIT_BYTES("\0a\0b"), "@a\\x00b"},
	/* Control characters, and the bytes around the printable ones. */
	{UNIT_BYTES("/\x1B[2J\n"), "/\\x1b[2J\\x0a"},
	{UNIT_BYTES("\0\r\xFF\x7F\x80\xC3\xA9"), "@\\x0d\\xff\\x7f\\x80\\xc3\\xa9"},
	{UNIT_BYTES("/!~\x7F\x1F "), "/!~\\x7f\\x1f\\x20"},
};

/* T7 of hellod-security(7) */
START_TEST(unix_names_are_escaped)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	memcpy(sun.sun_path, unix_names[_i].name, unix_names[_i].name_length);
	format_one(&sun, offsetof(struct sockaddr_un, sun_path) + unix_names[_i].name_length,
		   unix_names[_i].text, "", unix_names[_i].text);
}
END_TEST

/* A name that fills the structure: `first`, then `rest` repeated. */
static void longest_one(char first, char rest, const char *first_text, const char *rest_text)
{
	struct {
		struct sockaddr_un sun;
		char nul;
	} address = {.sun = {.sun_family = AF_UNIX}};
	char expected[4 * sizeof(address.sun.sun_path) + 1];

	memset(address.sun.sun_path, rest, sizeof(address.sun.sun_path));
	address.sun.sun_path[0] = first;
	strcpy(expected, first_text);
	for (size_t i = 1; i < sizeof(address.sun.sun_path); i++)
		strcat(expected, rest_text);
	format_one(&address, sizeof(address.sun), expected, "", expected);
	/* The kernel counts a NUL after a path that fills the structure: unix(7), BUGS. */
	format_one(&address, sizeof(address.sun) + 1, expected, "", expected);
}

START_TEST(longest_unix_names_fit)
{
	longest_one('x', 'x', "x", "x");
	longest_one('\n', '\n', "\\x0a", "\\x0a");
	longest_one('\0', '\xFF', "@", "\\xff");
}
END_TEST

START_TEST(vsock_addresses)
{
	struct sockaddr_vm svm = {.svm_family = AF_VSOCK, .svm_cid = 3, .svm_port = 6666};

	format_one(&svm, sizeof(svm), "vsock:3", "6666", "vsock:3:6666");
	svm.svm_cid = VMADDR_CID_ANY;
	svm.svm_port = VMADDR_PORT_ANY;
	format_one(&svm, sizeof(svm), "vsock:4294967295", "4294967295",
		   "vsock:4294967295:4294967295");
}
END_TEST

START_TEST(other_addresses_are_unknown)
{
	static const sa_family_t families[] = {AF_UNSPEC, AF_NETLINK, AF_PACKET, 0xFFFF};

	for (int i = 0; i < UNIT_COUNT(families); i++) {
		struct sockaddr_storage address = {.ss_family = families[i]};

		format_one(&address, sizeof(address), "unknown", "", "unknown");
		format_one(&address, sizeof(families[i]), "unknown", "", "unknown");
	}
	format_one("", 0, "unknown", "", "unknown");
	format_one("\x01", 1, "unknown", "", "unknown");
}
END_TEST

int main(void)
{
	return UNIT_RUN("address", {inet_addresses, UNIT_COUNT(inet)},
			{unix_names_are_escaped, UNIT_COUNT(unix_names)},
			{longest_unix_names_fit, 1}, {vsock_addresses, 1},
			{other_addresses_are_unknown, 1});
}
