/* SPDX-License-Identifier: MIT */
/* outcome - the result of a probe: its word and its exit status */
#ifndef HELLOD_OUTCOME_H
#define HELLOD_OUTCOME_H

/* Every step of a probe returns one of these; the first that is not OUTCOME_NONE is the result. */
enum outcome {
	OUTCOME_NONE,	      /* not known yet: the probe goes on */
	OUTCOME_GREETED,      /* with a valid greeting */
	OUTCOME_UNEXPECTED,   /* greeted with another text than the expected one */
	OUTCOME_REFUSED,      /* every address failed, and one of them refused */
	OUTCOME_UNREACHABLE,  /* every address failed, and none refused */
	OUTCOME_TIMED_OUT,    /* no whole frame by the deadline */
	OUTCOME_RESET,	      /* the connection broke before the end of the frame */
	OUTCOME_CLOSED,	      /* the server closed the connection before the end of the frame */
	OUTCOME_MALFORMED,    /* not modified UTF-8, or a datagram that is not exactly one frame */
	OUTCOME_UNKNOWN_HOST, /* the name has no address */
	OUTCOME_SYSTEM_ERROR, /* a system call failed for a reason of this host */
	OUTCOME_INTERRUPTED,  /* by a signal */
};

/* The exit statuses of hello-client. */
enum {
	EXIT_GREETED = 0,
	EXIT_NO_GREETING = 2, /* or not the expected one: the server or the network is at fault */
	EXIT_NOT_TRIED = 3,   /* wrong usage, unknown host, output error or OUTCOME_SYSTEM_ERROR */
};

/* The word for any outcome but OUTCOME_NONE in the JSON output, such as "timed-out". Static. */
const char *outcome_word(enum outcome outcome);

/* Stores the errno of a failed call. Returns OUTCOME_SYSTEM_ERROR. */
enum outcome outcome_system_error(int error, int *ret_error);

/* The exit status of any outcome but OUTCOME_NONE. */
int outcome_exit_status(enum outcome outcome);

/* The worse of two exit statuses: 2, then 3, then 0. */
int outcome_worse_status(int a, int b);

#endif
