#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hello.socket(8) explains every directive of the units, and none that they do not have; and with
# strict.conf hello@.service has all that confines hello-listen.service, as both say.
set -e
# shellcheck source=../scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

# Before directories and what depends on the systemd of this host are written in.
manual=$srcdir/man/hello.socket.8.in
units=$srcdir/systemd

# directives FILE...: of units, but for what only tells a reader about them.
directives()
{
	sed 's/^@poll_limit@//' "$@" | grep '^[A-Z]' |
		grep -v -e ^Description= -e ^Documentation= |
		sed 's/^SystemCallFilter=[a-z_].*/SystemCallFilter=.../' | sort -u
}

# explained UNIT: the directives in the sections that begin with its name.
explained()
{
	awk -v unit="$1" '
		$1 == ".Ss" { here = $2 == unit || $2 == unit ":" }
		$1 == ".Sh" { here = 0 }
		here && $1 == ".It" && $2 == "Ic" { sub(/^\.It Ic /, ""); print }
	' "$manual" | sort -u
}

# lacking WHAT HAVE WANTED: nothing is wanted that one does not have.
lacking()
{
	expect "$1" '' "$(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3"))"
}

for unit in "$units"/*.in; do
	name=$(basename "$unit" .in)
	told=$(explained "$name")
	[ -n "$told" ] || fail "there is no section on $name"
	lacking "$name does not have" "$(directives "$unit")" "$told"
	# What they have in common is explained once.
	case $name in
	hello-netns.service | hello-listen.service) told+=$'\n'$(explained hello@.service) ;;
	hello-listen.socket) told+=$'\n'$(explained hello.socket) ;;
	esac
	lacking "not explained of $name" "$told" "$(directives "$unit")"
done

confinement=$(sed '1,/^User=/d' "$units/hello-listen.service.in" |
	grep -v ^SystemCallFilter=)
lacking "strict.conf does not have" \
	"$(directives "$units/hello@.service.in" "$units/strict.conf")" "$confinement"
