#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hello-listen.socket under a real systemd: start, greet, switch, reload, stop; idle, restarted,
# killed and badly configured, under load and with no client lost.
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot
service='hello-listen.service'
socket='hello-listen.socket'
: "${sysconfdir:?}" "${sbindir:?}"

greet_once()
{
	connect ./hello-client --timeout=30
}

greeted_with()
{
	[ "$(greet_once)" = "$1" ]
}

property()
{
	inside systemctl show -P "$2" "$1"
}

is_property()
{
	[ "$(property "$1" "$2")" = "$3" ]
}

active_sockets()
{
	inside systemctl is-active hello.socket $socket | tr '\n' ' '
}

summaries()
{
	inside journalctl --sync
	inside journalctl -t hellod -o cat | grep -c "^greeted .* ($1)" || true
}

# expect_at_most WHAT MOST GOT
expect_at_most()
{
	[ "$3" -le "$2" ] || fail "$1: wanted $2 at the most, got '$3'"
}

# use_options [OPTION]...: of hellod.
use_options()
{
	drop_in $service '[Service]' ExecStart= "ExecStart=$sbindir/hellod $*"
}

use_greeting()
{
	inside mkdir -p "$sysconfdir/hello"
	printf '%b' "$1" | inside tee "$sysconfdir/hello/greeting" >/dev/null
}

# Started by the first client; as a user without any rights.
inside systemctl start $socket
expect "started" "inactive active " "$(active_sockets)"
expect "before the first client" inactive "$(property $service ActiveState)"
for host in localhost 127.0.0.1 ::1; do
	expect "greeted by $host" HELLO "$(connect ./hello-client "$host")"
done
expect "bytes" $hello "$(connect python3 "$here/visit.py" $port talk 100000)"
expect "service" active "$(property $service ActiveState)"
pid=$(property $service MainPID)
expect "user" "$(inside id -u hellod)" "$(inside ps -o uid= -p "$pid" | tr -d ' ')"
wait_for "the status" is_property $service StatusText "Greeted 4 clients, 0 connected"
expect_match "systemctl status" '*Status: "Greeted 4 clients, 0 connected"*' \
	"$(inside systemctl status $service || true)"

# A crowd is greeted by the same one.
expect "greeted of 5000" 5000 "$(crowd 5000 64)"
expect "the same process" "$pid" "$(property $service MainPID)"

# Another greeting without a new process; a bad one is not taken over.
use_greeting 'Grüß Gott\n'
inside systemctl reload $service
wait_for "the reload" greeted_with 'Grüß Gott'
use_greeting 'HEL\0377'
inside systemctl reload $service
inside journalctl --sync
kept()
{
	inside journalctl -t hellod -o cat | grep -c 'keeping the greeting as it was' >/dev/null
}
wait_for "the refusal" kept
expect "after a bad reload" 'Grüß Gott' "$(greet_once)"
inside rm "$sysconfdir/hello/greeting"
inside systemctl reload $service
wait_for "the default" greeted_with HELLO
expect "reloaded, not restarted" "$pid" "$(property $service MainPID)"

# A journal that does not take any more costs messages, and no greetings. It has room for 512, or
# as many as net.unix.max_dgram_qlen says.
use_options --log-greetings=yes
inside systemctl restart $service
journald=$(property systemd-journald.service MainPID)
inside kill -STOP "$journald"
expect "greeted while the journal stands still" 2000 "$(crowd 2000 64)"
inside kill -CONT "$journald"
use_options
inside systemctl restart $service

# The two sockets take turns, with one command each. A client may only miss the greeting while that
# command runs. The log has a line for each client: when it came, and what it got.
connect python3 - $port "$work/switched" "$work/visits" <<'END' &
import os
import socket
import sys
import time

port, stop, log = sys.argv[1:]
with open(log, "w", encoding="utf-8") as lines:
    while not os.path.exists(stop):
        begin = time.time()
        try:
            with socket.create_connection(("127.0.0.1", int(port)), 60) as client:
                got = b""
                while chunk := client.recv(100):
                    got += chunk
            got = "HELLO" if got == b"\0\5HELLO" else repr(got)
        except OSError as error:
            got = str(error)
        lines.write(f"{begin} {time.time()} {got}\n")
        lines.flush()
        time.sleep(0.005)
END
switch_clients=$!
wait_for "the first of them" test -s "$work/visits"
for target in hello.socket $socket hello.socket $socket; do
	begin=$EPOCHREALTIME
	inside systemctl start "$target"
	echo "$begin $EPOCHREALTIME $target" >>"$work/switches"
	case $target in
	hello.socket) expect "after the switch" "active inactive " "$(active_sockets)" ;;
	*) expect "after the switch" "inactive active " "$(active_sockets)" ;;
	esac
	expect "greeted after the switch" HELLO "$(greet_once)"
	sleep 0.5
done
touch "$work/switched"
wait $switch_clients
python3 - "$work/switches" "$work/visits" <<'END'
import sys

switches = [line.split() for line in open(sys.argv[1], encoding="utf-8")]
wrong = 0
for line in open(sys.argv[2], encoding="utf-8"):
    begin, end, got = line.rstrip("\n").split(" ", 2)
    if got == "HELLO":
        continue
    during = [s[2] for s in switches if float(begin) <= float(s[1]) and float(end) >= float(s[0])]
    print(f"during the switch to {during}: {got}")
    wrong += not during
sys.exit("FAIL: clients were lost while nothing was switched" if wrong else 0)
END
figure "$(awk '{ printf "%s%s in %d ms", n++ ? ", " : "switched to ", $3, ($2 - $1) * 1000 }' \
	"$work/switches")"

# It ends as soon as nobody comes, and is started by the next: again and again, and nobody notices.
use_options --idle-timeout=0.01
inside systemctl restart $service
before=$(summaries idle)
connect python3 - $port $hello >"$work/idlers" <<'END'
import random
import socket
import sys
import threading
import time

port, wanted = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
good = []


def come_again():
    for _ in range(250):
        with socket.create_connection(("127.0.0.1", port), 60) as client:
            got = b""
            while chunk := client.recv(100):
                got += chunk
        good.append(got == wanted)
        time.sleep(random.uniform(0, 0.06))


threads = [threading.Thread(target=come_again) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(good))
END
expect "greeted by many that end at once" 1000 "$(cat "$work/idlers")"
cycles=$(($(summaries idle) - before))
figure "1000 greeted by a service that ended $cycles times meanwhile because it was idle"
[ "$cycles" -ge 50 ] || fail "idle only $cycles times"
expect "failures" 0 "$(property $service NRestarts)"

# Restarted under load.
use_options
inside systemctl restart $service
crowd 10000 64 >"$work/restarted" &
load=$!
restarts=0
while kill -0 $load 2>/dev/null; do
	inside systemctl restart $service
	restarts=$((restarts + 1))
	sleep 0.2
done
wait $load
expect "greeted while restarted $restarts times" 10000 "$(cat "$work/restarted")"
figure "10000 greeted, 64 at a time, during $restarts restarts of the service"
[ "$restarts" -ge 3 ] || fail "restarted only $restarts times"

# Killed under load: only those it had accepted are lost, and systemd starts it again.
crowd 5000 64 >"$work/killed" &
load=$!
sleep 0.5
pid=$(property $service MainPID)
inside kill -9 "$pid"
kill -0 $load || fail "the crowd was gone before the kill"
wait $load
lost=$((5000 - $(cat "$work/killed")))
figure "$lost of 5000, 64 at a time, lost by a kill -9 of the service"
expect_at_most "lost by kill -9" 64 $lost
wait_for "the service" is_property $service ActiveState active
[ "$(property $service MainPID)" != "$pid" ] || fail "not killed"
expect "after kill -9" HELLO "$(greet_once)"

# Nothing to greet with: tried again once a second, and whoever waits is greeted in the end.
use_greeting 'HEL\0377'
status inside systemctl restart $service
[ "$status" -ne 0 ] || fail "started with a bad greeting"
crowd 20 20 >"$work/waiting" &
waiting=$!
before=$(property $service NRestarts)
sleep 5
restarts=$(($(property $service NRestarts) - before))
echo "$restarts restarts in 5 seconds"
expect_at_most "restarts in 5 seconds" 6 $restarts
[ $restarts -ge 2 ] || fail "given up"
expect "the socket meanwhile" active "$(property $socket ActiveState)"
inside rm "$sysconfdir/hello/greeting"
wait $waiting
expect "greeted after waiting" 20 "$(cat "$work/waiting")"
expect "mended" active "$(property $service ActiveState)"

# Stopped, it is all gone.
inside systemctl stop $socket
expect "stopped" "inactive inactive " "$(active_sockets)"
expect "the service too" inactive "$(property $service ActiveState)"
status inside pgrep -x hellod
expect "processes" '' "$out"
status connect ./hello-client
expect "nobody listens: status" 2 "$status"
expect_match "nobody listens" "*Connection refused*" "$err"

# The service alone has nothing to listen at: to start it starts the socket.
inside systemctl start $service || true
expect "the service alone" "inactive active " "$(active_sockets)"
expect "greeted" HELLO "$(greet_once)"
inside systemctl stop $socket

inside systemctl enable --quiet $socket
inside test -e /etc/systemd/system/sockets.target.wants/$socket || fail "not enabled"
inside systemctl disable --quiet $socket
expect_quiet_end
