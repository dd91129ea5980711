/* SPDX-License-Identifier: MIT */
/* notify - the socket of the service manager's notifications */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../unit.h"
#include "hellod/notify.h"

/* Binds the socket of a service manager: a path, or an abstract name after an '@'. */
static int manage(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	memcpy(sun.sun_path, name, strlen(name));
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	ck_assert_int_eq(
		bind(fd, (struct sockaddr *)&sun, (socklen_t)(sizeof(sa_family_t) + strlen(name))),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

START_TEST(notification_is_one_datagram)
{
	char name[64], directory[] = "/tmp/hellod-XXXXXX", got[512];
	int fd;

	if (_i == 0)
		ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(name, sizeof(name), _i == 0 ? "%s/notify" : "@hellod-%s-%d",
		 _i == 0 ? directory : "check", getpid());
	fd = manage(name);
	ck_assert_int_eq(notify_open(), 0);
	if (_i == 0) {
		unlink(name); /* the socket is connected already */
		rmdir(directory);
	}
	ck_assert_int_eq(notify_send(0, "READY=%d\nSTATUS=%s", 1, "x"), 0);
	ck_assert_int_eq(notify_send(0, "%0300d", 0), 0);
	ck_assert_int_eq(recv(fd, got, sizeof(got), 0), 16);
	ck_assert_mem_eq(got, "READY=1\nSTATUS=x", 16);
	ck_assert_int_eq(recv(fd, got, sizeof(got), 0), 255);
	ck_assert_int_lt(recv(fd, got, sizeof(got), 0), 0);

	/* A service manager that has ended does not end the process. */
	close(fd);
	ck_assert_int_eq(notify_send(0, "STOPPING=1"), -ECONNREFUSED);
}
END_TEST

START_TEST(busy_service_manager_is_not_waited_for)
{
	char name[64];
	int fd, r = 0;

	snprintf(name, sizeof(name), "@hellod-busy-%d", getpid());
	fd = manage(name);
	ck_assert_int_eq(notify_open(), 0);
	for (int i = 0; r == 0 && i < 100000; i++)
		r = notify_send(MSG_DONTWAIT, "STATUS=%d", i);
	ck_assert_int_eq(r, -EAGAIN);
	close(fd);
}
END_TEST

START_TEST(lack_of_descriptors_is_reported)
{
	struct rlimit usual, none;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none = (struct rlimit){.rlim_max = usual.rlim_max};
	setenv("NOTIFY_SOCKET", "/run/notify", 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(notify_open(), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
	ck_assert_int_eq(notify_send(0, "READY=1"), 0);
}
END_TEST

START_TEST(without_service_manager_nothing_happens)
{
	static const char *const names[] = {NULL, "", "relative", "vsock:2:1", "/does/not/exist"};
	char longest[200];
	int before = dup(0);

	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	unsetenv("NOTIFY_SOCKET");
	if (_i < UNIT_COUNT(names) && names[_i] != NULL)
		setenv("NOTIFY_SOCKET", names[_i], 1);
	if (_i == UNIT_COUNT(names))
		setenv("NOTIFY_SOCKET", longest, 1);
	ck_assert_int_eq(notify_open(), _i == 4 ? -ENOENT : 0);
	ck_assert_int_eq(notify_send(0, "READY=1"), 0);
	/* No socket stays open. */
	ck_assert_int_eq(dup(0), before + 1);
}
END_TEST

int main(void)
{
	return UNIT_RUN("notify", {notification_is_one_datagram, 2},
			{busy_service_manager_is_not_waited_for, 1},
			{lack_of_descriptors_is_reported, 1},
			{without_service_manager_nothing_happens, 6});
}
