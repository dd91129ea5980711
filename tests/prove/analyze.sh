#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Analyzes src/ with gcc -fanalyzer, clang-tidy (.clang-tidy says which checks, and why not the
# others) and cppcheck. A finding fails. A missing analyzer is skipped: exit status 77, if no other
# one found anything.
set -u -o pipefail

cd "${srcdir:?make sets it}" || exit 1
build=$OLDPWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2206 # words
flags=(-std=gnu11 -I"$build" -Isrc -DSYSCONFDIR='"/etc"' ${CPPFLAGS-})
files=(src/*/*.c)
status=0
findings=0
summary=

# analyze NAME TOOL COMMAND...: gives each file to the command. Its output are findings.
analyze()
{
	local name=$1 tool=$2 found

	shift 2
	if ! command -v "$tool" >/dev/null; then
		echo "SKIP: $name is not installed: ./bootstrap --all does it"
		[ $status -ne 0 ] || status=77
		return
	fi
	if ! printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 "$@" >"$work/log" 2>&1 ||
		grep -qE '(warning|error):' "$work/log"; then
		status=1
	fi
	found=$(grep -cE '(warning|error):' "$work/log")
	findings=$((findings + found))
	summary="$summary, $name $found"
	grep -vE '^[0-9]+ warnings? (generated|treated)' "$work/log"
}

# clang-tidy takes the compiler's options last.
# shellcheck disable=SC2317 # xargs calls it
tidy()
{
	clang-tidy --quiet "$1" -- "${@:2}"
}
export -f tidy

begin=$SECONDS
# shellcheck disable=SC2016 # the inner shell expands them
analyze clang-tidy clang-tidy bash -c 'tidy "${@: -1}" "${@:1:$#-1}"' tidy "${flags[@]}"
analyze gcc gcc gcc -fanalyzer "${flags[@]}" -c -o /dev/null
analyze cppcheck cppcheck cppcheck --quiet --error-exitcode=1 --std=c11 \
	--enable=warning,performance,portability --inline-suppr -Isrc
echo "analyze: ${#files[@]} files, $findings findings$summary, $((SECONDS - begin)) s"
exit $status
