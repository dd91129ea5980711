#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hello.socket(8) explains every directive of the units and no other, and strict.conf gives
# hello@.service all the confinement of hello-listen.service.
set -eu -o pipefail

# The sources, because the directives behind @poll_limit@ depend on the systemd of this host.
: "${srcdir:=.}"
manual=$srcdir/man/hello.socket.8.in
units=$srcdir/systemd
failed=0

# directives FILE...: those of units, without those that only describe the unit.
directives()
{
	sed 's/^@poll_limit@//' "$@" | grep '^[A-Z]' |
		grep -v -e ^Description= -e ^Documentation= |
		sed 's/^SystemCallFilter=[a-z_].*/SystemCallFilter=.../'
}

# explained UNIT: those in the sections whose titles begin with the unit's name.
explained()
{
	awk -v unit="$1" '
		/^\.S[hs]/ { here = $2 == unit || $2 == unit ":" }
		here && sub(/^\.It Ic /, "") { sub(/ Ta .*/, ""); print }
	' "$manual"
}

# includes WHAT HAVE WANTED: fails with the lines of WANTED that HAVE lacks.
includes()
{
	local missing

	missing=$(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3"))
	[ -n "$missing" ] || return 0
	printf 'FAIL: %s:\n%s\n' "$1" "$missing" >&2
	failed=1
}

for file in "$units"/*.in; do
	unit=$(basename "$file" .in)
	manual_has=$(explained "$unit")
	includes "$unit does not have what the manual explains" "$(directives "$file")" "$manual_has"
	# The manual does not repeat what is as in the first socket and its service.
	includes "the manual does not explain, for $unit" \
		"$manual_has"$'\n'"$(explained hello.socket; explained hello@.service)" \
		"$(directives "$file")"
done

# The templates hello-listen@.socket and hello-listen@.service: the manual explains what cores.sed
# changes or adds.
for kind in socket service; do
	file=$units/hello-listen.$kind.in
	changed=$(comm -13 <(directives "$file" | sort) \
		<(sed -f "$units/cores.sed" "$file" | directives | sort))
	manual_has=$(explained "hello-listen@.$kind")
	includes "hello-listen@.$kind does not have what the manual explains" "$changed" "$manual_has"
	includes "the manual does not explain, for hello-listen@.$kind" "$manual_has" "$changed"
done

includes 'strict.conf does not have' \
	"$(directives "$units/hello@.service.in" "$units/strict.conf")" \
	"$(sed '1,/^User=/d' "$units/hello-listen.service.in" | grep -v ^SystemCallFilter=)"
exit $failed
