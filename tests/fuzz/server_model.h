/* SPDX-License-Identifier: MIT */
/* server_model - what server.h and client.h promise, checked at every wait and every message */
#ifndef HELLOD_FUZZ_SERVER_MODEL_H
#define HELLOD_FUZZ_SERVER_MODEL_H

#include "hellod/options.h"
#include "kernel.h"

struct model {
	struct options options;
	bool listening, has_datagrams;
	unsigned listener_count;
	unsigned open, open_max;
	uint64_t greeted, accepted, answered, received;
	bool stopping, failed;
	int fatal;		/* the errno that has to end the server, or 0 */
	uint64_t waited_usec;	/* when the last wait ended */
	uint64_t idle_usec;	/* when the server has to stop if nothing happens; or CLOCK_NEVER */
	uint64_t status_usec;	/* of the last status */
	uint64_t watchdog_usec; /* of the last sign of life */
	uint64_t accept_error_usec, receive_error_usec, logged_error_usec; /* the last; or 0 */
};
extern struct model model;

/* Starts anew; and, with the greeting loaded, begins. */
void model_reset(uint64_t idle_usec, uint64_t watchdog_usec);
void model_start(const struct greeting *greeting);

/* A connection that is passed to the server: in a state that `byte` says. */
void model_pass(struct peer *peer, unsigned byte);

/* Sets the text that the next SIGHUP loads. */
void model_set_text(unsigned byte);

/* The server waits up to a time: it must not miss, or spin on, anything. */
void model_check_wait(uint64_t deadline_usec);

/* The server has returned. */
void model_check_end(int result);

#endif
