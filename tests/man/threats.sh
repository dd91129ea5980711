#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hellod-security(7) names the tests of each threat, and a comment at each of these tests names the
# threat: each direction is complete, and each threat has a test.
set -eu -o pipefail

: "${srcdir:=.}"
cd "$srcdir"
manual=man/hellod-security.7.in
failed=0

# fail WHAT LINES: fails unless there are no lines.
fail()
{
	[ -n "$2" ] || return 0
	printf 'FAIL: %s:\n%s\n' "$1" "$2" >&2
	failed=1
}

# Lines "T1 file test", from the manual.
manual_has=$(awk '
	/^\.It T/ { threat = $2 }
	/^\.Sh/ { threat = "" }
	/^\.Dl / { sub(/:$/, "", $2); print threat, $2, $3 }
' $manual)

# The same, from the comments, which stand before a test of pytest or Check, or before a proof.
# shellcheck disable=SC2016 # awk expands them
tests_have=$(find tests -name 'test_*.py' -o -name 'check_*.c' -o -name 'prove_*.c' | sort |
	xargs awk '
		/^ *(#|\/\*) T[0-9, T]+ of hellod-security\(7\)/ {
			gsub(/,/, "")
			threats = ""
			for (i = 2; $i != "of"; i++)
				threats = threats " " $i
			next
		}
		/^ *def test_|^START_TEST\(|^void prove_/ {
			name = $0
			gsub(/^ *(def |START_TEST\(|void )|[():].*/, "", name)
			n = split(threats, each, " ")
			for (i = 1; i <= n; i++)
				print each[i], FILENAME, name
			threats = ""
		}
	')

numbers=$(sed -n 's/^\.It T//p' $manual)
[ "$numbers" = "$(seq "$(wc -l <<<"$numbers")")" ] ||
	fail "the threats are not numbered from 1" "$numbers"
fail "threats without a test" \
	"$(comm -23 <(sed -n 's/^\.It //p' $manual | sort -u) <(cut -d' ' -f1 <<<"$manual_has" | sort -u))"
fail "tests that do not exist, or whose comment lacks the threat" \
	"$(comm -23 <(sort <<<"$manual_has") <(sort <<<"$tests_have"))"
fail "tests that the manual lacks" \
	"$(comm -13 <(sort <<<"$manual_has") <(sort <<<"$tests_have"))"
exit $failed
