/* SPDX-License-Identifier: MIT */
/* recorder - records what is logged, and what systemd is notified of */
#ifndef HELLOD_TEST_RECORDER_H
#define HELLOD_TEST_RECORDER_H

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "../unit.h"
#include "hellod/log.h"
#include "hellod/notify.h"

/* Replaces log.c, and notify.c and sd_watchdog_enabled(3). For one file of a program. */

/* Messages and notifications, a line each or more; without the messages about clients. */
static char said[4096];

/* "PRIORITY MESSAGE_ID FIELD=value...: message": the last two, and those about clients. */
static char last[512], last_but_one[sizeof(last)], ended[256][sizeof(last)];
static int ended_count;

static uint64_t watchdog_usec; /* $WATCHDOG_USEC, or 0 without */

static inline void assert_said(const char *lines)
{
	ck_assert_str_eq(said, lines);
	said[0] = '\0';
}

bool log_wants(int priority)
{
	return priority <= LOG_DEBUG;
}

void log_event(int priority, const char *message_id, const struct log_field *fields,
	       const char *format, ...)
{
	FILE *stream;
	va_list arguments;

	strcpy(last_but_one, last);
	stream = fmemopen(last, sizeof(last), "w");
	fprintf(stream, "%d %s", priority, message_id != NULL ? message_id : "-");
	for (; fields != NULL && fields->name != NULL; fields++)
		fprintf(stream, " %s=%s", fields->name, fields->value);
	fprintf(stream, ": ");
	va_start(arguments, format);
	vfprintf(stream, format, arguments);
	va_end(arguments);
	fclose(stream);
	if (strstr(last, " HELLO_END=") != NULL)
		strcpy(ended[ended_count++], last);
	else
		strcat(strcat(said, strstr(last, ": ") + strlen(": ")), "\n");
}

static int notify_result;

int notify_send(int flags, const char *format, ...)
{
	va_list arguments;

	/* Only of the first two does systemd wait. */
	ck_assert_int_eq(flags, format[0] == 'R' ? 0 : MSG_DONTWAIT);
	va_start(arguments, format);
	vsnprintf(said + strlen(said), sizeof(said) - strlen(said), format, arguments);
	va_end(arguments);
	strcat(said, "\n");
	return notify_result;
}

int sd_watchdog_enabled(int unset_environment, uint64_t *usec)
{
	*usec = watchdog_usec;
	return unset_environment || watchdog_usec > 0;
}

/* Returns the fields of a client's message that name its address. */
static inline const char *address_fields(int client)
{
	static char fields[128];
	struct sockaddr_in address = {0};
	socklen_t length = sizeof(address);

	ck_assert_int_eq(getsockname(client, (struct sockaddr *)&address, &length), 0);
	snprintf(fields, sizeof(fields), "HELLO_PEER_ADDRESS=127.0.0.1 HELLO_PEER_PORT=%d ",
		 ntohs(address.sin_port));
	return fields;
}

#endif
