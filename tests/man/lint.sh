#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The manuals are well-formed, and no place is left to write in.
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
