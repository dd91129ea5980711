#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# container.sh UNIT - starts a socket unit under a real systemd, in a container of its own; then
# prints "ready" and the container's PID 1, and ends when standard input does. To be run in the top
# build directory, as root.
#
# UNIT is one of hellod's, or printf.socket: hello.socket with a printf(1) in place of hellod.
set -e
# shellcheck source=../system/boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

# The least that a service behind hello.socket can do, and nothing that confines it.
write_printf_units()
{
	inside sh -c "cp '${systemdsystemunitdir:?}/hello.socket' /run/systemd/system/printf.socket"
	inside tee /run/systemd/system/printf@.service >/dev/null <<'END'
[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=/usr/bin/printf \\000\\005HELLO
StandardInput=socket
LogLevelMax=notice
END
	inside systemctl daemon-reload
}

boot
[ "$1" != printf.socket ] || write_printf_units
inside systemctl start "$1" || skip "there is no $1"
echo "ready $pid1"
read -r _ || true
