#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The greeting, from the option or the file to what the client prints: served exactly, or refused.
set -e
# shellcheck source=lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

file=$work/greeting

# served WHAT TEXT-FILE OPTION...: in both modes the client prints what TEXT-FILE holds.
served()
{
	local what=$1 wanted=$2 mode

	shift 2
	for mode in accept listen; do
		start_hellod $mode "$@"
		status ./hello-client localhost "$port"
		expect "$what, $mode: status" 0 "$status"
		{ cat "$wanted"; echo; } | cmp - "$work/out" || fail "$what, $mode: other text"
		stop_hellod
	done
}

# refused WHAT PATTERN OPTION...: the client is told nothing, the administrator why in one line.
refused()
{
	local what=$1 pattern=$2

	shift 2
	start_hellod accept "$@"
	expect "$what: the client gets" '' "$(visit talk 1000)"
	wait_for_line "$hellod_log" '^Child .* died with code 78$'
	expect_match "$what: the line" "$pattern" "$(grep '^hellod: ' "$hellod_log")"
	stop_hellod

	start_hellod listen "$@"
	# It may be gone, and the socket with it, before the visitor has come in.
	visit vanish 2>/dev/null || true
	status wait "$hellod_pid"
	expect "$what: status when listening" 78 "$status"
}

for text in HELLO 'Grüß Gott' '你好，世界' 'HELLO 👋🏽 🌍' '' ' two  spaces ' '%s%n'; do
	printf %s "$text" >"$work/wanted"
	served "--greeting='$text'" "$work/wanted" --greeting="$text"
	printf '%s\n' "$text" >"$file"
	served "a file with '$text'" "$work/wanted" --greeting-file="$file"
done

printf 'one\0two\n\n' >"$file"
printf 'one\0two\n' >"$work/wanted"
served "U+0000 and all newlines but the last" "$work/wanted" --greeting-file="$file"

printf option >"$work/wanted"
served "an option beats a file" "$work/wanted" --greeting-file="$file" --greeting=option

# The longest, and one byte more: in ASCII, and with a last character of six bytes.
head -c 65535 /dev/zero | tr '\0' x >"$work/wanted"
cp "$work/wanted" "$file"
served "65,535 bytes" "$work/wanted" --greeting-file="$file"
{ head -c 65529 "$file" && printf '😀'; } >"$work/wanted"
served "65,535 bytes with a pair" "$work/wanted" --greeting-file="$work/wanted"

printf x >>"$file"
refused "65,536 bytes" "hellod: $file: 65536 bytes long when encoded, *65535*" \
	--greeting-file="$file"
{ head -c 65530 "$file" && printf '😀'; } >"$work/long"
refused "65,536 bytes with a pair" "hellod: $work/long: 65536 bytes*" --greeting-file="$work/long"
refused "a lead without its continuation" "hellod: --greeting: not UTF-8 at byte 3 *" \
	--greeting=$'HEL\xc3'
printf 'ab\xed\xa0\x80' >"$file"
refused "a surrogate" "hellod: $file: not UTF-8 at byte 2 *" --greeting-file="$file"
refused "a directory" "hellod: $work: not a regular file*" --greeting-file="$work"
mkfifo "$work/pipe"
refused "a pipe" "hellod: $work/pipe: not a regular file*" --greeting-file="$work/pipe"
refused "no file" "hellod: $work/none: No such file*" --greeting-file="$work/none"
