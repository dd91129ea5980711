#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The manuals are well-formed, no place is left to write in, and every option is in its manual.
set -e
# shellcheck source=../scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

need mandoc

for manual in man/*.[158]; do
	status mandoc -Tlint -Wwarning "$manual"
	expect "$manual" '' "$out"
	status grep -n '@[a-zA-Z]*@' "$manual"
	expect "$manual: places not written in" '' "$out"
done

# documented PROGRAM MANUAL: each option of --help, in both forms, has its entry.
documented()
{
	local program=$1 manual=$2 option count=0

	mandoc -Tascii "$manual" | col -b >"$work/manual"
	for option in $("$program" --help | grep -oE '(^|[ ,])--?[a-zA-Z0-9][a-z0-9-]*' | tr -d ' ,'); do
		count=$((count + 1))
		grep -q -e "^ *.*$option\\>" "$work/manual" || fail "$manual has no $option"
	done
	[ $count -ge 6 ] || fail "$program --help names only $count options"
}

documented ./hellod man/hellod.8
documented ./hello-client man/hello-client.1
