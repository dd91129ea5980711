#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hellod with a listening socket: many clients, slow clients, too many clients; idle, stopped,
# reloaded; what it tells its manager, and what it costs.
set -e
# shellcheck source=lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

need python3
hello=000548454c4c4f
long=$work/long
python3 -c 'print("A" * 65535)' >"$long"

# many BEHAVIOUR COUNT ARGUMENT...: many clients of $port.
#
#   slow COUNT BYTES    read BYTES every tenth of a second, with little room for more; print how many
#                       had the longest frame and then the end of the stream
#   fast COUNT          one after the other; the same, and how many whole seconds the slowest took
#   idle COUNT PATH     read all of it and stay until PATH exists; print how many were greeted
#   mute COUNT PATH     read nothing, with little room, and stay until PATH exists; print how many came
many()
{
	python3 "$work/many.py" "$port" "$@"
}

cat >"$work/many.py" <<'END'
import os
import socket
import sys
import time

LONGEST = b"\xff\xff" + b"A" * 65535


def connect(port, room=0):
    client = socket.socket()
    client.settimeout(60)
    if room:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.connect(("127.0.0.1", port))
    return client


def read_all(client):
    got = b""
    while chunk := client.recv(1 << 20):
        got += chunk
    return got


def slow(port, count, size):
    clients = [[connect(port, 4096), b""] for _ in range(count)]
    print("open", flush=True)
    reading = clients
    while reading:
        time.sleep(0.1)
        for client in reading:
            chunk = client[0].recv(int(size))
            client[1] += chunk
            if not chunk:
                client[0].close()
        reading = [client for client in reading if client[0].fileno() >= 0]
    print(sum(got == LONGEST for _, got in clients))


def fast(port, count):
    good = 0
    slowest = 0
    for _ in range(count):
        begin = time.monotonic()
        with connect(port) as client:
            good += read_all(client) == LONGEST
        slowest = max(slowest, time.monotonic() - begin)
    print(good, int(slowest))


def stay(path):
    give_up = time.monotonic() + 60
    while not os.path.exists(path) and time.monotonic() < give_up:
        time.sleep(0.01)


def idle(port, count, path):
    clients = [connect(port) for _ in range(count)]
    print(sum(len(read_all(client)) > 0 for client in clients), flush=True)
    stay(path)


def mute(port, count, path):
    clients = [connect(port, 4096) for _ in range(count)]
    print(len(clients), flush=True)
    stay(path)


port, behaviour, count, *arguments = sys.argv[1:]
globals()[behaviour](int(port), int(count), *arguments)
END

# activate [NAME=VALUE]... [OPTION]...: as systemd would, with a listening socket that takes little
# of a frame at a time, and with the pid that the environment may speak of. Leaves the same variables
# as start_hellod.
activate()
{
	hellod_log=$work/activated.$((activations += 1)).log
	python3 - "$@" >"$work/port" 2>"$hellod_log" <<'END' &
import os
import socket
import sys

listener = socket.create_server(("127.0.0.1", 0), backlog=256)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
listener.setblocking(False)
print(listener.getsockname()[1], flush=True)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
pid = str(os.getpid())
environment = dict(os.environ, LISTEN_FDS="1", LISTEN_PID=pid)
arguments = ["./hellod"]
for argument in sys.argv[1:]:
    if argument.startswith("-"):
        arguments.append(argument)
    else:
        name, value = argument.split("=")
        environment[name] = value.replace("@pid@", pid)
os.execve(arguments[0], arguments, environment)
END
	hellod_pid=$!
	pids+=("$hellod_pid")
	wait_for "the port" test -s "$work/port"
	port=$(cat "$work/port")
	rm "$work/port"
}
activations=0

# The processor time that hellod took so far, in ticks.
cpu()
{
	awk '{ print $14 + $15 }' "/proc/$hellod_pid/stat"
}

memory_kb()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$hellod_pid/status"
}

# expect_at_most WHAT MOST GOT
expect_at_most()
{
	[ "$3" -le "$2" ] || fail "$1: wanted $2 at the most, got '$3'"
}

# expect_fast WHAT COUNT: so many get the longest frame, one after the other and without waiting.
expect_fast()
{
	local good slowest

	read -r good slowest <<<"$(many fast "$2")"
	expect "$1" "$2" "$good"
	expect_at_most "$1: seconds" 1 "$slowest"
}

# Ends with what it says: exit status 0, and a line.
expect_end()
{
	local status=0

	wait "$hellod_pid" || status=$?
	expect "$1: status" 0 "$status"
	wait_for_line "$hellod_log" "$2"
}

# Who takes nothing is given up after half a minute, and all the time nobody else minds. That goes
# on beside the rest.
activate --greeting-file="$long" --verbose
mute_pid=$hellod_pid mute_log=$hellod_log
(
	begin=$SECONDS
	many mute 3 "$work/muted" >"$work/mute" &
	client=$!
	wait_for "the mute" test -s "$work/mute"
	expect_fast "beside the mute" 20
	wait_for_line "$mute_log" '^hellod: did not greet .*send-timeout after [0-9]* of 65537' 3
	echo $((SECONDS - begin)) >"$work/mute.took"
	touch "$work/muted"
	wait $client
) &
mute_watch=$!

# Few descriptors and many who stay: they make room, and others do not wait.
cat >"$work/limited" <<'END'
#!/bin/sh
ulimit -n 64
exec ./hellod "$@"
END
chmod +x "$work/limited"
hellod=$work/limited
start_hellod listen --verbose
many idle 500 "$work/left" >"$work/idle" &
idle=$!
wait_for "the idle" test -s "$work/idle"
expect "greeted of those who stay" 500 "$(cat "$work/idle")"
before=$(cpu)
expect "beside 500 who stay" HELLO "$(./hello-client --timeout=1 127.0.0.1 "$port")"
expect "nothing was short" 0 "$(grep -c 'short of something' "$hellod_log" || true)"

# Fewer still than it counted on, as it is when the whole system has none left.
if command -v prlimit >/dev/null; then
	prlimit --pid "$hellod_pid" --nofile=24:64
	expect "with nothing left" "20" "$(visit crowd 20 4 $hello)"
	wait_for_line "$hellod_log" '^hellod: short of something for new clients: Too many open files; raise'
	prlimit --pid "$hellod_pid" --nofile=64:64
fi
expect_at_most "ticks beside those who stay" 50 $(($(cpu) - before))

# They are given up in time, and then nothing moves any more.
wait_for_line "$hellod_log" 'linger-timeout'
expect "after those who stay" $hello "$(visit read)"
no_client_left()
{
	[ "$(find "/proc/$hellod_pid/fd" -lname 'socket:*' | wc -l)" -le 2 ]
}
wait_for "the last to be given up" no_client_left
sleep 1.2 # the last of what it has to tell
before=$(cpu)
sleep 2
expect "ticks when nothing moves" "$before" "$(cpu)"
touch "$work/left"
wait $idle

# All it may have are being greeted: it waits, and waiting costs nothing.
unset hellod
activate --greeting-file="$long" --max-connections=20
many mute 40 "$work/gone" >"$work/full" &
full=$!
wait_for "the mute" test -s "$work/full"
has_twenty()
{
	[ "$(find "/proc/$hellod_pid/fd" -lname 'socket:*' | wc -l)" -ge 21 ]
}
wait_for "twenty" has_twenty
before=$(cpu)
if command -v strace >/dev/null && status timeout 2 strace -o "$work/calls" -p "$hellod_pid" &&
	[ -e "$work/calls" ] && ! grep 'Operation not permitted' "$work/err"; then
	expect_at_most "calls in vain" 20 "$(grep -c 'accept4(.*= -1' "$work/calls" || true)"
	expect_at_most "calls" 200 "$(wc -l <"$work/calls")"
else
	sleep 2
fi
expect_at_most "ticks when full" 10 $(($(cpu) - before))
touch "$work/gone"
wait $full
expect_fast "when it is no longer full" 20
stop_hellod

# As many as are allowed, and one more.
start_hellod listen --max-connections=2 --log-greetings=yes
for i in 1 2; do
	visit hold "$work/held" >"$work/held.$i" &
	holders[i]=$!
	wait_for "the greeting" test -s "$work/held.$i"
done
expect "nobody was dropped" 0 "$(grep -c dropped "$hellod_log" || true)"
expect "the third of two" $hello "$(visit read)"
wait_for_line "$hellod_log" '(dropped)'
wait_for_line "$hellod_log" '(closed)'
expect "lines" 2 "$(grep -c '^hellod: greeted' "$hellod_log")"
touch "$work/held"
wait "${holders[@]}"
stop_hellod

# The longest greeting for many who are slow, and others who are not.
activate --greeting-file="$long"
many slow 200 2048 >"$work/slow" &
slow=$!
wait_for "the slow" test -s "$work/slow"
expect_fast "beside the slow" 100
kill -0 $slow || fail "the slow were fast"

# Stopped, it lets them finish.
kill "$hellod_pid"
wait $slow
expect "slow ones with all of it" 200 "$(tail -n 1 "$work/slow")"
expect_end "stopped" '^hellod: greeted 300 of 300 clients (stopped)'

# Idle, it ends.
start_hellod listen --idle-timeout=1
expect "then idle" $hello "$(visit read)"
expect_end "idle" '^hellod: greeted 1 of 1 clients (idle)'

# Another greeting while it runs; a bad one is refused.
echo Moin >"$work/greeting"
start_hellod listen --greeting-file="$work/greeting"
expect "first greeting" 00044d6f696e "$(visit read)"
printf 'Servus' >"$work/greeting"
kill -HUP "$hellod_pid"
wait_for_line "$hellod_log" '^hellod: reloaded the greeting'
expect "second greeting" 0006536572767573 "$(visit read)"
printf 'Gr\374\337' >"$work/greeting"
kill -HUP "$hellod_pid"
wait_for_line "$hellod_log" '^hellod: keeping the greeting as it was'
wait_for_line "$hellod_log" "^hellod: $work/greeting: not UTF-8 at byte 2"
expect "after a bad greeting" 0006536572767573 "$(visit read)"
stop_hellod

# What it tells its manager.
notified=$work/notified.log
python3 "$here/notify.py" "$work/notify" "$notified" &
pids+=($!)
wait_for "the manager" test -S "$work/notify"
activate NOTIFY_SOCKET="$work/notify" WATCHDOG_USEC=200000 WATCHDOG_PID=@pid@
wait_for_line "$notified" '^READY=1$'
wait_for_line "$notified" '^WATCHDOG=1$' 3
expect "greeted" $hello "$(visit read)"
expect "greeted" $hello "$(visit read)"
wait_for_line "$notified" '^STATUS=Greeted 2 clients, 0 connected$'
kill -HUP "$hellod_pid"
wait_for_line "$notified" '^READY=1$' 2
expect_match "reload" '*RELOADING=1
MONOTONIC_USEC=+([0-9])
READY=1*' "$(grep -v WATCHDOG "$notified")"
stamp=$(sed -n 's/^MONOTONIC_USEC=//p' "$notified")
now=$(python3 -c 'import time; print(time.monotonic_ns() // 1000)')
expect_at_most "age of the reload" 60000000 $((now - stamp))
expect_at_most "age of the reload" 0 $((stamp - now))
kill "$hellod_pid"
expect_end "with a manager" 'greeted 2 of 2 clients (stopped)'
wait_for_line "$notified" '^STOPPING=1$'

# A watchdog that is another's is not ours to feed; the manager can see why it ends.
: >"$notified"
activate NOTIFY_SOCKET="$work/notify" WATCHDOG_USEC=200000 WATCHDOG_PID=1 --idle-timeout=1
expect_end "with another's watchdog" '(idle)'
wait_for_line "$notified" '^STOPPING=1$'
wait_for_line "$notified" '^STATUS=Nobody to greet$'
expect "another's watchdog" 0 "$(grep -c WATCHDOG "$notified" || true)"

# Several sockets.
mkfifo "$work/fifo"
"$SYSTEMD_SOCKET_ACTIVATE" -l "$work/one" -l "$work/two" ./hellod 2>"$work/fifo" &
hellod_pid=$!
pids+=("$hellod_pid")
follow "$work/fifo" "$work/both.log" 'Listening on *two*'
for port in "$work/two" "$work/one" "$work/two"; do
	expect "$port" $hello "$(visit read)"
done
stop_hellod

# Neither memory nor descriptors grow.
start_hellod listen
expect "warm" 2000 "$(visit crowd 2000 16 $hello)"
before=$(memory_kb)
expect "greeted of 20000" 20000 "$(visit crowd 20000 16 $hello)"
expect_at_most "kB more after 20000" 64 $(($(memory_kb) - before))
wait_for "the last to go" no_client_left
kill "$hellod_pid"
expect_end "after 22000" '^hellod: greeted 22000 of 22000 clients (stopped)'

wait $mute_watch || fail "the mute"
took=$(cat "$work/mute.took")
[ "$took" -ge 29 ] || fail "the mute were given up after $took seconds"
expect_at_most "seconds for the mute" 45 "$took"
hellod_pid=$mute_pid hellod_log=$mute_log
kill "$hellod_pid"
expect_end "after the mute" '^hellod: greeted 20 of 23 clients (stopped)'
