#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hello.socket under a real systemd: both families, what the journal has of a greeting, a crowd,
# peers that misbehave.
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot
# This systemd finds nothing to say about its units.
expect "systemd-analyze verify" '' \
	"$(inside systemd-analyze verify --man=no hello.socket hello@.service hello-netns.service \
		hello-listen.socket hello-listen.service 2>&1)"

# exposure UNIT MOST: in tenths.
exposure()
{
	local found

	status inside systemd-analyze security --no-pager --threshold="$2" "$1"
	found=$(grep -o 'exposure level.*' <<<"$out" || true)
	expect "exposure of $1, $2 at the most: $found" 0 "$status"
	figure "$found"
}
exposure hello@0.service 20
exposure hello-listen.service 5

inside systemctl start hello.socket
expect "started" active "$(socket_state)"
has_network()
{
	inside systemctl is-active --quiet hello-netns.service
}
wait_for "the network of the instances" has_network
expect_match "systemctl list-sockets" '*:6666 *hello.socket *' \
	"$(inside systemctl list-sockets --no-pager 'hello*')"
expect "hello-client" HELLO "$(connect ./hello-client)"
expect "IPv4" HELLO "$(connect ./hello-client 127.0.0.1)"
expect "IPv6" HELLO "$(connect ./hello-client ::1)"
expect "bytes" $hello "$(connect python3 "$here/visit.py" $port talk 100000)"

# One line each, at notice, with the peer in fields, from the unprivileged user.
wait_for "the units to go" no_units_left
inside journalctl --sync
# By identifier: the journal cannot always tell the unit of a process that has ended (hellod(8)).
lines=$(inside journalctl -t hellod -o cat | grep -c .)
expect "lines in the journal" 4 "$lines"
# PID 1 says nothing of each (LogLevelMax=).
expect "lines about instances" '' "$(inside journalctl -o cat _PID=1 | grep 'hello@' || true)"
expect "found by its address" 1 \
	"$(inside journalctl -o cat HELLO_PEER_ADDRESS=::1 | grep -c greeted)"
entry=$(inside journalctl -o json MESSAGE_ID=46f9530514c14616a03f0fb2053ce493 | tail -n 1)
python3 - "$entry" "$(inside id -u hellod)" <<'END'
import json
import sys

entry = json.loads(sys.argv[1])
wanted = {
    "PRIORITY": "5",
    "MESSAGE_ID": "46f9530514c14616a03f0fb2053ce493",
    "HELLO_PEER_ADDRESS": "127.0.0.1",
    "HELLO_BYTES": "7",
    "HELLO_END": "closed",
    "SYSLOG_IDENTIFIER": "hellod",
    "_UID": sys.argv[2],
}
wrong = {key: entry.get(key) for key in wanted if entry.get(key) != wanted[key]}
sys.exit(f"FAIL: the journal's entry has {wrong}" if wrong else 0)
END

# A crowd: the limits of the units let all of it in.
expect "greeted of 300" 300 "$(crowd 300 32)"
expect "after the crowd" active "$(socket_state)"
wait_for "the units to go" no_units_left

# Peers that misbehave are no failure: one would leave a unit behind (CollectMode=).
mark_journal
connect python3 "$here/visit.py" $port reset
connect python3 "$here/visit.py" $port vanish
connect python3 "$here/visit.py" $port flood >/dev/null
wait_for "the units to go" no_units_left
expect "failures" '' "$(journal _PID=1 | grep 'Failed with result' || true)"

# More messages, by the drop-in of hello.socket(8). systemd's own come from behind the filter too,
# which denies what it would take to write some of them.
drop_in hello@.service '[Service]' ExecStart= "ExecStart=${sbindir:?}/hellod --verbose" \
	LogLevelMax=debug SystemCallErrorNumber= SystemCallErrorNumber=EPERM
mark_journal
expect "greeted with --verbose" HELLO "$(connect ./hello-client)"
wait_for "the units to go" no_units_left
expect_match "systemd's own" '*Started hello@*' "$(journal _PID=1)"
drop_in hello@.service

# All the confinement there is, as an example.
drop_in hello@.service "$(cat "$work/root${docdir:?}/examples/strict.conf")"
exposure hello@0.service 5
expect "greeted by the strictly confined" 50 "$(crowd 50 8)"
mkfifo "$work/stay"
guests 1 <"$work/stay" >"$work/guests.log" 2>&1 &
pids+=($!)
exec {stay}>"$work/stay"
wait_for_line "$work/guests.log" . 1
pid=$(inside pgrep -x hellod)
for own in ns/ipc ns/mnt ns/net ns/user ns/uts; do
	[ "$(inside readlink "/proc/$pid/$own")" != "$(inside readlink "/proc/1/$own")" ] ||
		fail "the strictly confined has no $own of its own"
done
case $sbindir in
/tmp/*) ;;
*) expect "its /tmp" '' "$(inside ls "/proc/$pid/root/tmp")" ;;
esac
exec {stay}>&-
wait_for "the units to go" no_units_left
drop_in hello@.service
expect_quiet_end
