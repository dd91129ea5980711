/* SPDX-License-Identifier: MIT */
/* notify - the socket of the service manager's notifications */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hellod/notify.h"

/* A longer notification is cut. */
#define NOTIFICATION_BYTES 256

static int notify_fd = -1;

int notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t length = name != NULL ? strlen(name) : 0;
	int r;

	/* A path, or an abstract name after an '@'. */
	if (length == 0 || length >= sizeof(sun.sun_path) || (name[0] != '/' && name[0] != '@'))
		return 0;
	memcpy(sun.sun_path, name, length);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd < 0)
		return -errno;
	if (connect(notify_fd, (const struct sockaddr *)&sun,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0)
		return 0;
	r = -errno;
	close(notify_fd);
	notify_fd = -1;
	return r;
}

int notify_send(int flags, const char *format, ...)
{
	char notification[NOTIFICATION_BYTES];
	va_list arguments;

	if (notify_fd < 0)
		return 0;
	va_start(arguments, format);
	vsnprintf(notification, sizeof(notification), format, arguments);
	va_end(arguments);
	return send(notify_fd, notification, strlen(notification), flags | MSG_NOSIGNAL) < 0
		       ? -errno
		       : 0;
}
