/* SPDX-License-Identifier: MIT */
/* confine - the process gives up what serving its clients does not need */
#include "config.h"

#include <errno.h>
#ifdef ENABLE_CONFINEMENT
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>
#endif

#include "hellod/confine.h"

#ifdef ENABLE_CONFINEMENT

/*
 * landlock_ruleset_attr of Landlock's ABI 6, because the kernel headers may be older. An older
 * kernel takes a shorter structure with fewer bits: one row for each ABI that added some.
 */
struct ruleset {
	uint64_t fs, net, scoped;
};

static const struct {
	int abi;
	size_t size;
	struct ruleset handled;
} rulesets[] = {
	{6, 24, {0xFFFF, 3, 3}}, /* abstract UNIX sockets and signals outside */
	{5, 16, {0xFFFF, 3, 0}}, /* ioctl() of devices */
	{4, 16, {0x7FFF, 3, 0}}, /* bind() and connect() of TCP */
	{3, 8, {0x7FFF, 0, 0}},	 /* truncate() */
	{2, 8, {0x3FFF, 0, 0}},	 /* links and renames between directories */
	{1, 8, {0x1FFF, 0, 0}},
};

/* Allows to read the files of the directory of `path`, if there is one. */
static int allow_reading(int ruleset_fd, const char *path)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
	char *copy = strdup(path);
	int r = 0;

	if (copy == NULL)
		return -ENOMEM;
	rule.parent_fd = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (rule.parent_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		r = -errno;
	close(rule.parent_fd);
	return r;
}

static int restrict_files(const char *read_path)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	char *target;
	int fd = -1, r = 0;

	for (size_t i = 0; abi > 0 && fd < 0 && i < sizeof(rulesets) / sizeof(*rulesets); i++)
		if (abi >= rulesets[i].abi)
			fd = (int)syscall(SYS_landlock_create_ruleset, &rulesets[i].handled,
					  rulesets[i].size, 0);
	if (fd < 0)
		return -errno;
	if (read_path != NULL) {
		r = allow_reading(fd, read_path);
		target = realpath(read_path, NULL);
		if (r == 0 && target != NULL)
			r = allow_reading(fd, target);
		free(target);
	}
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* A rule about system calls. Only if `mask` is not 0: argument & mask == value. */
struct rule {
	int call;
	unsigned argument;
	uint64_t mask, value;
};

static int add_rules(scmp_filter_ctx filter, uint32_t action, const struct rule *rules,
		     size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = seccomp_rule_add(filter, action, rules[i].call, rules[i].mask != 0,
				     SCMP_CMP64(rules[i].argument, SCMP_CMP_MASKED_EQ,
						rules[i].mask, rules[i].value));
	return r;
}

#define ADD_RULES(filter, action, rules) \
	add_rules(filter, action, rules, sizeof(rules) / sizeof(*(rules)))

/*
 * Names of system calls that a C library uses on some architecture only are no rules elsewhere.
 * Everything without a rule fails with ENOSYS: a later C library then falls back on what is here.
 */
static int filter_calls(const struct confine_needs *needs)
{
	const struct rule always[] = {
		{.call = SCMP_SYS(epoll_ctl)},
		{.call = SCMP_SYS(epoll_pwait)},
		{.call = SCMP_SYS(epoll_wait)},
		{.call = SCMP_SYS(recv)},
		{.call = SCMP_SYS(recvfrom)},
		{.call = SCMP_SYS(send)},
		{SCMP_SYS(sendto), 4, UINT64_MAX, 0}, /* no address: the socket is connected */
		{.call = SCMP_SYS(shutdown)},
		{.call = SCMP_SYS(getpeername)},
		{.call = SCMP_SYS(close)},
		{SCMP_SYS(write), 0, UINT64_MAX, STDERR_FILENO},
		{.call = SCMP_SYS(brk)},
		{SCMP_SYS(mmap), 2, PROT_EXEC, 0},
		{SCMP_SYS(mmap2), 2, PROT_EXEC, 0},
		{.call = SCMP_SYS(mremap)},
		{.call = SCMP_SYS(munmap)},
		{.call = SCMP_SYS(getrandom)},	   /* malloc() */
		{.call = SCMP_SYS(clock_gettime)}, /* where the vDSO does not do it */
		{.call = SCMP_SYS(clock_gettime64)},
		{.call = SCMP_SYS(restart_syscall)},
		{.call = SCMP_SYS(exit_group)},
		/* abort() */
		{.call = SCMP_SYS(rt_sigprocmask)},
		{.call = SCMP_SYS(getpid)},
		{.call = SCMP_SYS(gettid)},
		{SCMP_SYS(tgkill), 0, UINT64_MAX, (uint64_t)getpid()},
	};
	const struct rule accepting[] = {
		{.call = SCMP_SYS(accept4)},
		{.call = SCMP_SYS(read)}, /* signalfd(2) and the file */
		{.call = SCMP_SYS(ppoll)},
		{.call = SCMP_SYS(ppoll_time64)},
	};
	const struct rule datagrams[] = {
		{.call = SCMP_SYS(recvmmsg)},
		{.call = SCMP_SYS(recvmmsg_time64)},
		{.call = SCMP_SYS(sendmmsg)},
	};
	const struct rule reading[] = {
		{SCMP_SYS(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
		{SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
		{.call = SCMP_SYS(fstat)},
		{.call = SCMP_SYS(fstat64)},
		{.call = SCMP_SYS(fstatat64)},
		{.call = SCMP_SYS(lstat)},
		{.call = SCMP_SYS(lstat64)},
		{.call = SCMP_SYS(newfstatat)},
		{.call = SCMP_SYS(statx)},
	};
	const struct rule attacks[] = {
		{.call = SCMP_SYS(clone)},
		{.call = SCMP_SYS(clone3)},
		{.call = SCMP_SYS(execve)},
		{.call = SCMP_SYS(execveat)},
		{.call = SCMP_SYS(fork)},
		{.call = SCMP_SYS(vfork)},
		{SCMP_SYS(mmap), 2, PROT_EXEC, PROT_EXEC},
		{SCMP_SYS(mmap2), 2, PROT_EXEC, PROT_EXEC},
		{SCMP_SYS(mprotect), 2, PROT_EXEC, PROT_EXEC},
		{.call = SCMP_SYS(process_vm_readv)},
		{.call = SCMP_SYS(process_vm_writev)},
		{.call = SCMP_SYS(ptrace)},
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (filter == NULL)
		return -ENOMEM;
	r = ADD_RULES(filter, SCMP_ACT_ALLOW, always);
	if (r == 0 && needs->accept)
		r = ADD_RULES(filter, SCMP_ACT_ALLOW, accepting);
	if (r == 0 && needs->datagrams)
		r = ADD_RULES(filter, SCMP_ACT_ALLOW, datagrams);
	if (r == 0 && needs->read_path != NULL)
		r = ADD_RULES(filter, SCMP_ACT_ALLOW, reading);
	if (r == 0)
		r = ADD_RULES(filter, SCMP_ACT_KILL_PROCESS, attacks);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

void confine(const struct confine_needs *needs, struct confine_result *ret_result)
{
	/* The other two steps require this one, or a privilege. */
	ret_result->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
	ret_result->landlock = restrict_files(needs->read_path);
	ret_result->seccomp = filter_calls(needs);
}

#else /* configure --disable-confinement */

void confine(const struct confine_needs *needs, struct confine_result *ret_result)
{
	(void)needs;
	*ret_result = (struct confine_result){-EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP};
}

#endif
