/* SPDX-License-Identifier: MIT */
/* accept - what a failure of accept4(2) means */
#include "config.h"

#include <errno.h>

#include "../unit.h"
#include "hellod/accept.h"

/* Every errno in accept(2), also under "Error handling", and those of security modules. */
static const int errors[][12] = {
	[ACCEPT_EMPTY] = {EAGAIN, EWOULDBLOCK},
	[ACCEPT_TRANSIENT] = {ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EINTR, ENETDOWN, ENETUNREACH,
			      ENONET, ENOPROTOOPT, EOPNOTSUPP, EPROTO, ETIMEDOUT},
	[ACCEPT_LOCAL_ERROR] = {EACCES, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSR, ENOSYS, EPERM,
				EPROTONOSUPPORT, ESOCKTNOSUPPORT},
	[ACCEPT_BROKEN] = {EBADF, EFAULT, EINVAL, ENOTSOCK},
};

START_TEST(errors_have_a_kind)
{
	for (const int *error = errors[_i]; *error != 0; error++)
		ck_assert_msg((int)accept_error_kind(*error) == _i, "%s", strerror(*error));
}
END_TEST

int main(void)
{
	return UNIT_RUN("accept", {errors_have_a_kind, UNIT_COUNT(errors)});
}
