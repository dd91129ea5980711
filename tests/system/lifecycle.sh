#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What an administrator does with hello.socket, also while clients come: reload, restart, stop,
# enable, disable, reboot.
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot

something_greeted()
{
	[ "$(inside systemctl show hello.socket -P NAccepted)" -gt "${1-0}" ]
}

listening()
{
	inside ss -Hltn "sport = :$port"
}

inside systemctl start hello.socket

# daemon-reload carries the listening socket and the instances over.
crowd 300 32 >"$work/greeted" &
crowd_pid=$!
wait_for "the crowd" something_greeted
reloads=0
while kill -0 $crowd_pid 2>/dev/null; do
	inside systemctl daemon-reload
	reloads=$((reloads + 1))
	sleep 0.2
done
[ $reloads -ge 3 ] || fail "reloaded only $reloads times"
wait $crowd_pid || true
expect "greeted of 300 during daemon-reload" 300 "$(cat "$work/greeted")"

# A restart closes the listening socket: clients in its queue are lost, but none gets a part of a
# greeting, and those who come afterwards get all of it.
crowd 300 32 >"$work/greeted" &
crowd_pid=$!
wait_for "the crowd" something_greeted 310
inside systemctl restart hello.socket
kill -0 $crowd_pid || fail "the crowd was gone before the restart"
wait $crowd_pid || true
expect "greeted in part" '' "$(grep -v -e reset -e refused "$work/crowd.log" || true)"
expect "after a restart" active "$(socket_state)"
expect "greeted after a restart" 100 "$(crowd 100 32)"

# As often as wanted: systemd's own limit is five starts within 10 seconds.
for _ in 1 2 3 4 5 6; do
	inside systemctl restart hello-listen.socket
done
for _ in 1 2 3 4 5 6; do
	inside systemctl start hello-listen.socket
	inside systemctl start hello.socket
done
expect "after going back and forth" HELLO "$(connect ./hello-client)"
expect "their network" active "$(inside systemctl is-active hello-netns.service)"

# Stopped, nothing listens, and those who are served may finish; then nothing is left.
mkfifo "$work/stay"
guests 20 <"$work/stay" >"$work/guests.log" 2>&1 &
guests_pid=$!
exec {stay}>"$work/stay"
wait_for_line "$work/guests.log" . 1
inside systemctl stop hello.socket
expect "listening after stop" '' "$(listening)"
status connect ./hello-client
expect "stopped: status" 2 "$status"
expect_match "stopped" "*Connection refused*" "$err"
expect "instances after stop" 20 "$(units_left)"
inside systemctl stop 'hello@*'
expect "instances after their stop" 0 "$(units_left)"
exec {stay}>&-
wait $guests_pid
expect "the guests" '20 0' "$(cat "$work/guests.log")"
expect "processes" '' "$(inside pgrep -x hellod || true)"
expect "their network" inactive "$(inside systemctl is-active hello-netns.service || true)"

# Enabled, it is there after a reboot; disabled, it is not.
inside systemctl enable --quiet hello.socket
expect "enabled" enabled "$(inside systemctl is-enabled hello.socket)"
reboot
expect "enabled, after a reboot" active "$(socket_state)"
expect "greeted after a reboot" HELLO "$(connect ./hello-client)"
inside systemctl disable --quiet hello.socket
expect "disabled" disabled "$(inside systemctl is-enabled hello.socket || true)"
reboot
expect "disabled, after a reboot" inactive "$(socket_state)"
expect "listening" '' "$(listening)"
expect_quiet_end
