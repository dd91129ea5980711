/* SPDX-License-Identifier: MIT */
/* listener_reload - another greeting for the listener that runs */
#include "config.h"

#include <errno.h>
#include <signal.h>

#include "server_harness.h"

/* Has the listener load that, or fail to. */
static void load(char letter, size_t length, int error)
{
	stage->letter = letter;
	stage->length = length;
	stage->reload_error = error;
	stage_signal(SIGHUP);
}

/* Somebody comes, is greeted with that, and leaves. */
static void visit_for(char letter, size_t length)
{
	int client = client_connect();

	client_read_frame(client, letter, length);
	client_leave(client);
}

START_TEST(greeting_is_loaded_anew)
{
	stage_serve(listen_flags[_i]);
	client_visit();
	load('B', 7, 0);
	ck_assert_int_eq(stage->reloads, 1);
	visit_for('B', 7);

	/* One that cannot be loaded changes nothing, whatever it leaves behind. */
	load('C', 9, -EILSEQ);
	ck_assert_int_eq(stage->reloads, 2);
	visit_for('B', 7);
	stage_stop();
}
END_TEST

START_TEST(greeting_that_is_being_sent_stays)
{
	static const char letters[] = "ABCD";
	int clients[4];

	stage_serve_small_buffers();
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			load(letters[i], FRAME_GREETING_BYTES_MAX, 0);
		clients[i] = client_stalled();
		ck_assert(client_has_something(clients[i]));
	}
	/* Nobody sends this one ever. */
	load('E', 1, 0);
	load('F', 2, 0);
	for (int i = 3; i >= 0; i--) {
		visit_for('F', 2);
		client_read_frame(clients[i], letters[i], FRAME_GREETING_BYTES_MAX);
		client_leave(clients[i]);
	}
	ck_assert_int_eq(stage->reloads, 5);
	stage_stop();
}
END_TEST

START_TEST(greeting_may_be_loaded_anew_while_it_stops)
{
	int client;

	stage_serve_small_buffers();
	client = client_stalled();
	stage_signal(SIGTERM);
	load('B', 1, 0);
	client_finish(client);
	assert_ended(LISTENER_STOPPED);
}
END_TEST

static Suite *listener_reload_suite(void)
{
	Suite *suite = suite_create("listener_reload");
	TCase *reload = stage_tcase("reload");

	tcase_add_loop_test(reload, greeting_is_loaded_anew, 0, 2);
	tcase_add_test(reload, greeting_that_is_being_sent_stays);
	tcase_add_test(reload, greeting_may_be_loaded_anew_while_it_stops);
	suite_add_tcase(suite, reload);
	return suite;
}

int main(void)
{
	return unit_run(listener_reload_suite());
}
