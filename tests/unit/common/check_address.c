/* SPDX-License-Identifier: MIT */
/* address - socket addresses as text */
#include "config.h"

#include <linux/vm_sockets.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

#include "../unit.h"
#include "common/address.h"

/* Formats an address that ends where `length` says, and both parts and the whole are right. */
static void format_one(const void *address, size_t length, const char *host, const char *port,
		       const char *joined)
{
	struct sockaddr *copy = unit_copy(address, length);
	struct address_text *text = malloc(sizeof(*text));
	char *whole = malloc(ADDRESS_BYTES);

	memset(text, 'x', sizeof(*text));
	address_format(copy, (socklen_t)length, text);
	ck_assert_str_eq(text->host, host);
	ck_assert_str_eq(text->port, port);
	address_join(text, whole);
	ck_assert_str_eq(whole, joined);
	free(whole);
	free(text);
	free(copy);
}

static const struct {
	const char *address;
	uint16_t port;
	const char *host_text, *port_text, *joined;
} inet[] = {
	{"192.0.2.1", 6666, "192.0.2.1", "6666", "192.0.2.1:6666"},
	{"0.0.0.0", 0, "0.0.0.0", "0", "0.0.0.0:0"},
	{"255.255.255.255", 65535, "255.255.255.255", "65535", "255.255.255.255:65535"},
};

START_TEST(ipv4)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(inet[_i].port)};

	ck_assert_int_eq(inet_pton(AF_INET, inet[_i].address, &sin.sin_addr), 1);
	format_one(&sin, sizeof(sin), inet[_i].host_text, inet[_i].port_text, inet[_i].joined);
}
END_TEST

static const struct {
	const char *address;
	uint32_t zone;
	uint16_t port;
	const char *host_text, *port_text, *joined;
} inet6[] = {
	{"::", 0, 0, "::", "0", "[::]:0"},
	{"::1", 0, 6666, "::1", "6666", "[::1]:6666"},
	{"2001:db8:1:2:3:4:5:6", 0, 65535, "2001:db8:1:2:3:4:5:6", "65535",
	 "[2001:db8:1:2:3:4:5:6]:65535"},
	{"fe80::1", 2, 6666, "fe80::1%2", "6666", "[fe80::1%2]:6666"},
	{"fe80:1111:2222:3333:4444:5555:6666:7777", 4294967295, 65535,
	 "fe80:1111:2222:3333:4444:5555:6666:7777%4294967295", "65535",
	 "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535"},
	/* Mapped IPv4 (RFC 4291, 2.5.5.2), and what is next to it. */
	{"::ffff:192.0.2.1", 0, 6666, "192.0.2.1", "6666", "192.0.2.1:6666"},
	{"::ffff:255.255.255.255", 0, 65535, "255.255.255.255", "65535", "255.255.255.255:65535"},
	{"::fffe:c000:201", 0, 1, "::fffe:c000:201", "1", "[::fffe:c000:201]:1"},
	{"::1:ffff:c000:201", 0, 1, "::1:ffff:c000:201", "1", "[::1:ffff:c000:201]:1"},
	{"64:ff9b::c000:201", 0, 1, "64:ff9b::c000:201", "1", "[64:ff9b::c000:201]:1"},
};

START_TEST(ipv6)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(inet6[_i].port),
		.sin6_scope_id = inet6[_i].zone,
	};

	ck_assert_int_eq(inet_pton(AF_INET6, inet6[_i].address, &sin6.sin6_addr), 1);
	format_one(&sin6, sizeof(sin6), inet6[_i].host_text, inet6[_i].port_text, inet6[_i].joined);
}
END_TEST

static const struct {
	const char *name;
	size_t name_length;
	const char *text;
} unix_names[] = {
	/* No name: the peer of a socketpair(2), or one that did not bind. */
	{UNIT_BYTES(""), "unix"},
	/* A path, with and without the NUL that the kernel counts, and with rubbish behind it. */
	{UNIT_BYTES("/run/x\0"), "/run/x"},
	{UNIT_BYTES("/run/x"), "/run/x"},
	{UNIT_BYTES("/run/x\0yz"), "/run/x"},
	{UNIT_BYTES("x:1"), "x:1"},
	{UNIT_BYTES("/run/v:\0"), "/run/v:"},
	/* An abstract name begins with a NUL, and others are part of it. */
	{UNIT_BYTES("\0x"), "@x"},
	{UNIT_BYTES("\0"), "@"},
	{UNIT_BYTES("\0a\0b"), "@a\\x00b"},
	{UNIT_BYTES("\0a\0"), "@a\\x00"},
	{UNIT_BYTES("\0\0"), "@\\x00"},
	/* What a terminal or a log might act upon; first and last of what is shown as it is. */
	{UNIT_BYTES("/\x1B[2J\n"), "/\\x1b[2J\\x0a"},
	{UNIT_BYTES("\0\r\xFF\x7F\x80\xC3\xA9"), "@\\x0d\\xff\\x7f\\x80\\xc3\\xa9"},
	{UNIT_BYTES("/!~\x7F\x1F"), "/!~\\x7f\\x1f"},
};

START_TEST(unix_names_are_made_harmless)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	memcpy(sun.sun_path, unix_names[_i].name, unix_names[_i].name_length);
	format_one(&sun, offsetof(struct sockaddr_un, sun_path) + unix_names[_i].name_length,
		   unix_names[_i].text, "", unix_names[_i].text);
}
END_TEST

/* The longest there are, which no NUL ends. Escaped, a byte takes four characters. */
START_TEST(longest_unix_names_fit)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char expected[4 * sizeof(sun.sun_path) + 1];

	memset(sun.sun_path + 1, '\xFF', sizeof(sun.sun_path) - 1);
	expected[0] = '@';
	for (size_t i = 0; i < sizeof(sun.sun_path) - 1; i++)
		strcpy(expected + 1 + 4 * i, "\\xff");
	format_one(&sun, sizeof(sun), expected, "", expected);

	memset(sun.sun_path, 'x', sizeof(sun.sun_path));
	snprintf(expected, sizeof(expected), "%.*s", (int)sizeof(sun.sun_path), sun.sun_path);
	format_one(&sun, sizeof(sun), expected, "", expected);
}
END_TEST

START_TEST(longest_hostile_path_fits)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char expected[4 * sizeof(sun.sun_path) + 1];

	memset(sun.sun_path, '\n', sizeof(sun.sun_path));
	for (size_t i = 0; i < sizeof(sun.sun_path); i++)
		strcpy(expected + 4 * i, "\\x0a");
	format_one(&sun, sizeof(sun), expected, "", expected);
}
END_TEST

/* Of a path that fills the address, the kernel counts a NUL behind it (unix(7), BUGS). */
START_TEST(kernel_may_count_one_byte_more)
{
	struct {
		struct sockaddr_un sun;
		char nul;
	} filled = {.sun = {.sun_family = AF_UNIX}};
	char expected[sizeof(filled.sun.sun_path) + 1] = "";

	memset(filled.sun.sun_path, 'x', sizeof(filled.sun.sun_path));
	memset(expected, 'x', sizeof(filled.sun.sun_path));
	format_one(&filled, sizeof(filled.sun) + 1, expected, "", expected);
}
END_TEST

static const struct {
	uint32_t cid, port;
	const char *host_text, *port_text, *joined;
} vsock[] = {
	{3, 6666, "vsock:3", "6666", "vsock:3:6666"},
	{VMADDR_CID_ANY, VMADDR_PORT_ANY, "vsock:4294967295", "4294967295",
	 "vsock:4294967295:4294967295"},
};

START_TEST(virtual_machines)
{
	struct sockaddr_vm svm = {
		.svm_family = AF_VSOCK,
		.svm_cid = vsock[_i].cid,
		.svm_port = vsock[_i].port,
	};

	format_one(&svm, sizeof(svm), vsock[_i].host_text, vsock[_i].port_text, vsock[_i].joined);
}
END_TEST

START_TEST(others_are_unknown)
{
	static const sa_family_t families[] = {AF_UNSPEC, AF_NETLINK, AF_PACKET, 0xFFFF};

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		struct sockaddr_storage address = {.ss_family = families[i]};

		format_one(&address, sizeof(address), "unknown", "", "unknown");
		format_one(&address, sizeof(families[i]), "unknown", "", "unknown");
	}
	format_one("", 0, "unknown", "", "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *tcase = tcase_create("address");

	tcase_add_loop_test(tcase, ipv4, 0, UNIT_COUNT(inet));
	tcase_add_loop_test(tcase, ipv6, 0, UNIT_COUNT(inet6));
	tcase_add_loop_test(tcase, unix_names_are_made_harmless, 0, UNIT_COUNT(unix_names));
	tcase_add_test(tcase, longest_unix_names_fit);
	tcase_add_test(tcase, longest_hostile_path_fits);
	tcase_add_test(tcase, kernel_may_count_one_byte_more);
	tcase_add_loop_test(tcase, virtual_machines, 0, UNIT_COUNT(vsock));
	tcase_add_test(tcase, others_are_unknown);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
