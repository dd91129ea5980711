#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The options that the programs take are those that --help, the manuals and the completions of the
# shells know: all of them, no other, and each with or without an argument everywhere.
#
# A table of options here is sorted lines such as "-4 --ipv4" and "-t --timeout argument".
set -e
# shellcheck source=../scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

unset LISTEN_FDS LISTEN_PID
export LC_ALL=C

# same WHAT WANTED GOT: tables or lists.
same()
{
	local missing excess

	missing=$(comm -23 <(sort -u <<<"$2") <(sort -u <<<"$3"))
	excess=$(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3"))
	[ -z "$missing$excess" ] || fail "$1: lacks '$missing', has too much '$excess'"
}

# only WHAT KNOWN GOT: nothing is got that is not known.
only()
{
	local excess

	excess=$(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3") | grep . || true)
	[ -z "$excess" ] || fail "$1: there is no '$excess'"
}

# shorts, longs: what a table has of either, with " argument" behind where one is due.
shorts()
{
	sed 's/ --[^ ]*//'
}

longs()
{
	sed 's/^-. //'
}

names()
{
	sed 's/ argument$//'
}

# What getopt_long(3) of a program takes. Every call of the program is wrong usage, but for those
# that print the help or the version.
accepted_shorts()
{
	local c

	for c in {a..z} {A..Z} {0..9}; do
		status "$1" "-$c=" --no-such-option
		case $err in
		*"invalid option -- '$c'"*) ;;
		'' | *"invalid option -- '='"*) echo "-$c" ;;
		*) echo "-$c argument" ;;
		esac
	done
}

accepted_longs()
{
	local long

	# The empty name is short for any.
	status "$1" --=
	for long in $(grep -o "'--[a-z0-9-]*'" <<<"${err#*possibilities:}" | tr -d "'"); do
		status "$1" "$long=" --no-such-option
		case $err in
		*"doesn't allow an argument"*) echo "$long" ;;
		*) echo "$long argument" ;;
		esac
	done
}

# Where options are written down. Each prints a table.
in_help()
{
	"$1" --help | sed -nE 's/^ +(-.), (--[a-z0-9-]+)(=[^ ]+)? .*/\1 \2\3/p' |
		sed 's/=.*/ argument/'
}

in_manual()
{
	sed -nE -e 's/^\.It Fl (.) , Fl Fl ([a-z0-9-]+)$/-\1 --\2/p' \
		-e 's/^\.It Fl (.) [AC][rm] .* , Fl Fl ([a-z0-9-]+) Ns = Ns .*/-\1 --\2 argument/p' \
		"$1"
}

in_zsh()
{
	sed -nE -e 's/.*\{-(.),--([a-z0-9-]+)\}.*/-\1 --\2/p' \
		-e 's/.*\{-(.)\+,--([a-z0-9-]+)=\}.*/-\1 --\2 argument/p' "$1"
}

in_fish()
{
	sed -nE -e 's/^complete .* -s (.) -l ([a-z0-9-]+) -d .*/-\1 --\2/p' \
		-e 's/^complete .* -s (.) -l ([a-z0-9-]+) -[xr] .*/-\1 --\2 argument/p' "$1"
}

in_fish_argparse()
{
	sed -n '/^ *argparse /,/ -- /p' "$1" | grep -oE '[a-zA-Z0-9]/[a-z0-9-]+(=\+)?' |
		sed -E -e 's|(.)/|-\1 --|' -e 's/=.*/ argument/'
}

# synopsis MANUAL: the short options in it, one a line.
synopsis()
{
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$1" | sed -nE 's/^\.(Op )?Fl //p' |
		sed -E 's/ [AC][rm] .*//' | tr -d ' |\n' | sed 's/./-&\n/g'
}

# in_bash PROGRAM WORD...: what the completion offers for the last word. What it uses of
# bash-completion is stood in for, so this does not depend on that.
in_bash()
{
	bash -s "$srcdir/completions/bash/${1#./}" "${1#./}" "${@:2}" <<-'END'
		source=$1
		shift
		given=("$@")
		_init_completion()
		{
			words=("${given[@]}")
			cword=$((${#words[@]} - 1))
			cur=${words[cword]}
			prev=${words[cword - 1]}
			split=false
		}
		_filedir() { :; }
		_known_hosts_real() { :; }
		compopt() { :; }
		. "$source" || exit
		function=$(complete -p "$1" | sed 's/.* -F \([^ ]*\) .*/\1/')
		"$function" "$1" || exit
		printf '%s\n' "${COMPREPLY[@]}"
	END
}

# same_in_bash PROGRAM TABLE
same_in_bash()
{
	local option rest

	same "bash for $1" "$(shorts <<<"$2" | names; longs <<<"$2" | sed 's/ argument/=/')" \
		"$(in_bash "$1" -)"
	while read -r option rest; do
		[ "$rest" = argument ] || continue
		expect "bash for $1: options after $option" '' \
			"$(in_bash "$1" "$option" - | grep '^-' || true)"
	done < <(shorts <<<"$2"; longs <<<"$2")
}

# same_in_fish PROGRAM TABLE: in fish itself.
same_in_fish()
{
	local name=${1#./} offered

	offered=$(HOME=$work XDG_CONFIG_HOME=$work fish -c \
		"source $srcdir/completions/fish/$name.fish; complete -C '$name -'" | cut -f 1)
	same "fish for $1" "$(shorts <<<"$2" | names; longs <<<"$2" | names)" "$offered"
}

# everywhere PROGRAM MANUAL
everywhere()
{
	local name=${1#./} completions=$srcdir/completions options

	options=$(in_help "$1")
	[ "$(wc -l <<<"$options")" -ge 6 ] || fail "$1 --help names only '$options'"
	same "$1 --help, short options" "$(accepted_shorts "$1")" "$(shorts <<<"$options")"
	same "$1 --help, long options" "$(accepted_longs "$1")" "$(longs <<<"$options")"

	same "$2" "$options" "$(in_manual "$2")"
	same "$2, SYNOPSIS" "$(shorts <<<"$options" | names)" "$(synopsis "$2")"
	only "$2" "$(longs <<<"$options" | names)" \
		"$(grep -oE 'Fl Fl [a-z0-9-]+' "$2" | sed 's/Fl Fl /--/')"

	same "zsh/_$name" "$options" "$(in_zsh "$completions/zsh/_$name")"
	only "zsh/_$name" "$(longs <<<"$options" | names)" \
		"$(grep -oE '[-]-[a-z0-9-]+' "$completions/zsh/_$name")"
	same "fish/$name.fish" "$options" "$(in_fish "$completions/fish/$name.fish")"
	! grep -q '^ *argparse ' "$completions/fish/$name.fish" ||
		same "fish/$name.fish, argparse" "$options" \
			"$(in_fish_argparse "$completions/fish/$name.fish")"
	same_in_bash "$1" "$options"
	! command -v fish >/dev/null || same_in_fish "$1" "$options"
}

# well_formed SHELL FILE...
well_formed()
{
	local shell=$1 file

	shift
	command -v "$shell" >/dev/null || {
		echo "not tried: $shell -n: $shell is not installed"
		return
	}
	for file; do
		status env HOME="$work" "$shell" -n "$file"
		expect "$shell -n $file: status ($err)" 0 "$status"
		expect "$shell -n $file" '' "$err"
	done
}

for program in ./hellod ./hello-client; do
	[ -x $program ] || fail "there is no $program: run this in the top build directory"
done
well_formed bash "$srcdir"/completions/bash/*
well_formed zsh "$srcdir"/completions/zsh/*
well_formed fish "$srcdir"/completions/fish/*
everywhere ./hellod man/hellod.8
everywhere ./hello-client man/hello-client.1
