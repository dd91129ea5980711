/* SPDX-License-Identifier: MIT */
/* fuzz_server - any course of events at the server, against a model of what it promises */
#include "config.h"

#include <errno.h>
#include <sys/param.h>

#include "common/clock.h"
#include "hellod/client.h"
#include "hellod/server.h"
#include "kernel.h"
#include "server_model.h"

static struct fuzz_input script;

/* What the script says of a time: those of the server, and a little less. */
static uint64_t take_time(void)
{
	static const uint64_t times[] = {
		1,	  MSEC,		  20 * MSEC, 99 * MSEC,	  100 * MSEC, SEC / 2,
		SEC,	  5 * SEC - MSEC, 5 * SEC,   5 * SEC + 1, 10 * SEC,   30 * SEC - MSEC,
		30 * SEC, 30 * SEC + 1,	  60 * SEC,  3600 * SEC,
	};

	return times[fuzz_byte(&script) % (sizeof(times) / sizeof(*times))];
}

static uint64_t take_amount(void)
{
	static const uint64_t amounts[] = {
		0, 1, 2, 6, 7, 100, 65535, 65536, 65537, 1U << 20, 16U << 20, 17U << 20, 1U << 30};

	return amounts[fuzz_byte(&script) % (sizeof(amounts) / sizeof(*amounts))];
}

/* Any client that there has been, or NULL. */
static struct peer *take_peer(void)
{
	unsigned byte = fuzz_byte(&script);

	return kernel.peer_count > 0 ? &kernel.peers[byte % kernel.peer_count] : NULL;
}

static void connect_peer(void)
{
	unsigned byte = fuzz_byte(&script);
	uint64_t room = take_amount();

	if (model.listener_count > 0)
		kernel_connect(FIRST_FD + (int)(byte % model.listener_count), room);
}

static void change_peer(unsigned what)
{
	struct peer *peer = take_peer();
	uint64_t amount = what < 2 ? take_amount() : 0;

	if (peer == NULL || peer->state == PEER_GONE || peer->reset)
		return;
	if (what == 0 && !peer->fin)
		peer->unread += amount;
	else if (what == 1)
		peer->room += amount;
	else if (what == 2)
		peer->fin = true;
	else if (what == 3)
		peer->reset = true;
}

/* Only such errors as the manual pages of the calls list, and those of a security module. */
static void let_call_fail(void)
{
	static const int errors[CALLS][8] = {
		[ACCEPT4] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED, EINTR, EPERM, EINVAL},
		[SEND] = {EAGAIN, EINTR, ENOBUFS, ENOMEM, EPERM, EACCES, EPIPE, EHOSTUNREACH},
		[RECV] = {EAGAIN, EINTR, ENOBUFS, ENOMEM, ECONNRESET, ETIMEDOUT, EINTR, EPERM},
		[SHUTDOWN] = {ENOTCONN, EACCES, ENOTCONN, EACCES, ENOTCONN, EACCES, ENOTCONN,
			      EACCES},
		[EPOLL_CTL] = {ENOMEM, ENOSPC, ENOMEM, ENOSPC, ENOMEM, ENOSPC, ENOMEM, ENOSPC},
		[EPOLL_WAIT] = {EINTR, EINTR, EINTR, EINTR, EINTR, EINTR, EINTR, EBADF},
		[RECVMMSG] = {EINTR, ECONNREFUSED, ENOMEM, ENOBUFS, EPERM, EAGAIN, ENOMEM, EINTR},
		[SENDMMSG] = {EAGAIN, ENOBUFS, EPERM, EINTR, EAGAIN, EAGAIN, EAGAIN, EAGAIN},
	};
	unsigned call = fuzz_byte(&script) % CALLS, byte = fuzz_byte(&script);

	kernel.errors[call] = errors[call][byte % 8];
	kernel.failures[call] = 1 + (byte / 8 == 31 ? 1000 : byte / 8);
}

static void queue_datagrams(void)
{
	unsigned byte = fuzz_byte(&script);
	struct file *file = &kernel.files[FIRST_FD + (int)model.listener_count];

	if (!model.has_datagrams)
		return;
	file->good += byte & 1 ? byte : 0;
	file->bad += byte & 1 ? 0 : byte / 2;
}

static void raise_signal(void)
{
	static const int numbers[] = {SIGHUP, SIGHUP, SIGTERM, SIGINT};

	sigaddset(&kernel.pending, numbers[fuzz_byte(&script) % 4]);
}

/* After the script, the server is told to stop, and time passes. */
static void finish(uint64_t deadline_usec)
{
	memset(kernel.failures, 0, sizeof(kernel.failures));
	if (model.listening && !model.stopping)
		sigaddset(&kernel.pending, SIGTERM);
	if (kernel_wakes_server())
		return;
	REQUIRE(deadline_usec <= kernel.now_usec + CLIENT_SEND_MSEC * MSEC);
	kernel.progress += deadline_usec > kernel.now_usec;
	kernel.now_usec = MAX(kernel.now_usec, deadline_usec);
}

static bool run_script(uint64_t deadline_usec)
{
	while (script.size > 0) {
		unsigned operation = fuzz_byte(&script) % 16;

		kernel.progress++;
		switch (operation) {
		case 0:
		case 1:
		case 2:
		case 3:
			change_peer(operation);
			break;
		case 4:
		case 5:
			connect_peer();
			break;
		case 6:
			let_call_fail();
			break;
		case 7:
			raise_signal();
			break;
		case 8:
			model_set_text(fuzz_byte(&script));
			break;
		case 9:
			queue_datagrams();
			break;
		case 10:
			/* As if other descriptors had been opened, and RLIMIT_NOFILE raised. */
			kernel.next_fd_is_high = fuzz_byte(&script) % 2;
			break;
		case 11:
			return false;
		case 12:
		case 13:
			kernel.now_usec += take_time();
			break;
		default:
			break;
		}
		/* The server goes on if it would be woken. Other events may come first. */
		if (operation >= 12 && (kernel_wakes_server() || kernel.now_usec >= deadline_usec))
			return true;
	}
	finish(deadline_usec);
	return true;
}

bool kernel_script(uint64_t deadline_usec)
{
	bool result;

	model_check_wait(deadline_usec);
	result = run_script(deadline_usec);
	model.waited_usec = kernel.now_usec;
	return result;
}

/* The first bytes say how the server is started, and with which sockets. */
static void start(struct activation *ret_sockets)
{
	unsigned first = fuzz_byte(&script), second = fuzz_byte(&script);
	static const uint64_t idle[] = {CLOCK_NEVER, 300 * MSEC, 10 * SEC, 0};
	static const uint64_t watchdog[] = {0, 0, 3 * SEC, 20 * SEC + 1};
	unsigned count = 1 + first / 4 % 4;

	model_reset(idle[second % 4], watchdog[second / 4 % 4]);
	model.options.log_greetings = (enum log_greetings)(first / 64 % 3);
	model.options.max_connections = second / 16 % 8;
	kernel.files_limit = 16 + (int)count + (int)(first / 16 % 4) * 6;
	*ret_sockets = (struct activation){.first_fd = FIRST_FD, .fd_count = (int)count};
	if (first % 4 == 0) {
		ret_sockets->kind = ACTIVATION_CONNECTIONS;
		for (unsigned i = 0; i < count; i++)
			model_pass(kernel_connect(0, take_amount()), fuzz_byte(&script));
		return;
	}
	ret_sockets->kind = ACTIVATION_LISTENERS;
	model.listening = true;
	/* The last one may be for datagrams. */
	model.has_datagrams = first % 4 == 3;
	model.listener_count = count - model.has_datagrams;
	for (unsigned i = 0; i < count; i++) {
		int fd = kernel_open(i < model.listener_count ? KIND_LISTENER : KIND_DATAGRAM);

		kernel.files[fd].blocking = first % 2;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct activation sockets;
	struct greeting *greeting;
	char *why;
	int r;

	script = (struct fuzz_input){data, size};
	kernel_reset();
	start(&sockets);
	REQUIRE(greeting_load(&model.options.greeting, &greeting, &why) == 0);
	model_start(greeting);
	kernel.active = true;
	r = server_run(&sockets, &model.options, greeting);
	kernel.active = false;
	model_check_end(r);
	return 0;
}
