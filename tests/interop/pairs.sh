#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The classroom's server and client in Java, and ours: everyone understands everyone, and the
# servers send the same bytes.
. "${srcdir:=.}/tests/scenario/lib.sh" || exit 1

need javac java od python3 "${SYSTEMD_SOCKET_ACTIVATE:=systemd-socket-activate}"

# Whatever the locale is, a greeting is printed as UTF-8.
export LC_ALL=C.UTF-8

# Short-lived programs: start quickly.
java=(java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -cp "$work")

# start_java [FILE]: as start_hellod does, leaves the port in $port, the pid in $java_pid.
start_java()
{
	local log=$work/HelloServer.$what.log fifo=$work/HelloServer.$what.fifo

	mkfifo "$fifo"
	"${java[@]}" HelloServer 0 "$@" >"$fifo" 2>&1 &
	java_pid=$!
	pids+=("$java_pid")
	follow "$fifo" "$log" 'listening on port *' || fail "$what: HelloServer does not listen"
	port=$(sed -n 's/^listening on port //p' "$log")
}

stop_java()
{
	kill "$java_pid"
	wait "$java_pid" 2>/dev/null || true
}

# greeted SERVER: by the server on $port both clients are, and on the wire are the right bytes.
greeted()
{
	status timeout 60 "${java[@]}" HelloClient localhost "$port"
	expect "$1, HelloClient, $what: status" 0 "$status"
	cmp "$work/printed" "$work/out" || fail "$1, HelloClient, $what: other text"

	status ./hello-client localhost "$port"
	expect "$1, hello-client, $what: status" 0 "$status"
	cmp "$work/printed" "$work/out" || fail "$1, hello-client, $what: other text"

	visit read | tr -d ' \n' >"$work/wire"
	cmp "$work/frame" "$work/wire" || fail "$1, $what: other bytes on the wire"
}

# pair WHAT TEXT FRAME: both are formats of printf. The frame is what DataOutput.writeUTF is
# documented to write.
pair()
{
	local file=() mode

	what=$1
	# shellcheck disable=SC2059 # they are formats
	printf "$2" >"$work/text"
	# shellcheck disable=SC2059
	printf "$3" | od -An -v -tx1 | tr -d ' \n' >"$work/frame"
	{ cat "$work/text" && echo; } >"$work/printed"
	# HELLO is what a server says that is told nothing.
	[ "$what" = HELLO ] || file=("$work/text")

	start_java "${file[@]}"
	greeted HelloServer
	stop_java
	for mode in accept listen; do
		start_hellod $mode --greeting-file="$work/text"
		greeted "hellod ($mode)"
		stop_hellod
	done
	echo "ok: $what"
}

javac -encoding UTF-8 -d "$work" "$srcdir"/tests/interop/Hello{Server,Client}.java

longest=$(printf '漢%.0s' {1..21845})

pair HELLO 'HELLO' '\0\5HELLO'
pair empty '' '\0\0'
pair two-byte 'Grüß Gott' '\0\13Gr\303\274\303\237 Gott'
pair three-byte '你好，世界' '\0\17\344\275\240\345\245\275\357\274\214\344\270\226\347\225\214'
pair six-byte 'HELLO 👋' '\0\14HELLO \355\240\275\355\261\213'
pair U+0000 'one\0two' '\0\10one\300\200two'
pair longest "$longest" "\\377\\377$longest"
