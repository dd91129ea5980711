/* SPDX-License-Identifier: MIT */
/* prove - endpoint: every text up to a length, whatever the C library answers */
#include "prove.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/number.h"
#include "probe/endpoint.h"

#ifndef LENGTH_MAX
#define LENGTH_MAX 8 /* run.py sets it */
#endif

/*
 * The C library, as models without loops. Each may return all that the real function can return for
 * the text, and more: the result is not tied to the characters, only to the length. What is proved
 * with them is true of the real ones.
 *
 * A text fills its block up to a NUL in the last byte. endpoint->host is within a larger block, but
 * nothing asks for its length; its end is not before that of the block.
 */
static size_t length_of(const char *text)
{
	promise(__CPROVER_r_ok(text, 1));
	return __CPROVER_OBJECT_SIZE(text) - 1 - __CPROVER_POINTER_OFFSET(text);
}

static const char *somewhere(const char *text)
{
	size_t n = nondet_size();

	given(n <= length_of(text));
	return text + n;
}

size_t strlen(const char *text)
{
	return length_of(text);
}

size_t strspn(const char *text, const char *set)
{
	(void)set;
	return (size_t)(somewhere(text) - text);
}

size_t strcspn(const char *text, const char *set)
{
	const char *found = somewhere(text);

	given(*found == '\0' || *found == set[0]);
	promise(set[1] == '\0');
	return (size_t)(found - text);
}

char *strchr(const char *text, int c)
{
	const char *found = somewhere(text);

	given(*found == (char)c);
	return nondet_bool() ? (char *)found : NULL;
}

char *strpbrk(const char *text, const char *set)
{
	(void)set;
	return nondet_bool() ? (char *)somewhere(text) : NULL;
}

void *memchr(const void *block, int c, size_t length)
{
	const char *bytes = block;
	size_t n = nondet_size();

	promise(__CPROVER_r_ok(block, length));
	if (length == 0 || nondet_bool())
		return NULL;
	given(n < length && bytes[n] == (char)c);
	return (void *)(bytes + n);
}

/*
 * Copies the first bytes, which have the family and the numbers, and any other one: no path reads
 * two of the others, so that every value which is read is the right one.
 */
void *memcpy(void *ret_block, const void *block, size_t length)
{
	char *to = ret_block;
	const char *from = block;
	size_t n = nondet_size();

	promise(__CPROVER_r_ok(block, length));
	promise(__CPROVER_w_ok(ret_block, length));
	for (size_t i = 0; i < sizeof(struct sockaddr_vm); i++)
		if (i < length)
			to[i] = from[i];
	if (n < length)
		to[n] = from[n];
	return ret_block;
}

char *strcpy(char *ret_text, const char *text)
{
	size_t size = length_of(text) + 1;

	promise(__CPROVER_w_ok(ret_text, size));
	memcpy(ret_text, text, size);
	return ret_text;
}

int inet_pton(int family, const char *text, void *ret_address)
{
	promise(family == AF_INET6);
	promise(__CPROVER_r_ok(text, 1));
	if (nondet_bool())
		return 0;
	__CPROVER_havoc_slice(ret_address, sizeof(struct in6_addr));
	return 1;
}

/* Only for "%u" and "vsock:%u", which have at most ten digits. */
int sprintf(char *ret_text, const char *format, ...)
{
	size_t length = nondet_size();

	given(length >= 1 && length <= length_of(format) - 2 + 10);
	promise(__CPROVER_w_ok(ret_text, length_of(format) - 2 + 10 + 1));
	ret_text[0] = format[0] == '%' ? '1' : format[0];
	ret_text[length] = '\0';
	return (int)length;
}

/* As number.h promises. */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = nondet_u64();

	promise(__CPROVER_r_ok(text, 1));
	if (nondet_bool())
		return nondet_bool() ? -EINVAL : -ERANGE;
	given(number >= min && number <= max);
	*ret_number = number;
	return 0;
}

/* Any text of at most LENGTH_MAX bytes, at the end of its block. */
struct block {
	char bytes[LENGTH_MAX + 1];
};

static const char *any_text(struct block *block)
{
	size_t length = nondet_size();

	given(length <= LENGTH_MAX);
	for (size_t i = 0; i < LENGTH_MAX; i++)
		given(i < LENGTH_MAX - length || block->bytes[i] != '\0');
	block->bytes[LENGTH_MAX] = '\0';
	return block->bytes + LENGTH_MAX - length;
}

/* What endpoint.h promises of each result. */
static void check(const char *text, const char *port)
{
	struct endpoint e, before;
	const char *why = NULL;

	before = e;
	int r = endpoint_parse(text, port, &e, &why);

	if (r != 0) {
		promise(r == -EINVAL && why != NULL);
		promise(e.kind == before.kind && e.address.length == before.address.length);
		return;
	}
	promise(why == NULL);
	switch (e.kind) {
	case ENDPOINT_HOST:
		promise(e.address.length == 0); /* unknown */
		promise(e.port[0] != '\0');
		break;
	case ENDPOINT_UNIX:
		promise(port == NULL && e.port[0] == '\0');
		promise(e.address.storage.ss_family == AF_UNIX);
		promise(e.address.length > sizeof(sa_family_t) + 1 &&
			e.address.length <= sizeof(struct sockaddr_un));
		promise((e.host[0] == '@') == (((const char *)&e.address.storage)[2] == '\0'));
		break;
	default:
		promise(e.kind == ENDPOINT_VSOCK);
		promise(e.address.storage.ss_family == AF_VSOCK);
		promise(e.address.length == sizeof(struct sockaddr_vm));
		promise(((const struct sockaddr_vm *)&e.address.storage)->svm_cid !=
			VMADDR_CID_ANY);
		promise(((const struct sockaddr_vm *)&e.address.storage)->svm_port !=
			VMADDR_PORT_ANY);
	}
}

/* [IPV6], [IPV6]:PORT, /PATH, unix:PATH, @NAME, unix:@NAME, vsock:CID, vsock:CID:PORT */
/* T20 of hellod-security(7) */
void prove_endpoint_forms(void)
{
	struct block text_block, port_block;
	const char *text = any_text(&text_block);

	given(text[0] == '/' || text[0] == '@' || text[0] == '[' ||
	      strncmp(text, "unix:", 5) == 0 || strncmp(text, "vsock:", 6) == 0);
	check(text, nondet_bool() ? any_text(&port_block) : NULL);
}

/* HOST, HOST:PORT, IPV6, and all others; localhost */
/* T20 of hellod-security(7) */
void prove_endpoint_hosts(void)
{
	struct block text_block, port_block;
	const char *text = nondet_bool() ? any_text(&text_block) : NULL;

	check(text, nondet_bool() ? any_text(&port_block) : NULL);
}
