#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh PORT - what "make run" does: has systemd-socket-activate listen on the port and hand a
# connection to hellod, prints what hello-client makes of it, and leaves nothing behind.
set -eu -o pipefail

port=$1
activate=${SYSTEMD_SOCKET_ACTIVATE:-systemd-socket-activate}
work=$(mktemp -d)
activator=

# shellcheck disable=SC2317 # it is reached, by the trap
finish()
{
	[ -z "$activator" ] || kill "$activator" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

command -v "$activate" >/dev/null || {
	echo "make run: $activate is not installed: ./bootstrap installs it" >&2
	exit 1
}

mkfifo "$work/log"
"$activate" --accept -l "$port" ./hellod 2>"$work/log" &
activator=$!
exec 3<"$work/log"
while IFS= read -r line <&3; do
	case $line in
	'Listening on '*)
		# The rest must be read too, or hellod would wait to be rid of it.
		cat <&3 >/dev/null &
		./hello-client localhost "$port"
		exit
		;;
	*'Address already in use'*)
		echo "make run: port $port is taken: choose another one with 'make run PORT=7777'" >&2
		exit 1
		;;
	esac
	echo "$line" >&2
done
exit 1
