#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# --help, the manuals and the completions have exactly the options that the programs take, each with
# or without an argument. The completions offer a port where the programs take one; fish, also paths.
#
# A table of options has lines such as "-4 --ipv4", "-t --timeout argument" and "--histogram".
set -eu -o pipefail

: "${srcdir:=.}"
unset LISTEN_FDS LISTEN_PID
failed=0
HOME=$(mktemp -d) # where fish may write
export LC_ALL=C HOME XDG_CONFIG_HOME=$HOME
trap 'rm -rf "$HOME"' EXIT

# same WHAT WANTED GOT: compares the lines of two lists, in any order.
same()
{
	local difference

	difference=$(comm -3 <(sort -u <<<"$2") <(sort -u <<<"$3"))
	[ -n "$difference" ] || return 0
	printf 'FAIL: %s: missing, or indented if too much:\n%s\n' "$1" "$difference" >&2
	failed=1
}

# Makes a table from lines such as "-t --timeout=SEC", and "- --histogram" for a long option alone.
table()
{
	sed -E -e 's/^-? +//' -e 's/=.*/ argument/'
}

# Each name of the options in a table, on a line of its own.
apart()
{
	sed -E 's/^(-[^-]) (--[^ ]*)( argument)?$/\1\3\n\2\3/'
}

# mentioned FILE: the long options that a text has anywhere.
mentioned()
{
	sed 's/Fl Fl /--/g' "$1" | grep -oE -e '--[a-z][a-z0-9-]*'
}

# accepted PROGRAM: each name that getopt_long(3) knows, by its messages on wrong usage.
accepted()
{
	local name message

	for name in {a..z} {A..Z} {0..9}; do
		message=$("$1" "-$name=" --no-such-option 2>&1) || true
		case $message in
		*"invalid option -- '$name'"*) ;;
		# The help, the version, or an option without an argument.
		Usage:* | "${1##*/} "* | *"invalid option -- '='"*) echo "-$name" ;;
		*) echo "-$name argument" ;;
		esac
	done
	# Every long option begins with the empty name, so the message lists all of them.
	message=$("$1" --= 2>&1) || true
	for name in $(grep -o "'--[a-z0-9-]*'" <<<"${message#*possibilities:}" | tr -d "'"); do
		message=$("$1" "$name=" --no-such-option 2>&1) || true
		case $message in
		*"doesn't allow an argument"*) echo "$name" ;;
		*) echo "$name argument" ;;
		esac
	done
}

in_help()
{
	# A plugin then exits with UNKNOWN.
	{ "$1" --help || true; } | sed -nE 's/^ +((-.), )?(--[a-z0-9-]+)(=[^ ]+)? .*/\2 \3\4/p' | table
}

in_manual()
{
	sed -nE 's/^\.It (Fl (.) .*, )?Fl Fl ([a-z0-9-]+)( Ns (=).*)?$/-\2 --\3\5/p' "$1" | table
}

# The first name of each option.
in_synopsis()
{
	sed -nE '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.(Op )?Fl //p' "$1" |
		sed -E -e 's/^Fl ([a-z-]+).*/--\1/; t' -e 's/ [AC][rm] .*//; s/[ |]//g; s/./-&\n/g' |
		grep .
}

in_zsh()
{
	sed -nE -e 's/.*\{-(.)\+?,--([a-z0-9-]+=?)\}.*/-\1 --\2/p' \
		-e "s/^[^{]*'--([a-z0-9-]+=?)\[.*/- --\1/p" "$1" | table
}

in_fish()
{
	sed -nE -e 's/^complete -c [a-z_-]+( -s (.))? -l ([a-z0-9-]+)( -[xr])?.*/-\2 --\3\4/p' "$1" |
		sed 's/ -[xr]$/=/' | table
}

# fish separates options from operands with these.
in_fish_argparse()
{
	sed -n '/^ *argparse -i /,/ -- /p' "$1" | sed -e 's/.*argparse -i//' -e 's/ -- .*//' |
		grep -oE '[a-zA-Z0-9/=+-]+' | sed -E 's|^((.)/)?([a-z0-9-]+)|-\2 --\3|' | table
}

# The name of each argument of the check command, and whether it has a value.
in_icinga()
{
	sed -nE '/^\targuments = /,$ {
		s/^\t\t"(-.*)" = \{/\1/; T
		N; s/\n.*set_if.*//; s/\n.*value.*/ argument/; p
	}' "$1"
}

# in_bash PROGRAM WORD...: what bash offers for the last word, with stand-ins for bash-completion.
# shellcheck disable=SC2034,SC2317 # the completion uses all this
in_bash()
(
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
	# shellcheck source=/dev/null
	. "$srcdir/completions/bash/$1"
	"$(complete -p "$1" | sed 's/.* -F \([^ ]*\) .*/\1/')" "$1" || exit
	printf '%s\n' "${COMPREPLY[@]-}"
)

# check PROGRAM MANUAL: compares everything with --help.
check()
{
	local program=$1 manual=$2 options long option
	local bash=completions/bash/$1 zsh=completions/zsh/_$1 fish=completions/fish/$1.fish

	options=$(in_help "./$program")
	long=$(grep -o -e '--[a-z0-9-]*' <<<"$options")
	same "$program --help" "$(accepted "./$program")" "$(apart <<<"$options")"
	same "$manual" "$options" "$(in_manual "$manual")"
	same "$manual, SYNOPSIS" "$(cut -d " " -f 1 <<<"$options")" "$(in_synopsis "$manual")"
	same "$manual, text" "$long" "$(mentioned "$manual"; echo "$long")"
	same "$zsh" "$options" "$(in_zsh "$srcdir/$zsh")"
	same "$zsh, text" "$long" "$(mentioned "$srcdir/$zsh")"
	same "$fish" "$options" "$(in_fish "$srcdir/$fish")"
	! grep -q argparse "$srcdir/$fish" ||
		same "$fish, argparse" "$options" "$(in_fish_argparse "$srcdir/$fish")"
	! command -v fish >/dev/null ||
		same "$fish, in fish" "$(apart <<<"$options" | sed 's/ argument//')" \
			"$(fish -c "source $srcdir/$fish; complete -C '$program -'" | cut -f 1)"
	same "$bash" "$(apart <<<"$options" | sed -e '/^--/s/ argument/=/' -e 's/ argument//')" \
		"$(in_bash "$program" -)"
	for option in $(apart <<<"$options" | sed -n 's/ argument//p'); do
		same "$bash, options after $option" '' \
			"$(in_bash "$program" "$option" - | grep '^-' || true)"
	done
}

for file in "$srcdir"/completions/*/*; do
	shell=$(basename "$(dirname "$file")")
	! command -v "$shell" >/dev/null || "$shell" -n "$file" || failed=1
done
check hellod man/hellod.8
check hello-client man/hello-client.1
check check_hello man/check_hello.1

# in_zsh_port PROGRAM HOST: what zsh offers for its port, with stand-ins for zsh's functions.
in_zsh_port()
{
	# shellcheck disable=SC2016 # for zsh
	zsh -f -c '_arguments() { : }; _message() { : }; _wanted() { print 6666 }
		. "$1"; line=("$3"); opt_args=(-H "$3"); "_$2_port"' - \
		"$srcdir/completions/zsh/_$1" "$1" "$2"
}

# offers PORT PROGRAM WORD...: each shell offers this port, or none, after these words.
offers()
{
	local port=$1 fish=$srcdir/completions/fish/$2.fish
	shift

	same "bash, port after $*" "$port" "$(in_bash "$@" '')"
	! command -v fish >/dev/null || same "fish, port after $*" "$port" \
		"$(fish -c ". $fish; complete -C '$* '" | cut -f 1)"
	# zsh itself knows which options and operands exclude each other.
	command -v zsh >/dev/null || return 0
	case "$# $*" in
	'2 hello-client '[!-]*) same "zsh, port after $*" "$port" "$(in_zsh_port "$1" "$2")" ;;
	'4 check_hello -H '*' -p') same "zsh, port after $*" "$port" "$(in_zsh_port "$1" "$3")" ;;
	esac
}

for host in localhost ::1 '[::1]' fe80::1%eth0 vsock:2; do
	offers 6666 hello-client "$host"
	offers 6666 hello-client "$host" -p
	offers 6666 hello-client -v -t 1 -e p "$host"
	offers '' hello-client "$host" -p 6666
	offers '' hello-client -4vp 6666 "$host"
	offers '' hello-client --port=6666 "$host"
	offers '' hello-client "$host" 6666
	offers '' hello-client "$host" 6666 -p
	offers 6666 check_hello -H "$host" -p
done
for host in localhost:7 127.0.0.1:7 '[::1]:7' "'[::1]:7'" vsock:2:7 /run/x unix:x @x; do
	offers '' hello-client "$host"
	offers '' hello-client "$host" -vp
	offers '' check_hello -H "$host" -p
	offers '' check_hello "--hostname=$host" --port
	offers '' check_hello -vH "$host" -p
done
offers 6666 hello-client -p
offers 6666 check_hello -vp

# fish offers files only if it is told to, which differs for operands and options.
path=unix:$srcdir/completions/fi
! command -v fish >/dev/null || for line in "hello-client $path" "check_hello -uH $path" \
	"check_hello --hostname $path" "check_hello --hostname=$path"; do
	same "fish, path in $line" "${line##* }sh/" \
		"$(fish -c ". $srcdir/completions/fish/${line%% *}.fish; complete -C '$line'" | cut -f 1)"
done

# Icinga has a use for all options but these.
icinga=examples/icinga2-hello.conf
same "$icinga" "$(in_help ./check_hello | sed -E -e '/^-[vhV] /d' -e 's/^(-.) --[^ ]*/\1/')" \
	"$(in_icinga "$srcdir/$icinga")"
exit $failed
