#!/bin/bash
# SPDX-License-Identifier: MIT
#
# hello-client as a user meets it: against peers of every kind, with right and wrong arguments, into
# outputs of every kind.

# shellcheck source=tests/scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

HELLO=000548454c4c4f

need python3
[ -x ./hello-client ] || fail "there is no ./hello-client: run this in the top build directory"

# try WHAT STATUS OUT ERR COMMAND...: OUT is exact, without the newline at its end, and ERR is a shell
# pattern.
try()
{
	local what=$1 wanted_status=$2 wanted_out=$3 wanted_err=$4

	shift 4
	status "$@"
	expect "$what: exit status ($err)" "$wanted_status" "$status"
	expect "$what: standard output" "$wanted_out" "$out"
	expect_match "$what: standard error" "$wanted_err" "$err"
}

# try_usage ERR [ARGUMENT]...
try_usage()
{
	local wanted_err=$1

	shift
	try "hello-client ${*@Q}" 3 '' "$wanted_err
Try 'hello-client --help'." ./hello-client "$@"
}

usage()
{
	local bad

	for bad in 0 65536 99999999999999999999 x 6666x '' ' 6666' '6666 ' +6666 6666.0 0x1a0a; do
		try_usage "hello-client: '$bad' is not a port: give a number from 1 to 65535" \
			localhost "$bad"
	done
	try_usage "hello-client: '-1' is not a port: *" -- localhost -1
	try_usage "*invalid option -- '1'" localhost -1

	for bad in x 1x 1e3 nan inf '' ' 1' '1 ' . 1.2.3 0x1 -1 +1 1,5; do
		try_usage "hello-client: --timeout: '$bad' is not a number of seconds" \
			"--timeout=$bad"
		try_usage "hello-client: --timeout: '$bad' is not a number of seconds" -t "$bad"
	done
	for bad in 0 0.0 0.0009 86400.1 86401 99999999 99999999999999999999999; do
		try_usage "hello-client: --timeout: '$bad' is not between 0.001 and 86400 seconds" \
			"--timeout=$bad"
	done
	try_usage "*requires an argument*" --timeout
	try_usage "*requires an argument*" -t

	try_usage "hello-client: 'three': only a host and a port are taken" localhost 6666 three
	try_usage "hello-client: the host is empty" ''
	try_usage "hello-client: the host is empty" '' 6666
	try_usage "hello-client: '6666': a UNIX socket has no port" /run/x 6666
	try_usage "*unrecognized option '--no-such'" --no-such
	try_usage "*invalid option -- 'Z'" -Z
	try_usage "*doesn't allow an argument*" --ipv4=yes
}

help()
{
	local option

	for option in --help -h --version -V; do
		status ./hello-client $option
		expect "$option: exit status" 0 "$status"
		expect "$option: standard error" '' "$err"
		case $option in
		--help | -h) expect_match "$option" "Usage: hello-client *--timeout*" "$out" ;;
		*) expect_match "$option" "hello-client (hellod) [0-9]*" "$out" ;;
		esac
		try "$option to a full disk" 3 '' \
			"hello-client: standard output: No space left on device" \
			into /dev/full ./hello-client $option
		try "$option to nowhere" 3 '' \
			"hello-client: standard output: Bad file descriptor" \
			into closed ./hello-client $option
	done
}

# The longest greeting that there is, as it is printed.
longest()
{
	head -c 65535 /dev/zero | tr '\0' A
	echo
}

greeted()
{
	local timeout

	start_peer --count 7 send $HELLO wait
	for timeout in 1 1. 01.5 .999999 86400 3.0000009; do
		try "greeted, --timeout=$timeout" 0 HELLO '' \
			./hello-client --timeout=$timeout 127.0.0.1 "$port"
		peer_said "greeted" eof
	done
	printf 'HELLO\n' >"$work/wanted"
	./hello-client 127.0.0.1 "$port" >"$work/got"
	cmp "$work/wanted" "$work/got" || fail "greeted: there is more or less than a line"

	start_peer send 0000 wait
	./hello-client 127.0.0.1 "$port" >"$work/got"
	expect "an empty greeting" 0a "$(od -An -tx1 "$work/got" | tr -d ' \n')"
	peer_said "an empty greeting" eof

	start_peer drip 0.1 $HELLO wait
	try "one byte every 100 ms" 0 HELLO '' ./hello-client 127.0.0.1 "$port" -t 30
	peer_said "one byte every 100 ms" eof

	start_peer --count 2 send ffff fill 65535 41 wait
	longest >"$work/wanted"
	./hello-client 127.0.0.1 "$port" >"$work/got"
	cmp "$work/wanted" "$work/got" || fail "65,535 bytes: not what was sent"
	peer_said "65,535 bytes" eof
	./hello-client 127.0.0.1 "$port" | cat >"$work/got"
	cmp "$work/wanted" "$work/got" || fail "65,535 bytes, through a pipe: not what was sent"
}

no_more_than_the_frame()
{
	start_peer send ${HELLO}21 wait
	try "one byte more" 0 HELLO '' ./hello-client 127.0.0.1 "$port"
	peer_said "one byte more" reset

	start_peer send ${HELLO} fill 10000000 58 wait
	try "a stream without end" 0 HELLO '' ./hello-client 127.0.0.1 "$port"
	peer_said "a stream without end" reset

	longest >"$work/wanted"
	start_peer send ffff fill 65535 41 fill 1000000 58 wait
	./hello-client 127.0.0.1 "$port" >"$work/got"
	cmp "$work/wanted" "$work/got" || fail "65,535 bytes and more: not what was sent"
	peer_said "65,535 bytes and more" reset
}

cut_short()
{
	local cut progress at

	for cut in 0 1 2 3 4 5 6; do
		progress="$cut of 7 bytes"
		[ $cut -ge 2 ] || progress="$cut of 2 header bytes"
		at="127.0.0.1:PORT: closed after $progress"
		[ $cut -gt 0 ] || at="$at: connection limit reached, or the service is failing"
		start_peer send "${HELLO:0:2*cut}"
		try "closed after $cut bytes" 2 '' "hello-client: ${at/PORT/$port}" \
			./hello-client 127.0.0.1 "$port"
	done

	# The client has to be connected when the reset comes.
	start_peer send ${HELLO:0:6} sleep 0.3 reset
	try "reset" 2 '' \
		"hello-client: 127.0.0.1:$port: Connection reset by peer after 3 of 7 bytes" \
		./hello-client 127.0.0.1 "$port"
}

malformed()
{
	local frame offset length

	while read -r frame offset length; do
		start_peer send "$frame"
		try "malformed: $frame" 2 '' \
			"hello-client: 127.0.0.1:$port: malformed at byte $offset of the greeting's $length" \
			./hello-client 127.0.0.1 "$port"
	done <<-'EOF'
		000180 0 1
		000548454c4cff 4 5
		0004f09f9880 0 4
		000241c3 1 2
		0003c328ff 0 3
	EOF
}

# Every wait ends in time.
too_slow()
{
	local since

	start_peer wait
	since=$(now_msec)
	try "a mute peer" 2 '' \
		"hello-client: 127.0.0.1:$port: timed out after 0.3 s, after 0 of 2 header bytes" \
		./hello-client -t 0.3 127.0.0.1 "$port"
	took "a mute peer" "$since" 300 5000
	peer_said "a mute peer" eof

	start_peer drip 0.2 $HELLO wait
	since=$(now_msec)
	try "a peer too slow" 2 '' \
		"hello-client: 127.0.0.1:$port: timed out after 0.7 s, after [123] of [27] *bytes" \
		./hello-client --timeout=0.7 127.0.0.1 "$port"
	took "a peer too slow" "$since" 700 5000

	start_peer hole
	since=$(now_msec)
	try "a black hole" 2 '' "hello-client: 127.0.0.1:$port: timed out after 0.4 s" \
		./hello-client -t .4 127.0.0.1 "$port"
	took "a black hole" "$since" 400 5000

	start_peer --address "$work/hole" hole
	since=$(now_msec)
	try "a UNIX socket with a full queue" 2 '' "hello-client: $work/hole: timed out after 0.4 s" \
		./hello-client -t .4 "$work/hole"
	took "a UNIX socket with a full queue" "$since" 400 5000

	# 220 and a blank: as a length that is more than the rest of the line.
	start_peer send 323230206d61696c0d0a wait
	try "another protocol" 2 '' \
		"hello-client: 127.0.0.1:$port: timed out after 0.3 s, after 10 of 12852 bytes" \
		./hello-client -t .3 127.0.0.1 "$port"
}

unreachable()
{
	local long

	port=$(free_port)
	try "nothing listens" 2 '' "hello-client: 127.0.0.1:$port: Connection refused" \
		./hello-client 127.0.0.1 "$port"
	try "nothing listens on any address" 2 '' "hello-client: *:$port: Connection refused*" \
		./hello-client localhost "$port"

	long=$(printf '%064d' 0)
	try "a label of 64 bytes" 3 '' "hello-client: $long.invalid: ?*" ./hello-client "$long.invalid"
	try "IPv4 with -6" 3 '' "hello-client: 127.0.0.1: ?*" ./hello-client -6 127.0.0.1
	try "IPv6 with -4" 3 '' "hello-client: ::1: ?*" ./hello-client -4 ::1

	try "no such path" 2 '' "hello-client: $work/none: No such file or directory" \
		./hello-client "$work/none"
	try "no socket" 2 '' "hello-client: $work/out: Connection refused" \
		./hello-client "$work/out"
	long=$(printf '/%0107d' 0)
	try "a path of 108 bytes" 3 '' \
		"hello-client: $long: the path is too long for a socket" ./hello-client "$long"
	try "a path of 107 bytes" 2 '' "hello-client: ${long%0}: No such file or directory" \
		./hello-client "${long%0}"
}

families()
{
	start_peer --count 2 send $HELLO wait
	try "-4" 0 HELLO '' ./hello-client -4 127.0.0.1 "$port"
	try "--ipv4 behind the operands" 0 HELLO '' ./hello-client localhost "$port" --ipv4

	start_peer --address "$work/socket" send $HELLO wait
	try "a UNIX socket" 0 HELLO '' ./hello-client "$work/socket"
	peer_said "a UNIX socket" eof

	if ! grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then
		echo "not tried: -6: this host has no ::1"
		return
	fi
	start_peer --address ::1 --count 2 send $HELLO wait
	try "-6" 0 HELLO '' ./hello-client -6 ::1 "$port"
	try "IPv6" 0 HELLO '' ./hello-client ::1 "$port"
	try "IPv6, refused" 2 '' "hello-client: [[]::1]:*: Connection refused" \
		./hello-client ::1 "$(free_port)"
}

# A greeting with a title for the terminal, a bell, a C1 control and a right-to-left override.
strange()
{
	local text shown wanted

	text=$'A\e]0;x\a\u9b\u202eB'
	shown='A\x1b]0;x\x07\u009b\u202eB'
	wanted=$(printf '%s' "$text" | od -An -v -tx1 | tr -d ' \n')
	wanted=$(printf '%04x' $((${#wanted} / 2)))$wanted

	start_peer --count 3 send "$wanted" wait
	printf '%s\n' "$text" >"$work/wanted"
	./hello-client 127.0.0.1 "$port" >"$work/got"
	cmp "$work/wanted" "$work/got" || fail "into a file: the greeting is not as it was sent"
	./hello-client 127.0.0.1 "$port" | cat >"$work/got"
	cmp "$work/wanted" "$work/got" || fail "into a pipe: the greeting is not as it was sent"
	try "on a terminal" 0 "$shown"$'\r' '' \
		python3 "$here/peer.py" terminal ./hello-client 127.0.0.1 "$port"
}

outputs()
{
	local broken

	start_peer --count 4 send $HELLO wait
	try "to a full disk" 3 '' "hello-client: standard output: No space left on device" \
		into /dev/full ./hello-client 127.0.0.1 "$port"
	exec {broken}> >(:)
	wait $!
	try "to a pipe that nobody reads" 3 '' "hello-client: standard output: Broken pipe" \
		into "/dev/fd/$broken" ./hello-client 127.0.0.1 "$port"
	exec {broken}>&-
	try "to nowhere" 3 '' "hello-client: standard output: Bad file descriptor" \
		into closed ./hello-client 127.0.0.1 "$port"
	# Without standard streams, sockets get their numbers.
	status=0
	./hello-client 127.0.0.1 "$port" <&- >&- 2>&- || status=$?
	expect "no standard streams: exit status" 3 "$status"

	# Where there is nothing to print, it does not matter where to.
	try "refused, to nowhere" 2 '' "hello-client: *: Connection refused" \
		into closed ./hello-client 127.0.0.1 "$(free_port)"

	start_peer --count 2 send ffff fill 65535 41 wait
	try "65,535 bytes to a full disk" 3 '' "hello-client: standard output: ?*" \
		into /dev/full ./hello-client 127.0.0.1 "$port"
	try "65,535 bytes to nowhere" 3 '' "hello-client: standard output: ?*" \
		into closed ./hello-client 127.0.0.1 "$port"
}

usage
help
greeted
no_more_than_the_frame
cut_short
malformed
too_slow
unreachable
families
strange
outputs
