/* SPDX-License-Identifier: MIT */
/* accept - what a failure of accept4(2) means */
#include "config.h"

#include <errno.h>
#include <stddef.h>

#include "hellod/accept.h"

enum accept_error accept_error_kind(int error)
{
	static const int transient[] = {
		ECONNABORTED, EHOSTDOWN,   EHOSTUNREACH, EINTR,	 ENETDOWN,  ENETUNREACH,
		ENONET,	      ENOPROTOOPT, EOPNOTSUPP,	 EPROTO, ETIMEDOUT,
	};

	if (error == EAGAIN)
		return ACCEPT_EMPTY;
	if (error == EBADF || error == EFAULT || error == EINVAL || error == ENOTSOCK)
		return ACCEPT_BROKEN;
	for (size_t i = 0; i < sizeof(transient) / sizeof(*transient); i++)
		if (error == transient[i])
			return ACCEPT_TRANSIENT;
	return ACCEPT_LOCAL_ERROR;
}
