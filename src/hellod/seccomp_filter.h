/* SPDX-License-Identifier: MIT */
/* seccomp_filter - rules about system calls as a program for seccomp(2) */
#ifndef HELLOD_SECCOMP_FILTER_H
#define HELLOD_SECCOMP_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/* Matches a system call by its number, and by the bits of `mask` in one of its arguments. */
struct seccomp_rule {
	int call;	      /* negative: the architecture lacks it, and the rule is ignored */
	uint32_t action;      /* SECCOMP_RET_... */
	unsigned argument;    /* its index, from 0 */
	uint64_t mask, value; /* a mask of 0 matches whatever the arguments */
};

/* Number of instructions that suffice for `count` rules. */
#define SECCOMP_FILTER_LENGTH(count) (5 + 12 * (count))

/*
 * Makes a classic BPF program (see seccomp(2)) that returns the action of the first rule that
 * matches; `otherwise` if none does; and SECCOMP_RET_KILL_PROCESS if the call is not one of the
 * architecture `arch` (AUDIT_ARCH_...), because its number then means something else. Numbers of
 * x32 are AUDIT_ARCH_X86_64 and match no rule.
 *
 * Sorts the rules by their numbers. Returns the number of instructions.
 */
size_t seccomp_filter_make(uint32_t arch, struct seccomp_rule *rules, size_t count,
			   uint32_t otherwise, struct sock_filter *ret_program);

#endif
