/* SPDX-License-Identifier: MIT */
/* socketcall - system calls whose arguments a filter for seccomp(2) can read */
#include "config.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * On i386 and s390x, a C library for Linux before 4.3 makes these by socketcall(2), whose arguments
 * are in memory. These functions replace those of the C library; weak, because tests replace both.
 */
#ifdef SYS_socketcall
__attribute__((weak)) int shutdown(int fd, int how)
{
	return (int)syscall(SYS_shutdown, fd, how);
}

__attribute__((weak)) int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}
#endif
