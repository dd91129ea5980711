/* SPDX-License-Identifier: MIT */
/* attacks - preloaded into hellod: what a process could do that was taken over by its first client */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define SD_LISTEN_FDS_START 3 /* as in sd_listen_fds(3) */

/* Every attack returns -1 with an errno, if it fails. */

static long open_passwd(int fd)
{
	(void)fd;
	return open("/etc/passwd", O_RDONLY);
}

/* In the directory of the greeting, which hellod may read. */
static long write_file(int fd)
{
	(void)fd;
	return open(getenv("WRITABLE"), O_WRONLY);
}

static long create_file(int fd)
{
	(void)fd;
	return open(getenv("CREATABLE"), O_RDWR | O_CREAT | O_EXCL, 0600);
}

static long truncate_file(int fd)
{
	(void)fd;
	return truncate(getenv("WRITABLE"), 0);
}

static long unlink_file(int fd)
{
	(void)fd;
	return unlink(getenv("WRITABLE"));
}

static long make_directory(int fd)
{
	(void)fd;
	return mkdir(getenv("CREATABLE"), 0700);
}

static long list_directory(int fd)
{
	(void)fd;
	return open("/", O_RDONLY | O_DIRECTORY);
}

static long write_descriptor(int fd)
{
	return write(fd, "x", 1);
}

static long make_tcp(int fd)
{
	(void)fd;
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long make_unix(int fd)
{
	(void)fd;
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static long make_pair(int fd)
{
	int fds[2];

	(void)fd;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static long reconnect(int fd)
{
	struct sockaddr_in sin = {.sin_family = AF_UNSPEC};

	return connect(fd, (struct sockaddr *)&sin, sizeof(sin));
}

static long listen_again(int fd)
{
	return listen(fd, 1);
}

/* Then systemd would take the socket for broken, and listen no more. */
static long stop_listening(int fd)
{
	(void)fd;
	return shutdown(SD_LISTEN_FDS_START, SHUT_RD);
}

/* A listening socket that was shut down can connect. */
static long connect_by_sending(int fd)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};
	struct iovec part = {"x", 1};
	struct mmsghdr message = {
		.msg_hdr = {&sin, sizeof(sin), &part, 1, NULL, 0, 0},
	};

	(void)fd;
	shutdown(SD_LISTEN_FDS_START, SHUT_RDWR);
	return sendmmsg(SD_LISTEN_FDS_START, &message, 1, MSG_FASTOPEN | MSG_NOSIGNAL);
}

static long send_to_address(int fd)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(9)};

	return sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&sin, sizeof(sin));
}

static long do_fork(int fd)
{
	(void)fd;
	return fork();
}

static long do_clone(int fd)
{
	(void)fd;
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long do_execve(int fd)
{
	char *arguments[] = {"true", NULL};

	(void)fd;
	return execve("/bin/true", arguments, arguments + 1);
}

static long trace(int fd)
{
	(void)fd;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long read_parent(int fd)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {&byte, 1};

	(void)fd;
	return process_vm_readv(getppid(), &local, 1, &remote, 1, 0);
}

static long signal_parent(int fd)
{
	(void)fd;
	return kill(getppid(), 0);
}

static long map_executable(int fd)
{
	(void)fd;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

static long make_executable(int fd)
{
	static char page[8192];

	(void)fd;
	return mprotect((void *)(((unsigned long)page + 4095) & ~4095UL), 4096,
			PROT_READ | PROT_EXEC);
}

static long make_memory_file(int fd)
{
	(void)fd;
	return syscall(SYS_memfd_create, "x", 0);
}

static long set_up_ring(int fd)
{
	(void)fd;
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static const struct {
	const char *name;
	long (*run)(int fd);
} attacks[] = {
	{"open /etc/passwd", open_passwd},
	{"write a file", write_file},
	{"create a file", create_file},
	{"truncate a file", truncate_file},
	{"unlink a file", unlink_file},
	{"make a directory", make_directory},
	{"list a directory", list_directory},
	{"write to the client", write_descriptor},
	{"make a TCP socket", make_tcp},
	{"make a UNIX socket", make_unix},
	{"make a socket pair", make_pair},
	{"connect", reconnect},
	{"listen", listen_again},
	{"stop listening", stop_listening},
	{"connect by sending", connect_by_sending},
	{"send to an address", send_to_address},
	{"fork", do_fork},
	{"clone", do_clone},
	{"execve", do_execve},
	{"ptrace", trace},
	{"read the parent's memory", read_parent},
	{"signal the parent", signal_parent},
	{"map executable memory", map_executable},
	{"make memory executable", make_executable},
	{"make a memory file", make_memory_file},
	{"set up io_uring", set_up_ring},
};

/* Replaces send(2). The client gets the attack's result instead of a greeting, which begins with a
 * zero byte, unlike messages to systemd. */
ssize_t send(int fd, const void *data, size_t size, int flags)
{
	const char *name = getenv("ATTACK");

	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
		const char *result;

		if (*(const char *)data != 0 || name == NULL || strcmp(name, attacks[i].name) != 0)
			continue;
		errno = 0;
		result = attacks[i].run(fd) >= 0 ? "succeeded" : strerrorname_np(errno);
		syscall(SYS_sendto, fd, result, strlen(result), MSG_NOSIGNAL, NULL, 0);
		_exit(0);
	}
	return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}
