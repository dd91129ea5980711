#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What each directive that confines hello@.service is worth and what it costs, with the systemd that
# $SYSTEMD names (see tests/system/boot.sh). As root, after make, in the build directory:
#
#     make bench-confinement SYSTEMD=trixie
#
# A line for each directive alone, then for all that confines hello@.service together:
#
#     exposure   what systemd-analyze security says, from 0 (safe) to 10
#     rate       greetings per second with 8 clients at a time, as a share of those of a bare
#                template that takes turns with it, the median of $PASSES turns of $VISITS visits
#     cpu        the same of the processor time of all in the container: less depends on what else
#                runs on the machine, but what the kernel does later is not in it
#     msec       milliseconds of that for a greeting
#
# The last line is for hello-listen.service, which is started once for all clients: the CPU time
# that the process takes for a greeting, 32 clients at a time, against that of the same unit
# unconfined.
#
# Only the shares can be compared between runs. $ONLY is a pattern of the lines to measure.
set -e
# shellcheck source=../system/boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

: "${PASSES:=5}" "${VISITS:=80}" "${ONLY:=*}"
: "${sbindir:?}" "${systemdsystemunitdir:?}"
BARE_PORT=6001
CONFINED_PORT=6002
BARE_LISTEN_PORT=6003
GREETINGS=20000

DIRECTIVES=(
	User=hellod
	NoNewPrivileges=yes
	CapabilityBoundingSet=
	UMask=0777
	RemoveIPC=yes
	KeyringMode=private
	LimitNOFILE=64
	TasksMax=4
	IPAddressDeny=any
	SocketBindDeny=any
	RestrictFileSystems=~tracefs
	LockPersonality=yes
	MemoryDenyWriteExecute=yes
	RestrictAddressFamilies=AF_UNIX
	RestrictAddressFamilies=none
	RestrictNamespaces=yes
	RestrictRealtime=yes
	RestrictSUIDSGID=yes
	SystemCallArchitectures=native
	'SystemCallFilter=@basic-io @default @file-system @io-event @network-io @process @signal'
	'SystemCallFilter=~@privileged @resources'
	SystemCallFilter=@system-service
	ProtectClock=yes
	ProtectHostname=yes
	DevicePolicy=closed
	DevicePolicy=strict
	PrivateNetwork=yes
	PrivateUsers=yes
	PrivateIPC=yes
	PrivateMounts=yes
	PrivateTmp=yes
	PrivateDevices=yes
	ProtectControlGroups=yes
	ProtectHome=yes
	ProtectKernelLogs=yes
	ProtectKernelModules=yes
	ProtectKernelTunables=yes
	ProtectProc=invisible
	ProcSubset=pid
	ProtectSystem=strict
	NoExecPaths=/home
	DynamicUser=yes
)

# median(ARRAY, COUNT), for awk.
MEDIAN='
	function median(of, n,  i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && of[j - 1] > of[j]; j--) {
				t = of[j]; of[j] = of[j - 1]; of[j - 1] = t
			}
		return n % 2 ? of[(n + 1) / 2] : (of[n / 2] + of[n / 2 + 1]) / 2
	}
'

# write_units NAME PORT [LINE]...: a template that greets like hello@.service, and its socket.
write_units()
{
	local name=$1 port=$2

	shift 2
	inside tee "/run/systemd/system/$name@.service" >/dev/null <<END
[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=$sbindir/hellod
StandardInput=null
StandardOutput=journal
StandardError=journal
LogLevelMax=notice
$(printf '%s\n' "$@")
END
	inside tee "/run/systemd/system/$name.socket" >/dev/null <<END
[Socket]
ListenStream=$port
Accept=yes
Backlog=4096
MaxConnections=512
TriggerLimitIntervalSec=0
$([ "$systemd_version" -lt 255 ] || echo PollLimitIntervalSec=0)
[Unit]
Wants=hello-netns.service
END
	inside systemctl daemon-reload
}

# Of all in the container, or of one unit in there.
cpu_usec()
{
	if [ $# -eq 0 ]; then
		cat "${cgroups[0]}/cpu.stat"
	else
		inside cat "/sys/fs/cgroup/system.slice/$1/cpu.stat"
	fi | sed -n 's/^usage_usec //p'
}

# visits PORT: prints the microseconds that they took, and those of the processors.
visits()
{
	local port=$1 cpu begin greeted

	cpu=$(cpu_usec)
	begin=${EPOCHREALTIME/./}
	greeted=$(crowd "$VISITS" 8)
	echo $((${EPOCHREALTIME/./} - begin)) $(($(cpu_usec) - cpu)) "$greeted"
}

# measure NAME [LINE]...: prints a line of the table.
measure()
{
	local name=$1 pass bare confined exposure

	shift
	# shellcheck disable=SC2053
	[[ $name == $ONLY ]] || return 0
	write_units confined $CONFINED_PORT "$@"
	inside cp /run/systemd/system/confined@.service /run/confined@0.service
	exposure=$(inside systemd-analyze security --offline=true --no-pager \
		/run/confined@0.service 2>/dev/null |
		sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p')
	for ((pass = 0; pass < PASSES; pass++)); do
		bare=$(visits $BARE_PORT)
		confined=$(visits $CONFINED_PORT)
		echo "$bare $confined"
	done | awk -v name="$name" -v exposure="$exposure" -v visits="$VISITS" "$MEDIAN"'
		{
			rate[NR] = $1 / $4; cpu[NR] = $2 / $5; greeted += $6
			bare_rate[NR] = visits / $1 * 1e6; bare_msec[NR] = $2 / visits / 1e3
			msec[NR] = $5 / visits / 1e3
		}
		END {
			printf "%-8s %5.2f %5.2f %6.2f %s%s\n", exposure, median(rate, NR),
				median(cpu, NR), median(msec, NR), name,
				greeted == NR * visits ? "" : "   NOT ALL GREETED"
		}'
}

# greet_many UNIT PORT: prints the nanoseconds of CPU time that its process took for a greeting.
greet_many()
{
	local begin

	# The first client has it started.
	connect ./tests/bench/load --port="$2" --count=1000 --concurrency=32 >/dev/null
	begin=$(cpu_usec "$1")
	connect ./tests/bench/load --port="$2" --count="$GREETINGS" --concurrency=32 >/dev/null
	echo $((($(cpu_usec "$1") - begin) * 1000 / GREETINGS))
}

measure_listening()
{
	local unit pass

	for unit in socket service; do
		# shellcheck disable=SC2016 # it is for sed
		inside sed -e '/^User=/,$d' -e '/^Conflicts=/d' -e "s/hello-listen/bare-listen/g" \
			-e "s/^ListenStream=.*/ListenStream=$BARE_LISTEN_PORT/" \
			"$systemdsystemunitdir/hello-listen.$unit" |
			inside tee "/run/systemd/system/bare-listen.$unit" >/dev/null
	done
	inside systemctl daemon-reload
	inside systemctl start hello-listen.socket bare-listen.socket
	for ((pass = 0; pass < PASSES; pass++)); do
		echo "$(greet_many bare-listen.service $BARE_LISTEN_PORT)" \
			"$(greet_many hello-listen.service $port)"
	done | awk "$MEDIAN"'
		{ bare[NR] = $1 / 1000; hello[NR] = $2 / 1000; share[NR] = $2 / $1 }
		END {
			printf "hello-listen.service: %.1f us of CPU for a greeting, ", median(hello, NR)
			printf "unconfined %.1f us: %.2f\n", median(bare, NR), median(share, NR)
		}'
}

# confinement FILE...: what these unit files add to the bare template.
confinement()
{
	sed -n '/^JoinsNamespaceOf=/{s/^/[Unit]\n/;s/$/\n[Service]/;p}' "$@"
	cat "$@" | sed -e '1,/^\[Service\]$/d' |
		grep -v -e '^#' -e '^\[' -e ^ExecStart= -e ^Standard
}

host_lock=exclusive
boot
shipped=$work/root$systemdsystemunitdir/hello@.service
strict=$srcdir/systemd/strict.conf
mapfile -t filter < <(grep ^SystemCallFilter= "$shipped")
mapfile -t ours < <(confinement "$shipped")
mapfile -t strictly < <(confinement "$shipped" "$strict")
write_units bare $BARE_PORT
write_units confined $CONFINED_PORT
inside systemctl start bare.socket confined.socket
echo "systemd $systemd_version"
printf '%-8s %5s %5s %6s %s\n' exposure rate cpu msec with
measure nothing
for directive in "${DIRECTIVES[@]}"; do
	measure "$directive" "$directive"
done
measure 'SystemCallFilter= of hello@.service' SystemCallErrorNumber=EPERM "${filter[@]}"
measure 'PrivateNetwork=yes, shared' \
	PrivateNetwork=yes '[Unit]' JoinsNamespaceOf=hello-netns.service
measure 'hello@.service' "${ours[@]}"
measure 'hello@.service with strict.conf' "${strictly[@]}"
measure_listening
