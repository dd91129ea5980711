/* SPDX-License-Identifier: MIT */
/* stop - stops a program before main(), so that strace(1) sees and counts the calls from there on */
#include <signal.h>

__attribute__((constructor)) static void stop(void)
{
	raise(SIGSTOP);
}
