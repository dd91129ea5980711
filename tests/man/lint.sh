#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The manuals are well-formed and fit on a terminal of 80 columns, and no @directory@ is left.
set -eu -o pipefail

command -v mandoc >/dev/null || {
	echo 'SKIP: mandoc is not installed'
	exit 77
}
mandoc -Tlint -Wwarning man/*.[1-9]
# In a table that is too wide, groff cannot break lines. One that it cannot adjust is only ragged.
# Other programs named man call no groff.
if [[ $(man --help 2>/dev/null) == *--warnings* ]]; then
	for manual in man/*.[1-9]; do
		said=$(LC_ALL=C MANWIDTH=80 man --warnings=break -E UTF-8 -l "$manual" 2>&1 >/dev/null |
			grep -v 'cannot adjust line' || true)
		[ -z "$said" ] || {
			echo "FAIL: $manual: $said"
			exit 1
		}
	done
fi
! grep -n '@[a-zA-Z]*@' man/*.[1-9]
