/* SPDX-License-Identifier: MIT */
/* stage - the listener in a process of its own, with a clock that stands still, and its clients */
#ifndef HELLOD_TEST_SERVER_HARNESS_H
#define HELLOD_TEST_SERVER_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../unit.h"
#include "hellod/server.h"

/*
 * A test says what the listener works with, has it start, and plays its clients. The listener's
 * clock moves when the test has it leap, and what became of it is looked at when it is at rest,
 * that is, when it has looked for events and found none. Its sockets are real.
 *
 * A function whose promise is not kept fails the test.
 */

/* Where the listening sockets are put, one after the other: out of the way of all others. */
#define FIRST_FD 200

/* A few clients. */
#define CLIENTS 5

#define MSEC UINT64_C(1000) /* what epoll_wait(2) waits by */
#define SEC UINT64_C(1000000)
#define SEND_USEC (SESSION_SEND_MSEC * MSEC)
#define LINGER_USEC (SESSION_LINGER_MSEC * MSEC)
#define PAUSE_USEC (LISTENER_PAUSE_MSEC * MSEC)
#define STATUS_USEC (LISTENER_STATUS_MSEC * MSEC)

/* Where the listener can be held. */
enum hold {
	HOLD_NONE,
	HOLD_BEFORE,  /* before it looks for events */
	HOLD_TIMEOUT, /* when the time is up, and nothing had happened by then */
	HOLDING,      /* the listener's word: it is held */
};

/* What ended() was told. */
struct stage_report {
	enum session_end end;
	bool greeted;
	bool has_peer;
	struct address_text peer;
};

#define REPORTS_MAX 128

/* Shared with the process that runs the listener. */
struct stage {
	/*
	 * What it works with, for a test to change before it starts: all callbacks, which write
	 * down here what they are told; no end when it is idle, and no watchdog.
	 */
	struct listener_setup setup;
	struct greeting greeting;

	/* Its process, 0 if there is none. */
	pid_t pid;

	/* Its clock. */
	_Atomic uint64_t now_usec;

	/* What becomes of its epoll_wait(): how often there was nothing to do, or something. */
	_Atomic unsigned rests, wakeups;
	_Atomic enum hold hold;
	int wait_error; /* an errno that it fails with, or 0 */

	/* So many times, accept4() fails with this errno. */
	int refusals, error;
	unsigned accepts;
	unsigned batch, batch_max; /* of calls for one socket, between two waits */
	int batch_fd;

	/* What it told. */
	int readies, stoppings, statuses, alives, shortages, shortage_error, reloads;
	enum listener_end why;
	struct listener_counts told;
	struct stage_report reports[REPORTS_MAX];
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
};

/* That of the present test. */
extern struct stage *stage;

/* A case whose tests have a new stage each, of which nothing is left when they end. */
TCase *stage_tcase(const char *name);

/* The listening sockets */

/* systemd's NonBlocking= decides which. */
extern const int listen_flags[2];

/*
 * Passes a socket, which listens unless that is what is tried, to the listener, behind those that
 * were passed before, and closes `fd`.
 */
void stage_pass(int fd);

/* Passes a TCP socket that listens, with one of the flags. */
void stage_listen(int flag);

/* The same, and starts the listener. */
void stage_serve(int flag);

/*
 * The same, with O_NONBLOCK, a small buffer to send and the longest greeting: for a client of
 * client_connect_slow() they have no room for all of it.
 */
void stage_serve_small_buffers(void);

/* The listener */

/* Starts it with stage->setup, and settles. */
void stage_start(void);

/*
 * Returns when the listener is at rest, by a look that it began after this was called, or when
 * it has returned.
 */
void stage_settle(void);

/* Moves the clock, and settles. */
void stage_leap(uint64_t usec);

/* Moves the clock, and returns when the listener has come to where it is to be held. */
void stage_hold(enum hold where, uint64_t leap_usec);

/* Lets it go on, and settles. */
void stage_release(void);

/* Sends it a signal, and settles. */
void stage_signal(int signal);

/* Has so many of its next calls of accept4() fail with that errno. */
void stage_refuse(int error, int times);

/* Ends it with SIGTERM. It went on until then, and no session keeps it from ending. */
void stage_stop(void);

/* It has neither returned nor begun to stop. */
void assert_goes_on(void);

/* It returns that, if not yet then soon, and leaves neither a file descriptor nor memory. */
void assert_returned(int result);

/* It returns 0, for this reason, which it told once. Nobody is left, and everything adds up. */
void assert_ended(enum listener_end end);

/* Session number `i` of those that ended, from 0 on, came to this end. */
void assert_reported(int i, enum session_end end);

/* Its peer was told to be that one. */
void assert_peer(int i, const char *host, const char *port);

/* The clients: file descriptors, which client_leave() closes, or the test */

/* Connects to the first socket, or to number `i`, from 0 on. */
int client_connect(void);
int client_connect_to(int i);

/* The same, with a small buffer to receive: see stage_serve_small_buffers(). */
int client_connect_slow(void);

/* Connects, reads the greeting and stays. The listener is at rest. */
int client_lingering(void);

/* Connects, with a small buffer, and does not read yet. The listener is at rest. */
int client_stalled(void);

/* Connects, and is not greeted for now. The listener is at rest. */
int client_waiting(void);

/* Whether there is anything to read, or the end of the stream. */
bool client_has_something(int fd);

/* Reads a whole frame, so many times that letter, and the end of the stream. */
void client_read_frame(int fd, char letter, size_t length);

/* The same for stage->greeting. */
void client_read_greeting(int fd);

/* Says goodbye to the listener, which tells of it, and closes `fd`. */
void client_leave(int fd);

/* Reads the greeting and leaves. */
void client_finish(int fd);

/* Comes, reads the greeting and leaves. */
void client_visit(void);

/* How some tests begin */

/* So many times PAUSE_USEC have passed when stage_serve_full() returns. */
#define FULL_PAUSES 10

/*
 * Starts a listener with small buffers for two at a time. Two clients have stalled, a third waits,
 * and the listener has not spun meanwhile.
 */
void stage_serve_full(int clients[3]);

/*
 * Starts a listener with small buffers. One client has stalled, another lingers: the deadline of
 * the second is in LINGER_USEC, and that of the first a millisecond after it.
 */
void stage_two_deadlines(int *stalled, int *lingering);

#endif
