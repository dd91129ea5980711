/* SPDX-License-Identifier: MIT */
/* listener - greets everyone who connects to the listening sockets that were passed */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "listener.h"
#include "monotonic.h"
#include "unit.h"

/* Where the listening sockets are put, one after the other: out of the way of all others. */
#define FIRST_FD 200
#define FDS_MAX 1024

/* Only a failure takes so long. */
#define PATIENCE_MSEC 5000

#define CLIENTS 5
#define CROWD 100
#define BACKLOG 256
#define SIGNALS 200
#define REPORTS_MAX 128

/* Room for a part of the longest frame, but not for all of it. */
#define SMALL_BUFFER_BYTES 8192

/* What epoll_wait(2) waits by. */
#define MSEC UINT64_C(1000)

#define SEC UINT64_C(1000000)
#define DAY (86400 * SEC)
#define SEND_USEC (SESSION_SEND_MSEC * UINT64_C(1000))
#define LINGER_USEC (SESSION_LINGER_MSEC * UINT64_C(1000))
#define PAUSE_USEC (LISTENER_PAUSE_MSEC * UINT64_C(1000))
#define SHORTAGE_USEC (LISTENER_SHORTAGE_MSEC * UINT64_C(1000))
#define STATUS_USEC (LISTENER_STATUS_MSEC * UINT64_C(1000))

/* What ended() was told. */
struct report {
	enum session_end end;
	bool greeted;
	bool has_peer;
	struct address_text peer;
};

/* Shared with the process that runs the listener. It is looked at when that one is at rest. */
static struct {
	/* The listener's clock, which stands still. */
	_Atomic uint64_t now_usec;

	/* What becomes of its epoll_wait(): how often there was nothing to do, or something. */
	_Atomic unsigned rests, wakeups;
	_Atomic enum {
		HOLD_NONE,
		HOLD_BEFORE,  /* before it looks for events */
		HOLD_TIMEOUT, /* when the time is up, and nothing had happened by then */
		HOLDING,
	} hold;
	int wait_error;

	/* So many times, accept4() fails with this errno. */
	int refusals, error;
	unsigned accepts;
	unsigned batch, batch_max; /* of calls for one socket, between two waits */
	int batch_fd;

	/* What it told. */
	int readies, stoppings, statuses, alives, shortages, shortage_error, reloads;
	enum listener_end why;
	struct listener_counts told;
	struct report reports[REPORTS_MAX];
	int report_count;

	/* What reload() does: the letter of the next greeting, its length, what to return. */
	char letter;
	size_t length;
	int reload_error;

	/* What it returned. */
	_Atomic bool returned;
	int result;
	struct listener_counts counts;
	enum listener_end end;
	bool fds_as_before;
	size_t heap_grew_bytes;
} * shared;

static bool is_listener;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t usec;

	if (!is_listener)
		return (int)syscall(SYS_clock_gettime, clock, now);
	usec = shared->now_usec;
	now->tv_sec = (time_t)(usec / SEC);
	now->tv_nsec = (long)(usec % SEC) * 1000;
	return 0;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	if (!is_listener)
		return (int)syscall(SYS_accept4, fd, address, length, flags);
	if (fd != shared->batch_fd)
		shared->batch = 0;
	shared->batch_fd = fd;
	if (++shared->batch > shared->batch_max)
		shared->batch_max = shared->batch;
	shared->accepts++;
	if (shared->refusals > 0) {
		shared->refusals--;
		errno = shared->error;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, address, length, flags);
}

static void hold_here(int where)
{
	if ((int)shared->hold != where)
		return;
	shared->hold = HOLDING;
	while (shared->hold == HOLDING)
		usleep(100);
}

/* Waits by the listener's clock, and tells that it rests after it has looked and found nothing. */
int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_msec)
{
	uint64_t deadline = MONOTONIC_NEVER;
	int n = 0;

	if (timeout_msec >= 0)
		deadline = shared->now_usec + (uint64_t)timeout_msec * 1000;
	shared->batch_fd = -1;
	if (shared->wait_error != 0) {
		errno = shared->wait_error;
		return -1;
	}
	for (;;) {
		hold_here(HOLD_BEFORE);
		n = epoll_pwait(fd, events, max, 0, NULL);
		if (n != 0)
			break;
		if (shared->now_usec >= deadline) {
			hold_here(HOLD_TIMEOUT);
			break;
		}
		shared->rests++;
		n = epoll_pwait(fd, events, max, 1, NULL);
		if (n != 0)
			break;
	}
	shared->wakeups++;
	return n;
}

/* What the listener tells. */

static void on_ready(void)
{
	shared->readies++;
}

static void fill(struct greeting *greeting, char letter, size_t length)
{
	memset(greeting->frame, letter, sizeof(greeting->frame));
	greeting->frame[0] = (uint8_t)(length >> 8);
	greeting->frame[1] = (uint8_t)length;
	greeting->frame_length = FRAME_HEADER_BYTES + length;
}

static int on_reload(struct greeting *greeting)
{
	shared->reloads++;
	fill(greeting, shared->letter, shared->length);
	return shared->reload_error;
}

static void on_stopping(enum listener_end why)
{
	shared->stoppings++;
	shared->why = why;
}

static void on_status(const struct listener_counts *counts)
{
	shared->statuses++;
	shared->told = *counts;
}

static void on_alive(void)
{
	shared->alives++;
}

static void on_ended(const struct session *session, const struct address_text *peer)
{
	struct report *report = &shared->reports[shared->report_count];

	if (session->state != SESSION_CLOSED || session->fd != -1)
		abort();
	if (++shared->report_count >= REPORTS_MAX)
		abort();
	report->end = session->end;
	report->greeted = session_greeted(session);
	report->has_peer = peer != NULL;
	if (peer != NULL)
		report->peer = *peer;
}

static void on_shortage(int error)
{
	shared->shortages++;
	shared->shortage_error = error;
}

/* The listener, in a process of its own. */

static struct greeting greeting;
static struct listener_setup setup;
static pid_t listener;

static void set_up(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	shared->now_usec = 1000 * SEC;
	fill(&greeting, 'A', 5);
	setup = (struct listener_setup){
		.first_fd = FIRST_FD,
		.fd_count = 1,
		.sessions_max = 1000,
		.idle_usec = MONOTONIC_NEVER,
		.watchdog_usec = MONOTONIC_NEVER,
		.greeting = &greeting,
		.want_peers = true,
		.ready = on_ready,
		.reload = on_reload,
		.stopping = on_stopping,
		.status = on_status,
		.alive = on_alive,
		.ended = on_ended,
		.shortage = on_shortage,
	};
}

/* What is left of it, if a test failed or had no end in mind. */
static void tear_down(void)
{
	if (listener > 0) {
		kill(listener, SIGKILL);
		waitpid(listener, NULL, 0);
	}
	munmap(shared, sizeof(*shared));
}

static void listen_at(int i, int fd)
{
	ck_assert_int_eq(listen(fd, BACKLOG), 0);
	ck_assert_int_eq(dup2(fd, FIRST_FD + i), FIRST_FD + i);
	close(fd);
}

/* systemd's NonBlocking= decides which. */
static const int flags[] = {0, O_NONBLOCK};

static void listen_with(int flag)
{
	listen_at(0, unit_tcp_listen());
	ck_assert_int_eq(fcntl(FIRST_FD, F_SETFL, flag), 0);
}

/* No client has room for the whole frame of whom this is the listening socket. */
static void listen_with_small_buffers(void)
{
	const int bytes = SMALL_BUFFER_BYTES;

	listen_with(O_NONBLOCK);
	ck_assert_int_eq(setsockopt(FIRST_FD, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
	fill(&greeting, 'A', FRAME_GREETING_BYTES_MAX);
}

static int connect_one(void)
{
	return unit_tcp_connect(FIRST_FD, 0);
}

static int connect_slow(void)
{
	return unit_tcp_connect(FIRST_FD, SMALL_BUFFER_BYTES);
}

static void note_fds(bool *open)
{
	for (int fd = 0; fd < FDS_MAX; fd++)
		open[fd] = fcntl(fd, F_GETFD) != -1;
}

/* In bytes, where the C library can tell. It may keep a few small pieces for the next time. */
#define HEAP_SLACK 4096

static size_t heap_in_use(void)
{
#if defined(__GLIBC_PREREQ) && __GLIBC_PREREQ(2, 33)
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
#else
	return 0;
#endif
}

static void be_listener(void)
{
	size_t heap_bytes = heap_in_use();
	bool before[FDS_MAX], after[FDS_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A client's end that stayed open here would never be seen to be closed. */
	for (int fd = STDERR_FILENO + 1; fd < FIRST_FD; fd++)
		close(fd);
	note_fds(before);
	is_listener = true;
	shared->result = listener_run(&setup, &shared->counts, &shared->end);
	note_fds(after);
	shared->heap_grew_bytes = heap_in_use() - heap_bytes;
	shared->fds_as_before = memcmp(before, after, sizeof(before)) == 0;
	shared->returned = true;
	_exit(EXIT_SUCCESS);
}

/* Until the listener has found nothing to do, in a look that it began after this was called. */
static void settle(void)
{
	unsigned before = shared->rests;

	for (int i = 0; i < PATIENCE_MSEC * 5 && !shared->returned; i++) {
		if (shared->rests - before >= 2)
			return;
		usleep(200);
	}
	ck_assert_msg(shared->returned, "the listener does not come to rest");
}

static void start(void)
{
	listener = fork();
	if (listener == 0)
		be_listener();
	ck_assert_int_gt(listener, 0);
	settle();
}

static void leap(uint64_t usec)
{
	shared->now_usec += usec;
	settle();
}

static void hold(int where, uint64_t leap_usec)
{
	shared->hold = (unsigned)where;
	shared->now_usec += leap_usec;
	for (int i = 0; i < PATIENCE_MSEC * 5 && shared->hold != HOLDING; i++)
		usleep(200);
	ck_assert_int_eq((int)shared->hold, HOLDING);
}

static void release(void)
{
	shared->hold = HOLD_NONE;
	settle();
}

static void send_signal(int signal)
{
	ck_assert_int_eq(kill(listener, signal), 0);
	settle();
}

static void assert_goes_on(void)
{
	ck_assert_msg(!shared->returned, "it returned %d", shared->result);
	ck_assert_int_eq(shared->stoppings, 0);
}

static void assert_returned(int result)
{
	int status;

	for (int i = 0; i < PATIENCE_MSEC * 5 && !shared->returned; i++)
		usleep(200);
	ck_assert_msg(shared->returned, "it does not return");
	ck_assert_int_eq(shared->result, result);
	ck_assert(shared->fds_as_before);
	if (result == 0)
		ck_assert_uint_le(shared->heap_grew_bytes, HEAP_SLACK);
	ck_assert_int_eq(waitpid(listener, &status, 0), listener);
	ck_assert_int_eq(status, 0);
	listener = 0;
}

/* And nobody is left, and everything adds up. */
static void assert_ended(enum listener_end end)
{
	assert_returned(0);
	ck_assert_int_eq((int)shared->end, (int)end);
	ck_assert_int_eq(shared->stoppings, 1);
	ck_assert_int_eq((int)shared->why, (int)end);
	ck_assert_uint_eq(shared->counts.open, 0);
	ck_assert_uint_le(shared->counts.greeted, shared->counts.accepted);
	ck_assert_uint_le(shared->counts.dropped, shared->counts.greeted);
}

static void stop_it(void)
{
	assert_goes_on();
	send_signal(SIGTERM);
	assert_ended(LISTENER_STOPPED);
}

/* The clients. */

/* Reads the whole frame and the end of the stream. */
static void read_frame(int fd, char letter, size_t length)
{
	static uint8_t got[FRAME_BYTES_MAX + 1];
	static struct greeting wanted;
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0) {
		ck_assert_msg(poll(&polled, 1, PATIENCE_MSEC) == 1, "nothing comes");
		n = read(fd, got + have, sizeof(got) - have);
		ck_assert_int_ge(n, 0);
		have += (size_t)n;
	}
	fill(&wanted, letter, length);
	ck_assert_uint_eq(have, wanted.frame_length);
	ck_assert_mem_eq(got, wanted.frame, have);
}

static void read_greeting(int fd)
{
	read_frame(fd, 'A', greeting.frame_length - FRAME_HEADER_BYTES);
}

static bool has_something(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	return poll(&polled, 1, 0) == 1;
}

static void assert_reported(int i, enum session_end end)
{
	ck_assert_int_gt(shared->report_count, i);
	ck_assert_str_eq(session_end_name(shared->reports[i].end), session_end_name(end));
}

static void assert_peer(int i, const char *host, const char *port)
{
	ck_assert_int_gt(shared->report_count, i);
	ck_assert(shared->reports[i].has_peer);
	ck_assert_str_eq(shared->reports[i].peer.host, host);
	ck_assert_str_eq(shared->reports[i].peer.port, port);
}

/* Says goodbye to the listener, which tells of it. */
static void leave(int fd)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(address);
	struct address_text text;
	int before = shared->report_count;

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	address_format((struct sockaddr *)&address, length, &text);
	close(fd);
	settle();
	ck_assert_int_eq(shared->report_count, before + 1);
	assert_reported(before, SESSION_END_CLOSED);
	ck_assert(shared->reports[before].greeted);
	ck_assert_int_eq(shared->reports[before].has_peer, setup.want_peers);
	if (setup.want_peers)
		assert_peer(before, text.host, text.port);
}

static void greet_one(int fd)
{
	read_greeting(fd);
	leave(fd);
}

/* The everyday. */

START_TEST(clients_are_greeted)
{
	int clients[CLIENTS];

	listen_with(flags[_i]);
	/* They wait in the queue before anybody listens. */
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = connect_one();
	start();
	ck_assert_int_eq(shared->readies, 1);
	for (int i = 0; i < CLIENTS; i++)
		greet_one(clients[i]);
	for (int i = 0; i < CLIENTS; i++)
		greet_one(connect_one());
	ck_assert_int_eq(shared->report_count, 2 * CLIENTS);

	/* For each it wakes when it comes, at once after that, and when it goes. */
	ck_assert_uint_le(shared->wakeups, 3 * 2 * CLIENTS);
	ck_assert_uint_le(shared->accepts, 2 * 2 * CLIENTS);
	stop_it();
	ck_assert_uint_eq(shared->counts.accepted, 2 * CLIENTS);
	ck_assert_uint_eq(shared->counts.greeted, 2 * CLIENTS);
	ck_assert_uint_eq(shared->counts.dropped, 0);
}
END_TEST

/* Clients that are slow to go do not keep others from being greeted. */
START_TEST(clients_are_greeted_side_by_side)
{
	int clients[CROWD];

	listen_with(flags[_i]);
	start();
	for (int i = 0; i < CROWD; i++) {
		clients[i] = connect_one();
		read_greeting(clients[i]);
	}
	settle();
	ck_assert_int_eq(shared->report_count, 0);
	for (int i = CROWD - 1; i >= 0; i--)
		leave(clients[i]);
	stop_it();
	ck_assert_uint_eq(shared->counts.greeted, CROWD);
}
END_TEST

static int unix_listen(struct sockaddr_un *address, socklen_t *length)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* The kernel chooses an abstract name: autobind in unix(7). */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	*length = sizeof(*address);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, length), 0);
	return fd;
}

START_TEST(listeners_are_all_served)
{
	struct sockaddr_un address;
	socklen_t length;
	int fd;

	listen_with(flags[_i]);
	listen_at(1, unix_listen(&address, &length));
	listen_at(2, unit_tcp_listen());
	setup.fd_count = 3;
	start();
	for (int i = 0; i < 3; i++) {
		greet_one(unit_tcp_connect(FIRST_FD + 2, 0));
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
		greet_one(fd);
		greet_one(connect_one());
	}
	assert_peer(1, "unix", "");
	stop_it();
}
END_TEST

/* Nobody on one socket has to wait for all that are on another; and one that blocks, never does. */
START_TEST(clients_are_taken_in_batches)
{
	int clients[CROWD], other;

	listen_with(flags[_i]);
	listen_at(1, unit_tcp_listen());
	setup.fd_count = 2;
	start();
	hold(HOLD_BEFORE, 0);
	for (int i = 0; i < CROWD; i++)
		clients[i] = connect_one();
	other = unit_tcp_connect(FIRST_FD + 1, 0);
	release();
	ck_assert_uint_eq(shared->batch_max, _i == 0 ? 1 : LISTENER_ACCEPT_BATCH);
	greet_one(other);
	for (int i = 0; i < CROWD; i++)
		greet_one(clients[i]);
	stop_it();
}
END_TEST

START_TEST(clients_that_went_away_are_no_trouble)
{
	int client;

	listen_with(flags[_i]);
	unit_reset(connect_one());
	client = connect_one();
	start();
	assert_reported(0, SESSION_END_RESET);
	assert_peer(0, "unknown", "");
	greet_one(client);

	/* While it lingers. */
	client = connect_one();
	read_greeting(client);
	unit_reset(client);
	settle();
	assert_reported(2, SESSION_END_RESET);
	greet_one(connect_one());
	stop_it();
	ck_assert_uint_eq(shared->counts.accepted, 4);
	ck_assert_uint_eq(shared->counts.greeted, 3);
}
END_TEST

START_TEST(addresses_are_not_looked_for_in_vain)
{
	listen_with(O_NONBLOCK);
	setup.want_peers = false;
	start();
	greet_one(connect_one());
	stop_it();
}
END_TEST

/* The flags of the file description, and whether it still listens, are systemd's affair. */
START_TEST(listening_sockets_stay_as_they_were)
{
	int is_listening = 0;
	socklen_t length = sizeof(is_listening);

	listen_with(flags[_i]);
	start();
	greet_one(connect_one());
	ck_assert_int_eq(fcntl(FIRST_FD, F_GETFL) & O_NONBLOCK, flags[_i]);
	stop_it();
	ck_assert_int_eq(fcntl(FIRST_FD, F_GETFL) & O_NONBLOCK, flags[_i]);
	ck_assert_int_eq(getsockopt(FIRST_FD, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length),
			 0);
	ck_assert_int_eq(is_listening, 1);
}
END_TEST

START_TEST(slow_reader_gets_all_and_holds_nobody_up)
{
	int slow, half_closed;

	listen_with_small_buffers();
	start();
	slow = connect_slow();
	half_closed = connect_slow();
	/* An end of stream stays readable: to wait for more of it would not come to rest. */
	shutdown(half_closed, SHUT_WR);
	settle();
	for (int i = 0; i < CLIENTS; i++)
		greet_one(connect_one());
	ck_assert_int_eq(shared->report_count, CLIENTS);
	greet_one(slow);
	read_greeting(half_closed);
	settle();
	assert_reported(CLIENTS + 1, SESSION_END_CLOSED);
	close(half_closed);
	stop_it();
}
END_TEST

START_TEST(deadlines_are_kept)
{
	int mute, holding;

	listen_with_small_buffers();
	start();
	mute = connect_slow();
	settle();
	leap(SEND_USEC - LINGER_USEC - MSEC);
	holding = connect_one();
	read_greeting(holding);
	settle();
	leap(LINGER_USEC - MSEC);
	ck_assert_int_eq(shared->report_count, 0);
	leap(MSEC);
	ck_assert_int_eq(shared->report_count, 1);
	assert_reported(0, SESSION_END_LINGER_TIMEOUT);
	leap(MSEC);
	ck_assert_int_eq(shared->report_count, 2);
	assert_reported(1, SESSION_END_SEND_TIMEOUT);
	ck_assert(!shared->reports[1].greeted);
	close(mute);
	close(holding);
	stop_it();
	ck_assert_uint_eq(shared->counts.greeted, 1);
	ck_assert_uint_eq(shared->counts.dropped, 0);
}
END_TEST

/* accept(2) fails. */

/* They are the end of one connection, or of none: the next is asked for at once. */
static const int passing[] = {
	EAGAIN,	   EINTR,  ECONNABORTED, EPROTO,     ENETDOWN,	  ENOPROTOOPT,
	EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT,
};

START_TEST(failure_of_one_connection_passes)
{
	int client;

	listen_with(flags[_i % 2]);
	shared->error = passing[_i / 2];
	shared->refusals = 3;
	start();
	client = connect_one();
	greet_one(client);
	ck_assert_uint_le(shared->accepts, 3 + 2);
	ck_assert_int_eq(shared->refusals, 0);
	ck_assert_int_eq(shared->shortages, 0);
	stop_it();
}
END_TEST

/* They last until something changes elsewhere; what is not known may well. */
static const int shortages[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES};

START_TEST(shortage_is_waited_for)
{
	int client;

	listen_with(flags[_i % 2]);
	shared->error = shortages[_i / 2];
	shared->refusals = 3;
	start();
	client = connect_one();
	settle();
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert_uint_eq(shared->accepts, i);
		ck_assert(!has_something(client));
		leap(PAUSE_USEC - 1);
		ck_assert_uint_eq(shared->accepts, i);
		leap(1);
	}
	greet_one(client);
	ck_assert_int_eq(shared->shortages, 1);
	ck_assert_int_eq(shared->shortage_error, -shortages[_i / 2]);

	/* It is not told again too soon, even if it was over in between. */
	leap(SHORTAGE_USEC - 3 * PAUSE_USEC - MSEC);
	shared->refusals = 1;
	client = connect_one();
	settle();
	ck_assert_int_eq(shared->refusals, 0);
	leap(PAUSE_USEC);
	greet_one(client);
	ck_assert_int_eq(shared->shortages, 1);
	shared->refusals = 1;
	client = connect_one();
	settle();
	leap(PAUSE_USEC);
	greet_one(client);
	ck_assert_int_eq(shared->shortages, 2);
	stop_it();
}
END_TEST

/* Who lingers has its frame: it makes room at once, the oldest first. */
START_TEST(shortage_is_mended_by_who_lingers)
{
	int clients[3], late;

	listen_with(flags[_i % 2]);
	start();
	for (int i = 0; i < 3; i++) {
		clients[i] = connect_one();
		read_greeting(clients[i]);
		settle();
	}
	shared->error = shortages[_i / 2];
	shared->refusals = 2;
	late = connect_one();
	read_greeting(late);
	settle();
	ck_assert_int_eq(shared->report_count, 2);
	assert_reported(0, SESSION_END_DROPPED);
	assert_reported(1, SESSION_END_DROPPED);
	ck_assert_int_eq(shared->shortages, 1);
	leave(clients[2]);
	leave(late);
	stop_it();
	ck_assert_uint_eq(shared->counts.dropped, 2);
	ck_assert_uint_eq(shared->counts.greeted, 4);
}
END_TEST

/* EPERM is what a system call filter may answer with, for good. */
static const int lasting[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EPERM};

START_TEST(failure_that_lasts_does_not_spin)
{
	const int tries = 10;
	int client;

	listen_with(flags[_i % 2]);
	start();
	shared->error = lasting[_i / 2];
	shared->refusals = INT32_MAX;
	client = connect_one();
	settle();
	for (int i = 0; i < tries; i++)
		leap(PAUSE_USEC);
	ck_assert_uint_le(shared->accepts, (tries + 1) * LISTENER_ACCEPT_BATCH);
	ck_assert_uint_le(shared->wakeups, 5 * (tries + 1));
	ck_assert_int_le(shared->shortages, 1);
	shared->refusals = 0;
	leap(PAUSE_USEC);
	greet_one(client);
	stop_it();
}
END_TEST

static const int fatal[] = {EBADF, EINVAL, ENOTSOCK, EFAULT};

START_TEST(failure_of_the_socket_ends_it)
{
	int client, late;

	listen_with(flags[_i % 2]);
	start();
	client = connect_one();
	read_greeting(client);
	shared->error = fatal[_i / 2];
	shared->refusals = 1;
	late = connect_one();
	assert_returned(-fatal[_i / 2]);
	close(late);
	close(client);
}
END_TEST

START_TEST(socket_that_does_not_listen_ends_it)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(dup2(fd, FIRST_FD), FIRST_FD);
	close(fd);
	start();
	assert_returned(-EINVAL);
}
END_TEST

START_TEST(failure_to_wait_ends_it)
{
	listen_with(O_NONBLOCK);
	shared->wait_error = EBADF;
	start();
	assert_returned(-EBADF);
	ck_assert_int_eq(fcntl(FIRST_FD, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

/* As many as are allowed. */

START_TEST(oldest_who_lingers_makes_room)
{
	int clients[3], late[2];

	listen_with(flags[_i]);
	setup.sessions_max = 3;
	start();
	for (int i = 0; i < 3; i++) {
		clients[i] = connect_one();
		read_greeting(clients[i]);
		settle();
	}
	/* As many as are allowed are allowed. */
	ck_assert_int_eq(shared->report_count, 0);

	for (int i = 0; i < 2; i++) {
		late[i] = connect_one();
		read_greeting(late[i]);
		settle();
		/* One more takes the place of one, not of two. */
		ck_assert_int_eq(shared->report_count, i + 1);
		assert_reported(i, SESSION_END_DROPPED);
		ck_assert(shared->reports[i].greeted);
	}
	leave(clients[2]);
	leave(late[1]);
	leave(late[0]);
	ck_assert_int_eq(shared->shortages, 0);
	stop_it();
	ck_assert_uint_eq(shared->counts.accepted, 5);
	ck_assert_uint_eq(shared->counts.greeted, 5);
	ck_assert_uint_eq(shared->counts.dropped, 2);
}
END_TEST

/*
 * One leaves just as room is made with it, and who takes its place leaves at once too: what epoll
 * still tells of the first is not about the second.
 */
START_TEST(place_may_change_hands_at_any_moment)
{
	int client, late;

	listen_with(flags[_i]);
	setup.sessions_max = 1;
	setup.idle_usec = SEC;
	start();
	client = connect_one();
	read_greeting(client);
	settle();
	hold(HOLD_BEFORE, 0);
	late = connect_one();
	shutdown(late, SHUT_WR);
	close(client);
	release();
	read_greeting(late);
	close(late);
	settle();
	ck_assert_int_eq(shared->report_count, 2);
	for (int i = 0; i < CLIENTS; i++)
		greet_one(connect_one());
	leap(SEC);
	assert_ended(LISTENER_IDLE);
	ck_assert_uint_eq(shared->counts.accepted, 2 + CLIENTS);
	ck_assert_uint_eq(shared->counts.greeted, 2 + CLIENTS);
}
END_TEST

/* Two are sending, which is as many as are allowed, and a third comes. */
static void fill_with_sending(int *clients)
{
	listen_with_small_buffers();
	setup.sessions_max = 2;
	start();
	clients[0] = connect_slow();
	settle();
	clients[1] = connect_slow();
	settle();
	ck_assert_uint_le(shared->accepts, 4);
	shared->accepts = 0;
	shared->wakeups = 0;
	clients[2] = connect_one();
	settle();
	ck_assert(!has_something(clients[2]));
	ck_assert_uint_eq(shared->accepts, 0);

	/* It may be looked at from time to time, but nobody waits for that. */
	for (int i = 0; i < 10; i++)
		leap(PAUSE_USEC);
	ck_assert_uint_eq(shared->accepts, 0);
	ck_assert_uint_le(shared->wakeups, 5 * 10);
	ck_assert_int_eq(shared->report_count, 0);
	ck_assert_int_eq(shared->shortages, 0);
}

START_TEST(nobody_who_is_being_greeted_makes_room)
{
	int clients[3];

	fill_with_sending(clients);
	/* One has its whole frame, and that makes room without any waiting. */
	read_greeting(clients[0]);
	settle();
	ck_assert_int_eq(shared->report_count, 1);
	assert_reported(0, SESSION_END_DROPPED);
	read_greeting(clients[2]);
	settle();
	ck_assert_int_eq(shared->report_count, 1);
	read_greeting(clients[1]);
	leave(clients[2]);
	leave(clients[1]);
	close(clients[0]);
	stop_it();
}
END_TEST

START_TEST(end_of_who_is_being_greeted_makes_room)
{
	int clients[3];

	fill_with_sending(clients);
	unit_reset(clients[0]);
	settle();
	assert_reported(0, SESSION_END_RESET);
	greet_one(clients[2]);
	greet_one(clients[1]);
	stop_it();
}
END_TEST

/* The deadline of those who do not read is what others have to wait for at the most. */
START_TEST(stalled_crowd_is_got_rid_of)
{
	int clients[3];

	fill_with_sending(clients);
	leap(SEND_USEC - 10 * PAUSE_USEC);
	ck_assert_int_eq(shared->report_count, 2);
	leap(PAUSE_USEC);
	greet_one(clients[2]);
	stop_it();
	ck_assert_uint_eq(shared->counts.greeted, 1);
	ck_assert_uint_eq(shared->counts.accepted, 3);
}
END_TEST

START_TEST(one_at_a_time_is_enough)
{
	int client = -1;

	listen_with(flags[_i]);
	setup.sessions_max = 1;
	start();
	for (int i = 0; i < CLIENTS; i++) {
		if (i > 0)
			ck_assert_int_eq(shared->report_count, i - 1);
		client = connect_one();
		read_greeting(client);
		settle();
	}
	leave(client);
	stop_it();
	ck_assert_uint_eq(shared->counts.greeted, CLIENTS);
	ck_assert_uint_eq(shared->counts.dropped, CLIENTS - 1);
}
END_TEST

/* The end. */

START_TEST(idle_ends_it)
{
	listen_with(flags[_i]);
	setup.idle_usec = SEC;
	start();
	leap(SEC - 1);
	assert_goes_on();
	leap(1);
	assert_ended(LISTENER_IDLE);
	ck_assert_uint_eq(shared->counts.accepted, 0);
}
END_TEST

START_TEST(idle_counts_from_the_last_goodbye)
{
	int client, other;

	listen_with(flags[_i]);
	setup.idle_usec = SEC;
	start();
	leap(SEC - 1);
	client = connect_one();
	other = connect_one();
	read_greeting(client);
	read_greeting(other);
	settle();
	leap(STATUS_USEC);
	shared->wakeups = 0;
	leap(SEC);
	ck_assert_uint_eq(shared->wakeups, 0);
	leave(client);
	leap(2 * SEC);
	assert_goes_on();
	leave(other);
	leap(SEC - 1);
	assert_goes_on();
	leap(1);
	assert_ended(LISTENER_IDLE);
	ck_assert_uint_eq(shared->counts.greeted, 2);
}
END_TEST

/* On the first or the second socket, and more than one. */
START_TEST(client_at_the_last_moment_is_greeted)
{
	int clients[CLIENTS];

	listen_with(flags[_i % 2]);
	listen_at(1, unit_tcp_listen());
	setup.fd_count = 2;
	setup.idle_usec = SEC;
	start();
	hold(HOLD_TIMEOUT, SEC);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = unit_tcp_connect(FIRST_FD + _i / 2, 0);
	release();
	assert_goes_on();
	for (int i = 0; i < CLIENTS; i++)
		greet_one(clients[i]);
	leap(SEC - 1);
	assert_goes_on();
	leap(1);
	assert_ended(LISTENER_IDLE);
	ck_assert_uint_eq(shared->counts.greeted, CLIENTS);
}
END_TEST

START_TEST(idle_may_be_for_ever)
{
	listen_with(O_NONBLOCK);
	start();
	greet_one(connect_one());
	leap(STATUS_USEC);
	shared->wakeups = 0;
	for (int i = 0; i < 10; i++)
		leap(DAY);
	ck_assert_uint_eq(shared->wakeups, 0);
	greet_one(connect_one());
	stop_it();
}
END_TEST

static const int stop_signals[] = {SIGTERM, SIGINT};

START_TEST(signal_ends_it)
{
	listen_with(flags[_i / 2]);
	setup.idle_usec = SEC;
	start();
	send_signal(stop_signals[_i % 2]);
	assert_ended(LISTENER_STOPPED);
}
END_TEST

START_TEST(signal_lets_the_open_sessions_end)
{
	int slow, lingering, late;

	listen_with_small_buffers();
	setup.idle_usec = SEC;
	start();
	slow = connect_slow();
	lingering = connect_one();
	read_greeting(lingering);
	settle();

	/* Both have come when it wakes, the signal first. */
	hold(HOLD_BEFORE, 0);
	shared->accepts = 0;
	kill(listener, stop_signals[_i]);
	late = connect_one();
	release();
	ck_assert_int_eq(shared->stoppings, 1);
	ck_assert_int_eq((int)shared->why, LISTENER_STOPPED);
	ck_assert(!shared->returned);
	send_signal(SIGTERM);
	send_signal(SIGINT);
	ck_assert_int_eq(shared->stoppings, 1);

	shared->wakeups = 0;
	leap(2 * SEC);
	ck_assert_uint_le(shared->wakeups, 10);
	leave(lingering);
	ck_assert(!shared->returned);
	read_greeting(slow);
	settle();
	ck_assert(!shared->returned);
	leave(slow);
	assert_ended(LISTENER_STOPPED);
	ck_assert_uint_eq(shared->accepts, 0);
	ck_assert_uint_eq(shared->counts.greeted, 2);

	/* Who was not accepted is there for the next one. */
	ck_assert(!has_something(late));
	shared->returned = false;
	shared->stoppings = 0;
	start();
	greet_one(late);
	stop_it();
}
END_TEST

START_TEST(signal_keeps_the_deadlines)
{
	int mute, holding;

	listen_with_small_buffers();
	start();
	mute = connect_slow();
	settle();
	leap(SEND_USEC - LINGER_USEC - MSEC);
	holding = connect_one();
	read_greeting(holding);
	settle();
	send_signal(SIGTERM);
	leap(LINGER_USEC);
	ck_assert_int_eq(shared->report_count, 1);
	assert_reported(0, SESSION_END_LINGER_TIMEOUT);
	ck_assert(!shared->returned);
	leap(MSEC);
	assert_ended(LISTENER_STOPPED);
	assert_reported(1, SESSION_END_SEND_TIMEOUT);
	ck_assert_uint_eq(shared->counts.accepted, 2);
	ck_assert_uint_eq(shared->counts.greeted, 1);
	close(mute);
	close(holding);
}
END_TEST

/* Also when the listening socket is left alone, for a shortage or because there are too many. */
START_TEST(signal_ends_it_while_it_is_short)
{
	int client;

	listen_with(flags[_i]);
	start();
	shared->error = EMFILE;
	shared->refusals = INT32_MAX;
	client = connect_one();
	settle();
	send_signal(SIGTERM);
	assert_ended(LISTENER_STOPPED);
	close(client);
}
END_TEST

START_TEST(signal_ends_it_while_it_is_full)
{
	int clients[3];

	fill_with_sending(clients);
	send_signal(SIGTERM);
	/* There is room now, but nobody is let in any more. */
	unit_reset(clients[0]);
	settle();
	leap(PAUSE_USEC);
	assert_reported(0, SESSION_END_RESET);
	ck_assert(!shared->returned);
	greet_one(clients[1]);
	assert_ended(LISTENER_STOPPED);
	ck_assert_uint_eq(shared->counts.accepted, 2);
	close(clients[2]);
}
END_TEST

static void on_signal(int signal)
{
	(void)signal;
}

START_TEST(other_signals_do_not_matter)
{
	struct sigaction action = {.sa_handler = on_signal};

	listen_with(flags[_i]);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	start();
	for (int i = 0; i < SIGNALS; i++)
		send_signal(SIGUSR1);
	/* Most of them interrupt the wait. */
	ck_assert_uint_gt(shared->wakeups, SIGNALS / 2);
	greet_one(connect_one());
	stop_it();
}
END_TEST

/* Another greeting. */

static void load(char letter, size_t length, int error)
{
	shared->letter = letter;
	shared->length = length;
	shared->reload_error = error;
	send_signal(SIGHUP);
}

START_TEST(greeting_is_loaded_anew)
{
	int client;

	listen_with(flags[_i]);
	start();
	greet_one(connect_one());
	load('B', 7, 0);
	ck_assert_int_eq(shared->reloads, 1);
	client = connect_one();
	read_frame(client, 'B', 7);
	leave(client);

	/* One that cannot be loaded changes nothing, whatever it leaves behind. */
	load('C', 9, -EILSEQ);
	ck_assert_int_eq(shared->reloads, 2);
	client = connect_one();
	read_frame(client, 'B', 7);
	leave(client);
	stop_it();
}
END_TEST

START_TEST(greeting_that_is_being_sent_stays)
{
	static const char letters[] = "ABCD";
	int clients[4];

	listen_with_small_buffers();
	start();
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			load(letters[i], FRAME_GREETING_BYTES_MAX, 0);
		clients[i] = connect_slow();
		settle();
		ck_assert(has_something(clients[i]));
	}
	/* Nobody sends this one ever. */
	load('E', 1, 0);
	load('F', 2, 0);
	for (int i = 3; i >= 0; i--) {
		int client = connect_one();

		read_frame(client, 'F', 2);
		leave(client);
		read_frame(clients[i], letters[i], FRAME_GREETING_BYTES_MAX);
		leave(clients[i]);
	}
	ck_assert_int_eq(shared->reloads, 5);
	stop_it();
}
END_TEST

START_TEST(greeting_may_be_loaded_anew_while_it_stops)
{
	int client;

	listen_with_small_buffers();
	start();
	client = connect_slow();
	settle();
	send_signal(SIGTERM);
	load('B', 1, 0);
	greet_one(client);
	assert_ended(LISTENER_STOPPED);
}
END_TEST

/* What is told from time to time. */

START_TEST(status_is_told_at_a_rate)
{
	listen_with(O_NONBLOCK);
	start();
	leap(10 * STATUS_USEC);
	ck_assert_int_eq(shared->statuses, 0);
	for (int i = 0; i < CLIENTS; i++) {
		greet_one(connect_one());
		ck_assert_int_eq(shared->statuses, 0);
		leap(STATUS_USEC / 10);
	}
	leap(STATUS_USEC / 2 - 1);
	ck_assert_int_eq(shared->statuses, 0);
	leap(1);
	ck_assert_int_eq(shared->statuses, 1);
	ck_assert_uint_eq(shared->told.accepted, CLIENTS);
	ck_assert_uint_eq(shared->told.greeted, CLIENTS);
	ck_assert_uint_eq(shared->told.open, 0);

	/* Not again before something changed. */
	leap(10 * STATUS_USEC);
	ck_assert_int_eq(shared->statuses, 1);
	greet_one(connect_one());
	leap(STATUS_USEC);
	ck_assert_int_eq(shared->statuses, 2);
	ck_assert_uint_eq(shared->told.greeted, CLIENTS + 1);
	stop_it();
}
END_TEST

START_TEST(status_tells_of_clients_that_stay)
{
	int client;

	listen_with_small_buffers();
	start();
	client = connect_slow();
	settle();
	leap(STATUS_USEC);
	ck_assert_int_eq(shared->statuses, 1);
	ck_assert_uint_eq(shared->told.accepted, 1);
	ck_assert_uint_eq(shared->told.greeted, 0);
	ck_assert_uint_eq(shared->told.open, 1);
	close(client);
}
END_TEST

/* What it told last is that it stops. */
START_TEST(status_is_not_told_once_it_stops)
{
	int client;

	listen_with_small_buffers();
	start();
	client = connect_slow();
	greet_one(connect_one());
	send_signal(SIGTERM);
	leap(STATUS_USEC);
	leap(STATUS_USEC);
	greet_one(client);
	assert_ended(LISTENER_STOPPED);
	ck_assert_int_eq(shared->statuses, 0);
	ck_assert_uint_eq(shared->counts.greeted, 2);
}
END_TEST

START_TEST(watchdog_is_told)
{
	int client;

	listen_with_small_buffers();
	setup.watchdog_usec = 2 * SEC;
	start();
	leap(2 * SEC - 1);
	ck_assert_int_eq(shared->alives, 0);
	leap(1);
	ck_assert_int_eq(shared->alives, 1);
	leap(2 * SEC - 1);
	ck_assert_int_eq(shared->alives, 1);
	leap(1);
	ck_assert_int_eq(shared->alives, 2);

	/* Also while the last clients are greeted. */
	client = connect_slow();
	settle();
	send_signal(SIGTERM);
	leap(2 * SEC);
	ck_assert_int_eq(shared->alives, 3);
	greet_one(client);
	assert_ended(LISTENER_STOPPED);
}
END_TEST

START_TEST(nobody_needs_to_be_told)
{
	int client;

	listen_with(flags[_i]);
	setup.ready = NULL;
	setup.reload = NULL;
	setup.stopping = NULL;
	setup.status = NULL;
	setup.ended = NULL;
	setup.shortage = NULL;
	start();
	client = connect_one();
	read_greeting(client);
	close(client);
	settle();
	leap(STATUS_USEC);
	send_signal(SIGHUP);
	shared->error = EMFILE;
	shared->refusals = 1;
	client = connect_one();
	settle();
	leap(PAUSE_USEC);
	read_greeting(client);
	close(client);
	send_signal(SIGTERM);
	assert_returned(0);
	ck_assert_uint_eq(shared->counts.greeted, 2);
}
END_TEST

START_TEST(watchdog_need_not_be_told)
{
	listen_with(O_NONBLOCK);
	setup.watchdog_usec = SEC;
	setup.alive = NULL;
	start();
	leap(SEC);
	leap(SEC);
	greet_one(connect_one());
	stop_it();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listener");
	TCase *everyday = tcase_create("everyday"), *failure = tcase_create("failure"),
	      *cap = tcase_create("cap"), *end = tcase_create("end"),
	      *reload = tcase_create("reload"), *telling = tcase_create("telling");
	TCase *const tcases[] = {everyday, failure, cap, end, reload, telling};

	for (int i = 0; i < UNIT_COUNT(tcases); i++) {
		tcase_add_checked_fixture(tcases[i], set_up, tear_down);
		tcase_set_timeout(tcases[i], 30);
		suite_add_tcase(suite, tcases[i]);
	}

	tcase_add_loop_test(everyday, clients_are_greeted, 0, 2);
	tcase_add_loop_test(everyday, clients_are_greeted_side_by_side, 0, 2);
	tcase_add_loop_test(everyday, listeners_are_all_served, 0, 2);
	tcase_add_loop_test(everyday, clients_are_taken_in_batches, 0, 2);
	tcase_add_loop_test(everyday, clients_that_went_away_are_no_trouble, 0, 2);
	tcase_add_test(everyday, addresses_are_not_looked_for_in_vain);
	tcase_add_loop_test(everyday, listening_sockets_stay_as_they_were, 0, 2);
	tcase_add_test(everyday, slow_reader_gets_all_and_holds_nobody_up);
	tcase_add_test(everyday, deadlines_are_kept);

	tcase_add_loop_test(failure, failure_of_one_connection_passes, 0, 2 * UNIT_COUNT(passing));
	tcase_add_loop_test(failure, shortage_is_waited_for, 0, 2 * UNIT_COUNT(shortages));
	tcase_add_loop_test(failure, shortage_is_mended_by_who_lingers, 0,
			    2 * UNIT_COUNT(shortages));
	tcase_add_loop_test(failure, failure_that_lasts_does_not_spin, 0, 2 * UNIT_COUNT(lasting));
	tcase_add_loop_test(failure, failure_of_the_socket_ends_it, 0, 2 * UNIT_COUNT(fatal));
	tcase_add_test(failure, socket_that_does_not_listen_ends_it);
	tcase_add_test(failure, failure_to_wait_ends_it);

	tcase_add_loop_test(cap, oldest_who_lingers_makes_room, 0, 2);
	tcase_add_loop_test(cap, place_may_change_hands_at_any_moment, 0, 2);
	tcase_add_test(cap, nobody_who_is_being_greeted_makes_room);
	tcase_add_test(cap, end_of_who_is_being_greeted_makes_room);
	tcase_add_test(cap, stalled_crowd_is_got_rid_of);
	tcase_add_loop_test(cap, one_at_a_time_is_enough, 0, 2);

	tcase_add_loop_test(end, idle_ends_it, 0, 2);
	tcase_add_loop_test(end, idle_counts_from_the_last_goodbye, 0, 2);
	tcase_add_loop_test(end, client_at_the_last_moment_is_greeted, 0, 4);
	tcase_add_test(end, idle_may_be_for_ever);
	tcase_add_loop_test(end, signal_ends_it, 0, 4);
	tcase_add_loop_test(end, signal_lets_the_open_sessions_end, 0, 2);
	tcase_add_test(end, signal_keeps_the_deadlines);
	tcase_add_loop_test(end, signal_ends_it_while_it_is_short, 0, 2);
	tcase_add_test(end, signal_ends_it_while_it_is_full);
	tcase_add_loop_test(end, other_signals_do_not_matter, 0, 2);

	tcase_add_loop_test(reload, greeting_is_loaded_anew, 0, 2);
	tcase_add_test(reload, greeting_that_is_being_sent_stays);
	tcase_add_test(reload, greeting_may_be_loaded_anew_while_it_stops);

	tcase_add_test(telling, status_is_told_at_a_rate);
	tcase_add_test(telling, status_tells_of_clients_that_stay);
	tcase_add_test(telling, status_is_not_told_once_it_stops);
	tcase_add_test(telling, watchdog_is_told);
	tcase_add_loop_test(telling, nobody_needs_to_be_told, 0, 2);
	tcase_add_test(telling, watchdog_need_not_be_told);
	return unit_run(suite);
}
