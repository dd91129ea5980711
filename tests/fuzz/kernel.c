/* SPDX-License-Identifier: MIT */
/* kernel - a made-up kernel for the server: its sockets, signals, clock and shortages */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "kernel.h"

#define LONGEST_DATAGRAM 65507 /* of UDP over IPv4 */

struct kernel kernel;

void kernel_reset(void)
{
	kernel = (struct kernel){.now_usec = 1000 * SEC, .files_limit = FDS_MAX};
}

static struct file *file_of(int fd, enum kind kind)
{
	REQUIRE(fd >= 0 && fd < FDS_MAX && kernel.files[fd].kind == kind);
	return &kernel.files[fd];
}

static int fail(int error)
{
	errno = error;
	return -1;
}

/* Whether the call is one of those that the script makes fail. */
static bool fails(enum call call)
{
	if (kernel.failures[call] == 0)
		return false;
	kernel.failures[call]--;
	kernel.progress++;
	errno = kernel.errors[call];
	kernel_failed(call, errno);
	return true;
}

int kernel_open(enum kind kind)
{
	for (int fd = kernel.next_fd_is_high ? kernel.files_limit : FIRST_FD; fd < FDS_MAX; fd++) {
		if (kernel.files[fd].kind != KIND_NONE)
			continue;
		kernel.files[fd] = (struct file){.kind = kind};
		return fd;
	}
	return fail(EMFILE);
}

struct peer *kernel_connect(int listen_fd, uint64_t room)
{
	struct peer *peer = &kernel.peers[kernel.peer_count];

	if (kernel.peer_count == PEERS_MAX)
		return NULL;
	kernel.peer_count++;
	*peer = (struct peer){.listen_fd = listen_fd, .fd = -1, .room = room};
	return peer;
}

static struct peer *first_queued(int listen_fd)
{
	for (unsigned i = 0; i < kernel.peer_count; i++)
		if (kernel.peers[i].state == PEER_QUEUED && kernel.peers[i].listen_fd == listen_fd)
			return &kernel.peers[i];
	return NULL;
}

bool kernel_is_queued(int listen_fd)
{
	return first_queued(listen_fd) != NULL;
}

static bool datagrams_are_ready(int epoll_fd)
{
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (kernel.files[fd].watched_by == epoll_fd &&
		    kernel.files[fd].good + kernel.files[fd].bad > 0)
			return true;
	return false;
}

uint32_t kernel_ready(int fd)
{
	const struct file *file = &kernel.files[fd];
	const struct peer *peer = file->peer;

	switch (file->kind) {
	case KIND_LISTENER:
		return kernel_is_queued(fd) ? EPOLLIN : 0;
	case KIND_DATAGRAM:
		return file->good + file->bad > 0 ? EPOLLIN : 0;
	case KIND_SIGNALS:
		return sigisemptyset(&kernel.pending) ? 0 : EPOLLIN;
	case KIND_EPOLL:
		return datagrams_are_ready(fd) ? EPOLLIN : 0;
	case KIND_CONNECTION:
		return (peer->unread > 0 || peer->fin || peer->reset ? EPOLLIN : 0U) |
		       (peer->room > 0 || peer->reset ? EPOLLOUT : 0U) |
		       (peer->reset ? EPOLLERR | EPOLLHUP : 0U) |
		       (peer->fin && peer->shut ? EPOLLHUP : 0U);
	default:
		return 0;
	}
}

uint32_t kernel_events(int fd)
{
	const struct file *file = &kernel.files[fd];

	if (file->watched_by == 0)
		return 0;
	return kernel_ready(fd) & (file->events | EPOLLERR | EPOLLHUP);
}

bool kernel_wakes_server(void)
{
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (kernel.files[fd].watched_by == kernel.server_epoll && kernel_events(fd) != 0)
			return true;
	return false;
}

/* Clock, limits, and what the server asks of the process */

int clock_gettime(clockid_t clock, struct timespec *now)
{
	/* libFuzzer looks at CLOCK_REALTIME at any moment. */
	if (!kernel.active || clock != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, clock, now);
	*now = (struct timespec){(time_t)(kernel.now_usec / SEC),
				 (long)(kernel.now_usec % SEC) * 1000};
	return 0;
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
	if (!kernel.active)
		return prlimit(0, resource, NULL, limit); /* not all have SYS_getrlimit */
	*limit = (struct rlimit){(rlim_t)kernel.files_limit, FDS_MAX};
	return 0;
}

int prctl(int option, ...)
{
	REQUIRE(!kernel.active || option == PR_SET_TIMERSLACK);
	return 0;
}

int fcntl(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	if (kernel.active) {
		REQUIRE(command == F_GETFL);
		return file_of(fd, KIND_LISTENER)->blocking ? O_RDWR : O_RDWR | O_NONBLOCK;
	}
	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

/* Sleeps, unless a signal is pending: the server waits for its descriptor of signals. */
int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	if (!kernel.active)
		return (int)syscall(SYS_ppoll, fds, count, timeout, mask, sizeof(*mask));
	REQUIRE(count == 1 && timeout->tv_sec == 0 && timeout->tv_nsec > 0);
	if (!sigisemptyset(&kernel.pending))
		return 1;
	kernel.now_usec += (uint64_t)timeout->tv_nsec / NSEC_PER_USEC;
	return 0;
}

/* Signals */

int signalfd(int fd, const sigset_t *mask, int flags)
{
	(void)mask;
	REQUIRE(fd == -1 && flags == (SFD_NONBLOCK | SFD_CLOEXEC));
	return kernel_open(KIND_SIGNALS);
}

ssize_t read(int fd, void *buffer, size_t length)
{
	struct signalfd_siginfo info = {0};

	if (!kernel.active)
		return syscall(SYS_read, fd, buffer, length);
	file_of(fd, KIND_SIGNALS);
	for (int number = 1; number < SIGRTMIN; number++) {
		if (!sigismember(&kernel.pending, number))
			continue;
		sigdelset(&kernel.pending, number);
		kernel.progress++;
		info.ssi_signo = (uint32_t)number;
		REQUIRE(length == sizeof(info));
		memcpy(buffer, &info, sizeof(info));
		return sizeof(info);
	}
	return fail(EAGAIN);
}

/* epoll */

int epoll_create1(int flags)
{
	int fd = kernel_open(KIND_EPOLL);

	REQUIRE(flags == EPOLL_CLOEXEC);
	if (kernel.server_epoll == 0)
		kernel.server_epoll = fd;
	return fd;
}

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	struct file *file = &kernel.files[fd];

	file_of(epoll_fd, KIND_EPOLL);
	REQUIRE(fd >= 0 && fd < FDS_MAX && file->kind != KIND_NONE);
	/* Nothing else needs memory while the server runs. */
	if (operation != EPOLL_CTL_DEL && file->kind == KIND_CONNECTION && fails(EPOLL_CTL)) {
		file->peer->no_memory = true;
		return -1;
	}
	if (operation == EPOLL_CTL_MOD && file->kind == KIND_DATAGRAM)
		return fail(ENOENT); /* it is in the other set, which the server knows */
	REQUIRE(file->watched_by == (operation == EPOLL_CTL_ADD ? 0 : epoll_fd));
	file->watched_by = operation == EPOLL_CTL_DEL ? 0 : epoll_fd;
	file->events = event->events;
	file->data = event->data.u64;
	return 0;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_msec)
{
	uint64_t deadline =
		timeout_msec < 0 ? CLOCK_NEVER : kernel.now_usec + (uint64_t)timeout_msec * MSEC;
	int n = 0;

	file_of(fd, KIND_EPOLL);
	if (fd == kernel.server_epoll && fails(EPOLL_WAIT))
		return -1;
	if (fd == kernel.server_epoll && !kernel_script(deadline))
		return fail(EINTR);
	for (int i = 0; i < FDS_MAX && n < max; i++)
		if (kernel.files[i].watched_by == fd && kernel_events(i) != 0)
			events[n++] = (struct epoll_event){kernel_events(i),
							   {.u64 = kernel.files[i].data}};
	return n;
}

/* Connections */

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	const struct file *listener = file_of(fd, KIND_LISTENER);
	struct peer *peer = first_queued(fd);
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int error = kernel.errors[ACCEPT4];

	REQUIRE(flags == SOCK_CLOEXEC);
	if (fails(ACCEPT4)) {
		if (error == ECONNABORTED && peer != NULL)
			peer->state = PEER_GONE;
		return fail(error);
	}
	REQUIRE(peer != NULL || !listener->blocking);
	if (peer == NULL)
		return fail(EAGAIN);
	peer->fd = kernel_open(KIND_CONNECTION);
	if (peer->fd < 0)
		return -1;
	kernel.progress++;
	kernel.files[peer->fd].peer = peer;
	peer->state = PEER_OPEN;
	peer->accepted_usec = kernel.now_usec;
	peer->greeting = kernel_accepted(peer);
	sin.sin_port = htons((uint16_t)(PEER_PORT + (peer - kernel.peers)));
	REQUIRE(*length >= sizeof(sin));
	memcpy(address, &sin, sizeof(sin));
	*length = sizeof(sin);
	return peer->fd;
}

int getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
	const struct peer *peer = file_of(fd, KIND_CONNECTION)->peer;
	struct sockaddr_in sin = {.sin_family = AF_INET};

	if (peer->reset)
		return fail(ENOTCONN);
	sin.sin_port = htons((uint16_t)(PEER_PORT + (peer - kernel.peers)));
	memcpy(address, &sin, sizeof(sin));
	*length = sizeof(sin);
	return 0;
}

/* Notes a failure that was made up for a client. */
static int fail_peer(struct peer *peer)
{
	int error = errno;

	if (error == ENOBUFS || error == ENOMEM)
		peer->no_memory = peer->last_failed = true;
	else if (error == EPERM || error == EACCES)
		peer->forbidden = true;
	else if (error != EAGAIN && error != EINTR)
		peer->lost = true;
	return fail(error);
}

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	struct peer *peer = file_of(fd, KIND_CONNECTION)->peer;
	size_t n = length < peer->room ? length : (size_t)peer->room;

	REQUIRE(flags == (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE));
	REQUIRE(!peer->shut && length > 0);
	peer->last_failed = peer->last_refused = false;
	if (fails(SEND)) {
		peer->last_refused = true;
		return fail_peer(peer);
	}
	if (peer->reset)
		return fail(ECONNRESET);
	if (n == 0)
		return fail(EAGAIN);
	kernel.progress++;
	/* What it gets is its own greeting, from where it has got to. */
	REQUIRE(peer->sent + length == peer->greeting->length);
	REQUIRE(memcmp(buffer, peer->greeting->frame + peer->sent, n) == 0);
	peer->sent += n;
	peer->room -= n;
	return (ssize_t)n;
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	struct peer *peer = file_of(fd, KIND_CONNECTION)->peer;
	size_t n = length < peer->unread ? length : (size_t)peer->unread;

	REQUIRE(flags == MSG_DONTWAIT && length > 0 && buffer != NULL);
	peer->looks += peer->shut;
	peer->looked_usec = kernel.now_usec;
	if (fails(RECV))
		return fail_peer(peer);
	if (peer->reset)
		return fail(ECONNRESET);
	if (n == 0 && !peer->fin)
		return fail(EAGAIN);
	kernel.progress++;
	peer->unread -= n;
	peer->read += n;
	return (ssize_t)n;
}

int shutdown(int fd, int how)
{
	struct peer *peer = file_of(fd, KIND_CONNECTION)->peer;

	REQUIRE(how == SHUT_WR && !peer->shut && peer->sent == peer->greeting->length);
	if (fails(SHUTDOWN))
		return fail_peer(peer);
	if (peer->reset)
		return fail(ENOTCONN);
	kernel.progress++;
	peer->shut = true;
	peer->shut_usec = kernel.now_usec;
	return 0;
}

int close(int fd)
{
	struct file *file = &kernel.files[fd];

	if (!kernel.active)
		return (int)syscall(SYS_close, fd);
	REQUIRE(fd >= 0 && fd < FDS_MAX && file->kind != KIND_NONE);
	REQUIRE(file->kind != KIND_LISTENER && file->kind != KIND_DATAGRAM);
	kernel.progress++;
	if (file->kind == KIND_CONNECTION) {
		file->peer->state = PEER_GONE;
		kernel.last_closed = file->peer;
	}
	*file = (struct file){0};
	return 0;
}

/* Datagrams, of a UNIX socket: what the server does with control data is for fuzz_request.c */

int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	int answer = name == SO_DOMAIN			      ? AF_UNIX
		     : kernel.files[fd].kind == KIND_DATAGRAM ? SOCK_DGRAM
							      : SOCK_STREAM;

	REQUIRE(level == SOL_SOCKET && (name == SO_TYPE || name == SO_DOMAIN));
	REQUIRE(*length == sizeof(answer));
	memcpy(value, &answer, sizeof(answer));
	return 0;
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	struct file *file = file_of(fd, KIND_DATAGRAM);
	unsigned n = 0, good = 0;

	REQUIRE(flags == (MSG_DONTWAIT | MSG_TRUNC) && timeout == NULL);
	if (fails(RECVMMSG))
		return -1;
	for (; n < count && file->good + file->bad > 0; n++) {
		unsigned *kind = file->good > 0 ? &file->good : &file->bad;

		messages[n].msg_len = kind == &file->good ? LONGEST_DATAGRAM : 2;
		memset(messages[n].msg_hdr.msg_iov->iov_base, 0, 2);
		good += kind == &file->good;
		(*kind)--;
		kernel.progress++;
	}
	kernel_received(n, good);
	return n > 0 ? (int)n : fail(EAGAIN);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	file_of(fd, KIND_DATAGRAM);
	REQUIRE(flags == (MSG_DONTWAIT | MSG_NOSIGNAL) && messages != NULL);
	if (fails(SENDMMSG)) {
		kernel_answered(1, 0);
		return -1;
	}
	kernel_answered(count, count);
	return (int)count;
}
