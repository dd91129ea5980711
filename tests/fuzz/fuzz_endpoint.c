/* SPDX-License-Identifier: MIT */
/* fuzz_endpoint - any strings as a server and as a port */
#include "config.h"

#include <errno.h>
#include <sys/un.h>

#include "common/number.h"
#include "common/utf8.h"
#include "fuzz.h"
#include "probe/endpoint.h"

/* One line of printable ASCII, which ends in no punctuation. */
static void check_message(const char *message)
{
	REQUIRE(message != NULL && message[0] != '\0');
	for (const char *c = message; *c != '\0'; c++)
		REQUIRE(*c >= ' ' && *c <= '~');
	REQUIRE(strchr(".;: ", message[strlen(message) - 1]) == NULL);
}

/* What is promised of every endpoint, and what later steps rely on. */
static void check_parts(const struct endpoint *endpoint)
{
	const struct address *address = &endpoint->address;
	uint64_t number;

	REQUIRE(endpoint->host[0] != '\0');
	switch (endpoint->kind) {
	case ENDPOINT_HOST:
		REQUIRE(address->length == 0);
		REQUIRE(endpoint->port[0] != '\0');
		for (const char *c = endpoint->host; *c != '\0'; c++)
			REQUIRE((unsigned char)*c > ' ' && *c != 0x7F && *c != '/');
		if (number_parse(endpoint->port, 0, UINT64_MAX, &number) != -EINVAL)
			REQUIRE(number >= 1 && number <= 65535);
		break;
	case ENDPOINT_UNIX:
		REQUIRE(endpoint->port[0] == '\0');
		REQUIRE(address->storage.ss_family == AF_UNIX);
		REQUIRE(address->length > sizeof(sa_family_t));
		REQUIRE(address->length <= sizeof(struct sockaddr_un));
		break;
	case ENDPOINT_VSOCK:
		REQUIRE(address->storage.ss_family == AF_VSOCK);
		REQUIRE(number_parse(endpoint->port, 1, UINT32_MAX - 1, &number) == 0);
		break;
	}
}

/* What is printed can be given again, with the port in it. */
static void check_again(const struct endpoint *endpoint)
{
	char text[ENDPOINT_BYTES], text_again[ENDPOINT_BYTES];
	struct endpoint again;
	const char *why;

	endpoint_format(endpoint, text);
	REQUIRE(strlen(text) < ENDPOINT_BYTES - 1);
	REQUIRE(endpoint_parse(text, NULL, &again, &why) == 0);
	REQUIRE(again.kind == endpoint->kind);
	REQUIRE(strcmp(again.host, endpoint->host) == 0 && strcmp(again.port, endpoint->port) == 0);
	REQUIRE(fuzz_equal(&again.address.storage, again.address.length, &endpoint->address.storage,
			   endpoint->address.length));
	REQUIRE(strcmp(endpoint_format(&again, text_again), text) == 0);
}

/* The lowest bits of the first byte say which of both strings are given. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned given = fuzz_byte(&input);
	char *text = given & 1 ? fuzz_string(&input) : NULL;
	char *port = given & 2 ? fuzz_string(&input) : NULL;
	struct endpoint endpoint, untouched;
	struct address_text formatted;
	const char *why = NULL;

	memset(&endpoint, 0x55, sizeof(endpoint));
	untouched = endpoint;
	if (endpoint_parse(text, port, &endpoint, &why) == 0) {
		REQUIRE(why == NULL);
		check_parts(&endpoint);
		check_again(&endpoint);
		if (endpoint_hint(&endpoint) != NULL)
			check_message(endpoint_hint(&endpoint));
		address_format(&endpoint.address, &formatted);
		REQUIRE(strlen(formatted.whole) < sizeof(formatted.whole) - 1);
	} else {
		check_message(why);
		REQUIRE(memcmp(&endpoint, &untouched, sizeof(endpoint)) == 0);
	}
	free(text);
	free(port);
	return 0;
}
