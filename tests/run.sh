#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh PORT - make run: systemd-socket-activate listens on the port and passes a connection to
# hellod, and hello-client prints the greeting. All processes end afterwards.
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
		# Reads on, or hellod would block on a full pipe.
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
