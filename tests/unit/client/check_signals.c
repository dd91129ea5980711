/* SPDX-License-Identifier: MIT */
/* wait - client side: waiting for sockets and deadlines, until a signal */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit.h"
#include "client/signals.h"
#include "common/clock.h"

#define MSEC(n) ((uint64_t)(n)*USEC_PER_MSEC)

/* Long enough for any machine that works at all. */
#define PATIENCE_MSEC 20000U

/* The signal to raise when wait_poll() has looked at everything and goes to wait, or 0. */
static int at_the_last_moment;

int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	__typeof__(&ppoll) real = (__typeof__(&ppoll))dlsym(RTLD_NEXT, "ppoll");
	int number = at_the_last_moment;

	at_the_last_moment = 0;
	if (number != 0)
		raise(number);
	return real(polled, count, timeout, mask);
}

static const int caught[] = {SIGINT, SIGTERM};

static uint64_t in_msec(unsigned int msec)
{
	return clock_now_usec() + MSEC(msec);
}

static void pause_msec(unsigned int msec)
{
	struct timespec delay = {.tv_nsec = (long)msec * 1000000L};

	nanosleep(&delay, NULL);
}

/* A pipe that has something to read, or not. */
static struct pollfd make_pipe(bool ready, int *writing_end)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	if (ready)
		ck_assert_int_eq((int)write(ends[1], "x", 1), 1);
	if (writing_end != NULL)
		*writing_end = ends[1];
	return (struct pollfd){.fd = ends[0], .events = POLLIN};
}

/* Has a process of its own send a signal to this one, or a byte to the pipe, after a while. */
static pid_t later(unsigned int msec, int number, int writing_end)
{
	pid_t target = getpid(), pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		pause_msec(msec);
		if (number != 0)
			_exit(kill(target, number) == 0 ? 0 : 1);
		_exit(write(writing_end, "x", 1) == 1 ? 0 : 1);
	}
	return pid;
}

static int ended(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* From now, in milliseconds. */
static const unsigned int deadlines[] = {0, 1, 5, 60};

/* With nothing to wait for, and with what does not become ready. */
START_TEST(test_deadline)
{
	struct pollfd polled = make_pipe(false, NULL);

	if (_i % 2 != 0)
		wait_catch_signals();
	for (nfds_t count = 0; count < 2; count++) {
		uint64_t deadline = in_msec(deadlines[_i / 2]);

		ck_assert_int_eq(wait_poll(count > 0 ? &polled : NULL, count, deadline), 0);
		ck_assert_uint_ge(clock_now_usec(), deadline);
		ck_assert_uint_lt(clock_now_usec(), deadline + MSEC(PATIENCE_MSEC / 2));
		ck_assert_int_eq(polled.revents, 0);
	}
	ck_assert(!wait_interrupted());
}
END_TEST

START_TEST(test_deadline_was_long_ago)
{
	ck_assert_int_eq(wait_poll(NULL, 0, 0), 0);
	ck_assert_int_eq(wait_poll(NULL, 0, clock_now_usec() - 1), 0);
}
END_TEST

START_TEST(test_ready)
{
	const uint64_t until[] = {0, in_msec(PATIENCE_MSEC), CLOCK_NEVER};
	struct pollfd polled[] = {
		make_pipe(true, NULL),
		make_pipe(false, NULL),
		make_pipe(true, NULL),
		{.fd = -1, .events = POLLIN},
	};

	for (int i = 0; i < UNIT_COUNT(until); i++) {
		ck_assert_int_eq(wait_poll(polled, 4, until[i]), 2);
		ck_assert_int_eq(polled[0].revents, POLLIN);
		ck_assert_int_eq(polled[1].revents, 0);
		ck_assert_int_eq(polled[2].revents, POLLIN);
		ck_assert_int_eq(polled[3].revents, 0);
	}
}
END_TEST

START_TEST(test_becomes_ready)
{
	const uint64_t until[] = {in_msec(PATIENCE_MSEC), CLOCK_NEVER};
	int writing_end;
	struct pollfd polled = make_pipe(false, &writing_end);
	pid_t helper = later(50, 0, writing_end);

	ck_assert_int_eq(wait_poll(&polled, 1, until[_i]), 1);
	ck_assert_int_eq(polled.revents, POLLIN);
	ck_assert_int_eq(ended(helper), 0);
}
END_TEST

/* poll(2): EINVAL, more descriptors than may be open. */
START_TEST(test_error)
{
	struct pollfd polled[8];
	struct rlimit few = {.rlim_cur = 7, .rlim_max = 7};

	for (int i = 0; i < 8; i++)
		polled[i] = (struct pollfd){.fd = -1};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(wait_poll(polled, 8, CLOCK_NEVER), -EINVAL);
	ck_assert_int_eq(wait_poll(polled, 7, 0), 0);
}
END_TEST

/* However ready, late or urgent it is, once a signal came. */
static void assert_interrupted(void)
{
	struct pollfd polled = make_pipe(true, NULL);

	ck_assert(wait_interrupted());
	ck_assert_int_eq(wait_poll(NULL, 0, CLOCK_NEVER), -EINTR);
	ck_assert_int_eq(wait_poll(NULL, 0, 0), -EINTR);
	ck_assert_int_eq(wait_poll(&polled, 1, CLOCK_NEVER), -EINTR);
	ck_assert_int_eq(wait_poll(&polled, 1, 0), -EINTR);
	ck_assert(wait_interrupted());
}

/* It is remembered. */
START_TEST(test_signal_before)
{
	wait_catch_signals();
	ck_assert(!wait_interrupted());
	raise(caught[_i]);
	ck_assert_int_eq(wait_poll(NULL, 0, CLOCK_NEVER), -EINTR);
	assert_interrupted();
}
END_TEST

/* The same where there is nothing to wait for, because the deadline is over. */
START_TEST(test_signal_before_the_deadline_is_over)
{
	struct pollfd polled = make_pipe(false, NULL);

	wait_catch_signals();
	raise(caught[_i]);
	ck_assert_int_eq(wait_poll(&polled, 1, 0), -EINTR);
	assert_interrupted();
}
END_TEST

/* What is ready may be told first, but the signal is not lost. */
START_TEST(test_signal_and_ready)
{
	struct pollfd polled = make_pipe(true, NULL);
	int r;

	wait_catch_signals();
	raise(caught[_i]);
	r = wait_poll(&polled, 1, CLOCK_NEVER);
	ck_assert(r == 1 || r == -EINTR);
	ck_assert_int_eq(wait_poll(NULL, 0, CLOCK_NEVER), -EINTR);
	assert_interrupted();
}
END_TEST

START_TEST(test_signal_during)
{
	struct pollfd polled = make_pipe(false, NULL);
	uint64_t started = clock_now_usec();
	pid_t helper;

	wait_catch_signals();
	helper = later(50, caught[_i / 2], -1);
	ck_assert_int_eq(wait_poll(&polled, 1, _i % 2 == 0 ? CLOCK_NEVER : in_msec(PATIENCE_MSEC)),
			 -EINTR);
	ck_assert_uint_lt(clock_now_usec(), started + MSEC(PATIENCE_MSEC / 2));
	ck_assert_int_eq(ended(helper), 0);
	assert_interrupted();
}
END_TEST

/* The moment at which pselect(2) says that a signal is missed without it. */
START_TEST(test_signal_at_the_last_moment)
{
	wait_catch_signals();
	at_the_last_moment = caught[_i];
	ck_assert_int_eq(wait_poll(NULL, 0, CLOCK_NEVER), -EINTR);
	ck_assert_int_eq(at_the_last_moment, 0);
	assert_interrupted();
}
END_TEST

/* Between two calls: the first one keeps nothing open behind it. */
START_TEST(test_signal_between)
{
	wait_catch_signals();
	ck_assert_int_eq(wait_poll(NULL, 0, in_msec(1)), 0);
	raise(caught[_i]);
	ck_assert_int_eq(wait_poll(NULL, 0, CLOCK_NEVER), -EINTR);
	assert_interrupted();
}
END_TEST

/* A later one ends the process, wherever it hangs. */
START_TEST(test_second_signal)
{
	wait_catch_signals();
	raise(caught[_i]);
	pause_msec(250);
	raise(caught[_i]);
	_exit(EXIT_SUCCESS);
}
END_TEST

/* But not what comes with the first, whichever it is. */
START_TEST(test_signals_in_a_row)
{
	wait_catch_signals();
	raise(caught[_i]);
	raise(caught[_i]);
	raise(caught[1 - _i]);
	ck_assert_int_eq(wait_poll(NULL, 0, CLOCK_NEVER), -EINTR);
	assert_interrupted();
}
END_TEST

/* Even if it was ignored before, as SIGINT is in the background jobs of a script. */
START_TEST(test_ignored)
{
	signal(caught[_i], SIG_IGN);
	wait_catch_signals();
	raise(caught[_i]);
	ck_assert_int_eq(wait_poll(NULL, 0, CLOCK_NEVER), -EINTR);
	assert_interrupted();
}
END_TEST

/* Those who start us may have blocked it: a service manager, a shell script. */
START_TEST(test_signal_was_blocked)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, caught[_i]);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	wait_catch_signals();
	raise(caught[_i]);
	ck_assert_int_eq(wait_poll(NULL, 0, CLOCK_NEVER), -EINTR);
	assert_interrupted();
}
END_TEST

/* Where they are not caught they do what they always do. */
START_TEST(test_not_caught)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* Check has handlers of its own for them. */
		signal(caught[_i], SIG_DFL);
		at_the_last_moment = caught[_i];
		wait_poll(NULL, 0, in_msec(PATIENCE_MSEC));
		_exit(99);
	}
	status = ended(pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), caught[_i]);
}
END_TEST

static volatile sig_atomic_t others;

static void count_other(int number)
{
	(void)number;
	others++;
}

/* Signals of others, again and again: the deadline is neither missed nor put off. */
START_TEST(test_other_signals)
{
	struct sigaction action = {.sa_handler = count_other};
	struct itimerval often = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
	struct itimerval off = {0};
	uint64_t deadline;

	if (_i != 0)
		wait_catch_signals();
	sigaction(SIGALRM, &action, NULL);
	deadline = in_msec(300);
	setitimer(ITIMER_REAL, &often, NULL);
	ck_assert_int_eq(wait_poll(NULL, 0, deadline), 0);
	setitimer(ITIMER_REAL, &off, NULL);
	ck_assert_uint_ge(clock_now_usec(), deadline);
	ck_assert_uint_lt(clock_now_usec(), deadline + MSEC(PATIENCE_MSEC / 2));
	ck_assert_int_gt(others, 1);
	ck_assert(!wait_interrupted());
}
END_TEST

/* What else is blocked stays so. */
START_TEST(test_other_signals_stay_blocked)
{
	struct sigaction action = {.sa_handler = count_other};
	sigset_t blocked;

	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	wait_catch_signals();
	raise(SIGUSR1);
	ck_assert_int_eq(wait_poll(NULL, 0, in_msec(20)), 0);
	ck_assert_int_eq(others, 0);
}
END_TEST

/* Stopped and continued, as from a shell: the waiting goes on to its deadline. */
START_TEST(test_stop_and_continue)
{
	uint64_t deadline = in_msec(300);
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (_i != 0)
			wait_catch_signals();
		if (wait_poll(NULL, 0, deadline) != 0)
			_exit(1);
		_exit(wait_interrupted() || clock_now_usec() < deadline ? 2 : 0);
	}
	for (int i = 0; i < 3; i++) {
		pause_msec(30);
		kill(pid, SIGSTOP);
		ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
		ck_assert_msg(WIFSTOPPED(status), "ended with %d", status);
		kill(pid, SIGCONT);
	}
	ck_assert_int_eq(ended(pid), 0);
}
END_TEST

static Suite *wait_suite(void)
{
	Suite *suite = suite_create("wait");
	TCase *waiting = tcase_create("waiting");
	TCase *signals = tcase_create("signals");

	tcase_set_timeout(waiting, 60);
	tcase_add_loop_test(waiting, test_deadline, 0, 2 * UNIT_COUNT(deadlines));
	tcase_add_test(waiting, test_deadline_was_long_ago);
	tcase_add_test(waiting, test_ready);
	tcase_add_loop_test(waiting, test_becomes_ready, 0, 2);
	tcase_add_test(waiting, test_error);
	suite_add_tcase(suite, waiting);

	tcase_set_timeout(signals, 60);
	tcase_add_loop_test(signals, test_signal_before, 0, UNIT_COUNT(caught));
	tcase_add_loop_test(signals, test_signal_before_the_deadline_is_over, 0,
			    UNIT_COUNT(caught));
	tcase_add_loop_test(signals, test_signal_and_ready, 0, UNIT_COUNT(caught));
	tcase_add_loop_test(signals, test_signal_during, 0, 2 * UNIT_COUNT(caught));
	tcase_add_loop_test(signals, test_signal_at_the_last_moment, 0, UNIT_COUNT(caught));
	tcase_add_loop_test(signals, test_signal_between, 0, UNIT_COUNT(caught));
	for (int i = 0; i < 2; i++)
		tcase_add_loop_test_raise_signal(signals, test_second_signal, caught[i], i, i + 1);
	tcase_add_loop_test(signals, test_signals_in_a_row, 0, UNIT_COUNT(caught));
	tcase_add_loop_test(signals, test_ignored, 0, 2);
	tcase_add_loop_test(signals, test_signal_was_blocked, 0, UNIT_COUNT(caught));
	tcase_add_loop_test(signals, test_not_caught, 0, UNIT_COUNT(caught));
	tcase_add_loop_test(signals, test_other_signals, 0, 2);
	tcase_add_test(signals, test_other_signals_stay_blocked);
	tcase_add_loop_test(signals, test_stop_and_continue, 0, 2);
	suite_add_tcase(suite, signals);
	return suite;
}

int main(void)
{
	return unit_run(wait_suite());
}
