/* SPDX-License-Identifier: MIT */
/* listener - greets everyone who connects to the listening sockets that were passed */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "listener.h"
#include "monotonic.h"
#include "unit.h"

/* Where the listeners are put, one after the other: out of the way of all others. */
#define FIRST_FD 200

#define PATIENCE_MSEC 3000
#define CLIENTS 5
#define SIGNALS 200

/* Who tries again sooner, spins. */
#define PAUSE_USEC_MIN 10000

#define REFUSALS 3

/* Shared with the process that runs the listener. */
static struct {
	int refusals; /* so many times, accept4() fails... */
	int error;    /* ...with this errno */
	int calls;
	uint64_t called_usec[REFUSALS + 1];
} * accepting;

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	(void)flags;
	if (accepting->calls <= REFUSALS)
		accepting->called_usec[accepting->calls] = monotonic_usec();
	if (accepting->calls++ < accepting->refusals) {
		errno = accepting->error;
		return -1;
	}
	return accept(fd, address, length);
}

static const struct greeting greeting = {.frame = "\x00\x05HELLO", .frame_length = 7};

static pid_t listener;
static int report_pipe[2], signal_pipe[2];

/* What ended() was told. */
struct report {
	enum session_end end;
	struct address_text peer;
};

static void ended(const struct session *session, const struct address_text *peer)
{
	struct report report = {.end = session->end};

	/* What is behind the strings is nobody's, and would go into the pipe. */
	strcpy(report.peer.host, peer->host);
	strcpy(report.peer.port, peer->port);
	if (write(report_pipe[1], &report, sizeof(report)) != sizeof(report))
		abort();
}

static void read_or_fail(int fd, void *buffer, size_t length)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	ck_assert_msg(poll(&polled, 1, PATIENCE_MSEC) == 1, "nothing happens");
	ck_assert_int_eq(read(fd, buffer, length), (ssize_t)length);
}

static void assert_reported(enum session_end end, const char *host, const char *port)
{
	struct report report;

	read_or_fail(report_pipe[0], &report, sizeof(report));
	ck_assert_str_eq(session_end_name(report.end), session_end_name(end));
	ck_assert_str_eq(report.peer.host, host);
	ck_assert_str_eq(report.peer.port, port);
}

static void listen_at(int i, int fd)
{
	ck_assert_int_eq(dup2(fd, FIRST_FD + i), FIRST_FD + i);
	close(fd);
}

static void on_signal(int signal)
{
	(void)signal;
	if (write(signal_pipe[1], "", 1) != 1)
		abort();
}

static void start(int count)
{
	struct sigaction action = {.sa_handler = on_signal};

	listener = fork();
	if (listener == 0) {
		/* A client's end that stayed open here would never be seen to be closed. */
		for (int fd = STDERR_FILENO + 1; fd < FIRST_FD; fd++)
			if (fd != report_pipe[1] && fd != signal_pipe[1])
				close(fd);
		sigaction(SIGUSR1, &action, NULL);
		listener_run(FIRST_FD, count, &greeting, ended);
		_exit(EXIT_FAILURE);
	}
	ck_assert_int_gt(listener, 0);
}

static void set_up(void)
{
	accepting = mmap(NULL, sizeof(*accepting), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(accepting, MAP_FAILED);
	ck_assert_int_eq(pipe(report_pipe), 0);
	ck_assert_int_eq(pipe(signal_pipe), 0);
	listen_at(0, unit_tcp_listen());
}

/* It is still there at the end, and ends only because it is killed. */
static void tear_down(void)
{
	int status;

	if (listener != 0) {
		kill(listener, SIGKILL);
		ck_assert_int_eq(waitpid(listener, &status, 0), listener);
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	}
	munmap(accepting, sizeof(*accepting));
}

/* Reads the greeting and the end of the stream, says goodbye, and sees that it is told of. */
static void greet_one(int fd)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(address);
	struct address_text text;
	uint8_t got[7];
	char more;

	read_or_fail(fd, got, sizeof(got));
	ck_assert_mem_eq(got, greeting.frame, sizeof(got));
	ck_assert_int_eq(read(fd, &more, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	address_format((struct sockaddr *)&address, length, &text);
	close(fd);
	assert_reported(SESSION_END_CLOSED, text.host, text.port);
}

static void connect_and_greet_one(void)
{
	greet_one(unit_tcp_connect(FIRST_FD, 0));
}

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

START_TEST(clients_are_greeted_in_order)
{
	int clients[CLIENTS];

	/* They wait in the queue before anybody listens. */
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = unit_tcp_connect(FIRST_FD, 0);
	start(1);
	for (int i = 0; i < CLIENTS; i++)
		greet_one(clients[i]);
	for (int i = 0; i < CLIENTS; i++)
		connect_and_greet_one();
}
END_TEST

START_TEST(listeners_are_all_served)
{
	struct sockaddr_un address;
	socklen_t length;
	int fd;

	listen_at(1, unix_listen(&address, &length));
	listen_at(2, unit_tcp_listen());
	start(3);
	for (int i = 0; i < 2; i++) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
		greet_one(fd);
		greet_one(unit_tcp_connect(FIRST_FD + 2, 0));
		connect_and_greet_one();
	}
}
END_TEST

START_TEST(clients_that_went_away_are_no_trouble)
{
	int client;

	unit_reset(unit_tcp_connect(FIRST_FD, 0));
	client = unit_tcp_connect(FIRST_FD, 0);
	start(1);
	assert_reported(SESSION_END_RESET, "unknown", "");
	greet_one(client);

	/* While it is greeted. */
	client = unit_tcp_connect(FIRST_FD, 0);
	read_or_fail(client, (char[7]){0}, 7);
	unit_reset(client);
	read_or_fail(report_pipe[0], &(struct report){0}, sizeof(struct report));
	connect_and_greet_one();
}
END_TEST

/* The flags of the file description, and whether it still listens, are systemd's affair. */
START_TEST(listening_sockets_stay_as_they_were)
{
	static const int flags[] = {0, O_NONBLOCK};
	int is_listening = 0;
	socklen_t length = sizeof(is_listening);

	ck_assert_int_eq(fcntl(FIRST_FD, F_SETFL, flags[_i]), 0);
	start(1);
	connect_and_greet_one();
	ck_assert_int_eq(fcntl(FIRST_FD, F_GETFL) & O_NONBLOCK, flags[_i]);
	ck_assert_int_eq(getsockopt(FIRST_FD, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length),
			 0);
	ck_assert_int_eq(is_listening, 1);
	connect_and_greet_one();
}
END_TEST

static int count_listener_fds(void)
{
	char path[64];
	DIR *directory;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)listener);
	directory = opendir(path);
	ck_assert_ptr_nonnull(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

START_TEST(connections_are_closed)
{
	int before;

	start(1);
	connect_and_greet_one();
	before = count_listener_fds();
	for (int i = 0; i < CLIENTS; i++)
		connect_and_greet_one();
	ck_assert_int_eq(count_listener_fds(), before);
}
END_TEST

/* What accept(2) can fail with, and whether it is for want of something that takes a while. */
static const struct {
	int error;
	bool is_shortage;
} failures[] = {
	{EMFILE, true},	       {ENFILE, true}, {ENOBUFS, true}, {ENOMEM, true},	 {EPERM, false},
	{ECONNABORTED, false}, {EINTR, false}, {EAGAIN, false}, {EPROTO, false},
};

START_TEST(failure_to_accept_passes)
{
	accepting->error = failures[_i].error;
	accepting->refusals = _i == 0 ? REFUSALS : 1;
	start(1);
	connect_and_greet_one();
	ck_assert_int_eq(accepting->calls, accepting->refusals + 1);
	for (int i = 0; failures[_i].is_shortage && i < accepting->refusals; i++)
		ck_assert_uint_ge(accepting->called_usec[i + 1],
				  accepting->called_usec[i] + PAUSE_USEC_MIN);
	connect_and_greet_one();
}
END_TEST

/* Most of so many signals come while poll(2) waits. */
START_TEST(signals_do_not_matter)
{
	char byte;

	start(1);
	connect_and_greet_one();
	for (int i = 0; i < SIGNALS; i++) {
		kill(listener, SIGUSR1);
		read_or_fail(signal_pipe[0], &byte, 1);
	}
	connect_and_greet_one();
}
END_TEST

/* poll(2) fails when it is given more than there may be open. */
START_TEST(failure_to_wait_ends_it)
{
	struct pollfd polled = {.fd = -1};
	struct rlimit limit, none;
	int r = -EINVAL;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	/* Not so under valgrind, which keeps the limit to itself. */
	if (poll(&polled, 1, 0) < 0)
		r = listener_run(FIRST_FD, 1, &greeting, ended);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_int_ne(fcntl(FIRST_FD, F_GETFD), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tcase = tcase_create("listener");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, clients_are_greeted_in_order);
	tcase_add_test(tcase, listeners_are_all_served);
	tcase_add_test(tcase, clients_that_went_away_are_no_trouble);
	tcase_add_loop_test(tcase, listening_sockets_stay_as_they_were, 0, 2);
	tcase_add_test(tcase, connections_are_closed);
	tcase_add_loop_test(tcase, failure_to_accept_passes, 0, UNIT_COUNT(failures));
	tcase_add_test(tcase, signals_do_not_matter);
	tcase_add_test(tcase, failure_to_wait_ends_it);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
