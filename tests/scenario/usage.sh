#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hellod started by hand, with wrong options, and with sockets that are of no use.
set -e
# shellcheck source=lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

need python3

status ./hellod
expect "by hand: status" 64 "$status"
expect_match "by hand: what to do" "*systemctl start hello.socket*systemd-socket-activate*" "$err"
expect "by hand: lines" 2 "$(wc -l <"$work/err")"

for option in --greeting --nonsense --log-greetings=maybe operand; do
	status ./hellod $option
	expect "$option: status" 64 "$status"
	expect "$option: output" '' "$out"
	expect_match "$option: remedy" "*hellod: *hellod --help*" "$err"
done

for option in --help --version; do
	status ./hellod $option
	expect "$option: status" 0 "$status"
	expect_match "$option: output" "*hellod*" "$out"
	status sh -c "./hellod $option >/dev/full"
	expect "$option on a full disk: status" 74 "$status"
	expect "$option on a full disk" "hellod: standard output: No space left on device" "$err"
done

# hand_over SOCKET...: what hellod says of descriptors made by Python expressions.
hand_over()
{
	status python3 - "$@" <<'END'
import os
import socket
import sys

sockets = [eval(expression) for expression in sys.argv[1:]]
# Out of the way of 3 and up, where they are wanted.
spares = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
for i, spare in enumerate(spares):
    os.dup2(spare, 3 + i)
os.execve("./hellod", ["hellod"], {"LISTEN_FDS": str(len(spares)), "LISTEN_PID": str(os.getpid())})
END
}

refused()
{
	local pattern=$1

	shift
	hand_over "$@"
	expect "$*: status" 78 "$status"
	expect_match "$*" "hellod: file descriptor $pattern; pass stream sockets,*" "$err"
	expect "$*: lines" 1 "$(wc -l <"$work/err")"
}

listener='socket.create_server(("127.0.0.1", 0))'
connection='socket.socketpair()[0]'
refused '3: not a stream socket' 'socket.socket(type=socket.SOCK_DGRAM)'
refused '3: not a stream socket' 'socket.socketpair(type=socket.SOCK_SEQPACKET)[0]'
refused '3: not a socket' 'open("/dev/null")'
refused '3: a socket that neither listens nor is connected' 'socket.socket()'
refused '3: a socket that neither listens nor is connected' 'socket.socket(socket.AF_UNIX)'
refused '4: a connection among listening sockets' "$listener" "$connection"
refused '4: a listening socket among connections' "$connection" "$listener"

# The peer of each pair is closed already when hellod looks: that is no mistake.
hand_over "$connection" "$connection"
expect "peers that are gone: status" 0 "$status"
expect "peers that are gone" '' "$err"
