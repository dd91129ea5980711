/* SPDX-License-Identifier: MIT */
/* stage - the listener in a process of its own, with a clock that stands still, and its clients */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "common/clock.h"
#include "server_harness.h"

#define FDS_MAX 1024
#define BACKLOG 256

/* Only a failure takes so long. */
#define PATIENCE_MSEC 5000

/* Room for a part of the longest frame, but not for all of it. */
#define SMALL_BUFFER_BYTES 8192

struct stage *stage;

static bool is_listener;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t usec;

	if (!is_listener)
		return (int)syscall(SYS_clock_gettime, clock, now);
	usec = stage->now_usec;
	now->tv_sec = (time_t)(usec / SEC);
	now->tv_nsec = (long)(usec % SEC) * 1000;
	return 0;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	if (!is_listener)
		return (int)syscall(SYS_accept4, fd, address, length, flags);
	if (fd != stage->batch_fd)
		stage->batch = 0;
	stage->batch_fd = fd;
	if (++stage->batch > stage->batch_max)
		stage->batch_max = stage->batch;
	stage->accepts++;
	if (stage->refusals > 0) {
		stage->refusals--;
		errno = stage->error;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, address, length, flags);
}

static void hold_here(enum hold where)
{
	if (stage->hold != where)
		return;
	stage->hold = HOLDING;
	while (stage->hold == HOLDING)
		usleep(100);
}

/* Waits by the listener's clock, and tells that it rests after it has looked and found nothing. */
int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_msec)
{
	uint64_t deadline = CLOCK_NEVER;
	int n = 0;

	if (timeout_msec >= 0)
		deadline = stage->now_usec + (uint64_t)timeout_msec * MSEC;
	stage->batch_fd = -1;
	if (stage->wait_error != 0) {
		errno = stage->wait_error;
		return -1;
	}
	for (;;) {
		hold_here(HOLD_BEFORE);
		n = epoll_pwait(fd, events, max, 0, NULL);
		if (n != 0)
			break;
		if (stage->now_usec >= deadline) {
			hold_here(HOLD_TIMEOUT);
			break;
		}
		stage->rests++;
		n = epoll_pwait(fd, events, max, 1, NULL);
		if (n != 0)
			break;
	}
	stage->wakeups++;
	return n;
}

/* What the listener tells. */

static void on_ready(void)
{
	stage->readies++;
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
	stage->reloads++;
	fill(greeting, stage->letter, stage->length);
	return stage->reload_error;
}

static void on_stopping(enum listener_end why)
{
	stage->stoppings++;
	stage->why = why;
}

static void on_status(const struct listener_counts *counts)
{
	stage->statuses++;
	stage->told = *counts;
}

static void on_alive(void)
{
	stage->alives++;
}

static void on_ended(const struct session *session, const struct address_text *peer)
{
	struct stage_report *report = &stage->reports[stage->report_count];

	if (session->state != SESSION_CLOSED || session->fd != -1)
		abort();
	if (++stage->report_count >= REPORTS_MAX)
		abort();
	report->end = session->end;
	report->greeted = session_greeted(session);
	report->has_peer = peer != NULL;
	if (peer != NULL)
		report->peer = *peer;
}

static void on_shortage(int error)
{
	stage->shortages++;
	stage->shortage_error = error;
}

/* The stage of one test. */

static void set_up(void)
{
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ck_assert_ptr_ne(stage, MAP_FAILED);
	stage->now_usec = 1000 * SEC;
	fill(&stage->greeting, 'A', 5);
	stage->setup = (struct listener_setup){
		.first_fd = FIRST_FD,
		.sessions_max = 1000,
		.idle_usec = CLOCK_NEVER,
		.watchdog_usec = CLOCK_NEVER,
		.greeting = &stage->greeting,
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

/* Also what is left of the listener, if a test failed or had no end in mind. */
static void tear_down(void)
{
	if (stage->pid > 0) {
		kill(stage->pid, SIGKILL);
		waitpid(stage->pid, NULL, 0);
	}
	munmap(stage, sizeof(*stage));
}

TCase *stage_tcase(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 30);
	return tcase;
}

/* The listening sockets */

const int listen_flags[2] = {0, O_NONBLOCK};

void stage_pass(int fd)
{
	int passed = FIRST_FD + stage->setup.fd_count++;

	ck_assert_int_eq(dup2(fd, passed), passed);
	close(fd);
}

void stage_listen(int flag)
{
	int fd = unit_tcp_listen();

	ck_assert_int_eq(listen(fd, BACKLOG), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, flag), 0);
	stage_pass(fd);
}

void stage_serve(int flag)
{
	stage_listen(flag);
	stage_start();
}

void stage_serve_small_buffers(void)
{
	const int bytes = SMALL_BUFFER_BYTES;

	stage_listen(O_NONBLOCK);
	ck_assert_int_eq(setsockopt(FIRST_FD, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
	fill(&stage->greeting, 'A', FRAME_GREETING_BYTES_MAX);
	stage_start();
}

/* The listener */

/* Which there are, and their flags. */
static void note_fds(int *flags)
{
	for (int fd = 0; fd < FDS_MAX; fd++)
		flags[fd] = fcntl(fd, F_GETFD);
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
	int before[FDS_MAX], after[FDS_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A client's end that stayed open here would never be seen to be closed. */
	for (int fd = STDERR_FILENO + 1; fd < FIRST_FD; fd++)
		close(fd);
	note_fds(before);
	is_listener = true;
	stage->result = listener_run(&stage->setup, &stage->counts, &stage->end);
	note_fds(after);
	stage->heap_grew_bytes = heap_in_use() - heap_bytes;
	stage->fds_as_before = memcmp(before, after, sizeof(before)) == 0;
	stage->returned = true;
	_exit(EXIT_SUCCESS);
}

void stage_start(void)
{
	pid_t pid = fork();

	if (pid == 0)
		be_listener();
	ck_assert_int_gt(pid, 0);
	stage->pid = pid;
	stage_settle();
}

void stage_settle(void)
{
	unsigned before = stage->rests;

	for (int i = 0; i < PATIENCE_MSEC * 5 && !stage->returned; i++) {
		if (stage->rests - before >= 2)
			return;
		usleep(200);
	}
	ck_assert_msg(stage->returned, "the listener does not come to rest");
}

void stage_leap(uint64_t usec)
{
	stage->now_usec += usec;
	stage_settle();
}

void stage_hold(enum hold where, uint64_t leap_usec)
{
	stage->hold = where;
	stage->now_usec += leap_usec;
	for (int i = 0; i < PATIENCE_MSEC * 5 && stage->hold != HOLDING; i++)
		usleep(200);
	ck_assert_int_eq((int)stage->hold, HOLDING);
}

void stage_release(void)
{
	stage->hold = HOLD_NONE;
	stage_settle();
}

void stage_signal(int signal)
{
	ck_assert_int_eq(kill(stage->pid, signal), 0);
	stage_settle();
}

void stage_refuse(int error, int times)
{
	stage->error = error;
	stage->refusals = times;
}

void stage_stop(void)
{
	assert_goes_on();
	stage_signal(SIGTERM);
	assert_ended(LISTENER_STOPPED);
}

void assert_goes_on(void)
{
	ck_assert_msg(!stage->returned, "it returned %d", stage->result);
	ck_assert_int_eq(stage->stoppings, 0);
}

void assert_returned(int result)
{
	int status;

	for (int i = 0; i < PATIENCE_MSEC * 5 && !stage->returned; i++)
		usleep(200);
	ck_assert_msg(stage->returned, "it does not return");
	ck_assert_int_eq(stage->result, result);
	ck_assert(stage->fds_as_before);
	ck_assert_uint_le(stage->heap_grew_bytes, HEAP_SLACK);
	ck_assert_int_eq(waitpid(stage->pid, &status, 0), stage->pid);
	ck_assert_int_eq(status, 0);
	stage->pid = 0;
}

void assert_ended(enum listener_end end)
{
	assert_returned(0);
	ck_assert_int_eq((int)stage->end, (int)end);
	ck_assert_int_eq(stage->stoppings, 1);
	ck_assert_int_eq((int)stage->why, (int)end);
	ck_assert_uint_eq(stage->counts.open, 0);
	ck_assert_uint_le(stage->counts.greeted, stage->counts.accepted);
	ck_assert_uint_le(stage->counts.dropped, stage->counts.greeted);
}

void assert_reported(int i, enum session_end end)
{
	ck_assert_int_gt(stage->report_count, i);
	ck_assert_str_eq(session_end_name(stage->reports[i].end), session_end_name(end));
}

void assert_peer(int i, const char *host, const char *port)
{
	ck_assert_int_gt(stage->report_count, i);
	ck_assert(stage->reports[i].has_peer);
	ck_assert_str_eq(stage->reports[i].peer.host, host);
	ck_assert_str_eq(stage->reports[i].peer.port, port);
}

/* The clients */

int client_connect(void)
{
	return client_connect_to(0);
}

int client_connect_to(int i)
{
	return unit_tcp_connect(FIRST_FD + i, 0);
}

int client_connect_slow(void)
{
	return unit_tcp_connect(FIRST_FD, SMALL_BUFFER_BYTES);
}

int client_lingering(void)
{
	int fd = client_connect();

	client_read_greeting(fd);
	stage_settle();
	return fd;
}

int client_stalled(void)
{
	int fd = client_connect_slow();

	stage_settle();
	return fd;
}

int client_waiting(void)
{
	int fd = client_connect();

	stage_settle();
	ck_assert(!client_has_something(fd));
	return fd;
}

bool client_has_something(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	return poll(&polled, 1, 0) == 1;
}

void client_read_frame(int fd, char letter, size_t length)
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

void client_read_greeting(int fd)
{
	client_read_frame(fd, 'A', stage->greeting.frame_length - FRAME_HEADER_BYTES);
}

void client_leave(int fd)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(address);
	struct address_text text;
	int before = stage->report_count;

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	address_format((struct sockaddr *)&address, length, &text);
	close(fd);
	stage_settle();
	ck_assert_int_eq(stage->report_count, before + 1);
	assert_reported(before, SESSION_END_CLOSED);
	ck_assert(stage->reports[before].greeted);
	ck_assert_int_eq(stage->reports[before].has_peer, stage->setup.want_peers);
	if (stage->setup.want_peers)
		assert_peer(before, text.host, text.port);
}

void client_finish(int fd)
{
	client_read_greeting(fd);
	client_leave(fd);
}

void client_visit(void)
{
	client_finish(client_connect());
}

/* How some tests begin */

void stage_serve_full(int clients[3])
{
	stage->setup.sessions_max = 2;
	stage_serve_small_buffers();
	clients[0] = client_stalled();
	clients[1] = client_stalled();
	ck_assert_uint_le(stage->accepts, 4);
	stage->accepts = 0;
	stage->wakeups = 0;
	clients[2] = client_waiting();
	ck_assert_uint_eq(stage->accepts, 0);

	/* It may be looked at from time to time, but nobody waits for that. */
	for (int i = 0; i < FULL_PAUSES; i++)
		stage_leap(PAUSE_USEC);
	ck_assert_uint_eq(stage->accepts, 0);
	ck_assert_uint_le(stage->wakeups, 5 * FULL_PAUSES);
	ck_assert_int_eq(stage->report_count, 0);
	ck_assert_int_eq(stage->shortages, 0);
}

void stage_two_deadlines(int *stalled, int *lingering)
{
	stage_serve_small_buffers();
	*stalled = client_stalled();
	stage_leap(SEND_USEC - LINGER_USEC - MSEC);
	*lingering = client_lingering();
}
