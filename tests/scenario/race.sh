#!/bin/bash
# SPDX-License-Identifier: MIT
#
# hello-client and names: with several addresses of which some are black holes, in both families and
# every order, and with a resolver that hangs. In a network, and with an /etc, of its own.

# shellcheck source=tests/scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

HELLO=000548454c4c4f

[ -x ./hello-client ] || fail "there is no ./hello-client: run this in the top build directory"

# enter_namespaces: runs this script again in its own network and mount namespaces: as root, else
# as root of its own user namespace.
enter_namespaces()
{
	local user

	need python3 ip unshare mount
	for user in '' --map-root-user; do
		# shellcheck disable=SC2086 # none or one
		if unshare $user --mount --net -- mount --bind "$work" /etc 2>/dev/null; then
			unshare $user --mount --net -- bash "$0" namespaced
			exit
		fi
	done
	skip "no network and mount namespaces here"
}

# N stands for the last digits: .1 is alive, .2 refuses (nothing listens there), .7 to .9 are dead.
address4() { echo "198.51.100.$1"; }
address6() { echo "2001:db8::$1"; }

make_network()
{
	local n

	ip link set lo up
	for n in 1 2; do
		ip address add "$(address4 $n)/32" dev lo
		ip address add "$(address6 $n)/128" dev lo nodad 2>/dev/null ||
			skip "there is no IPv6 here"
	done
	# Takes packets and never answers, nor does a kernel in its place.
	ip link add hole type dummy 2>/dev/null ||
		ip link add hole type veth peer name nobody 2>/dev/null ||
		skip "neither dummy nor veth devices here"
	ip link set hole arp off up
	for n in 7 8 9; do
		ip route add "$(address4 $n)" dev hole src "$(address4 1)"
		ip route add "$(address6 $n)" dev hole src "$(address6 1)"
	done
}

# name NAME ADDRESS...
name()
{
	local address

	for address in "${@:2}"; do
		echo "$address $1.test"
	done >>"$work/etc/hosts"
}

# Where the order of the addresses comes from (gai.conf(5)): .2, .7 and .8 before .1 before .9.
make_order()
{
	echo 'label ::/0 1'
	echo 'precedence ::/0 50'
	echo 'precedence ::ffff:0:0/96 50'
	echo "precedence $(address6 7)/128 90"
	echo "precedence $(address6 8)/128 80"
	echo "precedence $(address6 2)/128 70"
	echo "precedence ::ffff:$(address4 7)/128 75"
	echo "precedence ::ffff:$(address4 8)/128 70"
	echo "precedence ::ffff:$(address4 2)/128 60"
	echo "precedence $(address6 9)/128 10"
	echo "precedence ::ffff:$(address4 9)/128 10"
}

make_etc()
{
	mkdir "$work/etc"
	# For the dynamic linker, and for distributions whose tools are a matter of choice.
	cp -a /etc/ld.so.* /etc/alternatives "$work/etc" 2>/dev/null || true
	echo 'hosts: files' >"$work/etc/nsswitch.conf"
	echo 'multi on' >"$work/etc/host.conf"
	make_order >"$work/etc/gai.conf"

	echo "127.0.0.1 localhost" >"$work/etc/hosts"
	name live4 "$(address4 1)"
	name dead4-live4 "$(address4 7)" "$(address4 1)"
	name dead4-live6 "$(address4 7)" "$(address6 1)"
	name dead6-live4 "$(address6 7)" "$(address4 1)"
	name dead6-live6 "$(address6 7)" "$(address6 1)"
	name live4-dead4 "$(address4 1)" "$(address4 9)"
	name live4-dead6 "$(address4 1)" "$(address6 9)"
	name live6-dead4 "$(address6 1)" "$(address4 9)"
	name live6-dead6 "$(address6 1)" "$(address6 9)"
	name refuses4-live6 "$(address4 2)" "$(address6 1)"
	name refuses6-live4 "$(address6 2)" "$(address4 1)"
	name refuses4-refuses6 "$(address4 2)" "$(address6 2)"
	name dead4-dead6 "$(address4 7)" "$(address6 7)"
	name dead6-refuses4 "$(address6 7)" "$(address4 2)"
	name three-dead-live4 "$(address6 7)" "$(address6 8)" "$(address4 7)" "$(address4 1)"
	name dead6-dead6-live4 "$(address6 7)" "$(address6 8)" "$(address4 1)"

	mount --bind "$work/etc" /etc
	[ -n "$(getent ahosts live4.test)" ] || skip "/etc/hosts is not asked for names here"
}

# start_peers: one for each family, on one port, which is left in $port.
start_peers()
{
	local n

	port=0
	for n in 4 6; do
		mkfifo "$work/peer$n"
		python3 "$here/peer.py" --address "$(address$n 1)" --port "$port" --count 1000 \
			send $HELLO >"$work/peer$n" 2>"$work/peer$n.log" &
		pids+=($!)
		read -r -t 60 port <"$work/peer$n" || fail "peer.py: did not start"
	done
}

# probe [ARGUMENT]...: leaves what the JSON tells in $word, $attempts (ADDRESS OUTCOME, ...) and
# $msec, and in $call_msec how long the whole call took. A client that hangs is stopped: 124.
probe()
{
	local since

	since=$(now_msec)
	status timeout 20 ./hello-client -o json "$@" "$port"
	call_msec=$(($(now_msec) - since))
	expect "${*@Q}: standard error" '' "$err"
	word=$(sed -n 's/.*"status":"\([^"]*\)".*/\1/p' <<<"$out")
	attempts=$(grep -o '"address":"[^"]*","outcome":"[^"]*"' <<<"$out" |
		sed 's/"address":"\([^"]*\)","outcome":"\([^"]*\)"/\1 \2/' | paste -sd ,) || true
	[[ $out =~ ,\"time\":([0-9]+)\.([0-9]{3}) ]] || fail "${*@Q}: no time: '$out'"
	msec=$((10#${BASH_REMATCH[1]} * 1000 + 10#${BASH_REMATCH[2]}))
}

# probed STATUS WORD ATTEMPTS MIN LIMIT [ARGUMENT]...: it takes MIN milliseconds and less than
# LIMIT.
# Only that may be the fault of a busy machine, so it may try three times to keep to the LIMIT.
probed()
{
	local what="${*:6}"

	for _ in 1 2 3; do
		probe "${@:6}"
		expect "$what: exit status" "$1" "$status"
		expect "$what: status word" "$2" "$word"
		expect "$what: attempts" "$3" "$attempts"
		[ $msec -ge "$4" ] || fail "$what: ended after $msec ms, before $4 ms"
		if [ $msec -lt "$5" ] && [ $call_msec -lt "$5" ]; then
			return
		fi
	done
	fail "$what: took $msec ms (with the whole process $call_msec ms), not less than $5 ms"
}

# greeted MIN LIMIT ATTEMPTS [ARGUMENT]...
greeted()
{
	probed 0 greeted "$3" "$1" "$2" "${@:4}"
}

# timed_out MSEC ATTEMPTS [ARGUMENT]...: at the deadline, and no later than a tenth after it.
timed_out()
{
	probed 2 timed-out "$2" "$1" $(($1 * 11 / 10)) "${@:3}"
}

dead_comes_first()
{
	local dead live

	# The one quarter of a second that a dead address costs.
	for dead in 4 6; do
		for live in 4 6; do
			greeted 250 400 \
				"$(address$dead 7) overtaken,$(address$live 1) connected" \
				dead$dead-live$live.test
		done
	done
	greeted 750 1000 "$(address6 7) overtaken,$(address4 7) overtaken,$(
		)$(address6 8) overtaken,$(address4 1) connected" three-dead-live4.test
	# The families take turns.
	greeted 250 400 "$(address6 7) overtaken,$(address4 1) connected,$(
		)$(address6 8) not-tried" dead6-dead6-live4.test
}

alive_comes_first()
{
	local dead live

	for dead in 4 6; do
		for live in 4 6; do
			greeted 0 250 "$(address$live 1) connected,$(address$dead 9) not-tried" \
				live$live-dead$dead.test
		done
	done
	# Who refuses costs nothing.
	greeted 0 250 "$(address4 2) failed,$(address6 1) connected" refuses4-live6.test
	greeted 0 250 "$(address6 2) failed,$(address4 1) connected" refuses6-live4.test
	probed 2 refused "$(address6 2) failed,$(address4 2) failed" 0 250 refuses4-refuses6.test
}

one_family()
{
	greeted 0 250 "$(address4 1) connected" -4 dead6-live4.test
	greeted 0 250 "$(address6 1) connected" -6 dead4-live6.test
	timed_out 1000 "$(address4 7) timed-out" -t 1 -4 dead4-live6.test
	timed_out 1000 "$(address6 7) timed-out" -t 1 -6 dead6-live4.test
	probed 3 unknown-host '' 0 250 -6 dead4-live4.test
	probed 3 unknown-host '' 0 250 -4 dead6-live6.test
}

all_dead()
{
	timed_out 1000 "$(address6 7) timed-out,$(address4 7) timed-out" -t 1 dead4-dead6.test
	timed_out 1000 "$(address6 7) timed-out,$(address4 2) failed" -t 1 dead6-refuses4.test
	probed 2 unreachable "203.0.113.1 failed" 0 250 203.0.113.1
}

has_threads()
{
	[ "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)" -eq "$2" ]
}

resolver_hangs()
{
	local pid since

	echo 'hosts: files dns' >"$work/etc/nsswitch.conf"
	echo "nameserver $(address4 8)" >"$work/etc/resolv.conf"
	timed_out 1000 '' -t 1 nowhere.test
	status ./hello-client -t 0.3 nowhere.test
	expect "a resolver that hangs: exit status" 2 "$status"
	expect "a resolver that hangs: standard output" '' "$out"
	expect "a resolver that hangs: standard error" \
		"hello-client: nowhere.test: name resolution timed out after 0.3 s" "$err"
	status ./hello-client -o nagios -t 0.3 nowhere.test
	expect "a resolver that hangs, nagios: exit status" 2 "$status"
	expect "a resolver that hangs, nagios" \
		"HELLO CRITICAL - nowhere.test: name resolution timed out after 0.3 s|time=U;;;0;0.3" \
		"$out"

	# What is left behind by one probe is not in the way of the next.
	status ./hello-client -t 0.1 -c 3 -i 0 nowhere.test
	expect "a resolver that hangs thrice: exit status" 2 "$status"
	expect_match "a resolver that hangs thrice" "*0 greeted of 3 tried, 100% loss" "$out"

	# A signal does not wait for it. The second thread is the resolver's.
	./hello-client -c 0 nowhere.test >"$work/client.log" 2>&1 &
	pid=$!
	pids+=("$pid")
	wait_for "the resolver's thread" has_threads $pid 2
	since=$(now_msec)
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	since=$(($(now_msec) - since))
	[ $since -lt 3000 ] || fail "a signal while a resolver hangs: ended $since ms after it"
	expect "a signal while a resolver hangs: exit status" 3 "$status"
	has_lines "$work/client.log" '^0 greeted of 0 tried, 0% loss' 1 ||
		fail "a signal while a resolver hangs: no summary"
}

# Without standard streams, what the left behind thread still holds must not stand in for one.
resolver_hangs_without_streams()
{
	status=0
	timeout 20 ./hello-client -t 0.1 -c 1 nowhere.test >&- 2>"$work/err" || status=$?
	expect "no standard output: exit status" 3 "$status"
	expect "no standard output" "hello-client: seq=1: $(
		)nowhere.test: name resolution timed out after 0.1 s
hello-client: standard output: Bad file descriptor" "$(cat "$work/err")"
	status=0
	timeout 20 ./hello-client -t 0.1 -c 1 nowhere.test >"$work/out" 2>&- || status=$?
	expect "no standard error: exit status" 2 "$status"
	expect_match "no standard error" "*0 greeted of 1 tried, 100% loss" "$(cat "$work/out")"
}

# When the deadline is so near that not everyone would get a turn, the time is shared out.
deadline_is_near()
{
	greeted 100 200 "$(address4 7) overtaken,$(address4 1) connected" -t 0.2 dead4-live4.test
	greeted 300 400 "$(address6 7) overtaken,$(address4 7) overtaken,$(
		)$(address6 8) overtaken,$(address4 1) connected" -t 0.4 three-dead-live4.test
}

# Who lost the race is closed.
losers_are_closed()
{
	status bash -c 'ulimit -n 8 && exec "$@"' - \
		./hello-client -q -c 8 -i 0 dead4-live4.test "$port"
	expect "losers are closed: exit status ($err)" 0 "$status"
	expect_match "losers are closed" "*8 greeted of 8 tried, 0% loss*" "$out"
}

# become [N]: what worst.test stands for from now on. At once: a probe must not meet half a file.
become()
{
	{
		cat "$work/hosts"
		[ $# -eq 0 ] || echo "$(address4 "$1") worst.test"
	} >"$work/etc/hosts.new"
	mv "$work/etc/hosts.new" "$work/etc/hosts"
}

# worst_of STATUS WORD...: a client that meets all this, one after the other, ends with STATUS.
worst_of()
{
	local log="$work/worst.${*:2}.log" pid='' word

	: >"$log"
	for word in "${@:2}"; do
		case $word in
		slow) become 1 ;;
		refused) become 2 ;;
		*) become ;;
		esac
		if [ -z "$pid" ]; then
			# Without --foreground, timeout(1) sends SIGCONT after the signal, which
			# undoes the SIGSTOP that LeakSanitizer then waits for.
			timeout --foreground 20 ./hello-client -o json -w 0 -c 0 -i 0.02 \
				worst.test "$port" >"$log" 2>&1 &
			pid=$!
		fi
		wait_for_line "$log" "\"status\":\"$word\""
	done
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	expect "${*:2}: exit status" "$1" "$status"
	wait_for_line "$log" "\"type\":\"summary\".*\"exit\":$1,"
}

# A host that stands for nothing is worse than a slow greeting, but better than none.
worst_status()
{
	cp "$work/etc/hosts" "$work/hosts"
	worst_of 3 unknown-host slow
	worst_of 2 unknown-host slow refused
	worst_of 2 refused unknown-host
}

# Without arguments: localhost, port 6666.
defaults()
{
	mkfifo "$work/peer"
	python3 "$here/peer.py" --port 6666 send $HELLO >"$work/peer" 2>"$work/peer.log" &
	pids+=($!)
	read -r -t 60 port <"$work/peer" || fail "peer.py: did not start"
	status ./hello-client
	expect "without arguments: exit status ($err)" 0 "$status"
	expect "without arguments" HELLO "$out"
}

[ "${1:-}" = namespaced ] || enter_namespaces
make_network
make_etc
start_peers
dead_comes_first
alive_comes_first
one_family
all_dead
deadline_is_near
losers_are_closed
worst_status
resolver_hangs
resolver_hangs_without_streams
defaults
