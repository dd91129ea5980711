/* SPDX-License-Identifier: MIT */
/* endpoint - where a server is, as given on a command line */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

#include "../unit.h"
#include "probe/endpoint.h"

/* An exact copy on the heap, or NULL for "-". */
static char *argument(const char *text)
{
	return strcmp(text, "-") == 0 ? NULL : unit_copy(text, strlen(text) + 1);
}

/* Parses. Returns the endpoint or the message. A failure leaves the endpoint alone. */
static const char *parse_one(const char *text, const char *port, struct endpoint *endpoint,
			     char *formatted)
{
	const char *why = "untouched";
	struct endpoint before;
	int r;

	memset(endpoint, 0x55, sizeof(*endpoint));
	before = *endpoint;
	r = endpoint_parse(text, port, endpoint, &why);
	if (r == 0) {
		ck_assert_str_eq(why, "untouched");
		return endpoint_format(endpoint, formatted);
	}
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_mem_eq(endpoint, &before, sizeof(before));
	return why;
}

static void check_address(const struct endpoint *endpoint, const char *wanted)
{
	struct address_text text;

	if (endpoint->kind == ENDPOINT_HOST) {
		ck_assert_uint_eq(endpoint->address.length, 0);
		return;
	}
	address_format(&endpoint->address, &text);
	ck_assert_str_eq(text.whole, wanted);
	if (endpoint->kind == ENDPOINT_UNIX)
		ck_assert_str_eq(endpoint->host, wanted);
}

/* Each line of tests/endpoints. What is printed can be given again. */
START_TEST(table_holds)
{
	char path[4096], line[1024], formatted[ENDPOINT_BYTES], again[ENDPOINT_BYTES];
	const char *srcdir = getenv("srcdir");
	int count = 0;
	FILE *table;

	snprintf(path, sizeof(path), "%s/tests/endpoints", srcdir != NULL ? srcdir : ".");
	table = fopen(path, "r");
	ck_assert_msg(table != NULL, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), table) != NULL) {
		char *rest = line, *text, *port, *wanted, *address;
		struct endpoint endpoint, second;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		text = argument(strsep(&rest, "\t"));
		port = argument(strsep(&rest, "\t"));
		wanted = strsep(&rest, "\t");
		address = strsep(&rest, "\t");
		ck_assert_ptr_nonnull(address);
		if (strcmp(wanted, "!") == 0) {
			ck_assert_str_eq(parse_one(text, port, &endpoint, formatted), address);
		} else {
			ck_assert_str_eq(parse_one(text, port, &endpoint, formatted), wanted);
			check_address(&endpoint, address);
			ck_assert_str_eq(parse_one(wanted, NULL, &second, again), wanted);
			ck_assert_int_eq(second.kind, endpoint.kind);
		}
		free(text);
		free(port);
		count++;
	}
	fclose(table);
	ck_assert_int_ge(count, 60);
}
END_TEST

static const struct {
	const char *text, *port;
	enum endpoint_kind kind;
	const char *host, *wanted_port;
} parts[] = {
	{NULL, NULL, ENDPOINT_HOST, "localhost", "6666"},
	{"[fe80::1%lo]:hello", NULL, ENDPOINT_HOST, "fe80::1%lo", "hello"},
	{"unix:run/x", NULL, ENDPOINT_UNIX, "run/x", ""},
	{"unix:@x", NULL, ENDPOINT_UNIX, "@x", ""},
	{"vsock:02", "07", ENDPOINT_VSOCK, "vsock:2", "7"},
};

START_TEST(parts_are_apart)
{
	struct endpoint endpoint;
	const char *why;

	ck_assert_int_eq(endpoint_parse(parts[_i].text, parts[_i].port, &endpoint, &why), 0);
	ck_assert_int_eq(endpoint.kind, parts[_i].kind);
	ck_assert_str_eq(endpoint.host, parts[_i].host);
	ck_assert_str_eq(endpoint.port, parts[_i].wanted_port);
}
END_TEST

static const struct {
	const char *prefix;
	size_t longest; /* what follows the prefix */
	const char *why;
} lengths[] = {
	{"", 1024, "the host is too long: give at most 1024 bytes"},
	{"vsock:", 1018, "the host is too long: give at most 1024 bytes"},
	{"/", 106, "the path is too long for a socket: give at most 107 bytes"},
	{"unix:", 107, "the path is too long for a socket: give at most 107 bytes"},
	{"@", 107, "the path is too long for a socket: give at most 107 bytes"},
	{"unix:@", 107, "the path is too long for a socket: give at most 107 bytes"},
	{"[", 0, "the ']' is missing: give [IPV6] or [IPV6]:PORT"},
	{"::1%", 1020, "the host is too long: give at most 1024 bytes"},
};

/* The longest one, one more, and far too many. */
START_TEST(lengths_are_limited)
{
	const size_t tried[] = {lengths[_i].longest, lengths[_i].longest + 1, 100000};
	char formatted[ENDPOINT_BYTES];

	for (int i = lengths[_i].longest > 0 ? 0 : 1; i < UNIT_COUNT(tried); i++) {
		size_t prefix = strlen(lengths[_i].prefix), length = prefix + tried[i];
		char *text = malloc(length + 1);
		struct endpoint endpoint;
		const char *got;

		memset(text, 'x', length);
		memcpy(text, lengths[_i].prefix, prefix);
		text[length] = '\0';
		got = parse_one(text, NULL, &endpoint, formatted);
		ck_assert_msg((strcmp(got, lengths[_i].why) == 0) == (i > 0), "%s", got);
		free(text);
	}
}
END_TEST

/* Of an abstract name every byte counts; a path is followed by NULs. */
START_TEST(unix_addresses_are_exact)
{
	char longest[] = "@" /* and 107 bytes */
			 "0123456789012345678901234567890123456789012345678901234567890123456789"
			 "0123456789012345678901234567890123456";
	struct endpoint endpoint;
	struct sockaddr_un sun;
	const char *why;

	ck_assert_int_eq(endpoint_parse("@x", NULL, &endpoint, &why), 0);
	ck_assert_uint_eq(endpoint.address.length, offsetof(struct sockaddr_un, sun_path) + 2);
	memcpy(&sun, &endpoint.address.storage, sizeof(sun));
	ck_assert_int_eq(sun.sun_family, AF_UNIX);
	ck_assert_mem_eq(sun.sun_path, "\0x", 2);

	ck_assert_int_eq(endpoint_parse(longest, NULL, &endpoint, &why), 0);
	ck_assert_uint_eq(endpoint.address.length, sizeof(sun));
	memcpy(&sun, &endpoint.address.storage, sizeof(sun));
	ck_assert_int_eq(sun.sun_path[0], '\0');
	ck_assert_mem_eq(sun.sun_path + 1, longest + 1, sizeof(sun.sun_path) - 1);

	longest[0] = '/';
	longest[107] = '\0';
	ck_assert_int_eq(endpoint_parse(longest, NULL, &endpoint, &why), 0);
	ck_assert_uint_eq(endpoint.address.length, sizeof(sun));
	memcpy(&sun, &endpoint.address.storage, sizeof(sun));
	ck_assert_mem_eq(sun.sun_path, longest, sizeof(sun.sun_path));
}
END_TEST

/* Neither a terminal nor the resolver gets them. */
START_TEST(blanks_and_controls_are_refused)
{
	char text[] = "host!x", formatted[ENDPOINT_BYTES];
	struct endpoint endpoint;

	for (int c = 1; c < 256; c++) {
		const char *got;

		text[4] = (char)c;
		got = parse_one(text, NULL, &endpoint, formatted);
		ck_assert_msg((strstr(got, "blanks") != NULL) == (c <= ' ' || c == 0x7F), "%d", c);
	}
}
END_TEST

static const struct {
	const char *host, *hint;
} hints[] = {
	{"fe80::1%none",
	 "for the zone, give the name or number of an interface, as in fe80::1%eth0"},
	{"ff02::1%none",
	 "for the zone, give the name or number of an interface, as in fe80::1%eth0"},
	{"::1%lo", "only a link-local address has a zone: leave it out"},
	{"2001:db8::1%none", "only a link-local address has a zone: leave it out"},
	{"192.0.2.256", "for an IPv4 address, give four numbers from 0 to 255, as in 192.0.2.1"},
	{"localhost.6666", "for a port, give HOST:PORT"},
	{"hello.sock", "for a UNIX socket, give unix:PATH"},
	{"hello.socket", "for a UNIX socket, give unix:PATH"},
	{"vsock.example", NULL},
	{"host.example", NULL},
	{"host", NULL},
	{"host.", NULL},
	{"host.6a", NULL},
};

START_TEST(other_forms_get_a_hint)
{
	struct endpoint endpoint = {.kind = ENDPOINT_HOST};

	strcpy(endpoint.host, hints[_i].host);
	ck_assert_pstr_eq(endpoint_hint(&endpoint), hints[_i].hint);
	endpoint.kind = ENDPOINT_UNIX;
	ck_assert_ptr_null(endpoint_hint(&endpoint));
}
END_TEST

int main(void)
{
	return UNIT_RUN("endpoint", {table_holds, 1}, {parts_are_apart, UNIT_COUNT(parts)},
			{lengths_are_limited, UNIT_COUNT(lengths)}, {unix_addresses_are_exact, 1},
			{blanks_and_controls_are_refused, 1},
			{other_forms_get_a_hint, UNIT_COUNT(hints)});
}
