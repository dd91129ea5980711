#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# systemd-analyze reports no problems of the unit files, and a low exposure of the services.
set -eu -o pipefail

fail()
{
	echo "FAIL: $*"
	exit 1
}

if [ -z "${systemdsystemunitdir-}" ] || ! command -v systemd-analyze >/dev/null; then
	echo "SKIP: configured without a directory for unit files, or no systemd-analyze"
	exit 77
fi
if ! [ -d /run/systemd ] && ! [ -w /run ]; then
	echo "SKIP: systemd-analyze needs /run/systemd, and no systemd runs here"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s install DESTDIR="$work" >"$work/log"
cd "$work$systemdsystemunitdir"
cp "$work${docdir:?}"/examples/hello* .
# Instances, because systemd-analyze verifies a template with an instance that is not a number.
mv hello-listen@.service hello-listen@0.service
mv hello-listen@.socket hello-listen@0.socket

# systemd-analyze looks for the program on this machine, where hellod is not installed.
sed -i "s|^ExecStart=${sbindir:?}/hellod|ExecStart=$(command -v true)|" hello*
! grep '@[a-z_]*@' hello* || fail "make has not replaced every variable"
# With a condition that fails, the socket would start the service again and again.
! grep -E '^(Condition|Assert)' hello*.service || fail "a service has a condition"
said=$(SYSTEMD_UNIT_PATH=$PWD: systemd-analyze verify --man=no "$PWD"/hello* 2>&1) || true
[ -z "$said" ] || fail "systemd-analyze verify: $said"
mkdir hello-listen.socket.d
cp "$work${docdir:?}/examples/datagram.conf" hello-listen.socket.d
said=$(SYSTEMD_UNIT_PATH=$PWD: systemd-analyze verify --man=no "$PWD"/hello-*.socket 2>&1) || true
[ -z "$said" ] || fail "systemd-analyze verify, with datagram.conf: $said"

# exposure UNIT MOST: in tenths.
exposure()
{
	systemd-analyze security --no-pager --offline=true --threshold="$2" "$PWD/$1" | tail -n 1
}
[ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -ge 250 ] || exit 0
mv hello@.service hello@0.service
exposure hello@0.service 20
exposure hello-listen.service 5
exposure hello-listen@0.service 5
exposure hello-probe.service 15
cat "$work$docdir/examples/strict.conf" >>hello@0.service
exposure hello@0.service 5
