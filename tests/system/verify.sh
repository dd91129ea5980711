#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The installed unit files, as systemd-analyze sees them: not a word to say, and as confined as
# hello.socket(8) tells.
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

status env SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify --man=no "$units"/hello*
expect "systemd-analyze verify: status" 0 "$status"
expect "systemd-analyze verify" '' "$out$err"

# A condition that does not hold has the socket activate its service again and again.
expect "conditions of services" '' "$(grep -E '^(Condition|Assert)' "$units"/*.service || true)"

# exposure UNIT MOST: in tenths, as systemd-analyze wants it.
exposure()
{
	status systemd-analyze security --no-pager --offline=true --threshold="$2" "$1"
	expect "exposure of $1 is $2 at the most: $(tail -n 1 <<<"$out") $err" 0 "$status"
}

if [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -lt 250 ]; then
	echo "systemd-analyze cannot tell the exposure before systemd 250"
	exit
fi
mv "$units/hello@.service" "$units/hello@0.service"
exposure "$units/hello@0.service" 20
exposure "$units/hello-listen.service" 5
cat "$srcdir/systemd/strict.conf" >>"$units/hello@0.service"
exposure "$units/hello@0.service" 5
