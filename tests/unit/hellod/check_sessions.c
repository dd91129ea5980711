/* SPDX-License-Identifier: MIT */
/* sessions - many sessions in a fixed store, in the order of their deadlines */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

#include "../unit.h"
#include "common/clock.h"
#include "hellod/sessions.h"

/* The clock is ours. */
#define NOW UINT64_C(1000000)
#define SEND_USEC (SESSION_SEND_MSEC * UINT64_C(1000))
#define LINGER_USEC (SESSION_LINGER_MSEC * UINT64_C(1000))

#define SIZE 8U
#define SEEDS 20
#define OPERATIONS 1000

static const struct greeting greeting = {.frame = "\x00\x05HELLO", .frame_length = 7};

/* What the peer of the session that is stepped does: see the calls of the session below. */
enum {
	PEER_IDLE,
	PEER_READS,
	PEER_CLOSES,
};

static int peer;

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	(void)fd;
	(void)buffer;
	(void)flags;
	if (peer == PEER_READS)
		return (ssize_t)length;
	errno = peer == PEER_IDLE ? EAGAIN : EPIPE;
	return -1;
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
	(void)fd;
	(void)buffer;
	(void)length;
	(void)flags;
	if (peer == PEER_CLOSES)
		errno = ECONNRESET;
	else
		errno = EAGAIN;
	return -1;
}

int shutdown(int fd, int how)
{
	(void)fd;
	(void)how;
	return 0;
}

static struct sessions sessions;

/* A descriptor that stands for a socket, and that can be seen to be closed. */
static int new_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static uint32_t add(uint64_t now)
{
	uint32_t index = sessions_add(&sessions, new_fd(), &greeting, now);

	ck_assert_uint_lt(index, SIZE);
	ck_assert_int_eq((int)sessions_get(&sessions, index)->state, SESSION_SENDING);
	return index;
}

static enum session_state step(uint32_t index, int does, uint64_t now)
{
	enum session_state state;

	peer = does;
	state = sessions_step(&sessions, index, now);
	ck_assert_int_eq((int)state, (int)sessions_get(&sessions, index)->state);
	return state;
}

static uint32_t add_lingering(uint64_t now)
{
	uint32_t index = add(now);

	ck_assert_int_eq((int)step(index, PEER_READS, now), SESSION_LINGERING);
	return index;
}

static void set_up(void)
{
	ck_assert_int_eq(sessions_init(&sessions, SIZE), 0);
}

static void tear_down(void)
{
	sessions_free(&sessions);
}

START_TEST(empty_store_has_nothing)
{
	ck_assert(!sessions_full(&sessions));
	ck_assert_uint_eq(sessions_oldest_lingering(&sessions), SESSIONS_NONE);
	ck_assert_uint_eq(sessions_expired(&sessions, CLOCK_NEVER - 1), SESSIONS_NONE);
	ck_assert_uint_eq(sessions_deadline_usec(&sessions), CLOCK_NEVER);
	ck_assert_uint_eq(sessions.count, 0);
}
END_TEST

START_TEST(any_of_them_can_be_had)
{
	static const struct sessions none;
	uint32_t sending, lingering;

	ck_assert_uint_eq(sessions_any(&none), SESSIONS_NONE);
	ck_assert_uint_eq(sessions_any(&sessions), SESSIONS_NONE);
	sending = add(NOW);
	ck_assert_uint_eq(sessions_any(&sessions), sending);
	lingering = add_lingering(NOW);
	sessions_remove(&sessions, sending);
	ck_assert_uint_eq(sessions_any(&sessions), lingering);
	sessions_remove(&sessions, lingering);
	ck_assert_uint_eq(sessions_any(&sessions), SESSIONS_NONE);
}
END_TEST

START_TEST(session_is_begun)
{
	int fd = new_fd();
	uint32_t index = sessions_add(&sessions, fd, &greeting, NOW);
	struct session *session = sessions_get(&sessions, index);

	ck_assert_int_eq(session->fd, fd);
	ck_assert_ptr_eq(session->greeting, &greeting);
	ck_assert_uint_eq(session->deadline_usec, NOW + SEND_USEC);
	ck_assert_uint_eq(session->sent, 0);
	ck_assert_uint_eq(sessions_deadline_usec(&sessions), NOW + SEND_USEC);
	ck_assert_uint_eq(sessions_oldest_lingering(&sessions), SESSIONS_NONE);
}
END_TEST

/* At the size and not one before it. */
START_TEST(store_is_full_at_its_size)
{
	uint32_t indexes[SIZE];

	for (uint32_t i = 0; i < SIZE; i++) {
		ck_assert(!sessions_full(&sessions));
		indexes[i] = i % 2 == 0 ? add(NOW + i) : add_lingering(NOW + i);
		for (uint32_t j = 0; j < i; j++)
			ck_assert_uint_ne(indexes[j], indexes[i]);
	}
	ck_assert(sessions_full(&sessions));

	/* A closed session keeps its place until it is removed. */
	ck_assert_int_eq((int)step(indexes[3], PEER_CLOSES, NOW), SESSION_CLOSED);
	ck_assert(sessions_full(&sessions));
	sessions_remove(&sessions, indexes[3]);
	ck_assert(!sessions_full(&sessions));
	ck_assert_uint_eq(add(NOW), indexes[3]);
	ck_assert(sessions_full(&sessions));
}
END_TEST

START_TEST(store_for_one_works)
{
	uint32_t index;

	sessions_free(&sessions);
	ck_assert_int_eq(sessions_init(&sessions, 1), 0);
	for (int i = 0; i < 3; i++) {
		index = add_lingering(NOW);
		ck_assert(sessions_full(&sessions));
		ck_assert_uint_eq(sessions_oldest_lingering(&sessions), index);
		sessions_remove(&sessions, index);
		ck_assert(!sessions_full(&sessions));
		ck_assert_uint_eq(sessions_oldest_lingering(&sessions), SESSIONS_NONE);
	}
}
END_TEST

/* So memory is touched only as far as there were ever sessions at a time. */
START_TEST(places_are_used_again)
{
	uint32_t indexes[3];

	for (int i = 0; i < 3; i++)
		indexes[i] = add(NOW);
	for (int round = 0; round < 10; round++) {
		sessions_remove(&sessions, indexes[1]);
		sessions_remove(&sessions, indexes[round % 2 * 2]);
		indexes[1] = add(NOW);
		indexes[round % 2 * 2] = add(NOW);
		ck_assert_uint_lt(indexes[1], 3);
		ck_assert_uint_lt(indexes[round % 2 * 2], 3);
		ck_assert_uint_ne(indexes[1], indexes[round % 2 * 2]);
	}
	ck_assert_uint_eq(sessions.used, 3);
	ck_assert_uint_eq(sessions.count, 3);
}
END_TEST

START_TEST(time_is_up_at_the_deadline_and_not_before)
{
	bool lingers = _i == 1;
	uint64_t deadline = NOW + (lingers ? LINGER_USEC : SEND_USEC);
	uint32_t first = lingers ? add_lingering(NOW) : add(NOW);
	uint32_t second = lingers ? add_lingering(NOW + 1) : add(NOW + 1);
	struct session *session = sessions_get(&sessions, first);

	ck_assert_uint_eq(sessions_deadline_usec(&sessions), deadline);
	ck_assert_uint_eq(sessions_expired(&sessions, deadline - 1), SESSIONS_NONE);
	ck_assert_uint_eq(sessions_expired(&sessions, deadline), first);
	ck_assert_uint_eq(sessions_expired(&sessions, deadline + SEND_USEC), first);
	ck_assert_int_eq((int)step(first, PEER_IDLE, deadline), SESSION_CLOSED);
	ck_assert_int_eq((int)session->end,
			 lingers ? SESSION_END_LINGER_TIMEOUT : SESSION_END_SEND_TIMEOUT);

	/* A closed one is in no order any more. */
	ck_assert_uint_eq(sessions_expired(&sessions, deadline), SESSIONS_NONE);
	ck_assert_uint_eq(sessions_deadline_usec(&sessions), deadline + 1);
	ck_assert_uint_eq(sessions_expired(&sessions, deadline + 1), second);
}
END_TEST

/* Whichever of the two orders it is in. */
START_TEST(next_deadline_is_that_of_all)
{
	uint32_t sending = add(NOW);
	uint32_t lingering = add_lingering(NOW);

	ck_assert_uint_eq(sessions_deadline_usec(&sessions), NOW + LINGER_USEC);
	sessions_remove(&sessions, lingering);
	ck_assert_uint_eq(sessions_deadline_usec(&sessions), NOW + SEND_USEC);

	lingering = add_lingering(NOW + SEND_USEC - 1);
	ck_assert_uint_eq(sessions_deadline_usec(&sessions), NOW + SEND_USEC);
	ck_assert_uint_eq(sessions_expired(&sessions, NOW + SEND_USEC), sending);
	sessions_remove(&sessions, sending);
	ck_assert_uint_eq(sessions_expired(&sessions, NOW + SEND_USEC), SESSIONS_NONE);
	ck_assert_uint_eq(sessions_deadline_usec(&sessions), NOW + SEND_USEC - 1 + LINGER_USEC);
	(void)lingering;
}
END_TEST

/* By when they began to linger, not by when they came. */
START_TEST(oldest_is_who_lingers_longest)
{
	uint32_t first = add(NOW), second = add(NOW), third = add(NOW);

	step(third, PEER_READS, NOW + 1);
	step(first, PEER_READS, NOW + 2);
	step(second, PEER_IDLE, NOW + 3);
	ck_assert_uint_eq(sessions_oldest_lingering(&sessions), third);
	/* To be stepped on does not make it younger. */
	step(third, PEER_IDLE, NOW + 4);
	ck_assert_uint_eq(sessions_oldest_lingering(&sessions), third);
	sessions_remove(&sessions, third);
	ck_assert_uint_eq(sessions_oldest_lingering(&sessions), first);
	step(second, PEER_READS, NOW + 5);
	step(first, PEER_CLOSES, NOW + 6);
	ck_assert_uint_eq(sessions_oldest_lingering(&sessions), second);
	step(second, PEER_CLOSES, NOW + 7);
	ck_assert_uint_eq(sessions_oldest_lingering(&sessions), SESSIONS_NONE);
}
END_TEST

/* Each of three, in both orders, whether it is closed by itself or by removing it. */
START_TEST(any_can_be_removed)
{
	int victim = _i % 3;
	bool lingers = _i / 3 % 2 == 1, closes = _i / 6 == 1;
	uint64_t usec = lingers ? LINGER_USEC : SEND_USEC;
	uint32_t indexes[3];
	int fds[3];

	for (int i = 0; i < 3; i++) {
		indexes[i] = lingers ? add_lingering(NOW + (uint64_t)i) : add(NOW + (uint64_t)i);
		fds[i] = sessions_get(&sessions, indexes[i])->fd;
	}
	if (closes)
		ck_assert_int_eq((int)step(indexes[victim], PEER_CLOSES, NOW), SESSION_CLOSED);
	sessions_remove(&sessions, indexes[victim]);
	if (!closes)
		ck_assert_int_eq((int)sessions_get(&sessions, indexes[victim])->end,
				 SESSION_END_DROPPED);
	ck_assert_uint_eq(sessions.count, 2);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(is_open(fds[i]), i != victim);
		if (i == victim)
			continue;
		ck_assert_uint_eq(sessions_deadline_usec(&sessions), NOW + (uint64_t)i + usec);
		ck_assert_uint_eq(sessions_expired(&sessions, NOW + (uint64_t)i + usec),
				  indexes[i]);
		sessions_remove(&sessions, indexes[i]);
	}
	ck_assert_uint_eq(sessions_deadline_usec(&sessions), CLOCK_NEVER);

	/* And the order is as good as new. */
	for (int i = 0; i < 3; i++)
		indexes[i] = lingers ? add_lingering(NOW + (uint64_t)i) : add(NOW + (uint64_t)i);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(sessions_expired(&sessions, NOW + 2 + usec), indexes[i]);
		sessions_remove(&sessions, indexes[i]);
	}
}
END_TEST

START_TEST(free_closes_all)
{
	uint32_t closed;
	int fds[4];

	for (int i = 0; i < 4; i++) {
		uint32_t index = i % 2 == 0 ? add(NOW) : add_lingering(NOW);

		fds[i] = sessions_get(&sessions, index)->fd;
	}
	closed = add(NOW);
	step(closed, PEER_CLOSES, NOW);
	sessions_free(&sessions);
	for (int i = 0; i < 4; i++)
		ck_assert(!is_open(fds[i]));

	/* Once more, and what never was anything. */
	sessions_free(&sessions);
	sessions = (struct sessions){0};
	sessions_free(&sessions);
}
END_TEST

/* The same in the plainest way: a table that is searched. */
static struct {
	bool is_there;
	enum session_state state;
	uint64_t deadline_usec;
	uint64_t rank; /* in the order of entering the state */
	int fd;
} model[SIZE];

static void assert_as_the_model(uint64_t now)
{
	uint64_t deadline = CLOCK_NEVER, rank = UINT64_MAX;
	uint32_t count = 0, oldest = SESSIONS_NONE, expired;

	for (uint32_t i = 0; i < SIZE; i++) {
		if (!model[i].is_there)
			continue;
		count++;
		ck_assert_int_eq((int)sessions_get(&sessions, i)->state, (int)model[i].state);
		if (model[i].state == SESSION_CLOSED)
			continue;
		ck_assert(is_open(model[i].fd));
		ck_assert_uint_eq(sessions_get(&sessions, i)->deadline_usec,
				  model[i].deadline_usec);
		if (model[i].deadline_usec < deadline)
			deadline = model[i].deadline_usec;
		if (model[i].state == SESSION_LINGERING && model[i].rank < rank) {
			rank = model[i].rank;
			oldest = i;
		}
	}
	ck_assert_uint_eq(sessions.count, count);
	ck_assert_int_eq(sessions_full(&sessions), count == SIZE);
	ck_assert_uint_eq(sessions_deadline_usec(&sessions), deadline);
	ck_assert_uint_eq(sessions_oldest_lingering(&sessions), oldest);
	expired = sessions_expired(&sessions, now);
	ck_assert_int_eq(expired != SESSIONS_NONE, deadline <= now);
	if (expired != SESSIONS_NONE) {
		ck_assert(model[expired].is_there);
		ck_assert_int_ne((int)model[expired].state, SESSION_CLOSED);
		ck_assert_uint_le(model[expired].deadline_usec, now);
	}
}

static void model_step(uint32_t i, uint64_t now, uint64_t rank)
{
	enum session_state before = model[i].state, after = before;

	step(i, (int)(random() % 3), now);
	if (peer == PEER_CLOSES)
		after = SESSION_CLOSED;
	else if (before == SESSION_SENDING && peer == PEER_READS)
		after = SESSION_LINGERING;
	else if (now >= model[i].deadline_usec)
		after = SESSION_CLOSED;
	if (before == SESSION_SENDING && after == SESSION_LINGERING) {
		model[i].deadline_usec = now + LINGER_USEC;
		model[i].rank = rank;
	}
	model[i].state = after;
	if (after == SESSION_CLOSED)
		ck_assert(!is_open(model[i].fd));
}

START_TEST(random_life_is_as_a_model_says)
{
	uint64_t now = NOW;

	srandom((unsigned)_i);
	memset(model, 0, sizeof(model));
	for (uint64_t rank = 0; rank < OPERATIONS; rank++) {
		uint32_t i = (uint32_t)random() % SIZE;

		/* Now and then several in the same microsecond, and long waits. */
		if (random() % 3 == 0)
			now += (uint64_t)random() % (LINGER_USEC / 2);
		if (!model[i].is_there && !sessions_full(&sessions)) {
			i = add(now);
			ck_assert(!model[i].is_there);
			model[i].is_there = true;
			model[i].state = SESSION_SENDING;
			model[i].deadline_usec = now + SEND_USEC;
			model[i].fd = sessions_get(&sessions, i)->fd;
		} else if (model[i].is_there &&
			   (model[i].state == SESSION_CLOSED || random() % 4 == 0)) {
			sessions_remove(&sessions, i);
			if (model[i].state != SESSION_CLOSED)
				ck_assert(!is_open(model[i].fd));
			model[i].is_there = false;
		} else if (model[i].is_there) {
			model_step(i, now, rank);
		}
		assert_as_the_model(now);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sessions");
	TCase *tcase = tcase_create("sessions");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, empty_store_has_nothing);
	tcase_add_test(tcase, any_of_them_can_be_had);
	tcase_add_test(tcase, session_is_begun);
	tcase_add_test(tcase, store_is_full_at_its_size);
	tcase_add_test(tcase, store_for_one_works);
	tcase_add_test(tcase, places_are_used_again);
	tcase_add_loop_test(tcase, time_is_up_at_the_deadline_and_not_before, 0, 2);
	tcase_add_test(tcase, next_deadline_is_that_of_all);
	tcase_add_test(tcase, oldest_is_who_lingers_longest);
	tcase_add_loop_test(tcase, any_can_be_removed, 0, 12);
	tcase_add_test(tcase, free_closes_all);
	tcase_add_loop_test(tcase, random_life_is_as_a_model_says, 0, SEEDS);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
