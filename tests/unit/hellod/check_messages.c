/* SPDX-License-Identifier: MIT */
/* messages - what the daemon says to the journal and to systemd */
#include "config.h"

#include <errno.h>

#include "common/clock.h"
#include "hellod/messages.h"
#include "recorder.h"

START_TEST(messages_have_words_and_ids)
{
	struct message_counts counts = {.accepted = 5, .greeted = 3};

	program_invocation_name = (char[]){"./hellod"};
	message_no_socket();
	ck_assert_str_eq(last, "3 -: try 'systemctl start hello.socket', or without installing "
			       "'systemd-socket-activate --accept -l 6666 ./hellod'");
	message_config_error(MESSAGE_SOCKET_BAD, strdup("100 %s"));
	ck_assert_str_eq(last, "3 " MESSAGE_SOCKET_BAD ": 100 %s");
	message_config_error(MESSAGE_GREETING_BAD, NULL);
	ck_assert_str_eq(last, "3 " MESSAGE_GREETING_BAD ": Cannot allocate memory");
	message_reloaded(true);
	ck_assert_str_eq(last, "5 -: reloaded the greeting");
	message_reloaded(false);
	ck_assert_str_eq(last, "5 -: keeping the greeting as it was");
	message_summary(&counts, true);
	ck_assert_str_eq(last, "5 " MESSAGE_SUMMARY " HELLO_GREETED=3: "
			       "greeted 3 of 5 clients (idle)");
	message_confined(&(struct confine_result){0, -EPERM, 0});
	ck_assert_str_eq(last, "7 -: not confined by Landlock: Operation not permitted");
	counts.has_datagrams = true;
	counts.datagrams = (struct datagram_counts){.received = 9, .answered = 7};
	message_summary(&counts, false);
	ck_assert_str_eq(last, "5 " MESSAGE_SUMMARY " HELLO_GREETED=3 HELLO_DATAGRAMS=7: "
			       "greeted 3 of 5 clients, answered 7 of 9 datagrams (stopped)");
	message_no_datagrams(65507);
	ck_assert_str_eq(last, "4 " MESSAGE_NO_DATAGRAMS
			       ": datagrams are not answered: the greeting's frame is 65507 bytes "
			       "long, but at most 65506 fit; shorten the greeting, or remove "
			       "ListenDatagram=");
	message_fatal(EBADF);
	ck_assert_str_eq(last, "3 -: fatal: Bad file descriptor");
	message_cannot("accept connections", EMFILE);
	ck_assert_str_eq(last,
			 "3 " MESSAGE_LOCAL_ERROR ": cannot accept connections: Too many open "
			 "files; raise LimitNOFILE= or lower --max-connections");
	message_cannot("receive datagrams", ENFILE);
	ck_assert_str_eq(last, "3 " MESSAGE_LOCAL_ERROR ": cannot receive datagrams: Too many open "
			       "files in system; free memory or file descriptors on this host");
}
END_TEST

#define PEER " HELLO_PEER_ADDRESS=192.0.2.1 HELLO_PEER_PORT=6666 "

static const struct {
	sa_family_t family;
	size_t sent;
	enum client_end end;
	const char *message;
} clients[] = {
	{AF_INET, 7, CLIENT_END_CLOSED,
	 "5 " MESSAGE_GREETED PEER "HELLO_BYTES=7 HELLO_END=closed: "
	 "greeted 192.0.2.1:6666 (closed)"},
	{AF_INET, 6, CLIENT_END_RESET,
	 "5 -" PEER "HELLO_BYTES=6 HELLO_END=reset: "
	 "did not greet 192.0.2.1:6666: reset after 6 of 7 bytes"},
	{AF_INET, 6, CLIENT_END_LOCAL_ERROR,
	 "5 " MESSAGE_LOCAL_ERROR PEER "HELLO_BYTES=6 HELLO_END=local-error: "
	 "cannot greet 192.0.2.1:6666: Permission denied; "
	 "check the firewall and the security policy of this host"},
	/* systemd.exec(5): systemd knows the peer of a connection that was reset early. */
	{AF_UNSPEC, 0, CLIENT_END_RESET,
	 "5 - HELLO_PEER_ADDRESS=2001:db8::1 HELLO_PEER_PORT= HELLO_BYTES=0 HELLO_END=reset: "
	 "did not greet 2001:db8::1: reset after 0 of 7 bytes"},
};

START_TEST(clients_are_described)
{
	struct greeting greeting = {.length = 7};
	struct client client = {
		.greeting = &greeting,
		.end = clients[_i].end,
		.sent = clients[_i].sent,
		.error = EACCES,
		.peer.length = sizeof(struct sockaddr_in),
	};
	struct sockaddr_in *address = (struct sockaddr_in *)&client.peer.storage;

	*address = (struct sockaddr_in){.sin_family = clients[_i].family, .sin_port = htons(6666)};
	address->sin_addr.s_addr = htonl(0xC0000201);
	setenv("REMOTE_ADDR", "2001:db8::1", 1);
	message_client(&client, LOG_DEBUG + 1);
	ck_assert_str_eq(last, "");
	message_client(&client, LOG_NOTICE);
	ck_assert_str_eq(last, clients[_i].message);
}
END_TEST

START_TEST(systemd_is_notified)
{
	struct message_counts counts = {.accepted = 5, .greeted = 3, .open = 1};
	uint64_t before = clock_now_usec();
	unsigned long long usec;

	notify_ready();
	notify_stopping(true);
	notify_stopping(false);
	notify_status(&counts);
	counts.has_datagrams = true;
	notify_status(&counts);
	ck_assert_uint_eq(notify_watchdog(), CLOCK_NEVER);
	watchdog_usec = 3;
	ck_assert_uint_eq(notify_watchdog(), 2);
	assert_said("READY=1\n"
		    "STOPPING=1\nSTATUS=Idle, exiting\n"
		    "STOPPING=1\nSTATUS=Finishing with connected clients\n"
		    "STATUS=Greeted 3 clients, 1 connected\n"
		    "STATUS=Greeted 3 clients, 1 connected, 0 datagrams answered\n"
		    "WATCHDOG=1\n");
	notify_reloading();
	ck_assert_int_eq(sscanf(said, "RELOADING=1\nMONOTONIC_USEC=%llu\n", &usec), 1);
	ck_assert_uint_ge(usec, before);
	ck_assert_uint_le(usec, clock_now_usec());
}
END_TEST

/* Of the notifications without which systemd ends the service. */
START_TEST(lost_notification_is_logged)
{
	const struct message_counts counts = {0};

	message_unnotified(0);
	notify_ready();
	notify_result = -ENOBUFS;
	notify_stopping(true);
	notify_status(&counts);
	ck_assert_str_eq(last, "");
	watchdog_usec = 3;
	for (int i = 0; i < 3; i++) {
		last[0] = '\0';
		if (i == 0)
			notify_ready();
		else if (i == 1)
			notify_reloading();
		else
			ck_assert_uint_eq(notify_watchdog(), 2);
		ck_assert_str_eq(last, "4 -: cannot notify the service manager: "
				       "No buffer space available");
	}
}
END_TEST

/* They never change. */
START_TEST(catalog_explains_each_id)
{
	static const char *const ids[][2] = {
		{MESSAGE_GREETED, "46f9530514c14616a03f0fb2053ce493"},
		{MESSAGE_GREETING_BAD, "9320f0a01a3242f8ae3a0d459390222a"},
		{MESSAGE_SOCKET_BAD, "a83ed450f3244e6298e89e8894fcf88a"},
		{MESSAGE_LOCAL_ERROR, "87ea194663ff41b29ef3f83f9a63724b"},
		{MESSAGE_SUMMARY, "ec239c1c69eb490eb5b82d7f12327e60"},
		{MESSAGE_NO_DATAGRAMS, "97de2fd8dce44fcfad49cc19786bace7"},
	};
	char command[256];

	ck_assert_str_eq(ids[_i][0], ids[_i][1]);
	snprintf(command, sizeof(command),
		 "grep -A 1 '^-- %s$' \"${srcdir:-.}\"/systemd/hellod.catalog | grep -q Subject:",
		 ids[_i][0]);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	return UNIT_RUN("messages", {messages_have_words_and_ids, 1},
			{clients_are_described, UNIT_COUNT(clients)}, {systemd_is_notified, 1},
			{lost_notification_is_logged, 1}, {catalog_explains_each_id, 6});
}
