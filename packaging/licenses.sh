#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# licenses.sh - in the source directory: every file has a license and a copyright, as REUSE
# requires, and those that can have a comment have the license in it.
set -eu -o pipefail

fail()
{
	echo "licenses.sh: $*" >&2
	exit 1
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

cmp COPYING LICENSES/MIT.txt || fail 'copy COPYING to LICENSES/MIT.txt'
# Documents for people, inputs of tests and their results, and formats without comments.
tag=License-Identifier # in parts, or reuse takes this line for a license
files=$(git ls-files) || skip 'git does not tell which files are of the source'
[ -n "$files" ] || skip 'this is no clone, so git does not know which files are of the source'
without=$(xargs grep -Lw "SPDX-$tag: MIT" <<<"$files" |
	grep -Evx '\.reuse/dep5|CONTRIBUTING|COPYING|LICENSES/.*|NEWS|README|SECURITY' |
	grep -Evx 'tests/bench/RESULTS|tests/fuzz/corpus/.*' |
	grep -Evx 'packaging/debian/.*') || true
[ -z "$without" ] || fail "no SPDX-$tag: MIT in:"$'\n'"$without"

command -v reuse >/dev/null || skip 'reuse is not installed'
said=$(reuse lint 2>&1) || fail "$said"
# reuse passes over a license that it cannot read.
! grep ERROR <<<"$said" >&2 || fail 'reuse cannot read these'
echo "figure: $(wc -l <<<"$files") files"
