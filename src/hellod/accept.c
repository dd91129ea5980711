/* SPDX-License-Identifier: MIT */
/* accept - what a failure of accept4(2) means */
#include "config.h"

#include <errno.h>

#include "hellod/accept.h"

enum accept_error accept_error_kind(int error)
{
	switch (error) {
	case EAGAIN:
		return ACCEPT_EMPTY;
	case ECONNABORTED:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case EINTR:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EPROTO:
	case ETIMEDOUT:
		return ACCEPT_TRANSIENT;
	case EBADF:
	case EFAULT:
	case EINVAL:
	case ENOTSOCK:
		return ACCEPT_BROKEN;
	default:
		return ACCEPT_SHORTAGE;
	}
}
