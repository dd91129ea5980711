/* SPDX-License-Identifier: MIT */
/* confine - the process gives up what serving its clients does not need */
#include "config.h"

#include <errno.h>
#ifdef ENABLE_CONFINEMENT
#include <fcntl.h>
#include <libgen.h>
#include <linux/audit.h>
#include <linux/landlock.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hellod/seccomp_filter.h"

/*
 * Calls that some architectures, kernel headers or C libraries lack. Those that there are become
 * macros in <sys/syscall.h>, which hide these constants.
 */
enum {
	SYS_clock_gettime = -1,
	SYS_clock_gettime64 = -1,
	SYS_clone3 = -1,
	SYS_epoll_wait = -1,
	SYS_fork = -1,
	SYS_fstat = -1,
	SYS_fstat64 = -1,
	SYS_fstatat64 = -1,
	SYS_lstat = -1,
	SYS_lstat64 = -1,
	SYS_mmap = -1,
	SYS_mmap2 = -1,
	SYS_newfstatat = -1,
	SYS_open = -1,
	SYS_ppoll = -1,
	SYS_ppoll_time64 = -1,
	SYS_recv = -1,
	SYS_recvmmsg = -1,
	SYS_recvmmsg_time64 = -1,
	SYS_send = -1,
	SYS_socketcall = -1,
	SYS_statx = -1,
	SYS_vfork = -1,
};
#include <sys/syscall.h>

/* The native architecture as struct seccomp_data has it. */
#if defined(__x86_64__) && defined(__LP64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARM_EABI__) && defined(__ARMEL__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#else
#define ARCHITECTURE 0 /* not known here */
#endif

/* The arguments are in memory, which a filter cannot read; malloc() then uses brk() or mmap2(). */
#if defined(__i386__) || defined(__s390x__)
#undef SYS_mmap
#endif
#endif

#include "hellod/confine.h"

#ifdef ENABLE_CONFINEMENT

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/*
 * landlock_ruleset_attr of Landlock's ABI 6, because the kernel headers may be older. An older
 * kernel takes a shorter structure with fewer bits: one row for each ABI that added some.
 */
struct ruleset {
	uint64_t fs, net, scoped;
};

#define SCOPE_ABSTRACT_UNIX_SOCKET UINT64_C(1) /* as in <linux/landlock.h> */

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

static int restrict_objects(const struct confine_needs *needs)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	char *target;
	int fd = -1, r = 0;

	for (size_t i = 0; fd < 0 && i < COUNT(rulesets); i++) {
		struct ruleset handled = rulesets[i].handled;

		/* Answers go to abstract names: a UNIX client that has bound no path has one. */
		if (needs->datagrams)
			handled.scoped &= ~SCOPE_ABSTRACT_UNIX_SOCKET;
		if (abi >= rulesets[i].abi)
			fd = (int)syscall(SYS_landlock_create_ruleset, &handled, rulesets[i].size,
					  0);
	}
	if (fd < 0)
		return -errno;
	if (needs->read_path != NULL) {
		r = allow_reading(fd, needs->read_path);
		target = realpath(needs->read_path, NULL);
		if (r == 0 && target != NULL)
			r = allow_reading(fd, target);
		free(target);
	}
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}

#define ALLOW(name) .call = SYS_##name, .action = SECCOMP_RET_ALLOW
#define KILL(name) .call = SYS_##name, .action = SECCOMP_RET_KILL_PROCESS
#define IF(index, bits, wanted) .argument = (index), .mask = (bits), .value = (wanted)

/*
 * Everything without a rule fails with ENOSYS: a later C library then falls back on what is here.
 * socketcall(2) has the arguments of a call in memory, so what needs a condition is missing there:
 * see socketcall.c.
 */
static const struct seccomp_rule always[] = {
	{ALLOW(epoll_ctl)},
	{ALLOW(epoll_pwait)},
	{ALLOW(epoll_wait)},
	{ALLOW(recv)},
	{ALLOW(recvfrom)},
	{ALLOW(socketcall), IF(0, UINT64_MAX, SYS_RECV)},
	{ALLOW(socketcall), IF(0, UINT64_MAX, SYS_RECVFROM)},
	{ALLOW(send)},
	{ALLOW(sendto), IF(4, UINT64_MAX, 0)}, /* no address: the socket is connected */
	{ALLOW(socketcall), IF(0, UINT64_MAX, SYS_SEND)},
	{ALLOW(shutdown), IF(1, UINT32_MAX, SHUT_WR)}, /* or a socket no longer listens */
	{ALLOW(getpeername)},
	{ALLOW(socketcall), IF(0, UINT64_MAX, SYS_GETPEERNAME)},
	{ALLOW(close)},
	{ALLOW(write), IF(0, UINT64_MAX, STDERR_FILENO)},
	{ALLOW(writev), IF(0, UINT64_MAX, STDERR_FILENO)}, /* before abort() */
	{ALLOW(brk)},
	{ALLOW(mmap), IF(2, PROT_EXEC, 0)},
	{ALLOW(mmap2), IF(2, PROT_EXEC, 0)},
	{ALLOW(mremap)},
	{ALLOW(munmap)},
	{ALLOW(getrandom)},	/* malloc() */
	{ALLOW(clock_gettime)}, /* where the vDSO does not do it */
	{ALLOW(clock_gettime64)},
	{ALLOW(restart_syscall)},
	{ALLOW(exit_group)},
	/* abort() */
	{ALLOW(rt_sigprocmask)},
	{ALLOW(getpid)},
	{ALLOW(gettid)},
};

static const struct seccomp_rule accepting[] = {
	{ALLOW(accept4)},
	{ALLOW(ppoll)},
	{ALLOW(ppoll_time64)},
	{ALLOW(read)}, /* signalfd(2) and the file */
	{ALLOW(socketcall), IF(0, UINT64_MAX, SYS_ACCEPT4)},
};

static const struct seccomp_rule datagrams[] = {
	{ALLOW(recvmmsg)},
	{ALLOW(recvmmsg_time64)},
	{ALLOW(socketcall), IF(0, UINT64_MAX, SYS_RECVMMSG)},
	{ALLOW(sendmmsg), IF(3, MSG_FASTOPEN, 0)}, /* it connects, unseen by Landlock */
};

static const struct seccomp_rule reading[] = {
	{ALLOW(open), IF(1, O_ACCMODE | O_CREAT | O_TRUNC | O_PATH, O_RDONLY)},
	{ALLOW(openat), IF(2, O_ACCMODE | O_CREAT | O_TRUNC | O_PATH, O_RDONLY)},
	{ALLOW(fstat)},
	{ALLOW(fstat64)},
	{ALLOW(fstatat64)},
	{ALLOW(lstat)},
	{ALLOW(lstat64)},
	{ALLOW(newfstatat)},
	{ALLOW(statx)},
};

static const struct seccomp_rule attacks[] = {
	{KILL(clone)},
	{KILL(clone3)},
	{KILL(execve)},
	{KILL(execveat)},
	{KILL(fork)},
	{KILL(vfork)},
	{KILL(mmap), IF(2, PROT_EXEC, PROT_EXEC)},
	{KILL(mmap2), IF(2, PROT_EXEC, PROT_EXEC)},
	{KILL(mprotect), IF(2, PROT_EXEC, PROT_EXEC)},
	{KILL(process_vm_readv)},
	{KILL(process_vm_writev)},
	{KILL(ptrace)},
};

static size_t add_rules(struct seccomp_rule *rules, size_t count, const struct seccomp_rule *added,
			size_t added_count)
{
	memcpy(rules + count, added, added_count * sizeof(*added));
	return count + added_count;
}

#define ADD_RULES(rules, count, added) add_rules(rules, count, added, COUNT(added))

static int filter_calls(const struct confine_needs *needs)
{
	struct seccomp_rule rules[COUNT(always) + COUNT(accepting) + COUNT(datagrams) +
				  COUNT(reading) + COUNT(attacks) + 1] = {
		{ALLOW(tgkill), IF(0, UINT64_MAX, (uint64_t)getpid())}, /* abort() */
	};
	struct sock_filter code[SECCOMP_FILTER_LENGTH(COUNT(rules))];
	struct sock_fprog program = {.filter = code};
	size_t count = 1;

	if (ARCHITECTURE == 0)
		return -EOPNOTSUPP;
	count = ADD_RULES(rules, count, always);
	if (needs->accept)
		count = ADD_RULES(rules, count, accepting);
	if (needs->datagrams)
		count = ADD_RULES(rules, count, datagrams);
	if (needs->read_path != NULL)
		count = ADD_RULES(rules, count, reading);
	count = ADD_RULES(rules, count, attacks);
	program.len = (unsigned short)seccomp_filter_make(ARCHITECTURE, rules, count,
							  SECCOMP_RET_ERRNO | ENOSYS, code);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}

void confine(const struct confine_needs *needs, struct confine_result *ret_result)
{
	/* The other two steps require this one, or a privilege. */
	ret_result->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
	ret_result->landlock = restrict_objects(needs);
	ret_result->seccomp = filter_calls(needs);
}

#else /* configure --disable-confinement */

void confine(const struct confine_needs *needs, struct confine_result *ret_result)
{
	(void)needs;
	*ret_result = (struct confine_result){-EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP};
}

#endif
