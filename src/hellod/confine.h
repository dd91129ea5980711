/* SPDX-License-Identifier: MIT */
/* confine - the process gives up what serving its clients does not need */
#ifndef HELLOD_CONFINE_H
#define HELLOD_CONFINE_H

#include <stdbool.h>

/* What the process still has to do. */
struct confine_needs {
	bool accept;	       /* accept clients, and receive signals from a descriptor */
	bool datagrams;	       /* answer datagrams */
	const char *read_path; /* read this file again; or NULL */
};

/* What each step did: 0, or -errno if the kernel is too old or does not permit it. */
struct confine_result {
	int no_new_privs;
	int landlock;
	int seccomp;
};

/*
 * Confines the process for good. What is left to it, and so to who takes it over:
 *
 *	descriptors that are open    receive, send, shut down, poll, close; write to standard error
 *	memory                       allocate; not executable
 *	needs->accept                accept clients, sleep
 *	needs->datagrams             receive and send datagrams, to any address
 *	needs->read_path             open files for reading, of the directory of this path and of
 *	                             the directory that symbolic links lead to from there
 *
 * Everything else fails or, if only an attack would do it, ends the process with SIGSYS: another
 * program, another process, executable memory, tracing. Sockets are neither made nor connected, so
 * log.h and notify.h have to be opened before. The file need not exist; its directory must, or the
 * file cannot be read.
 *
 * A step that fails does not keep the others from being done.
 */
void confine(const struct confine_needs *needs, struct confine_result *ret_result);

#endif
