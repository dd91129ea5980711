/* SPDX-License-Identifier: MIT */
/* spawner - starts a program for each connection, as systemd does with Accept=yes */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The descriptor that sd_listen_fds(3) expects. */
#define PASSED_FD 3

/* Passes the connection to the program, and does not return. */
static _Noreturn void run(int fd, char **command)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", "1", 1) < 0 ||
	    dup2(fd, PASSED_FD) < 0)
		err(EXIT_FAILURE, "spawner");
	execv(command[0], command);
	err(EXIT_FAILURE, "%s", command[0]);
}

/* Usage: spawner PROGRAM [ARGUMENT]... The listening socket is standard input. */
int main(int argc, char **argv)
{
	int listen_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, PASSED_FD);

	if (argc < 2)
		errx(EXIT_FAILURE, "usage: spawner PROGRAM [ARGUMENT]...");
	/* listen_fd takes PASSED_FD, where dup2() would leave FD_CLOEXEC on a connection. */
	if (listen_fd != PASSED_FD || close(STDIN_FILENO) < 0 || open("/dev/null", O_RDONLY) < 0)
		err(EXIT_FAILURE, "spawner");
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		pid_t pid;

		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			err(EXIT_FAILURE, "accept");
		}
		pid = fork();
		if (pid < 0)
			err(EXIT_FAILURE, "fork");
		if (pid == 0)
			run(fd, argv + 1);
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
