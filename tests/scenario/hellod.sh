#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hellod and clients of every kind, in both activation modes.
set -e
# shellcheck source=lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

hello=000548454c4c4f

# However a client behaves, it gets the whole greeting wherever it reads it, and the next client is
# greeted too.
greet_everyone()
{
	expect "read" $hello "$(visit read)"
	expect "talk first" $hello "$(visit talk 100000)"
	expect "talk first, then half-close" $hello "$(visit talk-all 100000)"
	expect "read late" $hello "$(visit late 100000)"
	visit reset
	visit vanish
	expect "after those that went away" $hello "$(visit read)"
	expect "a crowd" 200 "$(visit crowd 200 16 $hello)"
	expect "hello-client" HELLO "$(./hello-client localhost "$port")"
}

# The bad ones are got rid of: by the cap on what is read, and by the linger deadline.
outlast_the_bad()
{
	local never=$work/never.$mode bad=()

	visit mute "$never" &
	bad+=($!)
	visit hold "$never" >"$work/held" &
	bad+=($!)
	visit flood >"$work/flooded" &
	wait $!
	wait_for "the greeting" test -s "$work/held"
	expect "flood" stopped "$(cat "$work/flooded")"
	expect "hold" $hello "$(cat "$work/held")"
	wait_for_line "$hellod_log" '(flood)'
	wait_for_line "$hellod_log" 'linger-timeout' 2
	expect "after the bad ones" $hello "$(visit read)"
	touch "$never"
	wait "${bad[@]}"
}

for mode in accept listen; do
	start_hellod $mode --log-greetings=yes --verbose
	greet_everyone
	outlast_the_bad
	if [ $mode = accept ]; then
		statuses=$(sed -n 's/^Child [0-9]* died with //p' "$hellod_log" | sort -u)
		expect "exit status" 'code 0' "$statuses"
	else
		kill -0 "$hellod_pid" || fail "the listening hellod is gone"
	fi
	stop_hellod
done

# A UNIX socket works alike.
for mode in accept listen; do
	listen_address=$work/$mode.socket
	start_hellod $mode
	port=$listen_address
	expect "UNIX, $mode" $hello "$(visit read)"
	expect "UNIX, $mode, talk first" $hello "$(visit talk 100000)"
	expect "UNIX, $mode, client" HELLO "$(./hello-client "$listen_address")"
	stop_hellod
done

# Nobody reads what it logs: the clients are greeted all the same.
status python3 - <<'END'
import os
import socket
import subprocess
import sys

ours, theirs = zip(*(socket.socketpair() for _ in range(3)))
reader, writer = os.pipe()
os.close(reader)
for end in ours[:1]:
    end.close()


def hand_over():
    for i, end in enumerate(theirs):
        os.dup2(end.fileno(), 100 + i)
    for i in range(len(theirs)):
        os.dup2(100 + i, 3 + i)
    os.environ.update(LISTEN_FDS=str(len(theirs)), LISTEN_PID=str(os.getpid()))


hellod = subprocess.Popen(["./hellod", "-v"], stderr=writer, close_fds=False, preexec_fn=hand_over)
for end in theirs:
    end.close()
print([end.recv(100).hex() for end in ours[1:]])
for end in ours[1:]:
    end.close()
sys.exit(hellod.wait(60))
END
expect "without a reader of the log: status" 0 "$status"
expect "without a reader of the log" "['$hello', '$hello']" "$out"
