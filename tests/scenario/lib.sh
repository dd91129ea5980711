# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the scenarios share: start, stop, expect, skip. A scenario sources this file. It runs in the
# top build directory with $srcdir set, as automake does it, and ends with 0 (passed), 1 (failed:
# then the end of every log is shown) or 77 (skipped: says why).

set -eu -o pipefail

# A make that a scenario starts is no part of the make that started the scenario.
unset MAKEFLAGS MFLAGS MAKELEVEL

: "${srcdir:=.}"
here=$srcdir/tests/scenario
work=$(mktemp -d)
pids=()
at_exit=() # functions to call before all else

finish()
{
	local status=$?

	trap - EXIT
	for hook in "${at_exit[@]}"; do
		"$hook" || true
	done
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		for log in "$work"/*.log; do
			[ ! -s "$log" ] || { echo "--- $(basename "$log")"; tail -n 50 "$log"; } >&2
		done
	fi
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

fail()
{
	echo "FAIL: $*" >&2
	exit 1
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

need()
{
	local tool

	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

# expect WHAT WANTED GOT
expect()
{
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# expect_match WHAT PATTERN GOT: a shell pattern.
expect_match()
{
	# shellcheck disable=SC2053
	[[ $3 == $2 ]] || fail "$1: wanted a match of '$2', got '$3'"
}

# status COMMAND...: runs it and leaves its exit status in $status, its output in $out and $err.
status()
{
	status=0
	"$@" >"$work/out" 2>"$work/err" || status=$?
	# shellcheck disable=SC2034 # for the scenario
	out=$(tr -d '\0' <"$work/out")
	# shellcheck disable=SC2034 # for the scenario
	err=$(cat "$work/err")
}

# follow FIFO LOG PATTERN: reads lines into LOG until one matches, then leaves the rest to a reader
# in the background. Fails at the end of the FIFO.
follow()
{
	local line fd

	exec {fd}<"$1"
	while IFS= read -r line <&"$fd"; do
		printf '%s\n' "$line" >>"$2"
		# shellcheck disable=SC2053
		if [[ $line == $3 ]]; then
			cat <&"$fd" >>"$2" &
			pids+=($!)
			exec {fd}<&-
			return 0
		fi
	done
	exec {fd}<&-
	return 1
}

# wait_for WHAT COMMAND...: until the command succeeds, for a minute at the most.
wait_for()
{
	local what=$1 give_up=$((SECONDS + 60))

	shift
	until "$@"; do
		[ $SECONDS -lt $give_up ] || fail "waited in vain for $what"
		sleep 0.02
	done
}

has_lines()
{
	[ "$(grep -c -e "$2" "$1")" -ge "$3" ]
}

# wait_for_line LOG PATTERN [COUNT]: returns once so many lines of a growing LOG match.
wait_for_line()
{
	wait_for "a line '$2'" has_lines "$1" "$2" "${3:-1}"
}

# A port that nothing listens on. It may be taken by the time it is used: try again then.
free_port()
{
	python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
}

# start_hellod accept|listen [OPTION]...: has systemd-socket-activate hand it connections or the
# listening socket. It listens on $listen_address, or on a free port of every address. Leaves the
# port in $port, the pid in $hellod_pid, the log in $hellod_log.
start_hellod()
{
	local mode=$1 accept=() fifo try

	need "${SYSTEMD_SOCKET_ACTIVATE:=systemd-socket-activate}" python3
	shift
	[ "$mode" = listen ] || accept=(--accept)
	for try in 1 2 3 4 5; do
		port=$(free_port)
		hellod_log=$work/hellod.$mode.$port.$try.log
		fifo=$work/fifo.$mode.$port.$try
		mkfifo "$fifo"
		"$SYSTEMD_SOCKET_ACTIVATE" "${accept[@]}" -l "${listen_address:-$port}" \
			"${hellod:=./hellod}" "$@" 2>"$fifo" &
		hellod_pid=$!
		pids+=("$hellod_pid")
		! follow "$fifo" "$hellod_log" 'Listening on *' || return 0
	done
	fail "systemd-socket-activate cannot listen"
}

stop_hellod()
{
	kill "$hellod_pid"
	wait "$hellod_pid" 2>/dev/null || true
}

# visit BEHAVIOUR [ARGUMENT]...: a client of $port, see visit.py.
visit()
{
	python3 "$here/visit.py" "$port" "$@"
}

# start_peer [ARGUMENT]...: a server for hello-client, see peer.py. Leaves its port in $port, and
# what it prints later to peer_said.
peers=0
start_peer()
{
	peers=$((peers + 1))
	mkfifo "$work/peer.$peers"
	python3 "$here/peer.py" "$@" >"$work/peer.$peers" 2>"$work/peer.$peers.log" &
	pids+=($!)
	[ $peers -eq 1 ] || exec {peer_fd}<&-
	exec {peer_fd}<"$work/peer.$peers"
	read -r -t 60 port <&"$peer_fd" || fail "peer.py $*: did not start"
}

# peer_said WHAT WANTED: the next line that the peer prints.
peer_said()
{
	local line=nothing

	read -r -t 60 line <&"$peer_fd" || true
	expect "$1: what the peer said" "$2" "$line"
}

# Milliseconds of a clock that nobody sets, in steps of ten.
now_msec()
{
	local up _

	read -r up _ </proc/uptime
	echo $((10#${up/./} * 10))
}

# took WHAT SINCE MIN LIMIT: in milliseconds
took()
{
	local msec=$(($(now_msec) - $2))

	if [ $msec -lt "$3" ] || [ $msec -ge "$4" ]; then
		fail "$1: wanted $3 to $4 ms, took $msec ms"
	fi
}

# With standard output at some other place: into WHERE COMMAND...
into()
{
	local where=$1

	shift
	case $where in
	closed) "$@" >&- ;;
	*) "$@" >"$where" ;;
	esac
}
