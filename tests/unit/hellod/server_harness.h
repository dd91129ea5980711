/* SPDX-License-Identifier: MIT */
/* server_harness - server_run() with a fake clock, failing system calls and recorded messages */
#ifndef HELLOD_TEST_SERVER_HARNESS_H
#define HELLOD_TEST_SERVER_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/clock.h"
#include "common/frame.h"
#include "hellod/confine.h"
#include "hellod/messages.h"
#include "hellod/pace.h"
#include "hellod/server.h"
#include "recorder.h"

/*
 * The server runs in a thread of its own, and only while the test lets it: until it has looked for
 * events and found none, or has returned. So all that a test does in between happens at once. The
 * sockets are real. For one file of a program to include.
 */

/* The first of the passed descriptors, and of the test's. The server's are below. */
#define FIRST_FD 200
#define CLIENT_FD 300

#define LONGEST FRAME_GREETING_BYTES_MAX /* more than the buffers of a connection take */
#define SMALL_BUFFER_BYTES 8192
#define ALWAYS 1000000U
#define MSEC UINT64_C(1000)
#define SEC UINT64_C(1000000)
#define SEND_USEC (CLIENT_SEND_MSEC * MSEC)
#define LINGER_USEC (CLIENT_LINGER_MSEC * MSEC)
#define RETRY_USEC (CLIENT_RETRY_MSEC * MSEC)
#define PAUSE_USEC (SERVER_PAUSE_MSEC * MSEC)

/* Of listening sockets: systemd sets what NonBlocking= says. */
static const int listen_flags[] = {0, O_NONBLOCK};

static char greeting_text[LONGEST + 1] = "AAAAA";

/* What the server is told, by its arguments and by the system. */
static struct activation sockets = {.first_fd = FIRST_FD};
static struct options options = {.greeting.text = greeting_text, .idle_usec = CLOCK_NEVER};
static uint64_t fake_usec = 1000 * SEC;
static uint64_t await_usec;	/* how far the clock advances while the test waits */
static int (*on_timeout)(void); /* called when a wait has timed out; returns its result */

/* System calls of the server: the calls so far, and how many of the next ones fail, after others. */
enum call { ACCEPT4, SEND, RECV, SHUTDOWN, READ, EPOLL_CTL, EPOLL_WAIT, CALLS };
static unsigned calls[CALLS], failures[CALLS], successes[CALLS], batch, batch_max;
static int errors[CALLS];

static bool returned;
static int result, more_fds, greeted_priority = LOG_DEBUG;
static unsigned references;

static pthread_barrier_t baton;
static bool is_server; /* it runs, and the test waits */

static inline void server_fail(enum call call, int error, unsigned times)
{
	errors[call] = error;
	failures[call] = times;
}

/* Replaces confine.c, which would confine the test. Whether it was called, first, and with what. */
static struct {
	bool called, first, accept, datagrams;
	char read_path[64];
} confined;
static struct confine_result confine_result;

void confine(const struct confine_needs *needs, struct confine_result *ret_result)
{
	confined.called = true;
	confined.first = calls[ACCEPT4] == 0 && calls[SEND] == 0;
	confined.accept = needs->accept;
	confined.datagrams = needs->datagrams;
	snprintf(confined.read_path, sizeof(confined.read_path), "%s",
		 needs->read_path != NULL ? needs->read_path : "none");
	*ret_result = confine_result;
}

static bool fails(enum call call)
{
	if (!is_server)
		return false;
	calls[call]++;
	if (successes[call] > 0 && successes[call]-- > 0)
		return false;
	errno = errors[call];
	return failures[call] > 0 && failures[call]-- > 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!is_server)
		return (int)syscall(SYS_clock_gettime, clock, now);
	*now = (struct timespec){(time_t)(fake_usec / SEC), (long)(fake_usec % SEC) * 1000};
	return 0;
}

/* With _FORTIFY_SOURCE, clang takes recv(), read() and ppoll() for glibc's inline functions. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wstatic-in-inline"
#endif

/* So many of the next clients have closed, or reset, in the queue. The kernel may be late. */
static unsigned left_the_queue;

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	int accepted = -1;

	if (++batch > batch_max)
		batch_max = batch;
	if (!fails(ACCEPT4))
		accepted = (int)syscall(SYS_accept4, fd, address, length, flags);
	if (accepted >= 0 && left_the_queue > 0 && left_the_queue-- > 0)
		unit_await_end(accepted);
	return accepted;
}

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	return fails(SEND) ? -1 : sendto(fd, buffer, length, flags, NULL, 0);
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	return fails(RECV) ? -1 : recvfrom(fd, buffer, length, flags, NULL, NULL);
}

int shutdown(int fd, int how)
{
	return fails(SHUTDOWN) ? -1 : (int)syscall(SYS_shutdown, fd, how);
}

ssize_t read(int fd, void *buffer, size_t length)
{
	return fails(READ) ? -1 : syscall(SYS_read, fd, buffer, length);
}

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	return fails(EPOLL_CTL) ? -1 : (int)syscall(SYS_epoll_ctl, epoll_fd, operation, fd, event);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_msec)
{
	uint64_t deadline =
		timeout_msec < 0 ? CLOCK_NEVER : fake_usec + (uint64_t)timeout_msec * MSEC;
	int n;

	batch = 0;
	if (fails(EPOLL_WAIT))
		return -1;
	while ((n = epoll_pwait(fd, events, max, 0, NULL)) == 0 && fake_usec < deadline) {
		pthread_barrier_wait(&baton);
		pthread_barrier_wait(&baton);
	}
	if (n == 0 && on_timeout != NULL)
		n = on_timeout();
	return n;
}

/* The sleeps of pace.h, which take no time. */
static unsigned sleeps;
static uint64_t slept_usec; /* the last one */

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	if (!is_server)
		return (int)syscall(SYS_ppoll, fds, count, timeout, mask, sizeof(*mask));
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(fds->events, POLLIN);
	ck_assert_int_eq(timeout->tv_nsec % 1000, 0);
	/* Else the kernel would add 50 microseconds. */
	ck_assert_int_eq(prctl(PR_GET_TIMERSLACK), 1);
	slept_usec = (uint64_t)timeout->tv_sec * SEC + (uint64_t)timeout->tv_nsec / 1000;
	sleeps++;
	return (int)syscall(SYS_ppoll, fds, count, &(struct timespec){0}, NULL, 0);
}

static int fake_limit; /* of descriptors: none at all, or unknown if negative */

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
	if (!is_server || fake_limit == 0)
		return (int)syscall(SYS_prlimit64, 0, resource, NULL, limit);
	if (fake_limit > 0)
		*limit = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	return fake_limit > 0 ? 0 : -1;
}

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < CLIENT_FD; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

static void *run_server(void *unused)
{
	int fds = count_fds();
	struct greeting *greeting;
	char *why;

	pthread_barrier_wait(&baton);
	if (greeting_load(&options.greeting, &greeting, &why) < 0)
		abort();
	result = server_run(&sockets, &options, greeting_ref(greeting));
	references = greeting->references;
	greeting_unref(greeting);
	more_fds = count_fds() - fds;
	returned = true;
	pthread_barrier_wait(&baton);
	return unused;
}

/* Lets the server go on. */
static inline void server_settle(void)
{
	if (returned)
		return;
	is_server = true;
	pthread_barrier_wait(&baton);
	pthread_barrier_wait(&baton);
	is_server = false;
}

/* Starts the server, or another one after the first has returned; with so many descriptors. */
static inline void server_start(void)
{
	pthread_t thread;

	pthread_barrier_init(&baton, NULL, 2);
	server_block_signals();
	returned = false;
	ck_assert_int_eq(pthread_create(&thread, NULL, run_server, NULL), 0);
	server_settle();
}

static inline void server_start_limited(rlim_t files)
{
	struct rlimit limit, before;

	getrlimit(RLIMIT_NOFILE, &before);
	limit = (struct rlimit){files, before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &limit);
	server_start();
	setrlimit(RLIMIT_NOFILE, &before);
}

/*
 * Lets the server go on until something is true. The kernel, or a retry, may be late: the clock
 * advances ever more seldom, so that a kernel that is late by seconds lets no deadline pass.
 */
#define AWAIT(condition) \
	do { \
		bool is_true_ = false; \
		for (int i_ = 0; !is_true_ && i_ < 20000; i_++) { \
			server_settle(); \
			is_true_ = (condition); \
			fake_usec += is_true_ || (i_ & (i_ - 1)) != 0 ? 0 : await_usec; \
			usleep(is_true_ ? 0 : 1000); \
		} \
		ck_assert(is_true_); \
	} while (0)

static inline void server_signal(int signal)
{
	ck_assert_int_eq(kill(getpid(), signal), 0);
	server_settle();
}

static inline void server_advance(uint64_t usec)
{
	fake_usec += usec;
	server_settle();
}

/* Passes `fd`, which is closed here, to the server. */
static inline void server_pass(int fd, enum activation_kind kind)
{
	int passed = FIRST_FD + sockets.fd_count++;

	sockets.kind = kind;
	ck_assert_int_eq(dup2(fd, passed), passed);
	close(fd);
}

/* Passes a TCP socket that listens; starts the server; with the longest greeting. */
static inline void server_listen(int flags)
{
	const int bytes = SMALL_BUFFER_BYTES;
	int fd = unit_tcp_listen();

	ck_assert_int_eq(listen(fd, SOMAXCONN), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, flags), 0);
	server_pass(fd, ACTIVATION_LISTENERS);
}

static inline void server_serve(int flags)
{
	server_listen(flags);
	server_start();
}

/* Repeats a letter as the text of the greeting. */
static inline void server_greeting(char letter, size_t length)
{
	memset(greeting_text, letter, length);
	greeting_text[length] = '\0';
}

static inline void server_serve_longest(void)
{
	server_greeting('A', LONGEST);
	server_serve(O_NONBLOCK);
}

/* The server returns. It leaves no descriptor and no greeting; connections it closes. */
static inline void assert_returned(int wanted)
{
	AWAIT(returned);
	ck_assert_int_eq(result, wanted);
	ck_assert_int_eq(more_fds, sockets.kind == ACTIVATION_CONNECTIONS ? -sockets.fd_count : 0);
	ck_assert_uint_eq(references, 1);
}

/* The server returns, and has said since the last time that it stops, with these counts. */
static inline void assert_stopped(bool idle, int greeted, int accepted)
{
	char lines[256];

	assert_returned(0);
	snprintf(lines, sizeof(lines), "STOPPING=1\nSTATUS=%s\ngreeted %d of %d clients (%s)\n",
		 idle ? "Idle, exiting" : "Finishing with connected clients", greeted, accepted,
		 idle ? "idle" : "stopped");
	assert_said(lines);
}

/* The server runs until SIGTERM, and then returns. */
static inline void server_stop(int greeted, int accepted)
{
	ck_assert(!returned);
	said[0] = '\0';
	server_signal(SIGTERM);
	assert_stopped(false, greeted, accepted);
}

/* Client number `i` of those that have ended, from 0 on, ended and was logged so. */
static inline void assert_ended(int i, enum client_end end, bool greeted)
{
	int priority = greeted ? greeted_priority : LOG_DEBUG;
	char words[64];

	AWAIT(ended_count > i);
	snprintf(words, sizeof(words), " HELLO_END=%s: ", client_end_name(end));
	ck_assert_msg(strstr(ended[i], words) != NULL, "%s", ended[i]);
	ck_assert_int_eq(strstr(ended[i], MESSAGE_GREETED) != NULL, greeted);
	if (end != CLIENT_END_LOCAL_ERROR)
		ck_assert_int_eq(ended[i][0], '0' + priority);
}

/* Moves a descriptor to where those of the test are. */
static inline int client_fd(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, CLIENT_FD);

	ck_assert_int_ge(moved, CLIENT_FD);
	close(fd);
	return moved;
}

/* Connects to the first socket, before the server goes on. */
static inline int client_connect(void)
{
	return client_fd(unit_tcp_connect(FIRST_FD, 0));
}

/* Connects, and reads nothing: of the longest greeting it is sent a part. */
static inline int client_passive(void)
{
	int fd = client_fd(unit_tcp_connect(FIRST_FD, SMALL_BUFFER_BYTES));

	server_settle();
	return fd;
}

/* Reads a whole frame and the end of the stream. */
static inline void client_read_frame(int fd, char letter, size_t length)
{
	static char got[FRAME_BYTES_MAX + 1], wanted[FRAME_BYTES_MAX];
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0) {
		AWAIT((n = recv(fd, got + have, sizeof(got) - have, MSG_DONTWAIT)) >= 0);
		have += (size_t)n;
	}
	memset(wanted, letter, sizeof(wanted));
	wanted[0] = (char)(length >> 8);
	wanted[1] = (char)length;
	ck_assert_uint_eq(have, FRAME_HEADER_BYTES + length);
	ck_assert_mem_eq(got, wanted, have);
}

static inline void client_read_greeting(int fd)
{
	client_read_frame(fd, greeting_text[0], strlen(greeting_text));
}

/* Connects, reads the greeting and lingers. */
static inline int client_lingering(void)
{
	int fd = client_connect();

	client_read_greeting(fd);
	return fd;
}

/* Closes a connection that was accepted. The server's kernel knows, where it may come later. */
static inline void client_hang_up(int fd)
{
	struct sockaddr_in ours = {0}, theirs;
	socklen_t length = sizeof(ours);
	int accepted = 0;

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&ours, &length), 0);
	for (; accepted < CLIENT_FD; accepted++) {
		theirs = (struct sockaddr_in){0};
		length = sizeof(theirs);
		if (getpeername(accepted, (struct sockaddr *)&theirs, &length) == 0 &&
		    theirs.sin_family == AF_INET && theirs.sin_port == ours.sin_port)
			break;
	}
	ck_assert_int_lt(accepted, CLIENT_FD);
	close(fd);
	unit_await_end(accepted);
}

/* Closes, and is the next client that ends; after reading the greeting; after connecting, too. */
static inline void client_leave(int fd)
{
	int i = ended_count;

	close(fd);
	assert_ended(i, CLIENT_END_CLOSED, true);
	ck_assert_int_eq(ended_count, i + 1);
}

static inline void client_finish(int fd)
{
	client_read_greeting(fd);
	client_leave(fd);
}

static inline void client_visit(void)
{
	client_finish(client_connect());
}

#endif
