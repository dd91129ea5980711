#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The installed unit files, as systemd-analyze sees them: not a word to say.
set -e
# shellcheck source=../scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

need systemd-analyze
: "${sbindir:?}"
[ -n "${systemdsystemunitdir-}" ] || skip "configured without a directory for unit files"

make -s install DESTDIR="$work/root" >"$work/install.log" 2>&1 || fail "make install"

# It looks for ExecStart= on this machine, where nothing is installed: any program stands in.
units=$work/units
mkdir "$units"
for unit in "$work/root$systemdsystemunitdir"/hello*; do
	sed "s|^ExecStart=$sbindir/hellod|ExecStart=$(command -v true)|" "$unit" \
		>"$units/$(basename "$unit")"
	status grep -c '@[a-z_]*@' "$unit"
	expect "$unit: places not written in" 0 "$out"
done

status env SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify --man=no "$units"/hello.socket \
	"$units"/hello@.service
expect "systemd-analyze verify: status" 0 "$status"
expect "systemd-analyze verify" '' "$out$err"
