#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hello.socket's limits: who is greeted below and at them, who is not, and what it tells.
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot
inside systemctl start hello.socket

# 200 clients that never close. By default there is room for 64 (MaxConnections=). Each keeps its
# instance for as long as hellod lingers, and not for as long as it stays.
mkfifo "$work/stay"
guests 100@127.0.0.1 100@127.0.0.2 <"$work/stay" >"$work/guests.log" 2>&1 &
guests_pid=$!
exec {stay}>"$work/stay"
wait_for_line "$work/guests.log" . 2
expect "200 that never close" $'100 0\n100 0' "$(cat "$work/guests.log")"
expect "one that comes later" HELLO "$(connect ./hello-client)"
# They share a network, which is not the host's.
# shellcheck disable=SC2016 # for the sh inside
networks=$(inside sh -c 'for pid in $(pgrep -x hellod); do readlink /proc/$pid/ns/net; done' |
	sort -u)
expect_match "networks" 'net:*' "$networks"
expect "networks" 1 "$(wc -l <<<"$networks")"
[ "$networks" != "$(inside readlink /proc/1/ns/net)" ] || fail "they are in the host's network"
wait_for "the instances to end before their clients do" no_units_left
kill -0 $guests_pid || fail "the clients did not stay"
exec {stay}>&-
wait $guests_pid

# One address cannot take every place; by default it can (MaxConnectionsPerSource=). Each place is
# held for longer than it takes to fill them all.
drop_in hello@.service '[Service]' 'ExecStartPost=sleep 60' SystemCallFilter=
expect "300 from one address, one from another" $'128 172\n1 0' \
	"$(guests 300@127.0.0.1 1@127.0.0.2 </dev/null)"
inside systemctl stop 'hello@*'
wait_for "the units to go" no_units_left
drop_in hello@.service

# At each limit, and one more.
drop_in hello.socket '[Socket]' MaxConnections=6 MaxConnectionsPerSource=4
restart_socket
mark_journal
refused=$(inside systemctl show hello.socket -P NRefused)
expect "MaxConnectionsPerSource=4, MaxConnections=6" $'4 0\n0 1\n2 0\n0 1' \
	"$(guests 4@127.0.0.1 1@127.0.0.1 2@127.0.0.2 1@127.0.0.3 </dev/null)"
expect "refusals in the journal" 2 \
	"$(journal -u hello.socket | grep -c 'Too many incoming connections')"
expect "refusals counted" $((refused + 2)) "$(inside systemctl show hello.socket -P NRefused)"
wait_for "the units to go" no_units_left

# What hello.socket(8) says it looks like to the client.
drop_in hello.socket '[Socket]' MaxConnections=1
restart_socket
guests 1 <"$work/stay" >"$work/guests.log" 2>&1 &
guests_pid=$!
exec {stay}>"$work/stay"
wait_for_line "$work/guests.log" . 1
status connect ./hello-client
expect "hello-client at the limit: status" 2 "$status"
expect_match "hello-client at the limit" '*closed after 0 of 2 header bytes*' "$err"
exec {stay}>&-
wait $guests_pid
wait_for "the units to go" no_units_left
expect "when there is room again" HELLO "$(connect ./hello-client)"
# The rate of hello.socket(8): the others wait in the queue.
if [ "$systemd_version" -ge 255 ]; then
	drop_in hello.socket '[Socket]' PollLimitIntervalSec=1s PollLimitBurst=20
	restart_socket
	begin=$EPOCHREALTIME
	expect "at 20 a second" 100 "$(crowd 100 32)"
	took=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
	[ $took -ge 3900 ] || fail "100 clients at 20 a second took $took ms"
	figure "100 clients at 20 a second took $took ms"
fi
expect "after all that" active "$(socket_state)"
expect_quiet_end
