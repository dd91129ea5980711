/* SPDX-License-Identifier: MIT */
/*
 * counters - writes the coverage of a program that cannot do so itself
 *
 * Linked into the programs, with -Wl,--wrap=__gcov_exit. A confined hellod may open no file, a
 * killed process writes nothing, and strace(1) would count and fail what gcov does. So a child,
 * made before anything else runs, shares the memory of the counters, waits for the end of the
 * program, whatever ends it, and writes them. The program has no descriptor of it.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gcov.h>

#define PAGE_BYTES 4096UL

/* Of the linker: where the program's own variables begin and end. Counters are among them. */
extern char __data_start[], _end[];

static volatile int ready;

/* Called when the program exits. */
void __wrap___gcov_exit(void);
void __wrap___gcov_exit(void)
{
}

static void share_variables(void)
{
	char *begin = (char *)((uintptr_t)__data_start & ~(PAGE_BYTES - 1));
	size_t size = ((size_t)(_end - begin) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		abort();
	memcpy(shared, begin, size);
	if (mremap(shared, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, begin) == MAP_FAILED)
		abort();
}

/*
 * COUNTERS_LOG gets the errors of gcov. Whoever can lock it exclusively knows that all counters are
 * written.
 */
static void write_at_end_of(pid_t program)
{
	struct pollfd end = {.events = POLLIN};
	struct rlimit files;
	sigset_t all;

	setsid(); /* signals to the program's process group are not for this process */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	syscall(SYS_close_range, 0U, ~0U, 0U);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);

	end.fd = (int)syscall(SYS_pidfd_open, program, 0);
	if (end.fd < 0 || dup2(open(COUNTERS_LOG, O_WRONLY | O_APPEND), STDERR_FILENO) < 0 ||
	    flock(STDERR_FILENO, LOCK_SH) < 0)
		_exit(EXIT_FAILURE); /* the program aborts */
	ready = 1;
	while (poll(&end, 1, -1) != 1)
		;
	__gcov_dump();
	_exit(EXIT_SUCCESS);
}

static void begin(void)
{
	pid_t program = getpid(), child;

	share_variables();
	child = fork();
	if (child == 0)
		write_at_end_of(program);
	while (!ready) {
		if (waitpid(child, NULL, WNOHANG) != 0)
			abort();
		sched_yield();
	}
}

/* Before the constructors of preloaded libraries, one of which lets strace(1) begin. */
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = begin;
