/* SPDX-License-Identifier: MIT */
/* resolve - the addresses of a host, by a deadline */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "../unit.h"
#include "common/address.h"
#include "common/clock.h"
#include "probe/resolve.h"
#include "probe/signals.h"

#define MSEC(n) ((uint64_t)(n)*USEC_PER_MSEC)

/*
 * For these hosts the resolver of the C library is replaced, to control the order of addresses and
 * the delay:
 *
 *	!4466       addresses of these families in this order; the port is the index
 *	!hang       waits until the test opens the gate, then as !4
 *	!error      fails with fake_error, and errno fake_errno
 *	localhost   fails, as if /etc/hosts were empty
 */
static int fake_error, fake_errno;
static int gate = -1; /* an eventfd */
static struct addrinfo seen_hints;
static sigset_t seen_mask;

/* One block, as in glibc, because freeaddrinfo() is not replaced. */
static struct addrinfo *fake_address(int family, size_t index)
{
	struct {
		struct addrinfo ai;
		struct sockaddr_in6 sin6; /* begins as a sockaddr_in */
	} *fake = calloc(1, sizeof(*fake));

	fake->sin6.sin6_family = (sa_family_t)family;
	fake->sin6.sin6_port = htons((uint16_t)index);
	fake->ai.ai_family = family;
	fake->ai.ai_addr = (struct sockaddr *)&fake->sin6;
	fake->ai.ai_addrlen = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(fake->sin6);
	return &fake->ai;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **result)
{
	__typeof__(&getaddrinfo) real = (__typeof__(&getaddrinfo))dlsym(RTLD_NEXT, "getaddrinfo");
	eventfd_t opened;

	seen_hints = *hints;
	pthread_sigmask(SIG_SETMASK, NULL, &seen_mask);
	if (host != NULL && strcmp(host, "localhost") == 0)
		return EAI_NONAME;
	if (host == NULL || host[0] != '!')
		return real(host, port, hints, result);
	if (strcmp(host, "!error") == 0) {
		errno = fake_errno;
		return fake_error;
	}
	if (strcmp(host, "!hang") == 0) {
		eventfd_read(gate, &opened);
		host = "!4";
	}
	for (size_t i = 0; host[1 + i] != '\0'; i++) {
		*result = fake_address(host[1 + i] == '4' ? AF_INET : AF_INET6, i);
		result = &(*result)->ai_next;
	}
	return 0;
}

/*
 * Resolves, and sees that a failure leaves the list alone, and that neither a descriptor nor a
 * thread is left over once the gate is open. A thread may be listed for a moment longer.
 */
static enum outcome resolve_one(const char *host, int family, uint64_t deadline_usec,
				struct resolve_list *ret_list, int *ret_error)
{
	size_t fds = unit_count_entries("/proc/self/fd");
	size_t threads = unit_count_entries("/proc/self/task");
	struct endpoint endpoint = {.kind = ENDPOINT_HOST, .port = "4711"};
	enum outcome outcome;

	*ret_list = (struct resolve_list){.count = 77};
	strcpy(endpoint.host, host);
	outcome = resolve_host(&endpoint, family, SOCK_DGRAM, deadline_usec, ret_list, ret_error);
	ck_assert(outcome == OUTCOME_NONE || ret_list->count == 77);
	if (gate >= 0)
		eventfd_write(gate, 1);
	/* Check ends a test that hangs here. */
	while (unit_count_entries("/proc/self/task") != threads)
		usleep(1000);
	ck_assert_uint_eq(unit_count_entries("/proc/self/fd"), fds);
	return outcome;
}

static const struct {
	const char *host;
	int family;
	const char *joined; /* NULL if unknown */
} hosts[] = {
	{"127.0.0.1", AF_UNSPEC, "127.0.0.1:4711"},
	{"127.0.0.1", AF_INET6, NULL},
	{"::1", AF_INET6, "[::1]:4711"},
	{"fe80::1%1", AF_UNSPEC, "[fe80::1%1]:4711"},
	{"::ffff:192.0.2.1", AF_UNSPEC, "192.0.2.1:4711"},
	{"localhost", AF_INET, "127.0.0.1:4711"},
	{"localhost", AF_INET6, "[::1]:4711"},
};

START_TEST(hosts_are_resolved)
{
	bool known = hosts[_i].joined != NULL;
	struct address_text text;
	struct resolve_list list;
	int error = 0;

	ck_assert_int_eq(resolve_one(hosts[_i].host, hosts[_i].family, CLOCK_NEVER, &list, &error),
			 known ? OUTCOME_NONE : OUTCOME_UNKNOWN_HOST);
	ck_assert_int_eq(seen_hints.ai_family, hosts[_i].family);
	ck_assert_int_eq(seen_hints.ai_socktype, SOCK_DGRAM);
	ck_assert_int_eq(seen_hints.ai_flags, AI_IDN);
	ck_assert_int_eq(sigismember(&seen_mask, SIGINT), 1);
	if (known) {
		address_format(&list.addresses[0], &text);
		ck_assert_str_eq(text.whole, hosts[_i].joined);
		resolve_free(&list);
		resolve_free(&list);
	}
}
END_TEST

static const struct {
	int error, saved_errno;
	enum outcome outcome;
	int wanted;
} failures[] = {
	{EAI_AGAIN, 0, OUTCOME_UNKNOWN_HOST, EAI_AGAIN},
	{EAI_NONAME, EMFILE, OUTCOME_UNKNOWN_HOST, EAI_NONAME},
	{EAI_MEMORY, 0, OUTCOME_SYSTEM_ERROR, ENOMEM},
	/* errno was set in another thread. */
	{EAI_SYSTEM, EMFILE, OUTCOME_SYSTEM_ERROR, EMFILE},
};

START_TEST(failures_have_an_outcome)
{
	struct resolve_list list;
	int error = 0;

	fake_error = failures[_i].error;
	fake_errno = failures[_i].saved_errno;
	ck_assert_int_eq(resolve_one("!error", AF_UNSPEC, CLOCK_NEVER, &list, &error),
			 failures[_i].outcome);
	ck_assert_int_eq(error, failures[_i].wanted);
}
END_TEST

static const struct {
	const char *sorted; /* families, as the resolver sorts them */
	const char *order;  /* indexes */
} orders[] = {
	{"!4", "0"},	     {"!44", "01"},	  {"!46", "01"},     {"!64", "01"},
	{"!446", "021"},     {"!4466", "0213"},	  {"!6644", "0213"}, {"!6664", "0312"},
	{"!66664", "04123"}, {"!46664", "01423"}, {"!4646", "0123"}, {"!4464646", "0214365"},
};

START_TEST(families_alternate)
{
	const char *order = orders[_i].order;
	struct resolve_list list;
	int error;

	ck_assert_int_eq(resolve_one(orders[_i].sorted, 0, CLOCK_NEVER, &list, &error), 0);
	ck_assert_uint_eq(list.count, strlen(order));
	for (size_t i = 0; i < list.count; i++) {
		size_t index = (size_t)(order[i] - '0');
		struct addrinfo *wanted = fake_address(
			orders[_i].sorted[1 + index] == '4' ? AF_INET : AF_INET6, index);

		ck_assert_uint_eq(list.addresses[i].length, wanted->ai_addrlen);
		ck_assert_mem_eq(&list.addresses[i].storage, wanted->ai_addr, wanted->ai_addrlen);
		freeaddrinfo(wanted);
	}
	resolve_free(&list);
}
END_TEST

/* Family, type and deadline have no effect. */
START_TEST(others_are_addresses_already)
{
	struct endpoint endpoint = {.kind = _i == 0 ? ENDPOINT_UNIX : ENDPOINT_VSOCK,
				    .address = {.length = 77}};
	struct resolve_list list;
	int error;

	endpoint.address.storage.ss_family = _i == 0 ? AF_UNIX : AF_VSOCK;
	ck_assert_int_eq(resolve_host(&endpoint, AF_INET6, SOCK_STREAM, 0, &list, &error),
			 OUTCOME_NONE);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_mem_eq(&list.addresses[0], &endpoint.address, sizeof(endpoint.address));
	resolve_free(&list);
}
END_TEST

static const struct {
	unsigned deadline_msec; /* from now; 0 if it has passed */
	int signal;		/* 0 for none; without a deadline */
	enum outcome outcome;
} waits[] = {
	{0, 0, OUTCOME_TIMED_OUT},
	{100, 0, OUTCOME_TIMED_OUT},
	{0, SIGTERM, OUTCOME_INTERRUPTED},
};

/* The abandoned thread ends when its resolver returns. Check ends a wait that does not end. */
START_TEST(resolver_that_hangs_is_abandoned)
{
	uint64_t deadline = waits[_i].signal != 0
				    ? CLOCK_NEVER
				    : clock_now_usec() + MSEC(waits[_i].deadline_msec);
	struct resolve_list list;
	int error;

	gate = eventfd(0, EFD_CLOEXEC);
	signals_catch(NULL, NULL);
	raise(waits[_i].signal);
	ck_assert_int_eq(resolve_one("!hang", AF_UNSPEC, deadline, &list, &error),
			 waits[_i].outcome);
	ck_assert(waits[_i].signal != 0 || clock_now_usec() >= deadline);
}
END_TEST

/* A thread whose stack is larger than the address space; then no file descriptor. */
START_TEST(missing_resources_are_system_errors)
{
	struct endpoint endpoint = {.kind = ENDPOINT_HOST, .host = "!4", .port = "1"};
	struct rlimit before, none;
	struct resolve_list list;
	pthread_attr_t huge;
	int error = 0;

	pthread_attr_init(&huge);
	pthread_attr_setstacksize(&huge, SIZE_MAX / 4 * 3);
	ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
	ck_assert_int_eq(resolve_one("!4", AF_UNSPEC, CLOCK_NEVER, &list, &error),
			 OUTCOME_SYSTEM_ERROR);
	/* The error depends on mmap(2). */
	ck_assert_msg(error == EAGAIN || error == EINVAL, "%s", strerror(error));

	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	ck_assert_int_eq(
		resolve_host(&endpoint, AF_UNSPEC, SOCK_STREAM, CLOCK_NEVER, &list, &error),
		OUTCOME_SYSTEM_ERROR);
	setrlimit(RLIMIT_NOFILE, &before);
	ck_assert_int_eq(error, EMFILE);
}
END_TEST

int main(void)
{
	return UNIT_RUN("resolve", {hosts_are_resolved, UNIT_COUNT(hosts)},
			{failures_have_an_outcome, UNIT_COUNT(failures)},
			{families_alternate, UNIT_COUNT(orders)}, {others_are_addresses_already, 2},
			{resolver_that_hangs_is_abandoned, UNIT_COUNT(waits)},
			{missing_resources_are_system_errors, 1});
}
