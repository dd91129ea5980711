#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# hello.socket by the service manager of a user without privileges, as hello.socket(8) has it.
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot
: "${sbindir:?}" "${bindir:?}"
uid=4711
home=/home/guest
runtime=/run/user/$uid

as_user()
{
	inside setpriv --reuid=$uid --regid=$uid --clear-groups \
		env HOME=$home XDG_RUNTIME_DIR=$runtime "$@"
}

inside sh -c "echo guest:x:$uid:$uid::$home:/bin/sh >>/etc/passwd; echo guest:x:$uid: >>/etc/group"
inside install -d -m 0700 -o $uid -g $uid $home $runtime
# Without a login, which would take a container with more in it.
inside systemd-run --quiet --unit=guest --uid=$uid -p Type=notify -p Delegate=yes \
	-E HOME=$home -E XDG_RUNTIME_DIR=$runtime /lib/systemd/systemd --user

as_user sh -e <<END
mkdir -p ~/.config/systemd/user
cd ~/.config/systemd/user
cp $systemdsystemunitdir/hello.socket .
cat > hello@.service <<'EOF'
[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=$sbindir/hellod
StandardInput=null
LogLevelMax=notice
RuntimeMaxSec=1min
EOF
systemctl --user daemon-reload
systemctl --user start hello.socket
END
expect "greeted by the user's" HELLO "$(as_user "$bindir/hello-client")"
expect "a crowd" 200 "$(crowd 200 16)"
expect "the system's own" inactive "$(socket_state)"

no_user_units_left()
{
	[ -z "$(as_user systemctl --user list-units --all --no-legend 'hello@*')" ]
}
wait_for "the user's units to go" no_user_units_left
as_user systemctl --user stop hello.socket
status connect ./hello-client
expect_match "stopped" "*Connection refused*" "$err"
