/* SPDX-License-Identifier: MIT */
/* kernel - a made-up kernel for the server: its sockets, signals, clock and shortages */
#ifndef HELLOD_FUZZ_KERNEL_H
#define HELLOD_FUZZ_KERNEL_H

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "hellod/greeting.h"

/*
 * While kernel.active, the system calls that the server makes are those of kernel.c: nothing blocks,
 * no time passes but what the script says, and everything is as the script says. Calls that the
 * server never should make abort: accept4(2) that would block, a wrong descriptor or flag.
 *
 * epoll_wait(2) of the server's own set is where the script runs: kernel_script().
 */

#define FIRST_FD 3 /* of the passed sockets: SD_LISTEN_FDS_START */
#define FDS_MAX 64
#define PEERS_MAX 64
#define PEER_PORT 1000 /* of the first peer */
#define SEC UINT64_C(1000000)
#define MSEC UINT64_C(1000)

enum kind { KIND_NONE, KIND_LISTENER, KIND_DATAGRAM, KIND_SIGNALS, KIND_EPOLL, KIND_CONNECTION };

struct peer;

struct file {
	enum kind kind;
	int watched_by;	 /* the epoll set, or 0 */
	uint32_t events; /* it waits for */
	uint64_t data;
	bool blocking;
	unsigned good, bad; /* datagrams in the queue: longer than the frame, and not */
	struct peer *peer;
};

enum peer_state { PEER_QUEUED, PEER_OPEN, PEER_GONE };

/* A client, from its side and from that of the kernel. */
struct peer {
	enum peer_state state; /* gone once the server has closed */
	int listen_fd, fd;
	uint64_t unread;		 /* bytes that it has sent */
	uint64_t read;			 /* bytes of it that the server has read */
	uint64_t room;			 /* bytes that it and the buffers still take */
	bool fin, reset;		 /* it has closed for sending; it has sent a reset */
	const struct greeting *greeting; /* that it is to get; a reference */
	size_t sent;
	bool shut; /* the server has closed for sending */
	uint64_t accepted_usec, shut_usec;
	uint64_t looked_usec; /* when the server last looked for its close */
	unsigned looks;	      /* how often */
	/* What was made up for it: no memory, no permission, an error of the network. */
	bool no_memory, forbidden, lost;
	/* The last call for it failed for lack of memory; the last send failed for any reason. */
	bool last_failed, last_refused;
};

/* System calls that can be made to fail. */
enum call { ACCEPT4, SEND, RECV, SHUTDOWN, EPOLL_CTL, EPOLL_WAIT, RECVMMSG, SENDMMSG, CALLS };

struct kernel {
	bool active;
	uint64_t now_usec;
	struct file files[FDS_MAX];
	struct peer peers[PEERS_MAX];
	unsigned peer_count;
	int server_epoll; /* the first epoll set that was made */
	int files_limit;
	bool next_fd_is_high; /* as if other descriptors had been opened */
	sigset_t pending;
	int errors[CALLS];
	unsigned failures[CALLS]; /* how many of the next calls fail */
	uint64_t progress;	  /* how often something has happened */
	struct peer *last_closed;
};
extern struct kernel kernel;

/* Starts anew at a time. */
void kernel_reset(void);

/* Makes a descriptor. */
int kernel_open(enum kind kind);

/* Returns a client that is not accepted yet, or NULL if there were too many. */
struct peer *kernel_connect(int listen_fd, uint64_t room);

/* Whether a client waits to be accepted; which events a descriptor is ready for. */
bool kernel_is_queued(int listen_fd);
uint32_t kernel_ready(int fd);

/* Returns those of its events that its epoll set waits for; whether the server's wait would end. */
uint32_t kernel_events(int fd);
bool kernel_wakes_server(void);

/* Defined by the target, and called in the middle of a system call. */

/* The server waits up to the deadline. Returns false if the wait is interrupted. */
bool kernel_script(uint64_t deadline_usec);
/* The greeting that a client is to get who is accepted now. */
const struct greeting *kernel_accepted(struct peer *peer);
/* A call fails as the script says. */
void kernel_failed(enum call call, int error);
/* So many datagrams were received, of which some are longer than any frame; and answered. */
void kernel_received(unsigned count, unsigned good);
void kernel_answered(unsigned wanted, unsigned sent);

#endif
