/* SPDX-License-Identifier: MIT */
/* confine - the process gives up what serving its clients does not need */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <linux/net.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../unit.h"
#include "hellod/confine.h"

/* The call that fails once, by its number, or the operation of prctl(2) that does; 0 for none. */
static long failing;
static int failing_option, failure;
static bool out_of_memory;

/* A made-up ABI of Landlock, or 0 for the kernel's own; and the ruleset that was made. */
static long landlock_abi;
static uint64_t ruleset[3];
static size_t ruleset_bytes;
static uint64_t allowed_access;

/* Makes a call of the C library's, also before main(): libcap's initializer calls prctl(). */
static long real_syscall(long number, const long *arguments)
{
	static long (*function)(long number, ...);

	if (function == NULL)
		function = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return function(number, arguments[0], arguments[1], arguments[2], arguments[3],
			arguments[4], arguments[5]);
}

/* The other steps require PR_SET_NO_NEW_PRIVS, or a privilege: it only seems to fail. */
int prctl(int option, ...)
{
	long arguments[6] = {option};
	va_list list;
	int r = 0;

	va_start(list, option);
	for (int i = 1; i < 5; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (option == PR_SET_NO_NEW_PRIVS || option != failing_option)
		r = (int)real_syscall(SYS_prctl, arguments);
	if (option == failing_option) {
		errno = failure;
		r = -1;
	}
	return r;
}

long syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == failing) {
		failing = 0;
		errno = failure;
		return -1;
	}
	if (landlock_abi != 0 && number == SYS_landlock_create_ruleset) {
		ck_assert_int_eq(arguments[2], arguments[0] == 0 ? 1 : 0);
		if (arguments[0] == 0)
			return landlock_abi;
		ruleset_bytes = (size_t)arguments[1];
		ck_assert_uint_le(ruleset_bytes, sizeof(ruleset));
		memset(ruleset, 0, sizeof(ruleset));
		memcpy(ruleset, (void *)arguments[0], ruleset_bytes);
		return dup(STDERR_FILENO);
	}
	if (landlock_abi != 0 && number == SYS_landlock_add_rule) {
		struct landlock_path_beneath_attr rule;

		memcpy(&rule, (void *)arguments[2], sizeof(rule));
		allowed_access = rule.allowed_access;
		/* The directory need not be readable. */
		ck_assert_int_ne(fcntl(rule.parent_fd, F_GETFL) & O_PATH, 0);
		ck_assert_int_eq(fcntl(rule.parent_fd, F_GETFD), FD_CLOEXEC);
		return 0;
	}
	if (landlock_abi != 0 && number == SYS_landlock_restrict_self) {
		ck_assert_int_eq(arguments[1], 0);
		return 0;
	}
	return real_syscall(number, arguments);
}

char *strdup(const char *text)
{
	char *copy = out_of_memory ? NULL : malloc(strlen(text) + 1);

	return copy == NULL ? NULL : strcpy(copy, text);
}

#ifdef ENABLE_CONFINEMENT

/* Exit status of a child whose kernel, or architecture, has no Landlock or no filter. */
#define UNSUPPORTED 77

static bool is_unsupported(const struct confine_result *result)
{
	return result->seccomp == -EOPNOTSUPP || result->landlock == -EOPNOTSUPP ||
	       result->landlock == -ENOSYS;
}

/* Waits for a child. */
static int wait_status(void)
{
	int status;

	ck_assert_int_gt(wait(&status), 0);
	return status;
}

/* Who may make a call: a process with one of these needs, every process, or none. */
enum { ACCEPT = 1, DATAGRAMS = 2, READ = 4, EVERY = 8, NONE = 0, KILLED = 16 };

static const struct {
	const char *name;
	long call, arguments[6];
	int allowed;
} calls[] = {
#define CALL(name, allowed, ...) \
	{ \
#name, SYS_##name, {__VA_ARGS__ }, allowed \
	}
	CALL(epoll_ctl, EVERY, -1),
	CALL(epoll_pwait, EVERY, -1),
#ifdef SYS_epoll_wait
	CALL(epoll_wait, EVERY, -1),
#endif
	CALL(recvfrom, EVERY, -1),
	CALL(sendto, EVERY, -1),
	CALL(sendto, NONE, -1, 0, 0, 0, 1),
	CALL(shutdown, EVERY, -1, SHUT_WR),
	CALL(shutdown, NONE, -1, SHUT_RD),
	CALL(shutdown, NONE, -1, SHUT_RDWR),
	CALL(getpeername, EVERY, -1),
	CALL(close, EVERY, -1),
	CALL(write, EVERY, STDERR_FILENO),
	CALL(write, NONE, STDIN_FILENO),
	CALL(write, NONE, STDOUT_FILENO),
	CALL(write, NONE, 3),
	CALL(writev, EVERY, STDERR_FILENO),
	CALL(writev, NONE, STDOUT_FILENO),
	CALL(writev, NONE, STDERR_FILENO + 1),
#if LONG_MAX > INT32_MAX
	CALL(sendto, NONE, -1, 0, 0, 0, 1L << 32),
	CALL(write, NONE, 1L << 32 | STDERR_FILENO),
#endif
	CALL(brk, EVERY),
/* On i386 and s390x, the arguments of mmap are in memory. */
#ifdef SYS_mmap2
	CALL(mmap2, EVERY, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1),
	CALL(mmap2, KILLED, 0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1),
	CALL(mmap2, KILLED, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1),
#elif !defined(__s390x__)
	CALL(mmap, EVERY, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1),
	CALL(mmap, KILLED, 0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1),
	CALL(mmap, KILLED, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1),
#endif
	CALL(mprotect, NONE, 0, 4096, PROT_READ),
	CALL(mprotect, KILLED, 0, 4096, PROT_EXEC),
	CALL(mprotect, KILLED, 0, 4096, PROT_READ | PROT_EXEC),
	CALL(mremap, EVERY, 1),
	CALL(munmap, EVERY, 1),
	CALL(getrandom, EVERY, 0, 0, -1),
	CALL(clock_gettime, EVERY, -1),
	CALL(restart_syscall, EVERY),
	CALL(rt_sigprocmask, EVERY, -1),
	CALL(getpid, EVERY),
	CALL(gettid, EVERY),
	CALL(accept4, ACCEPT, -1),
	CALL(read, ACCEPT, -1),
	CALL(ppoll, ACCEPT, 0, 0, -1),
	CALL(recvmmsg, DATAGRAMS, -1),
	CALL(sendmmsg, DATAGRAMS, -1, 0, 0, MSG_DONTWAIT | MSG_NOSIGNAL),
	CALL(sendmmsg, DATAGRAMS, -1, 0, 0, ~MSG_FASTOPEN),
	CALL(sendmmsg, NONE, -1, 0, 0, MSG_FASTOPEN),
	CALL(sendmmsg, NONE, -1, 0, 0, MSG_FASTOPEN | MSG_DONTWAIT),
#ifdef SYS_socketcall
	CALL(socketcall, NONE, SYS_SHUTDOWN),
	CALL(socketcall, NONE, SYS_SENDTO),
	CALL(socketcall, NONE, SYS_SENDMMSG),
#endif
	CALL(openat, READ, AT_FDCWD, 0, O_RDONLY),
	CALL(openat, READ, AT_FDCWD, 0, O_RDONLY | O_CLOEXEC | O_NONBLOCK),
	CALL(openat, NONE, AT_FDCWD, 0, O_WRONLY),
	CALL(openat, NONE, AT_FDCWD, 0, O_RDWR),
	CALL(openat, NONE, AT_FDCWD, 0, O_RDONLY | O_CREAT),
	CALL(openat, NONE, AT_FDCWD, 0, O_RDONLY | O_TRUNC),
	CALL(openat, NONE, AT_FDCWD, 0, O_PATH),
	CALL(fstat, READ, -1),
	CALL(statx, READ, -1),
#ifdef SYS_newfstatat
	CALL(newfstatat, READ, -1),
#endif
#ifdef SYS_lstat
	CALL(lstat, READ),
#endif
#ifdef SYS_open
	CALL(open, READ, 0, O_RDONLY | O_CLOEXEC | O_NONBLOCK),
	CALL(open, NONE, 0, O_WRONLY),
	CALL(open, NONE, 0, O_RDWR),
	CALL(open, NONE, 0, O_RDONLY | O_CREAT),
	CALL(open, NONE, 0, O_RDONLY | O_TRUNC),
	CALL(open, NONE, 0, O_PATH),
#endif
	CALL(tgkill, NONE, 1, 1, 0),
	CALL(kill, NONE, 1, 0),
	CALL(clone, KILLED, -1),
	CALL(clone3, KILLED),
#ifdef SYS_fork
	CALL(fork, KILLED),
	CALL(vfork, KILLED),
#endif
	CALL(execve, KILLED),
	CALL(execveat, KILLED, -1),
	CALL(process_vm_readv, KILLED),
	CALL(process_vm_writev, KILLED),
	CALL(ptrace, KILLED),
	CALL(socket, NONE, AF_INET, SOCK_STREAM),
	CALL(connect, NONE, -1),
	CALL(bind, NONE, -1),
	CALL(listen, NONE, -1),
	CALL(ioctl, NONE, -1),
	CALL(memfd_create, NONE),
	CALL(unlinkat, NONE, -1),
};

/* Runs in a child: makes the call, and exits with 1 if it was refused. */
static void confine_and_call(int i, int needs)
{
	const struct confine_needs confine_needs = {
		.accept = (needs & ACCEPT) != 0,
		.datagrams = (needs & DATAGRAMS) != 0,
		.read_path = (needs & READ) != 0 ? "/nonexistent/greeting" : NULL,
	};
	struct confine_result result;
	long r;

	confine(&confine_needs, &result);
	r = real_syscall(calls[i].call, calls[i].arguments);
	if (result.seccomp == -EOPNOTSUPP)
		_exit(UNSUPPORTED);
	_exit(result.no_new_privs != 0 || result.seccomp != 0 ? 2 : r == -1 && errno == ENOSYS);
}

static void assert_call(int i, int needs, bool allowed)
{
	int status;

	if (fork() == 0)
		confine_and_call(i, needs);
	status = wait_status();
	if (WIFEXITED(status) && WEXITSTATUS(status) == UNSUPPORTED)
		return;
	if (calls[i].allowed == KILLED)
		ck_assert_int_eq(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGSYS);
	else
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == !allowed,
			      "%s with needs %d: status %d", calls[i].name, needs, status);
}

START_TEST(each_call_is_allowed_only_to_whom_it_serves)
{
	const int all = ACCEPT | DATAGRAMS | READ;
	int allowed = calls[_i].allowed;

	if (allowed == KILLED || allowed == NONE || allowed == EVERY) {
		assert_call(_i, 0, allowed == EVERY);
		assert_call(_i, all, allowed == EVERY);
	} else {
		assert_call(_i, allowed, true);
		assert_call(_i, all & ~allowed, false);
	}
}
END_TEST

/* Then the log shows SIGABRT. It can signal no other process. */
START_TEST(confined_process_can_abort)
{
	const struct confine_needs needs = {0};
	struct confine_result result;
	int status;

	if (fork() == 0) {
		const long arguments[6] = {getpid() ^ 1, getpid()};

		confine(&needs, &result);
		if (result.seccomp == 0 &&
		    (real_syscall(SYS_tgkill, arguments) != -1 || errno != ENOSYS))
			_exit(1);
		abort();
	}
	status = wait_status();
	ck_assert_int_eq(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGABRT);
}
END_TEST

/* The rights that each ABI of landlock(7) knows: of files, of the network, and scopes. */
static const struct {
	int abi;
	size_t bytes;
	int files, network, scopes;
} abis[] = {
	{1, 8, 13, 0, 0},  {2, 8, 14, 0, 0},  {3, 8, 15, 0, 0},	 {4, 16, 15, 2, 0},
	{5, 16, 16, 2, 0}, {6, 24, 16, 2, 2}, {7, 24, 16, 2, 2}, {99, 24, 16, 2, 2},
};

/* With datagrams, the first scope, abstract UNIX sockets, is kept, because answers go there. */
START_TEST(all_rights_that_the_kernel_knows_are_given_up)
{
	const struct confine_needs needs = {.read_path = "/usr/greeting", .datagrams = _i % 2};
	struct confine_result result;
	int i = _i / 2;

	landlock_abi = abis[i].abi;
	failing_option = PR_SET_SECCOMP; /* so that the test can go on */
	failure = EINVAL;
	confine(&needs, &result);
	ck_assert_int_eq(result.landlock, 0);
	ck_assert_uint_eq(ruleset_bytes, abis[i].bytes);
	ck_assert_uint_eq(ruleset[0], (1U << abis[i].files) - 1);
	ck_assert_uint_eq(ruleset[1], (1U << abis[i].network) - 1);
	ck_assert_uint_eq(ruleset[2], ((1U << abis[i].scopes) - 1) & (needs.datagrams ? ~1U : ~0U));
	ck_assert_uint_eq(allowed_access, LANDLOCK_ACCESS_FS_READ_FILE);
}
END_TEST

static const struct {
	int option;
	long call;
	int no_new_privs, landlock, seccomp; /* what is reported */
} steps[] = {
	{.option = PR_SET_NO_NEW_PRIVS, .no_new_privs = -EXDEV},
	{.call = SYS_landlock_create_ruleset, .landlock = -EXDEV},
	{.call = SYS_landlock_add_rule, .landlock = -EXDEV},
	{.call = SYS_landlock_restrict_self, .landlock = -EXDEV},
	{.option = PR_SET_SECCOMP, .seccomp = -EXDEV},
};

/*
 * Runs in a child. Its exit status has a bit for each step with another result, and one if Landlock
 * is said to be in force, but is not, or the other way round.
 */
static void confine_and_compare(int i)
{
	const struct confine_needs needs = {.read_path = "/dev/null"};
	struct confine_result result;
	bool restricted;

	failing_option = steps[i].option;
	failing = steps[i].call;
	failure = EXDEV;
	confine(&needs, &result);
	if (i != 1 && is_unsupported(&result))
		_exit(UNSUPPORTED);
	restricted = openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY) < 0;
	_exit((result.no_new_privs != steps[i].no_new_privs) * 1 |
	      (result.landlock != steps[i].landlock) * 2 |
	      (result.seccomp != steps[i].seccomp) * 4 |
	      (restricted != (result.landlock == 0)) * 8);
}

START_TEST(failed_step_does_not_keep_others_from_being_done)
{
	int status;

	if (fork() == 0)
		confine_and_compare(_i);
	status = wait_status();
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) != UNSUPPORTED)
		ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* What opening a file gives, after confinement to a path; the link leads to another directory. */
static const struct {
	const char *read_path, *opened;
	int flags, error;
} opens[] = {
	{"in/file", "in/file", 0, 0},		{"in/file", "in/other", 0, 0},
	{"in/absent", "in/file", 0, 0},		{"in/file", "out/file", 0, EACCES},
	{"in/link", "out/file", 0, 0},		{"in/link", "in/file", 0, 0},
	{"in/file", "in/link", 0, EACCES},	{"in/dangling", "in/file", 0, 0},
	{"in/file", "in", O_DIRECTORY, EACCES}, {"absent/file", "in/file", 0, EACCES},
};

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

/* Runs in a child, whose exit status is the error. */
static void confine_and_open(int i)
{
	const struct confine_needs needs = {.read_path = opens[i].read_path};
	struct confine_result result;

	confine(&needs, &result);
	if (is_unsupported(&result))
		_exit(UNSUPPORTED);
	if (result.landlock != 0)
		_exit(255);
	_exit(openat(AT_FDCWD, opens[i].opened, O_RDONLY | opens[i].flags) < 0 ? errno : 0);
}

START_TEST(only_files_of_the_directory_can_be_read)
{
	char directory[] = "/tmp/hellod-XXXXXX";
	int status;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	mkdir("in", 0700);
	mkdir("out", 0700);
	make_file("in/file");
	make_file("in/other");
	make_file("out/file");
	ck_assert_int_eq(symlink("../out/file", "in/link"), 0);
	ck_assert_int_eq(symlink("nowhere", "in/dangling"), 0);
	if (fork() == 0)
		confine_and_open(_i);
	status = wait_status();
	for (const char *const *path = (const char *const[]){"in/file", "in/other", "in/link",
							     "in/dangling", "out/file", NULL};
	     *path != NULL; path++)
		unlink(*path);
	rmdir("in");
	rmdir("out");
	rmdir(directory);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) != UNSUPPORTED)
		ck_assert_int_eq(WEXITSTATUS(status), opens[_i].error);
}
END_TEST

static const struct {
	const char *read_path;
	bool out_of_memory;
	int landlock;
} paths[] = {
	{NULL, false, 0},
	{"/usr/absent", false, 0},
	{"/absent/greeting", false, 0},
	{"/dev/null", false, 0},
	{"/dev/null/greeting", false, -ENOTDIR},
	{"/dev/null", true, -ENOMEM},
};

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 100; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

START_TEST(landlock_leaves_no_descriptor_and_no_memory)
{
	const struct confine_needs needs = {.read_path = paths[_i].read_path};
	struct confine_result result;
	size_t bytes = 0;
	int fds = 0;

	landlock_abi = 6;
	failing_option = PR_SET_SECCOMP; /* so that the test can go on */
	out_of_memory = paths[_i].out_of_memory;
	/* The first time, the C library may keep some. */
	for (int i = 0; i < 2; i++) {
		fds = count_fds();
		bytes = mallinfo2().uordblks;
		confine(&needs, &result);
	}
	ck_assert_uint_eq(mallinfo2().uordblks, bytes);
	ck_assert_int_eq(count_fds(), fds);
	ck_assert_int_eq(result.landlock, paths[_i].landlock);
}
END_TEST

int main(void)
{
	return UNIT_RUN("confine", {each_call_is_allowed_only_to_whom_it_serves, UNIT_COUNT(calls)},
			{confined_process_can_abort, 1},
			{all_rights_that_the_kernel_knows_are_given_up, 2 * UNIT_COUNT(abis)},
			{failed_step_does_not_keep_others_from_being_done, UNIT_COUNT(steps)},
			{only_files_of_the_directory_can_be_read, UNIT_COUNT(opens)},
			{landlock_leaves_no_descriptor_and_no_memory, UNIT_COUNT(paths)});
}

#else

START_TEST(nothing_is_done)
{
	const struct confine_needs needs = {.accept = true};
	struct confine_result result;

	confine(&needs, &result);
	ck_assert_int_eq(result.no_new_privs, -EOPNOTSUPP);
	ck_assert_int_eq(result.landlock, -EOPNOTSUPP);
	ck_assert_int_eq(result.seccomp, -EOPNOTSUPP);
}
END_TEST

int main(void)
{
	return UNIT_RUN("confine", {nothing_is_done, 1});
}

#endif
