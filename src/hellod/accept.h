/* SPDX-License-Identifier: MIT */
/* accept - what a failure of accept4(2) means */
#ifndef HELLOD_ACCEPT_H
#define HELLOD_ACCEPT_H

enum accept_error {
	ACCEPT_EMPTY,	  /* no client is waiting */
	ACCEPT_TRANSIENT, /* only the connection being accepted is lost: accept the next one */
	ACCEPT_SHORTAGE,  /* this host cannot accept now; the client stays in the queue */
	ACCEPT_BROKEN,	  /* the descriptor is no listening socket: a mistake of this program's */
};

/*
 * Classifies an errno of accept4(2). Linux passes on errors that are already pending on the new
 * connection, as "Error handling" in accept(2) lists them. An errno that the manual does not name
 * is a shortage, because waiting is right for all that may pass and never spins.
 */
enum accept_error accept_error_kind(int error);

#endif
