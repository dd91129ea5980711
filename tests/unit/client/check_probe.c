/* SPDX-License-Identifier: MIT */
/* probe - client side: one greeting, timed and classified */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit.h"
#include "client/probe.h"
#include "client/signals.h"
#include "common/clock.h"

#define MSEC(n) ((uint64_t)(n)*USEC_PER_MSEC)

/* Long enough for any machine that works at all. */
#define PATIENCE_MSEC 20000U

/* How late it may be on a busy machine. */
#define LATE_MSEC 200U

enum transport { OVER_TCP, OVER_UNIX };

/* What a peer does once it has sent everything. */
enum ending {
	END_WAIT, /* waits for the client to close, and tells how it did */
	END_CLOSE,
	END_RESET,
};

struct script {
	const char *bytes;
	size_t length;
	size_t chunk;		 /* bytes at a time; 0 for all */
	unsigned int delay_msec; /* before every chunk and before the end */
	enum ending ending;
};

/* How the client closed, as the peer sees it. It is its exit status. */
enum seen {
	SEEN_EOF = 10, /* it had read everything */
	SEEN_RESET,    /* it left something unread: RFC 2525, section 2.17 */
	SEEN_NOTHING,  /* the peer did not wait for it */
};

/* Where peers listen that are not on TCP. Made and removed by the process that runs the tests. */
static char directory[32], socket_path[48];

struct peer {
	pid_t pid;
	int listener;
	char host[108];
	char port[8];
};

static void make_directory(void)
{
	strcpy(directory, "/tmp/check_probe.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
}

static void remove_directory(void)
{
	unlink(socket_path);
	rmdir(directory);
}

static size_t count_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	size_t count = 0;

	ck_assert_ptr_nonnull(fds);
	while (readdir(fds) != NULL)
		count++;
	closedir(fds);
	return count;
}

static void pause_msec(unsigned int msec)
{
	struct timespec delay = {
		.tv_sec = msec / 1000,
		.tv_nsec = (long)(msec % 1000) * 1000000L,
	};

	if (msec > 0)
		nanosleep(&delay, NULL);
}

/* One connection. A client that has gone already is no failure. */
static enum seen play(int fd, const struct script *script)
{
	int on = 1;
	char byte;
	size_t n;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (size_t sent = 0; sent < script->length; sent += n) {
		n = script->length - sent;
		if (script->chunk > 0 && n > script->chunk)
			n = script->chunk;
		pause_msec(script->delay_msec);
		if (send(fd, script->bytes + sent, n, MSG_NOSIGNAL) != (ssize_t)n)
			return SEEN_RESET;
	}
	if (script->ending == END_WAIT)
		return recv(fd, &byte, 1, 0) == 0 ? SEEN_EOF : SEEN_RESET;

	pause_msec(script->delay_msec);
	if (script->ending == END_RESET)
		unit_reset(fd);
	else
		close(fd);
	return SEEN_NOTHING;
}

static void peer_listen(struct peer *peer, enum transport transport, int backlog)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(sin);

	peer->pid = -1;
	if (transport == OVER_UNIX) {
		strcpy(sun.sun_path, socket_path);
		unlink(sun.sun_path);
		peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(bind(peer->listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
		strcpy(peer->host, sun.sun_path);
		strcpy(peer->port, "6666");
	} else {
		peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(bind(peer->listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
		getsockname(peer->listener, (struct sockaddr *)&sin, &length);
		strcpy(peer->host, "127.0.0.1");
		snprintf(peer->port, sizeof(peer->port), "%d", ntohs(sin.sin_port));
	}
	if (backlog >= 0)
		ck_assert_int_eq(listen(peer->listener, backlog), 0);
}

/* Starts a peer that plays the script to so many clients, one after the other. */
static void peer_start(struct peer *peer, enum transport transport, const struct script *script,
		       int clients)
{
	peer_listen(peer, transport, 16);
	peer->pid = fork();
	ck_assert_int_ge(peer->pid, 0);
	if (peer->pid == 0) {
		enum seen seen = SEEN_NOTHING;

		while (clients-- > 0) {
			int fd = accept(peer->listener, NULL, NULL);

			seen = play(fd, script);
			if (script->ending == END_WAIT)
				close(fd);
		}
		_exit((int)seen);
	}
}

/* Returns how the last client closed. */
static enum seen peer_end(struct peer *peer)
{
	int status = 0;

	close(peer->listener);
	if (peer->pid < 0)
		return SEEN_NOTHING;
	ck_assert_int_eq(waitpid(peer->pid, &status, 0), peer->pid);
	ck_assert(WIFEXITED(status));
	return (enum seen)WEXITSTATUS(status);
}

static struct probe_target target_of(const struct peer *peer, unsigned int timeout_msec)
{
	return (struct probe_target){
		.host = peer->host,
		.port = peer->port,
		.family = AF_UNSPEC,
		.timeout_usec = MSEC(timeout_msec),
	};
}

/* The phases that it came to are in order, and the others have no time. */
static void assert_timed(const struct probe_result *result, uint64_t before_usec)
{
	const uint64_t times[] = {
		before_usec,
		result->started_usec,
		result->resolved_usec,
		result->connected_usec,
		result->first_byte_usec,
		result->ended_usec,
		result->closed_usec,
		clock_now_usec(),
	};
	uint64_t last = 0;

	ck_assert_uint_ne(result->started_usec, 0);
	ck_assert_uint_ne(result->ended_usec, 0);
	for (int i = 0; i < UNIT_COUNT(times); i++) {
		if (times[i] == 0)
			continue;
		ck_assert_msg(times[i] >= last, "phase %d is before the one before it", i);
		last = times[i];
	}
	ck_assert_int_eq(result->first_byte_usec != 0, result->frame_have > 0);
	if (result->frame_have > 0)
		ck_assert_uint_ne(result->connected_usec, 0);
	if (result->connected_usec != 0)
		ck_assert_uint_ne(result->resolved_usec, 0);
}

/*
 * Probes, compares what can be told from the status and the bytes that came, and sees that nothing
 * is left open. The result is for probe_clear().
 */
static void probe_one(const struct probe_target *target, enum probe_status status,
		      const char *frame, size_t have, struct probe_result *result)
{
	size_t fds = count_fds();
	uint64_t before = clock_now_usec();

	/* Old contents do not matter. */
	memset(result, 0xFF, sizeof(*result));
	probe_run(target, result);
	ck_assert_msg(result->status == status, "status %d, not %d; %zu bytes", (int)result->status,
		      (int)status, result->frame_have);
	ck_assert_uint_eq(result->frame_have, have);
	if (have > 0)
		ck_assert_mem_eq(result->frame, frame, have);
	if (status != PROBE_GREETED)
		ck_assert_ptr_null(result->text);
	assert_timed(result, before);
	if (status == PROBE_TIMED_OUT) {
		ck_assert_uint_ge(result->ended_usec, result->started_usec + target->timeout_usec);
		ck_assert_uint_lt(result->ended_usec,
				  result->started_usec + target->timeout_usec + MSEC(LATE_MSEC));
	}
	ck_assert_uint_eq(count_fds(), fds);
}

static void assert_text(const struct probe_result *result, const char *text, size_t length)
{
	ck_assert_ptr_nonnull(result->text);
	ck_assert_uint_eq(result->text_length, length);
	if (length > 0)
		ck_assert_mem_eq(result->text, text, length);
}

static void clear_one(struct probe_result *result)
{
	probe_clear(result);
	ck_assert_ptr_null(result->text);
	ck_assert_ptr_null(result->attempts);
	ck_assert_ptr_null(result->addresses.addresses);
	ck_assert_uint_eq(result->addresses.count, 0);
	probe_clear(result);
}

static const char *transport_name(enum transport transport)
{
	return transport == OVER_TCP ? "TCP" : "UNIX";
}

static const struct told {
	const char *bytes;
	size_t length;
	size_t chunk;
	unsigned int delay_msec;
	enum seen seen;
	const char *text; /* NULL if malformed */
	size_t text_length;
	size_t bad_offset;
} told[] = {
	/* The frame, whole and in pieces. */
	{UNIT_BYTES("\0\5HELLO"), 0, 0, SEEN_EOF, UNIT_BYTES("HELLO"), 0},
	{UNIT_BYTES("\0\5HELLO"), 1, 5, SEEN_EOF, UNIT_BYTES("HELLO"), 0},
	{UNIT_BYTES("\0\5HELLO"), 2, 5, SEEN_EOF, UNIT_BYTES("HELLO"), 0},
	{UNIT_BYTES("\0\5HELLO"), 3, 5, SEEN_EOF, UNIT_BYTES("HELLO"), 0},
	{UNIT_BYTES("\0\0"), 0, 0, SEEN_EOF, UNIT_BYTES(""), 0},
	{UNIT_BYTES("\0\0"), 1, 5, SEEN_EOF, UNIT_BYTES(""), 0},
	{UNIT_BYTES("\0\1A"), 0, 0, SEEN_EOF, UNIT_BYTES("A"), 0},
	{UNIT_BYTES("\0\3A\nB"), 0, 0, SEEN_EOF, UNIT_BYTES("A\nB"), 0},
	/* Modified UTF-8: U+0000, and U+1F600 as its surrogates. */
	{UNIT_BYTES("\0\2\xC0\x80"), 0, 0, SEEN_EOF, UNIT_BYTES("\0"), 0},
	{UNIT_BYTES("\0\6\xED\xA0\xBD\xED\xB8\x80"), 1, 5, SEEN_EOF, UNIT_BYTES("\xF0\x9F\x98\x80"),
	 0},

	/* What follows the frame is left alone. */
	{UNIT_BYTES("\0\5HELLO!"), 0, 0, SEEN_RESET, UNIT_BYTES("HELLO"), 0},
	{UNIT_BYTES("\0\5HELLO\0\5HELLO"), 0, 0, SEEN_RESET, UNIT_BYTES("HELLO"), 0},
	{UNIT_BYTES("\0\0!"), 0, 0, SEEN_RESET, UNIT_BYTES(""), 0},

	/* Whole, but malformed at some offset. */
	{UNIT_BYTES("\0\1\x80"), 0, 0, SEEN_EOF, NULL, 0, 0},
	{UNIT_BYTES("\0\3AB\xF0"), 0, 0, SEEN_EOF, NULL, 0, 2},
	{UNIT_BYTES("\0\2A\xC3"), 0, 0, SEEN_EOF, NULL, 0, 1},
	{UNIT_BYTES("\0\4ABC\xE2\x82\xAC"), 0, 0, SEEN_RESET, NULL, 0, 3},
	{UNIT_BYTES("\0\4\xF0\x9F\x98\x80"), 1, 5, SEEN_EOF, NULL, 0, 0},
	{UNIT_BYTES("\0\5HELL\xFF!"), 0, 0, SEEN_RESET, NULL, 0, 4},
};

static void tell_one(const struct told *row, enum transport transport)
{
	struct script script = {row->bytes, row->length, row->chunk, row->delay_msec, END_WAIT};
	size_t have = FRAME_HEADER_BYTES + (uint8_t)row->bytes[1];
	static struct probe_result result;
	struct probe_target target;
	struct peer peer;
	enum seen seen;

	peer_start(&peer, transport, &script, 1);
	target = target_of(&peer, PATIENCE_MSEC);
	probe_one(&target, row->text != NULL ? PROBE_GREETED : PROBE_MALFORMED, row->bytes, have,
		  &result);
	if (row->text != NULL)
		assert_text(&result, row->text, row->text_length);
	else
		ck_assert_uint_eq(result.bad_offset, row->bad_offset);
	ck_assert_uint_eq(result.addresses.count, 1);
	ck_assert_uint_eq(result.winner, 0);
	ck_assert_int_eq((int)result.attempts[0].outcome, DIAL_CONNECTED);
	ck_assert_int_eq(result.resolve_error, 0);
	ck_assert_int_eq(result.system_error, 0);
	clear_one(&result);
	seen = peer_end(&peer);
	ck_assert_msg(seen == row->seen, "over %s: the peer saw %d, not %d",
		      transport_name(transport), (int)seen, (int)row->seen);
}

START_TEST(test_told)
{
	tell_one(&told[_i], OVER_TCP);
	tell_one(&told[_i], OVER_UNIX);
}
END_TEST

/* Closed after `_i` bytes: only at 7 of them the frame is whole. */
START_TEST(test_every_prefix)
{
	static const enum transport transports[] = {OVER_TCP, OVER_UNIX};
	const char frame[] = "\0\5HELLO";
	struct script script = {frame, (size_t)_i, 0, 0, END_CLOSE};
	static struct probe_result result;

	for (int i = 0; i < UNIT_COUNT(transports); i++) {
		struct probe_target target;
		struct peer peer;

		peer_start(&peer, transports[i], &script, 1);
		target = target_of(&peer, PATIENCE_MSEC);
		probe_one(&target, _i == 7 ? PROBE_GREETED : PROBE_CLOSED, frame, (size_t)_i,
			  &result);
		clear_one(&result);
		peer_end(&peer);
	}
}
END_TEST

static const size_t resets[] = {0, 1, 2, 6, 7};

/* Reset after so many bytes. The delay has the client connected by then. */
START_TEST(test_reset)
{
	const char frame[] = "\0\5HELLO";
	struct script script = {frame, resets[_i], 0, 200, END_RESET};
	static struct probe_result result;
	struct probe_target target;
	struct peer peer;

	peer_start(&peer, OVER_TCP, &script, 1);
	target = target_of(&peer, PATIENCE_MSEC);
	probe_one(&target, resets[_i] == 7 ? PROBE_GREETED : PROBE_RESET, frame, resets[_i],
		  &result);
	ck_assert_int_eq(result.system_error, resets[_i] == 7 ? 0 : ECONNRESET);
	clear_one(&result);
	peer_end(&peer);
}
END_TEST

static const struct {
	size_t greeting, extra, chunk;
	enum seen seen;
} large[] = {
	{256, 0, 0, SEEN_EOF},
	{32768, 0, 0, SEEN_EOF},
	{FRAME_GREETING_BYTES_MAX, 0, 0, SEEN_EOF},
	{FRAME_GREETING_BYTES_MAX, 0, 1000, SEEN_EOF},
	{FRAME_GREETING_BYTES_MAX, 1, 0, SEEN_RESET},
	{FRAME_GREETING_BYTES_MAX, 1 << 20, 0, SEEN_RESET},
	{5, 1 << 20, 0, SEEN_RESET},
};

/* Heap buffers of exactly the size, for a sanitizer to see. */
START_TEST(test_large)
{
	size_t greeting = large[_i].greeting, have = FRAME_HEADER_BYTES + greeting;
	size_t length = have + large[_i].extra;
	char *bytes = malloc(length);
	struct script script = {bytes, length, large[_i].chunk, 0, END_WAIT};
	static struct probe_result result;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)('A' + i % 26);
	bytes[0] = (char)(greeting >> 8);
	bytes[1] = (char)(greeting & 0xFF);

	for (int i = 0; i < 2; i++) {
		enum transport transport = i == 0 ? OVER_TCP : OVER_UNIX;
		struct probe_target target;
		struct peer peer;

		peer_start(&peer, transport, &script, 1);
		target = target_of(&peer, PATIENCE_MSEC);
		probe_one(&target, PROBE_GREETED, bytes, have, &result);
		assert_text(&result, bytes + FRAME_HEADER_BYTES, greeting);
		clear_one(&result);
		ck_assert_int_eq((int)peer_end(&peer), (int)large[_i].seen);
	}
	free(bytes);
}
END_TEST

static const struct {
	const char *bytes;
	size_t length;
} stalled[] = {
	{UNIT_BYTES("")},
	{UNIT_BYTES("\0")},
	{UNIT_BYTES("\0\5")},
	{UNIT_BYTES("\0\5HELL")},
	{UNIT_BYTES("220 mail.example.org ESMTP\r\n")},
};

/* The peer says nothing, or stops in the middle. */
START_TEST(test_stalled)
{
	struct script script = {stalled[_i].bytes, stalled[_i].length, 0, 0, END_WAIT};
	static struct probe_result result;
	struct probe_target target;
	struct peer peer;

	peer_start(&peer, OVER_TCP, &script, 1);
	target = target_of(&peer, 300);
	probe_one(&target, PROBE_TIMED_OUT, script.bytes, script.length, &result);
	clear_one(&result);
	ck_assert_int_eq((int)peer_end(&peer), SEEN_EOF);
}
END_TEST

/* There is one deadline for everything: bytes that keep coming do not put it off. */
START_TEST(test_drip_is_too_slow)
{
	struct script script = {UNIT_BYTES("\0\5HELLO"), 1, 100, END_WAIT};
	static struct probe_result result;
	struct probe_target target;
	struct peer peer;

	peer_start(&peer, OVER_TCP, &script, 1);
	target = target_of(&peer, 450);
	probe_run(&target, &result);
	ck_assert_int_eq((int)result.status, PROBE_TIMED_OUT);
	ck_assert_uint_ge(result.frame_have, 1);
	ck_assert_uint_lt(result.frame_have, 7);
	ck_assert_uint_ge(result.ended_usec, result.first_byte_usec + MSEC(150));
	ck_assert_uint_ge(result.ended_usec, result.started_usec + target.timeout_usec);
	clear_one(&result);
	peer_end(&peer);
}
END_TEST

START_TEST(test_refused)
{
	static struct probe_result result;
	struct probe_target target;
	struct peer peer;

	peer_listen(&peer, OVER_TCP, -1);
	target = target_of(&peer, PATIENCE_MSEC);
	probe_one(&target, PROBE_UNCONNECTED, NULL, 0, &result);
	ck_assert_uint_eq(result.connected_usec, 0);
	ck_assert_uint_eq(result.addresses.count, 1);
	ck_assert_uint_eq(result.winner, 1);
	ck_assert_int_eq((int)result.attempts[0].outcome, DIAL_FAILED);
	ck_assert_int_eq(result.attempts[0].error, ECONNREFUSED);
	clear_one(&result);
	peer_end(&peer);
}
END_TEST

/* Where nothing answers: a listener whose queue, of one, is full. */
START_TEST(test_black_hole)
{
	static struct probe_result result;
	struct probe_target target;
	struct pollfd polled;
	struct peer peer;
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int fd;

	peer_listen(&peer, _i == 0 ? OVER_TCP : OVER_UNIX, 0);
	getsockname(peer.listener, (struct sockaddr *)&address, &length);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
	polled = (struct pollfd){.fd = peer.listener, .events = POLLIN};
	ck_assert_int_eq(poll(&polled, 1, (int)PATIENCE_MSEC), 1);

	target = target_of(&peer, 100);
	probe_one(&target, PROBE_TIMED_OUT, NULL, 0, &result);
	ck_assert_uint_ne(result.resolved_usec, 0);
	ck_assert_uint_eq(result.connected_usec, 0);
	ck_assert_uint_eq(result.winner, 1);
	ck_assert_int_eq((int)result.attempts[0].outcome, DIAL_TIMED_OUT);
	clear_one(&result);
	close(fd);
	peer_end(&peer);
}
END_TEST

START_TEST(test_unresolved)
{
	static const struct {
		const char *host;
		int family, error, or_error;
	} rows[] = {
		{"127.0.0.1", AF_INET6, EAI_ADDRFAMILY, EAI_NONAME},
		{"::1", AF_INET, EAI_ADDRFAMILY, EAI_NONAME},
		/* A label of 64 bytes, RFC 1035, section 2.3.4. */
		{"0123456789012345678901234567890123456789012345678901234567890123.invalid",
		 AF_UNSPEC, EAI_NONAME, EAI_FAIL},
		{"/0123456789012345678901234567890123456789012345678901234567890123"
		 "45678901234567890123456789012345678901234567890123456789",
		 AF_UNSPEC, RESOLVE_PATH_TOO_LONG, RESOLVE_PATH_TOO_LONG},
	};
	static struct probe_result result;

	for (int i = 0; i < UNIT_COUNT(rows); i++) {
		struct probe_target target = {rows[i].host, "6666", rows[i].family,
					      MSEC(PATIENCE_MSEC), 0};

		probe_one(&target, PROBE_UNRESOLVED, NULL, 0, &result);
		ck_assert(result.resolve_error == rows[i].error ||
			  result.resolve_error == rows[i].or_error);
		ck_assert_uint_eq(result.resolved_usec, 0);
		ck_assert_uint_eq(result.addresses.count, 0);
		ck_assert_ptr_null(result.attempts);
		clear_one(&result);
	}
}
END_TEST

/* Too many open files: no resolver can be started, no socket made. */
START_TEST(test_no_descriptors)
{
	static const char *const hosts[] = {"127.0.0.1", "/nonexistent/socket"};
	static struct probe_result result;
	struct probe_target target = {hosts[_i], "6666", AF_UNSPEC, MSEC(PATIENCE_MSEC), 0};
	struct rlimit before, none;
	int lowest = dup(STDERR_FILENO);

	close(lowest);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &none);
	probe_run(&target, &result);
	setrlimit(RLIMIT_NOFILE, &before);
	ck_assert_int_eq((int)result.status, PROBE_SYSTEM_ERROR);
	ck_assert_msg(result.system_error == EMFILE, "%s", strerror(result.system_error));
	clear_one(&result);
}
END_TEST

static const struct {
	struct script script;
	int await_close;
	enum probe_status status;
	unsigned int close_msec; /* at least; 0 if it is not seen */
} closings[] = {
	{{UNIT_BYTES("\0\5HELLO"), 0, 200, END_CLOSE}, 1, PROBE_GREETED, 150},
	{{UNIT_BYTES("\0\5HELLO"), 0, 200, END_RESET}, 1, PROBE_GREETED, 150},
	/* It may come behind what is not ours to read. */
	{{UNIT_BYTES("\0\5HELLO!"), 0, 200, END_CLOSE}, 1, PROBE_GREETED, 150},
	{{UNIT_BYTES("\0\5HELLO"), 0, 0, END_WAIT}, 1, PROBE_GREETED, 0},
	{{UNIT_BYTES("\0\5HELLO"), 0, 0, END_CLOSE}, 0, PROBE_GREETED, 0},
	/* Only after a greeting. */
	{{UNIT_BYTES("\0\1\xFF"), 0, 0, END_CLOSE}, 1, PROBE_MALFORMED, 0},
	{{UNIT_BYTES("\0\5HELL"), 0, 0, END_CLOSE}, 1, PROBE_CLOSED, 0},
};

/* It is waited for, but for no longer than PROBE_CLOSE_MSEC, and it changes nothing. */
START_TEST(test_await_close)
{
	const struct script *script = &closings[_i].script;
	size_t whole = FRAME_HEADER_BYTES + (uint8_t)script->bytes[1];
	static struct probe_result result;
	struct probe_target target;
	struct peer peer;
	uint64_t before = clock_now_usec();
	bool seen = closings[_i].close_msec > 0;

	peer_start(&peer, OVER_TCP, script, 1);
	target = target_of(&peer, PATIENCE_MSEC);
	target.await_close = closings[_i].await_close;
	probe_one(&target, closings[_i].status, script->bytes,
		  script->length < whole ? script->length : whole, &result);
	ck_assert_int_eq(result.closed_usec != 0, seen);
	if (seen)
		ck_assert_uint_ge(result.closed_usec,
				  result.started_usec + MSEC(closings[_i].close_msec));
	if (!seen && target.await_close && script->ending == END_WAIT)
		ck_assert_uint_ge(clock_now_usec(), result.ended_usec + MSEC(PROBE_CLOSE_MSEC));
	else
		ck_assert_uint_lt(clock_now_usec(), before + MSEC(PROBE_CLOSE_MSEC));
	clear_one(&result);
	peer_end(&peer);
}
END_TEST

/* Has a SIGINT come while it waits, or just before: no sooner is it let in (wait.h). */
static void interrupt(int number)
{
	(void)number;
	raise(SIGINT);
}

static const struct {
	struct script script;
	enum probe_status status;
} interruptions[] = {
	{{UNIT_BYTES(""), 0, 0, END_WAIT}, PROBE_INTERRUPTED},
	{{UNIT_BYTES("\0\5HELL"), 0, 0, END_WAIT}, PROBE_INTERRUPTED},
	/* The outcome was clear: the greeting stays one, only its end is not seen. */
	{{UNIT_BYTES("\0\5HELLO"), 0, 0, END_WAIT}, PROBE_GREETED},
};

/* After a while, when all has come that will come. */
START_TEST(test_interrupted)
{
	const struct script *script = &interruptions[_i].script;
	struct sigaction action = {.sa_handler = interrupt};
	struct itimerval soon = {.it_value.tv_usec = 300000};
	static struct probe_result result;
	struct probe_target target;
	struct peer peer;

	peer_start(&peer, OVER_TCP, script, 1);
	target = target_of(&peer, PATIENCE_MSEC);
	target.await_close = 1;
	wait_catch_signals();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	probe_one(&target, interruptions[_i].status, script->bytes, script->length, &result);
	ck_assert_int_eq(result.system_error, 0);
	ck_assert_uint_eq(result.closed_usec, 0);
	ck_assert(wait_interrupted());
	clear_one(&result);
	ck_assert_int_eq((int)peer_end(&peer), SEEN_EOF);
}
END_TEST

/* Before it begins: not even a name is resolved. */
START_TEST(test_interrupted_before)
{
	struct probe_target target = {"127.0.0.1", "6666", AF_UNSPEC, MSEC(PATIENCE_MSEC), 0};
	static struct probe_result result;

	wait_catch_signals();
	raise(SIGTERM);
	ck_assert_int_eq(wait_poll(NULL, 0, 0), -EINTR);
	probe_run(&target, &result);
	ck_assert_int_eq((int)result.status, PROBE_INTERRUPTED);
	ck_assert_uint_eq(result.resolved_usec, 0);
	ck_assert_int_eq(result.system_error, 0);
	clear_one(&result);
}
END_TEST

/* A sanitizer keeps freed memory for a while, so there the number of pages tells nothing. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FREES_LATE true
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FREES_LATE true
#endif
#ifndef FREES_LATE
#define FREES_LATE false
#endif

/* In pages of memory that is not shared with a file. */
static long data_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long data = -1;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*d %*d %*d %*d %*d %ld", &data), 1);
	fclose(file);
	return data;
}

/*
 * Descriptors and memory stay as they are, however many greetings are read. A greeting that was
 * not freed would show as 65,535 bytes each; what is smaller is for a sanitizer to find.
 */
START_TEST(test_nothing_is_left_over)
{
	const int warm = 50, more = 800;
	char *bytes = malloc(FRAME_BYTES_MAX);
	struct script script = {bytes, FRAME_BYTES_MAX, 0, 0, END_WAIT};
	static struct probe_result result;
	struct probe_target target;
	struct peer peer;
	long pages = 0;

	memset(bytes, 'x', FRAME_BYTES_MAX);
	memset(bytes, 0xFF, FRAME_HEADER_BYTES);
	peer_start(&peer, OVER_UNIX, &script, warm + more);
	target = target_of(&peer, PATIENCE_MSEC);
	for (int i = 0; i < warm + more; i++) {
		if (i == warm)
			pages = data_pages();
		probe_one(&target, PROBE_GREETED, bytes, FRAME_BYTES_MAX, &result);
		probe_clear(&result);
	}
	pages = (data_pages() - pages) * sysconf(_SC_PAGESIZE);
	ck_assert_msg(FREES_LATE || pages < more * FRAME_GREETING_BYTES_MAX * 3L / 4,
		      "%ld bytes more", pages);
	ck_assert_int_eq((int)peer_end(&peer), SEEN_EOF);
	free(bytes);
}
END_TEST

static Suite *probe_suite(void)
{
	Suite *suite = suite_create("probe");
	TCase *reading = tcase_create("reading");
	TCase *failing = tcase_create("failing");

	tcase_set_timeout(reading, 60);
	tcase_add_unchecked_fixture(reading, make_directory, remove_directory);
	tcase_add_loop_test(reading, test_told, 0, UNIT_COUNT(told));
	tcase_add_loop_test(reading, test_every_prefix, 0, 8);
	tcase_add_loop_test(reading, test_reset, 0, UNIT_COUNT(resets));
	tcase_add_loop_test(reading, test_large, 0, UNIT_COUNT(large));
	tcase_add_test(reading, test_nothing_is_left_over);
	tcase_add_loop_test(reading, test_await_close, 0, UNIT_COUNT(closings));
	suite_add_tcase(suite, reading);

	tcase_set_timeout(failing, 60);
	tcase_add_unchecked_fixture(failing, make_directory, remove_directory);
	tcase_add_loop_test(failing, test_stalled, 0, UNIT_COUNT(stalled));
	tcase_add_test(failing, test_drip_is_too_slow);
	tcase_add_test(failing, test_refused);
	tcase_add_loop_test(failing, test_black_hole, 0, 2);
	tcase_add_test(failing, test_unresolved);
	tcase_add_loop_test(failing, test_no_descriptors, 0, 2);
	tcase_add_loop_test(failing, test_interrupted, 0, UNIT_COUNT(interruptions));
	tcase_add_test(failing, test_interrupted_before);
	suite_add_tcase(suite, failing);
	return suite;
}

int main(void)
{
	return unit_run(probe_suite());
}
