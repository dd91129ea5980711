/* SPDX-License-Identifier: MIT */
/* signals - waits that SIGINT and SIGTERM end, and SIGQUIT interrupts */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "../unit.h"
#include "common/clock.h"
#include "probe/signals.h"

#define MSEC(n) ((uint64_t)(n)*USEC_PER_MSEC)

static const int handled[] = {SIGINT, SIGTERM};

/* Signal that the next ppoll(2) raises before it waits, or 0. */
static int at_the_last_moment;

static bool always_interrupted;

int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	__typeof__(&ppoll) real = (__typeof__(&ppoll))dlsym(RTLD_NEXT, "ppoll");
	int number = at_the_last_moment;

	at_the_last_moment = 0;
	if (number != 0)
		raise(number);
	if (always_interrupted) {
		errno = EINTR;
		return -1;
	}
	return real(polled, count, timeout, mask);
}

static volatile sig_atomic_t alarms;
static volatile sig_atomic_t raised_by_alarm; /* a signal, or 0 */

static void on_alarm(int number)
{
	(void)number;
	alarms++;
	if (raised_by_alarm != 0)
		raise(raised_by_alarm);
}

/* Sends SIGALRM after 20 ms, and then every 5 ms. */
static void start_alarms(void)
{
	struct itimerval often = {.it_value.tv_usec = 20000, .it_interval.tv_usec = 5000};

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
}

/* Inherited disposition of a signal. 0: default; 1: ignored (by "&" in a script); 2: blocked. */
static void inherit(int how, int number)
{
	sigset_t blocked;

	signal(number, how == 1 ? SIG_IGN : SIG_DFL);
	sigemptyset(&blocked);
	sigaddset(&blocked, number);
	sigprocmask(how == 2 ? SIG_BLOCK : SIG_UNBLOCK, &blocked, NULL);
}

/* Waits for input on a pipe with these bytes, or for no descriptor if `bytes` is NULL. */
static enum outcome wait_for(const char *bytes, uint64_t deadline_usec)
{
	struct pollfd polled = {.events = POLLIN};
	int ends[2], error;

	if (bytes == NULL)
		return signals_wait(NULL, 0, deadline_usec, &error);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq((int)write(ends[1], bytes, strlen(bytes)), (int)strlen(bytes));
	polled.fd = ends[0];
	return signals_wait(&polled, 1, deadline_usec, &error);
}

static const unsigned waits_msec[] = {0, 1, 5, 60};

/* Other signals do not change the time, whether SIGINT and SIGTERM are caught or not. */
START_TEST(wait_ends_at_the_deadline)
{
	uint64_t deadline;

	if (_i % 2 != 0)
		signals_catch(NULL, NULL);
	start_alarms();
	/* A busy machine may be late for alarms. Check ends a wait that does not end. */
	for (int i = 0; i < 2 || (waits_msec[_i / 2] == 60 && alarms < 2); i++) {
		deadline = clock_now_usec() + MSEC(waits_msec[_i / 2]);
		ck_assert_int_eq(wait_for(i % 2 == 0 ? NULL : "", deadline), OUTCOME_TIMED_OUT);
		ck_assert_uint_ge(clock_now_usec(), deadline);
	}
	ck_assert(!signals_caught());
	ck_assert_int_eq(wait_for("x", 0), OUTCOME_NONE);
	ck_assert_int_eq(wait_for("x", CLOCK_NEVER), OUTCOME_NONE);
}
END_TEST

static void count_call(void *data)
{
	(*(int *)data)++;
}

/* As of signals without end. SIGQUIT and SIGINT still count. */
START_TEST(interruptions_without_end_keep_the_deadline)
{
	uint64_t deadline = clock_now_usec() + MSEC(50);
	int calls = 0;

	signals_catch(count_call, &calls);
	always_interrupted = true;
	ck_assert_int_eq(wait_for("", deadline), OUTCOME_TIMED_OUT);
	ck_assert_uint_ge(clock_now_usec(), deadline);
	at_the_last_moment = SIGQUIT;
	ck_assert_int_eq(wait_for("", 0), OUTCOME_TIMED_OUT);
	ck_assert_int_eq(calls, 1);
	at_the_last_moment = SIGINT;
	ck_assert_int_eq(wait_for("", 0), OUTCOME_INTERRUPTED);
}
END_TEST

/* EINVAL, because there are more descriptors than RLIMIT_NOFILE: poll(2). */
START_TEST(failed_poll_is_reported)
{
	struct pollfd polled[8] = {{.fd = -1}};
	struct rlimit few = {.rlim_cur = 7, .rlim_max = 7};
	int error = 0;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(signals_wait(polled, 8, CLOCK_NEVER, &error), OUTCOME_SYSTEM_ERROR);
	ck_assert_int_eq(error, EINVAL);
}
END_TEST

/* Before the wait, between the check and the wait (the race in pselect(2)), and during the wait. */
START_TEST(caught_signal_ends_every_wait)
{
	int number = handled[_i % 2], when = _i / 2 % 3;

	inherit(_i / 6, number);
	signals_catch(NULL, NULL);
	ck_assert_int_eq(wait_for(NULL, 0), OUTCOME_TIMED_OUT);
	if (when == 0)
		raise(number);
	else if (when == 1)
		at_the_last_moment = number;
	else
		start_alarms();
	raised_by_alarm = number;
	ck_assert_int_eq(wait_for("", CLOCK_NEVER), OUTCOME_INTERRUPTED);

	/* The signal is remembered, and further signals have no effect. */
	raise(number);
	raise(handled[1 - _i % 2]);
	ck_assert(signals_caught());
	ck_assert_int_eq(wait_for(NULL, CLOCK_NEVER), OUTCOME_INTERRUPTED);
	ck_assert_int_eq(wait_for(NULL, 0), OUTCOME_INTERRUPTED);
	ck_assert_int_eq(wait_for("x", CLOCK_NEVER), OUTCOME_INTERRUPTED);
}
END_TEST

/* Before the wait, just before ppoll(2), and during the wait, which goes on to its end. */
START_TEST(quit_interrupts_the_wait)
{
	int calls = 0, when = _i % 3;
	uint64_t deadline;

	inherit(_i / 3, SIGQUIT);
	signals_catch(count_call, &calls);
	ck_assert_int_eq(wait_for(NULL, 0), OUTCOME_TIMED_OUT);
	ck_assert_int_eq(calls, 0);
	if (when == 0)
		raise(SIGQUIT);
	else if (when == 1)
		at_the_last_moment = SIGQUIT;
	else
		start_alarms();
	raised_by_alarm = SIGQUIT;
	/* A busy machine may be late for all alarms but one. */
	do {
		deadline = clock_now_usec() + MSEC(100);
		ck_assert_int_eq(wait_for("", deadline), OUTCOME_TIMED_OUT);
		ck_assert_uint_ge(clock_now_usec(), deadline);
	} while (when == 2 && calls < 2);
	ck_assert(when == 2 || calls == 1);
	ck_assert(!signals_caught());

	/* The last ones may have come after the wait. SIGINT still ends it. */
	signal(SIGALRM, SIG_IGN);
	wait_for(NULL, 0);
	calls = 0;
	ck_assert_int_eq(wait_for("x", CLOCK_NEVER), OUTCOME_NONE);
	ck_assert_int_eq(calls, 0);
	raise(SIGQUIT);
	raise(SIGINT);
	ck_assert_int_eq(wait_for("x", CLOCK_NEVER), OUTCOME_INTERRUPTED);
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(uncaught_signal_ends_the_process)
{
	int status, pid = fork();

	if (pid == 0) {
		inherit(0, handled[_i]);
		at_the_last_moment = handled[_i];
		wait_for(NULL, clock_now_usec() + MSEC(10000));
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), handled[_i]);
}
END_TEST

START_TEST(other_signals_stay_blocked)
{
	inherit(2, SIGALRM);
	signals_catch(NULL, NULL);
	start_alarms();
	ck_assert_int_eq(wait_for(NULL, clock_now_usec() + MSEC(50)), OUTCOME_TIMED_OUT);
	ck_assert_int_eq(alarms, 0);
}
END_TEST

/* SIGSTOP and SIGCONT, as from a shell, do not change the deadline. The child waits until the end. */
START_TEST(stopped_process_waits_on)
{
	int ends[2], status, pid;
	char byte;

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0) {
		if (_i != 0)
			signals_catch(NULL, NULL);
		do {
			uint64_t deadline = clock_now_usec() + MSEC(100);

			if (wait_for(NULL, deadline) != OUTCOME_TIMED_OUT ||
			    clock_now_usec() < deadline)
				_exit(1);
		} while (read(ends[0], &byte, 1) != 1);
		_exit(0);
	}
	for (int i = 0; i < 3; i++) {
		usleep(10000); /* until it waits, probably */
		kill(pid, SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		ck_assert_msg(WIFSTOPPED(status), "ended with %d", status);
		kill(pid, SIGCONT);
		waitpid(pid, &status, WCONTINUED);
	}
	ck_assert_int_eq((int)write(ends[1], "", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	return UNIT_RUN("signals", {wait_ends_at_the_deadline, 2 * UNIT_COUNT(waits_msec)},
			{interruptions_without_end_keep_the_deadline, 1},
			{failed_poll_is_reported, 1}, {caught_signal_ends_every_wait, 2 * 3 * 3},
			{quit_interrupts_the_wait, 3 * 3},
			{uncaught_signal_ends_the_process, UNIT_COUNT(handled)},
			{other_signals_stay_blocked, 1}, {stopped_process_waits_on, 2});
}
