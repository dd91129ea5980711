/* SPDX-License-Identifier: MIT */
/*
 * exit - writes the coverage of children that end by _exit(2)
 *
 * Linked into the unit tests, with -Wl,--wrap=_exit. counters.c is not for them, because Check's
 * children need variables of their own.
 */
#include <gcov.h>

__attribute__((noreturn)) void __real__exit(int status);
__attribute__((noreturn)) void __wrap__exit(int status);

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
