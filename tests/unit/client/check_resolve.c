/* SPDX-License-Identifier: MIT */
/* resolve - client side: from a name to addresses, by a deadline */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/un.h>

#include "../unit.h"
#include "client/resolve.h"
#include "client/signals.h"
#include "common/address.h"
#include "common/clock.h"

#define MSEC(n) ((uint64_t)(n)*USEC_PER_MSEC)

/* Long enough for any machine that works at all. */
#define PATIENCE_MSEC 10000

/*
 * The resolver of the C library is replaced for host names that begin with '!', because neither
 * order nor delay can be had from a real one:
 *
 *	!4466     addresses of these families in this order; the last byte is the index
 *	!hang     blocks until the test lets it go, then as !4
 *	!error    fails with fake_error, and errno fake_errno
 */
static int fake_error, fake_errno;
static int fake_gate = -1; /* an eventfd */
static struct addrinfo seen_hints;
static char seen_host[16], seen_port[16];
static sigset_t seen_mask;
static int fakes_alive;

static struct addrinfo *fake_address(int family, size_t index)
{
	struct addrinfo *ai = calloc(1, sizeof(*ai));

	if (family == AF_INET) {
		struct sockaddr_in *sin = calloc(1, sizeof(*sin));

		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = htonl(0xC0000200 + (uint32_t)index);
		ai->ai_addr = (struct sockaddr *)sin;
		ai->ai_addrlen = sizeof(*sin);
	} else {
		struct sockaddr_in6 *sin6 = calloc(1, sizeof(*sin6));

		sin6->sin6_family = AF_INET6;
		sin6->sin6_addr.s6_addr[15] = (uint8_t)index;
		ai->ai_addr = (struct sockaddr *)sin6;
		ai->ai_addrlen = sizeof(*sin6);
	}
	ai->ai_family = family;
	return ai;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **result)
{
	struct addrinfo **end = result;
	eventfd_t opened;

	if (host == NULL || host[0] != '!') {
		__typeof__(&getaddrinfo) real =
			(__typeof__(&getaddrinfo))dlsym(RTLD_NEXT, "getaddrinfo");

		return real(host, port, hints, result);
	}

	strcpy(seen_host, host);
	strcpy(seen_port, port);
	seen_hints = *hints;
	pthread_sigmask(SIG_SETMASK, NULL, &seen_mask);
	if (strcmp(host, "!error") == 0) {
		errno = fake_errno;
		return fake_error;
	}
	if (strcmp(host, "!hang") == 0) {
		eventfd_read(fake_gate, &opened);
		host = "!4";
	}
	for (size_t i = 0; host[1 + i] != '\0'; i++) {
		*end = fake_address(host[1 + i] == '4' ? AF_INET : AF_INET6, i);
		end = &(*end)->ai_next;
	}
	__atomic_add_fetch(&fakes_alive, 1, __ATOMIC_SEQ_CST);
	return 0;
}

void freeaddrinfo(struct addrinfo *result)
{
	struct addrinfo *next;

	/* Only the fakes have no socket type. */
	if (result->ai_socktype != 0) {
		__typeof__(&freeaddrinfo) real =
			(__typeof__(&freeaddrinfo))dlsym(RTLD_NEXT, "freeaddrinfo");

		real(result);
		return;
	}
	for (; result != NULL; result = next) {
		next = result->ai_next;
		free(result->ai_addr);
		free(result);
	}
	__atomic_sub_fetch(&fakes_alive, 1, __ATOMIC_SEQ_CST);
}

static size_t count_entries(const char *path)
{
	DIR *directory = opendir(path);
	size_t count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

static size_t count_fds(void)
{
	return count_entries("/proc/self/fd");
}

/* A thread that was joined may be listed for a moment longer, one that was left behind for more. */
static void assert_comes_back_to(const char *path, size_t wanted)
{
	uint64_t give_up = clock_now_usec() + MSEC(PATIENCE_MSEC);

	while (count_entries(path) != wanted && clock_now_usec() < give_up)
		usleep(1000);
	ck_assert_uint_eq(count_entries(path), wanted);
}

static uint64_t in_msec(unsigned int msec)
{
	return clock_now_usec() + MSEC(msec);
}

/* Resolves what must fail with one of two results, and leave the output alone. */
static void resolve_bad_one(const char *host, int family, int wanted, int or_wanted)
{
	struct resolve_address canary;
	struct resolve_list list = {.addresses = &canary, .count = 77};
	size_t fds = count_fds();
	int r = resolve(host, "6666", family, in_msec(PATIENCE_MSEC), &list);

	ck_assert_msg(r == wanted || r == or_wanted, "%s: %d", host, r);
	ck_assert_ptr_eq(list.addresses, &canary);
	ck_assert_uint_eq(list.count, 77);
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_str_ne(resolve_strerror(r), "");
}

static const struct {
	const char *host, *port;
	int family;
	const char *joined;
} numeric[] = {
	{"127.0.0.1", "6666", AF_UNSPEC, "127.0.0.1:6666"},
	{"127.0.0.1", "1", AF_INET, "127.0.0.1:1"},
	{"192.0.2.255", "65535", AF_UNSPEC, "192.0.2.255:65535"},
	{"::1", "6666", AF_UNSPEC, "[::1]:6666"},
	{"::1", "6666", AF_INET6, "[::1]:6666"},
	{"2001:db8::1", "80", AF_UNSPEC, "[2001:db8::1]:80"},
	{"fe80::1%1", "6666", AF_UNSPEC, "[fe80::1%1]:6666"},
	{"::ffff:192.0.2.1", "6666", AF_UNSPEC, "192.0.2.1:6666"},
};

START_TEST(test_numeric)
{
	struct resolve_list list;
	struct address_text text;
	char joined[ADDRESS_BYTES];
	size_t fds = count_fds();

	ck_assert_int_eq(resolve(numeric[_i].host, numeric[_i].port, numeric[_i].family,
				 in_msec(PATIENCE_MSEC), &list),
			 0);
	ck_assert_uint_eq(list.count, 1);
	address_format((const struct sockaddr *)&list.addresses[0].address,
		       list.addresses[0].length, &text);
	address_join(&text, joined);
	ck_assert_str_eq(joined, numeric[_i].joined);
	resolve_free(&list);
	ck_assert_uint_eq(count_fds(), fds);
}
END_TEST

START_TEST(test_family_mismatch)
{
	resolve_bad_one("127.0.0.1", AF_INET6, EAI_ADDRFAMILY, EAI_NONAME);
	resolve_bad_one("::1", AF_INET, EAI_ADDRFAMILY, EAI_NONAME);
}
END_TEST

START_TEST(test_localhost)
{
	static const int families[] = {AF_UNSPEC, AF_INET};
	struct resolve_list list;

	ck_assert_int_eq(resolve("localhost", "6666", families[_i], in_msec(PATIENCE_MSEC), &list),
			 0);
	ck_assert_uint_ge(list.count, 1);
	for (size_t i = 0; i < list.count; i++) {
		const struct sockaddr_storage *address = &list.addresses[i].address;
		struct sockaddr_in sin;
		struct sockaddr_in6 sin6;

		if (address->ss_family == AF_INET) {
			memcpy(&sin, address, sizeof(sin));
			ck_assert_uint_eq(list.addresses[i].length, sizeof(sin));
			ck_assert_uint_eq(ntohl(sin.sin_addr.s_addr) >> 24, 127);
			ck_assert_uint_eq(ntohs(sin.sin_port), 6666);
		} else {
			memcpy(&sin6, address, sizeof(sin6));
			ck_assert_int_eq(families[_i], AF_UNSPEC);
			ck_assert_int_eq(address->ss_family, AF_INET6);
			ck_assert_uint_eq(list.addresses[i].length, sizeof(sin6));
			ck_assert(IN6_IS_ADDR_LOOPBACK(&sin6.sin6_addr));
			ck_assert_uint_eq(ntohs(sin6.sin6_port), 6666);
		}
	}
	resolve_free(&list);
}
END_TEST

/* A label of 64 bytes is no name: RFC 1035, section 2.3.4. No server needs to be asked. */
START_TEST(test_unknown_host)
{
	char host[] = "0123456789012345678901234567890123456789012345678901234567890123.invalid";

	resolve_bad_one(host, AF_UNSPEC, EAI_NONAME, EAI_FAIL);
}
END_TEST

static const struct {
	int error, saved_errno;
} failures[] = {
	{EAI_AGAIN, 0},	 {EAI_FAIL, 0},	   {EAI_NONAME, 0},	 {EAI_ADDRFAMILY, 0},
	{EAI_MEMORY, 0}, {EAI_SERVICE, 0}, {EAI_SYSTEM, EMFILE},
};

START_TEST(test_resolver_fails)
{
	struct resolve_list list;

	fake_error = failures[_i].error;
	fake_errno = failures[_i].saved_errno;
	resolve_bad_one("!error", AF_UNSPEC, fake_error, fake_error);
	if (fake_error != EAI_SYSTEM)
		return;

	/* errno comes from another thread. */
	errno = 0;
	ck_assert_int_eq(resolve("!error", "1", AF_UNSPEC, in_msec(PATIENCE_MSEC), &list),
			 EAI_SYSTEM);
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_str_eq(resolve_strerror(EAI_SYSTEM), strerror(EMFILE));
}
END_TEST

START_TEST(test_what_the_resolver_is_asked)
{
	static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
	struct resolve_list list;

	ck_assert_int_eq(resolve("!4", "4711", families[_i], CLOCK_NEVER, &list), 0);
	resolve_free(&list);
	ck_assert_str_eq(seen_host, "!4");
	ck_assert_str_eq(seen_port, "4711");
	ck_assert_int_eq(seen_hints.ai_family, families[_i]);
	ck_assert_int_eq(seen_hints.ai_socktype, SOCK_STREAM);
	ck_assert_int_eq(seen_hints.ai_flags, AI_NUMERICSERV);
	ck_assert_int_eq(sigismember(&seen_mask, SIGALRM), 1);
	ck_assert_int_eq(sigismember(&seen_mask, SIGINT), 1);
	ck_assert_int_eq(fakes_alive, 0);
}
END_TEST

static const struct {
	const char *sorted; /* families, as the resolver sorts them */
	const char *order;  /* indexes */
} orders[] = {
	{"!4", "0"},
	{"!6", "0"},
	{"!44", "01"},
	{"!46", "01"},
	{"!64", "01"},
	{"!446", "021"},
	{"!4466", "0213"},
	{"!6644", "0213"},
	{"!6664", "0312"},
	{"!66664", "04123"},
	{"!46664", "01423"},
	{"!4646", "0123"},
	{"!4464646", "0214365"},
};

START_TEST(test_families_take_turns)
{
	const char *order = orders[_i].order;
	struct resolve_list list;

	ck_assert_int_eq(resolve(orders[_i].sorted, "1", AF_UNSPEC, in_msec(PATIENCE_MSEC), &list),
			 0);
	ck_assert_uint_eq(list.count, strlen(order));
	for (size_t i = 0; i < list.count; i++) {
		const struct resolve_address *got = &list.addresses[i];
		struct addrinfo *wanted;
		size_t index = (size_t)(order[i] - '0');

		wanted = fake_address(orders[_i].sorted[1 + index] == '4' ? AF_INET : AF_INET6,
				      index);
		ck_assert_uint_eq(got->length, wanted->ai_addrlen);
		ck_assert_mem_eq(&got->address, wanted->ai_addr, got->length);
		free(wanted->ai_addr);
		free(wanted);
	}
	resolve_free(&list);
	ck_assert_int_eq(fakes_alive, 0);
}
END_TEST

static const struct {
	size_t length;
	int result;
} paths[] = {
	{1, 0},
	{2, 0},
	{106, 0},
	{107, 0}, /* with its NUL the whole of sun_path */
	{108, RESOLVE_PATH_TOO_LONG},
	{109, RESOLVE_PATH_TOO_LONG},
	{5000, RESOLVE_PATH_TOO_LONG},
};

START_TEST(test_path)
{
	size_t length = paths[_i].length;
	char *path = malloc(length + 1);
	struct resolve_list list;
	struct sockaddr_un sun;

	memset(path, 'x', length);
	path[0] = '/';
	path[length] = '\0';
	if (paths[_i].result != 0) {
		resolve_bad_one(path, AF_UNSPEC, paths[_i].result, paths[_i].result);
	} else {
		/* Neither the family nor a deadline that is over matters here. */
		ck_assert_int_eq(resolve(path, "6666", AF_INET6, 0, &list), 0);
		ck_assert_uint_eq(list.count, 1);
		ck_assert_uint_eq(list.addresses[0].length, sizeof(sun));
		memcpy(&sun, &list.addresses[0].address, sizeof(sun));
		ck_assert_int_eq(sun.sun_family, AF_UNIX);
		ck_assert_str_eq(sun.sun_path, path);
		resolve_free(&list);
	}
	free(path);
}
END_TEST

/*
 * Resolves what takes for ever. The thread that is left behind ends by and by, with all that it
 * holds. Returns when resolve() came back.
 */
static uint64_t hang_one(uint64_t deadline_usec, int wanted)
{
	struct resolve_list list = {.count = 77};
	size_t fds, threads = count_entries("/proc/self/task");
	uint64_t back_usec;

	fake_gate = eventfd(0, EFD_CLOEXEC);
	fds = count_fds();
	ck_assert_int_eq(resolve("!hang", "1", AF_UNSPEC, deadline_usec, &list), wanted);
	back_usec = clock_now_usec();
	ck_assert_uint_eq(list.count, 77);

	eventfd_write(fake_gate, 1);
	assert_comes_back_to("/proc/self/task", threads);
	ck_assert_int_eq(fakes_alive, 0);
	ck_assert_uint_eq(count_fds(), fds);
	close(fake_gate);
	return back_usec;
}

START_TEST(test_deadline)
{
	uint64_t deadline = in_msec(50);
	uint64_t back = hang_one(deadline, RESOLVE_TIMED_OUT);

	ck_assert_uint_ge(back, deadline);
	ck_assert_uint_lt(back, deadline + MSEC(PATIENCE_MSEC / 2));
}
END_TEST

START_TEST(test_deadline_is_over)
{
	hang_one(0, RESOLVE_TIMED_OUT);
	hang_one(clock_now_usec(), RESOLVE_TIMED_OUT);
}
END_TEST

/* Has a SIGINT come while it waits, or just before: no sooner is it let in (wait.h). */
static void interrupt(int number)
{
	(void)number;
	raise(SIGINT);
}

START_TEST(test_interrupted)
{
	struct sigaction action = {.sa_handler = interrupt};
	struct itimerval soon = {.it_value.tv_usec = 50000};

	wait_catch_signals();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	hang_one(CLOCK_NEVER, RESOLVE_INTERRUPTED);
}
END_TEST

START_TEST(test_interrupted_before)
{
	wait_catch_signals();
	raise(SIGTERM);
	hang_one(CLOCK_NEVER, RESOLVE_INTERRUPTED);
	hang_one(CLOCK_NEVER, RESOLVE_INTERRUPTED);
}
END_TEST

static void ignore(int number)
{
	(void)number;
}

/* Any other signal changes nothing. */
START_TEST(test_other_signals)
{
	struct sigaction action = {.sa_handler = ignore};
	struct itimerval often = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
	uint64_t deadline = in_msec(50);

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	ck_assert_uint_ge(hang_one(deadline, RESOLVE_TIMED_OUT), deadline);
}
END_TEST

START_TEST(test_nothing_is_left_over)
{
	size_t fds = count_fds(), threads = count_entries("/proc/self/task");

	for (int i = 0; i < 500; i++) {
		struct resolve_list list;

		ck_assert_int_eq(resolve("!4646", "1", AF_UNSPEC, CLOCK_NEVER, &list), 0);
		resolve_free(&list);
	}
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_int_eq(fakes_alive, 0);
	assert_comes_back_to("/proc/self/task", threads);
}
END_TEST

/* Threads with a stack that is larger than the address space cannot be had. */
START_TEST(test_no_thread)
{
	struct resolve_list list = {.count = 77};
	pthread_attr_t huge, before;
	size_t fds = count_fds();
	int r, error;

	pthread_getattr_default_np(&before);
	pthread_attr_init(&huge);
	pthread_attr_setstacksize(&huge, (size_t)1 << (sizeof(size_t) * 8 - 2));
	ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
	r = resolve("!4", "1", AF_UNSPEC, in_msec(PATIENCE_MSEC), &list);
	error = errno;
	pthread_setattr_default_np(&before);
	ck_assert_int_eq(r, EAI_SYSTEM);
	/* Which it is depends on what mmap(2) says. */
	ck_assert_msg(error == EAGAIN || error == EINVAL, "%s", strerror(error));
	ck_assert_uint_eq(list.count, 77);
	ck_assert_uint_eq(count_fds(), fds);
}
END_TEST

START_TEST(test_free)
{
	struct resolve_list list = {0};

	resolve_free(&list);
	ck_assert_int_eq(resolve("/x", "1", AF_UNSPEC, 0, &list), 0);
	resolve_free(&list);
	ck_assert_ptr_null(list.addresses);
	ck_assert_uint_eq(list.count, 0);
	resolve_free(&list);
}
END_TEST

START_TEST(test_strerror)
{
	ck_assert_str_eq(resolve_strerror(RESOLVE_TIMED_OUT), "timed out");
	ck_assert_str_eq(resolve_strerror(RESOLVE_PATH_TOO_LONG),
			 "the path is too long for a socket");
	ck_assert_str_eq(resolve_strerror(RESOLVE_INTERRUPTED), "interrupted");
	ck_assert_str_eq(resolve_strerror(EAI_NONAME), gai_strerror(EAI_NONAME));
	errno = EMFILE;
	ck_assert_str_eq(resolve_strerror(EAI_SYSTEM), strerror(EMFILE));
}
END_TEST

static Suite *resolve_suite(void)
{
	Suite *suite = suite_create("resolve");
	TCase *names = tcase_create("names");
	TCase *waiting = tcase_create("waiting");

	tcase_set_timeout(names, 60);
	tcase_add_loop_test(names, test_numeric, 0, UNIT_COUNT(numeric));
	tcase_add_test(names, test_family_mismatch);
	tcase_add_loop_test(names, test_localhost, 0, 2);
	tcase_add_test(names, test_unknown_host);
	tcase_add_loop_test(names, test_resolver_fails, 0, UNIT_COUNT(failures));
	tcase_add_loop_test(names, test_what_the_resolver_is_asked, 0, 3);
	tcase_add_loop_test(names, test_families_take_turns, 0, UNIT_COUNT(orders));
	tcase_add_loop_test(names, test_path, 0, UNIT_COUNT(paths));
	tcase_add_test(names, test_free);
	tcase_add_test(names, test_strerror);
	suite_add_tcase(suite, names);

	tcase_set_timeout(waiting, 60);
	tcase_add_test(waiting, test_deadline);
	tcase_add_test(waiting, test_deadline_is_over);
	tcase_add_test(waiting, test_interrupted);
	tcase_add_test(waiting, test_interrupted_before);
	tcase_add_test(waiting, test_other_signals);
	tcase_add_test(waiting, test_no_thread);
	tcase_add_test(waiting, test_nothing_is_left_over);
	suite_add_tcase(suite, waiting);
	return suite;
}

int main(void)
{
	return unit_run(resolve_suite());
}
