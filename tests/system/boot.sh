# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A real systemd as PID 1, in a container with a network of its own and the build installed into
# it. To be sourced by the system tests, which need root.
#
# $SYSTEMD says which systemd: that of the host (the default), whose root is then used, or that of
# a Debian suite, whose root is made once and kept below $XDG_CACHE_HOME/hellod. Either is under an
# overlay that keeps every change out of it. To have a suite's root made anew, remove it.

# shellcheck source=../scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

: "${SYSTEMD:=host}"
# What the tests run in there, and what the build is linked with.
SUITE_PACKAGES=systemd,systemd-sysv,dbus,iproute2,procps,libsystemd0,libjson-c5

hello=000548454c4c4f # the default greeting's frame, for visit.py
port=6666
machine=hellod-$$
host_lock=shared # or exclusive, for a test that wants the host to itself
lock=            # the file descriptor
nspawn_pid=
pid1=       # of the container, as the host sees it
unfinished= # a suite's root that is being made
cgroups=()  # of the container: one, or one for each hierarchy that systemd uses

# inside COMMAND...: runs it in the container, as root, with its network.
inside()
{
	nsenter -t "$pid1" -m -p -n -u -i -C -- \
		env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# connect COMMAND...: runs it here, from the build, but with the container's network, and as one of
# its processes: systemd wants to know who the client of a UNIX socket is.
connect()
{
	nsenter -t "$pid1" -n -p -- "$@"
}

# crowd COUNT CONCURRENCY [HEX]: prints how many got this, or a greeting; of the others crowd.log
# tells what they met.
crowd()
{
	connect python3 "$here/visit.py" "$port" crowd "$1" "$2" "${3-$hello}" 2>"$work/crowd.log"
}

# guests COUNT[@ADDRESS]...: see guests.py.
guests()
{
	connect python3 "$srcdir/tests/system/guests.py" $port "$@"
}

socket_state()
{
	inside systemctl is-active hello.socket || true
}

# drop_in UNIT [LINE]...: replaces the drop-in of these tests, or with no line removes it.
drop_in()
{
	local directory=/etc/systemd/system/$1.d

	shift
	inside mkdir -p "$directory"
	inside rm -f "$directory/50-test.conf"
	[ $# -eq 0 ] || printf '%s\n' "$@" | inside tee "$directory/50-test.conf" >/dev/null
	inside systemctl daemon-reload
}

# As an administrator would after a change to the socket.
restart_socket()
{
	inside systemctl reset-failed hello.socket 2>/dev/null || true
	inside systemctl restart hello.socket
}

units_left()
{
	inside systemctl list-units --all --no-legend 'hello@*' | wc -l
}

no_units_left()
{
	[ "$(units_left)" -eq 0 ]
}

# From here on journal() shows what is written. (Not by a cursor: with matches as well, an older
# journalctl leaves out the first entry after it.)
mark_journal()
{
	mark=$EPOCHREALTIME
}

# journal JOURNALCTL-ARGUMENT...: the messages since mark_journal.
journal()
{
	inside journalctl --sync
	inside journalctl --since="@$mark" -o cat --quiet "$@"
}

# quietly COMMAND...: what it says is shown only if it fails.
quietly()
{
	status "$@"
	[ "$status" -eq 0 ] || fail "$*: $out$err"
}

# figure WHAT: one that "make check-system" shows in the end.
figure()
{
	echo "FIGURE: $*"
}

# All that every scenario may say at its end.
expect_quiet_end()
{
	wait_for "the units to go" no_units_left
	expect "units that failed" '' "$(inside systemctl list-units --failed --no-legend 'hello*')"
	inside journalctl --sync
	expect "system calls that the filter denies" '' \
		"$(inside journalctl -o cat | grep -F 'status=31/SYS' || true)"
}

shut_down()
{
	# Once is enough: a second Ctrl-C leaves nothing behind either.
	trap '' INT TERM HUP
	if [ -n "$nspawn_pid" ]; then
		# All that it could still write is on an overlay that goes away. nspawn takes the
		# container along, even one that is just being rebooted.
		kill -KILL "$nspawn_pid" 2>/dev/null || true
		wait "$nspawn_pid" 2>/dev/null || true
		[ -z "$pid1" ] || kill -KILL "$pid1" 2>/dev/null || true
	fi
	(wait_for "the container to end" cgroups_removed) || true
	! mountpoint -q "$work/root" || umount "$work/root"
	! mountpoint -q "$work/layers" || umount "$work/layers"
	[ -z "$unfinished" ] || rm -rf --one-file-system "$unfinished"
	rm -rf --one-file-system "/run/systemd/nspawn/propagate/$machine"
}

# Waits until no test runs that wants the host to itself; one that does waits for all others.
lock_host()
{
	exec {lock}<>/run/lock/hellod-tests
	flock "--$host_lock" --timeout 1800 "$lock" || fail "other system tests do not end"
}

# What went on inside, for when a test fails.
keep_journal()
{
	if [ -n "$pid1" ]; then
		timeout 10 nsenter -t "$pid1" -m -p -n -u -i -C -- \
			journalctl --no-pager -n 100 >"$work/journal.log" 2>&1
	fi
}

# Without one of its own, two containers that run at a time would share one.
make_cgroups()
{
	local mounts=(:/sys/fs/cgroup :/sys/fs/cgroup/unified name=systemd:/sys/fs/cgroup/systemd)
	local mounted at path

	for mounted in "${mounts[@]}"; do
		at=${mounted#*:}
		[ -e "$at/cgroup.procs" ] || continue
		path=$(sed -n "s|^[0-9]*:${mounted%%:*}:||p" /proc/self/cgroup)
		mkdir -p "$at$path/$machine"
		cgroups+=("$at$path/$machine")
	done
}

cgroups_removed()
{
	local directory

	for directory in "${cgroups[@]}"; do
		[ ! -e "$directory" ] ||
			find "$directory" -depth -type d -exec rmdir {} + 2>/dev/null || return 1
	done
}

# Makes the root of a Debian suite.
build_suite_root()
{
	local mirror source=() packages=$SUITE_PACKAGES

	# Where apt takes Debian's packages from here; elsewhere mmdebstrap has a default.
	# shellcheck disable=SC2016 # apt's own notation
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' \
		'Created-By: Packages' 2>/dev/null | head -n 1) || true
	source=(${mirror:+"$mirror"})
	if [ "${SYSTEMD%-backports}" != "$SYSTEMD" ]; then
		[ -n "$mirror" ] || skip "apt has no mirror of Debian, which has the backports"
		source=("deb $mirror ${SYSTEMD%-backports} main" "deb $mirror $SYSTEMD main")
		packages=$packages,libsystemd-shared
		packages=$(sed -E "s|(lib)?systemd[^,]*|&/$SYSTEMD|g" <<<"$packages")
	fi

	unfinished=$(mktemp -d "$suite_root.XXXXXX")
	echo "Making a root of $SYSTEMD in $suite_root"
	mmdebstrap --quiet --variant=minbase --include="$packages" "${SYSTEMD%-backports}" \
		"$unfinished/root" "${source[@]}" >"$work/mmdebstrap.log" 2>&1 ||
		fail "mmdebstrap cannot make a root of $SYSTEMD"
	chmod 0755 "$unfinished/root"
	mv -T "$unfinished/root" "$suite_root"
}

# Leaves in $suite_root the root of a Debian suite, made now or earlier, or by another test.
make_suite_root()
{
	local cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/hellod making

	suite_root=$cache/$SYSTEMD
	[ ! -d "$suite_root" ] || return 0
	need mmdebstrap
	mkdir -p "$cache"
	exec {making}<>"$suite_root.lock"
	flock "$making"
	[ -d "$suite_root" ] || build_suite_root
	exec {making}>&-
}

# write_drop_in UNIT NAME LINE...: before systemd runs.
write_drop_in()
{
	local directory=$work/root/etc/systemd/system/$1.d name=$2

	shift 2
	mkdir -p "$directory"
	printf '%s\n' "$@" >"$directory/$name.conf"
}

# Puts the build into the root. What it was configured for is not always where this systemd looks,
# and what begins with @poll_limit@ in a unit's source is there according to the systemd that it was
# configured for, not the one that is to run it: this puts it right.
install_build()
{
	local units=$work/root${systemdsystemunitdir:?} unit

	quietly make -s install DESTDIR="$work/root"
	chroot "$work/root" "${sbindir:?}/hellod" --version >/dev/null 2>&1 ||
		skip "what was built here does not run on $SYSTEMD"

	systemd_version=$(chroot "$work/root" systemctl --version |
		sed -n '1s/^systemd \([0-9]*\).*/\1/p')
	for unit in "$units"/hello*.socket; do
		sed -i '/^PollLimit/d' "$unit"
		[ "$systemd_version" -lt 255 ] || {
			echo '[Socket]'
			sed -n 's/^@poll_limit@//p' "$srcdir/systemd/${unit##*/}.in"
		} >>"$unit"
	done

	case $systemdsystemunitdir in
	/lib/systemd/system | /usr/lib/systemd/system) ;;
	*)
		for unit in "$units"/hello*; do
			ln -s "${unit#"$work/root"}" "$work/root/etc/systemd/system/"
		done
		;;
	esac
	# ... nor where a strictly confined service may look.
	case $sbindir in
	/tmp/* | /var/tmp/* | /home/* | /root/*)
		for unit in hello@.service hello-listen.service; do
			write_drop_in $unit 90-place '[Service]' PrivateTmp=no ProtectHome=no
		done
		;;
	esac
	if [ -n "${catalogdir-}" ]; then
		mkdir -p "$work/root/usr/local/lib/systemd/catalog"
		ln -sf "$catalogdir/hellod.catalog" "$work/root/usr/local/lib/systemd/catalog"
		quietly chroot "$work/root" journalctl --update-catalog
	fi
	# What greets on this machine is of no concern here.
	rm -rf "$work/root${sysconfdir:?}/hello"
	quietly chroot "$work/root" systemd-sysusers "$sysusersdir/hellod.conf"
}

# Returns when systemd says that it is up, which nspawn passes on.
start_machine()
{
	local cgroup line status give_up=$((SECONDS + 120))

	pid1=
	# bpf() is what IPAddressDeny= and DevicePolicy= are made of: without it they do nothing.
	(
		for cgroup in "${cgroups[@]}"; do
			echo "$BASHPID" >"$cgroup/cgroup.procs"
		done
		export NOTIFY_SOCKET=$work/notify
		export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_TMPFS_TMP=0
		exec {lock}>&- # or what a killed test leaves behind would keep it
		exec setsid systemd-nspawn --quiet --boot -D "$work/root" --machine="$machine" \
			--private-network --register=no --keep-unit --notify-ready=yes \
			--console=pipe --link-journal=no --capability=CAP_BPF --system-call-filter=bpf \
			systemd.unit=basic.target systemd.mask=tmp.mount
	) </dev/null >"$work/console.log" 2>&1 &
	nspawn_pid=$!

	while [ $SECONDS -lt $give_up ]; do
		status=0
		IFS= read -r -t 1 -u "$notices" line || status=$?
		case $line in
		X_NSPAWN_LEADER_PID=*) pid1=${line#*=} ;;
		# Said after daemon-reload too: one before the pid was the last machine's.
		READY=1) [ -z "$pid1" ] || return 0 ;;
		esac
		if [ $status -gt 128 ]; then # nothing was said for a second
			kill -0 "$nspawn_pid" 2>/dev/null || break
		elif [ $status -ne 0 ]; then
			break
		fi
	done
	[ -n "$pid1" ] || skip "systemd-nspawn cannot boot here: $(head -n 1 "$work/console.log")"
	fail "systemd did not boot"
}

# Under --keep-unit nspawn ends, with a status that asks for another start.
reboot()
{
	local status=0

	inside systemctl reboot 2>/dev/null || true
	wait "$nspawn_pid" || status=$?
	expect "nspawn's status at reboot" 133 $status
	start_machine
}

# boot: leaves its PID 1 in $pid1.
boot()
{
	local lower=/

	[ "$(id -u)" -eq 0 ] || skip "only root can boot a container"
	need systemd-nspawn nsenter flock python3
	[ -n "${systemdsystemunitdir-}" ] || skip "configured without a directory for unit files"
	[ -n "${sysusersdir-}" ] || skip "configured without a directory for sysusers files"

	lock_host
	at_exit=(keep_journal shut_down)
	if [ "$SYSTEMD" != host ]; then
		make_suite_root
		lower=$suite_root
	fi
	mkdir "$work/layers" "$work/root"
	mount -t tmpfs layers "$work/layers" || skip "cannot mount here"
	mkdir "$work/layers/upper" "$work/layers/work"
	mount -t overlay overlay "$work/root" \
		-o "lowerdir=$lower,upperdir=$work/layers/upper,workdir=$work/layers/work" ||
		skip "cannot mount an overlay here"
	# The build may have been configured to go below /tmp: not a fresh one, and no cleaning.
	mkdir -p "$work/root/etc/tmpfiles.d"
	ln -sf /dev/null "$work/root/etc/tmpfiles.d/tmp.conf"
	install_build
	# A system call that the filter denies must not go unnoticed, whatever the units answer.
	write_drop_in hello@.service 10-kill '[Service]' SystemCallErrorNumber=kill

	make_cgroups
	exec {notices}< <(exec {lock}>&-
		exec python3 "$srcdir/tests/system/notices.py" "$work/notify")
	pids+=($!)
	IFS= read -r -u "$notices" _ # it listens
	start_machine
}
