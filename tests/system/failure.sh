#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What an administrator may get wrong, and what mends it. Clients come all the same, and each must
# not leave a failed unit behind, as it does by default (CollectMode=): they pile up until no more
# can be loaded and the socket fails.
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot
: "${sbindir:?}" "${sysconfdir:?}"
greeting=$sysconfdir/hello/greeting
inside systemctl start hello.socket

# expect_broken WHAT PATTERN: every client sees a clean end without a byte, the journal tells why,
# nothing piles up, and the socket lives.
expect_broken()
{
	mark_journal
	expect "$1: closed without a byte" 100 "$(crowd 100 32 '')"
	wait_for "the units to go: $1" no_units_left
	expect "$1: hello.socket" active "$(socket_state)"
	expect_match "$1: journal" "*$2*" "$(journal -p notice)"
}

expect_mended()
{
	expect "$1 mended" "${2-HELLO}" "$(connect ./hello-client)"
}

# The greeting, of which hellod says what is wrong, once for each client.
inside mkdir -p "$sysconfdir/hello"
inside sh -c "printf 'HEL\\377' >'$greeting'"
expect_broken "a greeting that is not UTF-8" "$greeting: not UTF-8 at byte 3 "
expect "lines of the bad greeting" 100 \
	"$(journal -p err MESSAGE_ID=9320f0a01a3242f8ae3a0d459390222a | grep -c .)"
[ -z "${catalogdir-}" ] ||
	expect_match "journalctl -x" "*not UTF-8 at byte 3*The greeting cannot be sent*" \
		"$(inside journalctl --no-pager -x -n 1 -t hellod)"
status connect ./hello-client
expect "client with a bad greeting: status" 2 "$status"
inside sh -c "echo 'Grüß Gott' >'$greeting'"
expect_mended "the greeting" 'Grüß Gott'
inside chmod 0600 "$greeting"
expect_broken "a greeting that may not be read" "$greeting: *Permission denied"
inside chmod a+r "$greeting"
expect_mended "the greeting's mode" 'Grüß Gott'
inside rm "$greeting"
expect_mended "no greeting"

# The program and its user, of which systemd says what is wrong.
inside mv "$sbindir/hellod" "$sbindir/hellod.away"
expect_broken "no program" "status=203/EXEC"
inside mv "$sbindir/hellod.away" "$sbindir/hellod"
expect_mended "the program"
drop_in hello@.service '[Service]' User=nobody-has-this-name
expect_broken "no user" "status=217/USER"
drop_in hello@.service
expect_mended "the user"

# A program that crashes (a shell, for which the filter is not made).
drop_in hello@.service '[Service]' SystemCallFilter= \
	ExecStart= "ExecStart=/bin/sh -c 'kill -SEGV \$\$\$\$'"
expect_broken "a crash" "status=11/SEGV"
drop_in hello@.service
expect_mended "the crash"

# Of a service that cannot be loaded or started the socket dies, and has to be started again.
socket_failed()
{
	[ "$(socket_state)" = failed ]
}
drop_in hello@.service '[Service]' ExecStart=
mark_journal
status connect ./hello-client
expect "no ExecStart=: status" 2 "$status"
wait_for "the socket to fail" socket_failed
expect_match "no ExecStart=: journal" '*Failed to * service *' "$(journal -u hello.socket)"
drop_in hello@.service
inside systemctl start hello.socket
expect_mended "the service"

# The same if it is masked: it is the socket that is to be stopped.
inside mkdir -p /run/systemd/system
inside systemctl mask --quiet --runtime hello@.service
connect ./hello-client >/dev/null 2>&1 || true
wait_for "the socket to fail" socket_failed
inside systemctl unmask --quiet --runtime hello@.service
inside systemctl start hello.socket
expect_mended "the mask"

# Unless a target upholds it.
socket_active()
{
	[ "$(socket_state)" = active ]
}
drop_in basic.target '[Unit]' Upholds=hello.socket
drop_in hello@.service '[Service]' ExecStart=
connect ./hello-client >/dev/null 2>&1 || true
drop_in hello@.service
wait_for "the socket to be started again" socket_active
expect_mended "the upheld"
expect_quiet_end
