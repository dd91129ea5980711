/* SPDX-License-Identifier: MIT */
/* accept - what a failure of accept4(2) means */
#ifndef HELLOD_ACCEPT_H
#define HELLOD_ACCEPT_H

enum accept_error {
	ACCEPT_EMPTY,	    /* no client is waiting */
	ACCEPT_TRANSIENT,   /* only this connection is lost ("Error handling" in accept(2)) */
	ACCEPT_LOCAL_ERROR, /* this host cannot accept for now; also any errno not in accept(2) */
	ACCEPT_BROKEN,	    /* the descriptor is no listening socket */
};

enum accept_error accept_error_kind(int error); /* an errno */

#endif
