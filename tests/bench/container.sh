#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# container.sh UNIT - starts a socket unit under a real systemd, in a container of its own; then
# prints "ready" and the container's PID 1, and ends when standard input does. To be run in the top
# build directory, as root.
set -e
# shellcheck source=../system/boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot
inside systemctl start "$1" || skip "there is no $1"
echo "ready $pid1"
read -r _ || true
