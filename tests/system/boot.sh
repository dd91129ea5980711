# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A real systemd as PID 1, in a container with a network of its own and the build installed into
# it. To be sourced by the system tests, which need root.

# shellcheck source=../scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

machine=hellod-$$
pid1=

# inside COMMAND...: runs it in the container, as root, with its network.
inside()
{
	nsenter -t "$pid1" -m -p -n -u -i -C -- env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

shut_down()
{
	if [ -n "$pid1" ]; then
		# What systemd takes for "poweroff now" (systemd(1), SIGRTMIN+14) ends in no time.
		kill -s RTMIN+14 "$pid1" 2>/dev/null || true
		wait "$nspawn_pid" 2>/dev/null || true
	fi
	! mountpoint -q "$work/root" || umount "$work/root"
	! mountpoint -q "$work/layers" || umount "$work/layers"
	rmdir "/run/systemd/nspawn/propagate/$machine" 2>/dev/null || true
}

# What went on inside, for when a test fails.
keep_journal()
{
	[ -z "$pid1" ] || inside journalctl --no-pager -n 100 >"$work/journal.log" 2>&1
}

has_pid1()
{
	kill -0 "$nspawn_pid" 2>/dev/null ||
		skip "systemd-nspawn cannot boot here: $(head -n 1 "$work/console.log")"
	pid1=$(pgrep -P "$nspawn_pid" | head -n 1)
	[ -n "$pid1" ] && [ "$(cat "/proc/$pid1/comm" 2>/dev/null)" = systemd ]
}

is_up()
{
	inside systemctl is-active --quiet basic.target 2>/dev/null
}

# boot: leaves its PID 1 in $pid1. The root is the host's own, under an overlay that keeps every
# change out of it.
boot()
{
	[ "$(id -u)" -eq 0 ] || skip "only root can boot a container"
	need systemd-nspawn nsenter
	[ -n "${systemdsystemunitdir-}" ] || skip "configured without a directory for unit files"
	: "${sbindir:?}"
	[ -n "${sysusersdir-}" ] || skip "configured without a directory for sysusers files"

	at_exit=(keep_journal shut_down)
	mkdir "$work/layers" "$work/root"
	mount -t tmpfs layers "$work/layers" || skip "cannot mount here"
	mkdir "$work/layers/upper" "$work/layers/work"
	mount -t overlay -o "lowerdir=/,upperdir=$work/layers/upper,workdir=$work/layers/work" \
		overlay "$work/root" || skip "cannot mount an overlay here"

	# No fresh /tmp: the build may have been configured to go below it.
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_TMPFS_TMP=0 setsid systemd-nspawn --quiet --boot -D "$work/root" \
		--machine="$machine" --private-network --register=no --keep-unit --console=pipe \
		systemd.unit=basic.target systemd.mask=tmp.mount </dev/null >"$work/console.log" 2>&1 &
	nspawn_pid=$!
	wait_for "PID 1" has_pid1
	wait_for "systemd" is_up

	# Only now: at boot /tmp is cleaned.
	make -s install DESTDIR="$work/root" >"$work/install.log" 2>&1 || fail "make install"

	# Where the build was configured to go is not always where systemd looks.
	inside systemctl daemon-reload
	if ! inside systemctl cat hello.socket >/dev/null 2>&1; then
		for unit in "$work/root$systemdsystemunitdir"/hello*; do
			inside systemctl link --quiet "${unit#"$work/root"}"
		done
	fi
	# ... and not always where hello-listen.service may look.
	case $sbindir in
	/tmp/* | /var/tmp/* | /home/* | /root/*)
		inside mkdir -p /etc/systemd/system/hello-listen.service.d
		printf '[Service]\nPrivateTmp=no\nProtectHome=no\n' |
			inside tee /etc/systemd/system/hello-listen.service.d/10-place.conf >/dev/null
		;;
	esac
	inside systemd-sysusers "$sysusersdir/hellod.conf"
	inside systemctl daemon-reload
}
