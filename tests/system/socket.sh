#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hello.socket under a real systemd: start, greet, stop, enable; a crowd; a bad greeting.
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot
hello=000548454c4c4f
port=6666
: "${sysconfdir:?}"

# visit and hello-client come from the build; the network is the container's.
connect()
{
	nsenter -t "$pid1" -n -- "$@"
}

units_left()
{
	inside systemctl list-units --all --no-legend 'hello@*' | wc -l
}

no_units_left()
{
	[ "$(units_left)" -eq 0 ]
}

inside systemctl start hello.socket
expect "started" active "$(inside systemctl is-active hello.socket)"
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
expect "found by its address" 1 "$(inside journalctl -o cat HELLO_PEER_ADDRESS=::1 | grep -c greeted)"
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
greeted=$(connect python3 "$here/visit.py" $port crowd 1000 32 $hello 2>"$work/crowd.log")
expect "greeted of 1000" 1000 "$greeted"
expect "after the crowd" active "$(inside systemctl is-active hello.socket)"
wait_for "the units to go" no_units_left

# Peers that misbehave are no failure.
connect python3 "$here/visit.py" $port reset
connect python3 "$here/visit.py" $port vanish
connect python3 "$here/visit.py" $port flood >/dev/null
wait_for "the units to go" no_units_left
expect "failed units" 0 "$(inside systemctl list-units --failed --no-legend 'hello*' | wc -l)"

# A bad greeting: the clients see a clean end, and the socket lives to see it mended.
inside mkdir -p "$sysconfdir/hello"
inside sh -c "printf 'HEL\\377' >'$sysconfdir/hello/greeting'"
expect "with a bad greeting" '' "$(connect python3 "$here/visit.py" $port talk 100000)"
status connect ./hello-client
expect "client with a bad greeting: status" 2 "$status"
wait_for "the units to go" no_units_left
expect "socket with a bad greeting" active "$(inside systemctl is-active hello.socket)"
inside journalctl --sync
expect_match "the line" "$sysconfdir/hello/greeting: not UTF-8 at byte 3 *" \
	"$(inside journalctl -p err -o cat -n 1 MESSAGE_ID=9320f0a01a3242f8ae3a0d459390222a)"
inside sh -c "echo 'Grüß Gott' >'$sysconfdir/hello/greeting'"
expect "with the greeting mended" 'Grüß Gott' "$(connect ./hello-client)"
inside rm "$sysconfdir/hello/greeting"

# Enabled, it is wanted by sockets.target; stopped, nothing listens any more.
inside systemctl enable --quiet hello.socket
inside test -e /etc/systemd/system/sockets.target.wants/hello.socket || fail "not enabled"
inside systemctl disable --quiet hello.socket
inside systemctl stop hello.socket
status connect ./hello-client
expect "stopped: status" 2 "$status"
expect_match "stopped" "*Connection refused*" "$err"
