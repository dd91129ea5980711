#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The system calls of hellod, from its start on and so with all that the C library and libsystemd
# do there: SystemCallFilter= in the units must allow each of them, and does deny others.
#
# The lists in the units come from here: it prints the calls that were made, and those that are
# allowed but were not made.
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

need strace
boot
: "${sysconfdir:?}"

# Clients and greetings of every kind, for either socket.
greet_all_kinds()
{
	local kind holder

	for kind in read 'talk 100000' 'talk-all 100000' 'late 100000' reset vanish flood; do
		# shellcheck disable=SC2086
		connect python3 "$here/visit.py" $port $kind >/dev/null
	done
	connect ./hello-client ::1 >/dev/null
	expect "a crowd" 10 "$(crowd 10 5)"
	inside mkdir -p "$sysconfdir/hello"
	inside sh -c "yes hi | head -c 65535 >'$sysconfdir/hello/greeting'"
	connect ./hello-client >/dev/null
	inside sh -c "printf 'HEL\\377' >'$sysconfdir/hello/greeting'"
	connect ./hello-client >/dev/null 2>&1 || true
	inside rm "$sysconfdir/hello/greeting"
	# One that stays longer than hellod lingers: the server's end of it is closed then.
	rm -f "$work/leave" "$work/held"
	connect python3 "$here/visit.py" $port hold "$work/leave" >"$work/held" &
	holder=$!
	wait_for "the last greeting" test -s "$work/held"
	expect "connections while hellod lingers" 1 "$(open_connections)"
	wait_for "the end of the lingering" no_open_connections
	touch "$work/leave"
	wait $holder
}

# Those that are still hellod's: when it has closed one, the kernel keeps it for a while.
open_connections()
{
	inside ss -Htno exclude listening "sport = :$port" | grep -vc 'timer:(timewait,' || true
}

no_open_connections()
{
	[ "$(open_connections)" -eq 0 ]
}

# Everything that an administrator does with the listening service while it runs.
greet_and_control()
{
	inside systemctl start hello-listen.socket
	greet_all_kinds
	inside systemctl reload hello-listen.service 2>/dev/null || true
	expect "after a reload" HELLO "$(connect ./hello-client)"
	inside systemctl restart hello-listen.service
	expect "after a restart" HELLO "$(connect ./hello-client)"
	inside systemctl stop hello-listen.socket hello-listen.service
}

greet_each()
{
	inside systemctl start hello.socket
	greet_all_kinds
	wait_for "the units to go" no_units_left
}

# trace COMMAND...: runs it, and leaves in $work/seen what hellod calls meanwhile.
trace()
{
	local strace_pid file

	rm -rf "$work/trace"
	mkdir "$work/trace"
	strace --follow-forks --output-separately --output="$work/trace/of" --attach="$pid1" \
		2>"$work/strace.log" &
	strace_pid=$!
	pids+=($!)
	wait_for_line "$work/strace.log" attached
	"$@"
	kill $strace_pid
	wait $strace_pid || true
	# A file for each process. What comes before hellod is executed is systemd's own, without
	# the filter.
	for file in "$work/trace"/of.*; do
		sed -n '\|^execve("[^"]*/hellod", .*) = 0$|,$p' "$file"
	done | sed -nE 's/^([a-z0-9_]+)\(.*/\1/p' | sort -u >"$work/seen"
	grep -qx sendto "$work/seen" || fail "nothing was traced"
}

# compare INSTANCE: what its filter allows, groups resolved, with what was seen.
compare()
{
	inside systemctl show "$1" -P SystemCallFilter | tr ' ' '\n' | sort -u >"$work/allowed"
	echo "$1 calls: $(tr '\n' ' ' <"$work/seen")"
	echo "$1 may call as well: $(comm -13 "$work/seen" "$work/allowed" | tr '\n' ' ')"
	expect "calls that $1 does not allow" '' "$(comm -23 "$work/seen" "$work/allowed")"
}

trace greet_each
compare hello@0.service
trace greet_and_control
compare hello-listen.service

# A program that does what hellod does not is ended, and it shows: in no other scenario it does.
inside systemctl start hello.socket
drop_in hello@.service '[Service]' ExecStart= ExecStart=/bin/ls
mark_journal
status connect ./hello-client
wait_for "the units to go" no_units_left
expect_match "a call that is not allowed" '*status=31/SYS*' "$(journal -p notice)"
