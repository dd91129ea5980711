#!/bin/bash
# SPDX-License-Identifier: MIT
#
# hello-client as the probe of a monitoring system: every situation in every output format, and many
# greetings in a row.

# shellcheck source=tests/scenario/lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

HELLO=000548454c4c4f
FORMATS='text json nagios'

need python3
[ -x ./hello-client ] || fail "there is no ./hello-client: run this in the top build directory"

# client [ARGUMENT]...: of $port, and stopped if it hangs.
client()
{
	timeout 40 ./hello-client "$@" 127.0.0.1 "$port"
}

# json EXPRESSION[, EXPRESSION]...: prints what Python makes of them, with `lines` the objects of
# $work/out, and `last` the last one.
json()
{
	python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1], "rb")]
last = lines[-1]
print(*eval(f"[{sys.argv[2]}]"))' "$work/out" "$1"
}

# The lines of $out that match, which may be none.
lines()
{
	grep -e "$1" <<<"$out" || true
}

# nagios_form WHAT: $work/out is one line of the form that the Monitoring Plugins' development
# guidelines want, whose performance data are 'label'=value[unit];[warn];[crit];[min];[max]
nagios_form()
{
	local number='-?[0-9]+(\.[0-9]+)?' range metric

	range="(@?(($number|~)?:)?($number)?)"
	metric="([^ =|']+|'[^=|']+')=(U|$number(s|us|ms|%|B|KB|MB|TB|c)?)"
	metric+="(;$range(;$range(;($number)?(;($number)?)?)?)?)?"
	[ "$(wc -l <"$work/out")" -eq 1 ] || fail "$1: not one line: '$out'"
	LC_ALL=C grep -Exq "HELLO (OK|WARNING|CRITICAL|UNKNOWN) - [^|]+\|$metric( $metric)*" "$work/out" ||
		fail "$1: not of the form for plugins: '$out'"
}

# Every JSON line that was printed here is kept, for all_json.
keep_json()
{
	cat "$work/out" >>"$work/objects"
}

LEVELS=(OK WARNING CRITICAL UNKNOWN)

# situation WHAT STEPS ARGUMENTS MESSAGE WORD EXIT: in all formats. STEPS are the peer's, if there is
# to be one, whose port then stands for PORT in the ARGUMENTS and the MESSAGE. MESSAGE is a pattern:
# of what goes wrong, or of what is told for Nagios if nothing does.
situation()
{
	local what=$1 message=$4 word=$5 wanted=$6 args format greeting='' value=U error

	# shellcheck disable=SC2086 # words
	[ -z "$2" ] || start_peer --count 3 $2
	message=${message//PORT/$port}
	case $word in
	greeted | slow | too-slow | unexpected) greeting=HELLO value='0.[0-9]*s' ;;
	esac
	error=$message
	[ "$word" != greeted ] || error=

	for format in $FORMATS; do
		read -ra args <<<"${3//PORT/$port}"
		status timeout 20 ./hello-client -o "$format" "${args[@]}"
		expect "$what, $format: exit status ($err)" "$wanted" "$status"
		[ "$format" = text ] || expect "$what, $format: standard error" '' "$err"
		case $format in
		text)
			expect "$what, text: standard output" "$greeting" "$out"
			expect_match "$what, text: standard error" \
				"${error:+hello-client: }$error" "$err"
			;;
		json)
			keep_json
			expect_match "$what, json" "1 $word $wanted ${greeting:-None} ${error:-None}" \
				"$(json 'len(lines), *map(last.get,
					["status", "exit", "greeting", "error"])')"
			;;
		nagios)
			nagios_form "$what"
			expect_match "$what, nagios" \
				"HELLO ${LEVELS[$wanted]} - $message|time=$value;*;*;0;*" "$out"
			;;
		esac
	done
}

situations()
{
	local at=127.0.0.1:PORT to='127.0.0.1 PORT'

	situation greeted "send $HELLO wait" "$to" \
		"greeted with \"HELLO\" by $at in 0.* s" greeted 0
	situation "in time" "send $HELLO wait" "-w 60 -C 60 -e HELLO $to" \
		"greeted with \"HELLO\" by $at in 0.* s" greeted 0
	situation slow "sleep 0.2 send $HELLO wait" "-w 0.1 -C 60 $to" \
		"$at: took 0.[2-9]* s, more than 0.1 s" slow 1
	situation "too slow" "sleep 0.2 send $HELLO wait" "-w 0.05 -C 0.1 $to" \
		"$at: took 0.[2-9]* s, more than 0.1 s" too-slow 2
	situation unexpected "send $HELLO wait" "-e hello $to" \
		"$at: greeted with \"HELLO\", not with \"hello\"" unexpected 2
	situation "more than expected" "send $HELLO wait" "-e HELL $to" \
		"$at: greeted with \"HELLO\", not with \"HELL\"" unexpected 2
	situation "less than expected" "send $HELLO wait" "-e HELLO! $to" \
		"$at: greeted with \"HELLO\", not with \"HELLO!\"" unexpected 2
	situation "unexpected before slow" "sleep 0.2 send $HELLO wait" "-e hello -w 0.1 -C 0.1 $to" \
		"$at: greeted with \"HELLO\", not with \"hello\"" unexpected 2

	port=$(free_port)
	situation refused '' "$to" "$at: Connection refused" refused 2
	situation unreachable '' "$work/none" "$work/none: No such file or directory" unreachable 2

	situation "timed out before the first byte" wait "-t 0.2 $to" \
		"$at: timed out after 0.2 s, after 0 of 2 header bytes" timed-out 2
	situation "timed out within the frame" "send ${HELLO:0:10} wait" "-t 0.4 $to" \
		"$at: timed out after 0.4 s, after 5 of 7 bytes" timed-out 2
	# The client is connected when the reset comes.
	situation reset "send ${HELLO:0:6} sleep 0.3 reset" "$to" \
		"$at: Connection reset by peer after 3 of 7 bytes" reset 2
	situation "closed at once" "sleep 0" "$to" "$at: closed after 0 of 2 header bytes: connection limit *" \
		closed 2
	situation "closed within the frame" "send ${HELLO:0:6}" "$to" \
		"$at: closed after 3 of 7 bytes" closed 2
	situation malformed "send 0005484580804f wait" "$to" \
		"$at: malformed at byte 2 of the greeting's 5" malformed 2

	situation "unknown host" '' "-4 ::1" "::1: ?*" unknown-host 3
	situation "a path too long" '' "/$(printf '%0107d' 0)" \
		"/0*: the path is too long for a socket" unknown-host 3
}

# Who resets before the client has seen that it is connected is not unreachable: it was reached.
reset_at_once()
{
	start_peer --count 500 reset
	status client -o json -c 500 -i 0
	expect "reset at once: exit status" 2 "$status"
	expect "reset at once" reset "$(json '*{line["status"] for line in lines[:-1]}')"
	keep_json
}

no_route()
{
	local user

	for user in '' --map-root-user; do
		# shellcheck disable=SC2086 # none or one
		if unshare $user --net true 2>/dev/null; then
			status unshare $user --net ./hello-client -o json 192.0.2.1
			expect "no route: exit status" 2 "$status"
			expect "no route" "unreachable 192.0.2.1:6666: Network is unreachable" \
				"$(json 'last["status"], last["error"]')"
			keep_json
			return
		fi
	done
	echo "not tried: a network without a route: no namespaces here"
}

# Told on standard error in every format, with nothing on standard output.
usage()
{
	local format bad

	for format in $FORMATS; do
		for bad in --timeout=0 --count=-1 --count=x --count= --interval=x --interval=86401 \
			--warning=-1 --critical= --no-such '-w 2 -C 1' 'localhost 0' 'a 1 b'; do
			# shellcheck disable=SC2086 # words
			status ./hello-client -o $format $bad
			expect "$format, $bad: exit status" 3 "$status"
			expect "$format, $bad: standard output" '' "$out"
			expect_match "$format, $bad: standard error" \
				"*hello-client: ?*
Try 'hello-client --help'." "$err"
		done
	done
	for bad in '' JSON jsonx; do
		status ./hello-client "--output=$bad"
		expect "--output=$bad: exit status" 3 "$status"
		expect_match "--output=$bad" \
			"hello-client: --output: '$bad' is not text, json or nagios*" "$err"
	done
}

# Prints, of the text of a run with --count, the times that are wrong.
check_text='
import re, sys
text = open(sys.argv[1]).read()
times = [float(t) for t in re.findall(r"^from .* time=(\d+\.\d{3}) ms: HELLO$", text, re.M)]
sums = re.search(r"^min/avg/max/mdev = ([\d.]+)/([\d.]+)/([\d.]+)/([\d.]+) ms$", text, re.M)
least, mean, most, mdev = map(float, sums.groups())
avg = sum(times) / len(times)
deviation = (sum((t - avg) ** 2 for t in times) / len(times)) ** 0.5
if (least, most) != (min(times), max(times)) or abs(mean - avg) > .0011 or abs(mdev - deviation) > .0011:
    print("wrong sums:", sums[0], times)
ranks = re.search(r"^p50/p90/p95/p99 = ([\d.]+)/([\d.]+)/([\d.]+)/([\d.]+) ms$", text, re.M)
if bool(ranks) != (len(times) >= 20):
    print("percentiles of", len(times))
for percent, got in zip((50, 90, 95, 99), ranks.groups() if ranks else ()):
    if float(got) != sorted(times)[-(-len(times) * percent // 100) - 1]:
        print("wrong percentile:", percent, ranks[0], times)
'

# The same of the JSON.
check_json='
import json, sys
*greetings, summary = [json.loads(line) for line in open(sys.argv[1])]
times = sorted(g["time"] for g in greetings if g["greeting"] is not None)
avg = sum(times) / len(times)
wanted = {"type": "summary", "tried": len(greetings), "greeted": len(times),
    "min": times[0], "max": times[-1], "avg": avg, "loss": 1 - len(times) / len(greetings),
    "mdev": (sum((t - avg) ** 2 for t in times) / len(times)) ** 0.5}
for percent in (50, 90, 95, 99):
    rank = -(-len(times) * percent // 100) - 1
    wanted[f"p{percent}"] = times[rank] if len(times) >= 20 else None
for key, value in wanted.items():
    got = summary[key]
    if got != value and not (isinstance(value, float) and abs(got - value) < 2e-6):
        print("wrong", key, got, value)
if [g["sequence"] for g in greetings] != list(range(1, len(greetings) + 1)):
    print("wrong sequence")
'

counting()
{
	local n line

	start_peer --count 200 send $HELLO wait
	status client -c 3 -i 0
	expect "-c 3: exit status" 0 "$status"
	expect "-c 3: standard error" '' "$err"
	n=0
	while read -r line; do
		n=$((n + 1))
		case $n in
		[123]) wanted="from 127.0.0.1 port $port: seq=$n time=*.[0-9][0-9][0-9] ms: HELLO" ;;
		4) wanted= ;;
		5) wanted="--- 127.0.0.1 port $port ---" ;;
		6) wanted="3 greeted of 3 tried, 0% loss" ;;
		7) wanted="min/avg/max/mdev = *.*/*.*/*.*/*.* ms" ;;
		*) wanted="no more" ;;
		esac
		expect_match "-c 3: line $n" "$wanted" "$line"
	done <"$work/out"
	expect "-c 3: lines" 7 $n

	for n in 1 19 20 25; do
		status client -c $n -i 0
		expect "-c $n: exit status" 0 "$status"
		expect "-c $n: times" '' "$(python3 -c "$check_text" "$work/out")"
	done
	for n in 19 20; do
		status client -c $n -i 0 -o json
		keep_json
		expect "-c $n, json: exit status" 0 "$status"
		expect "-c $n, json: times" '' "$(python3 -c "$check_json" "$work/out")"
	done

	status client -c 3 -i 0 -o nagios
	expect "-c 3, nagios: exit status" 0 "$status"
	nagios_form "-c 3"
	expect_match "-c 3, nagios" "HELLO OK - 3 greeted of 3 tried in 0.* s on average|time=0.*s;;;0;10 $(
		)loss=0%;;;0;100" "$out"

	rm -f "$work/socket"
	start_peer --address "$work/socket" --count 3 send $HELLO wait
	status ./hello-client -c 1 "$work/socket"
	expect_match "-c 1, a UNIX socket" "from $work/socket: seq=1 time=*.* ms: HELLO

--- $work/socket ---
1 greeted of 1 tried, 0% loss*" "$out"
	status ./hello-client -c 1 -o json "$work/socket"
	keep_json
	expect "-c 1, json, a UNIX socket" "unix $work/socket None" \
		"$(json '*map(lines[0].get, ["family", "address", "port"])')"
}

quiet()
{
	start_peer --count 20 send $HELLO wait
	status client -q
	expect "-q: exit status" 0 "$status"
	expect "-q" ' ' "$out $err"
	status client -q -e other
	expect "-q, unexpected: exit status" 2 "$status"
	expect "-q, unexpected" ' ' "$out $err"
	status client -q -o json
	expect "-q, json" '0 ' "$status $out"
	status client -q -o nagios
	expect_match "-q, nagios" '0 HELLO OK - *' "$status $out"

	status client -q -c 2 -i 0
	expect "-q -c 2: standard error" '' "$err"
	expect_match "-q -c 2" "--- 127.0.0.1 port $port ---
2 greeted of 2 tried, 0% loss
min/avg/max/mdev = * ms" "$out"
	status client -q -c 2 -i 0 -o json
	keep_json
	expect "-q -c 2, json" summary "$(json '*[line["type"] for line in lines]')"
	status client -q -c 2 -i 0 -o nagios
	nagios_form "-q -c 2"
}

# A line for each power of two: each begins where the one before ends, all greetings are in them,
# and no bar is wider than 80 columns.
histogram()
{
	start_peer --count 100 send $HELLO next sleep 0.01 send $HELLO
	status client -q --histogram -c 40 -i 0
	expect "--histogram: exit status" 0 "$status"
	expect "--histogram" "40 greetings, good, to 80 columns" "$(lines '#\|^ .* ms ' | awk '
		NR > 1 && $1 != end { bad = bad " gap at " $1 }
		{ end = $3; sum += $5; width = length($0) > width ? length($0) : width }
		(length($6) > 0) != ($5 > 0) { bad = bad " wrong bar: " $0 }
		END { print sum " greetings, " (bad ? bad : "good") ", to " width " columns" }')"
	[ "$(lines '^ .* ms ' | wc -l)" -ge 4 ] || fail "--histogram: too few lines: $out"
	# Without -c, and in the other formats, it is ignored.
	for args in '' '-o json -c 1' '-o nagios -c 1'; do
		# shellcheck disable=SC2086 # words
		status client --histogram $args
		expect "--histogram $args: exit status" 0 "$status"
		expect "--histogram $args" '' "$(lines '#')"
	done
}

interval()
{
	local since

	start_peer --count 20 send $HELLO wait
	since=$(now_msec)
	status client -q -c 3 -i 0.2
	took "-c 3 -i 0.2" "$since" 390 2000
	since=$(now_msec)
	status client -q -c 2
	took "-c 2" "$since" 990 3000
	since=$(now_msec)
	status client -c 1 -i 60
	took "-c 1 -i 60" "$since" 0 3000

	# From start to start. From the end of one to the start of the next, it would take 2.2 s.
	start_peer --count 20 sleep 0.4 send $HELLO wait
	since=$(now_msec)
	status client -q -c 3 -i 0.5
	took "-c 3 -i 0.5 from a slow peer" "$since" 1390 2100
}

# mixed EXIT LOSS LEVEL STEPS [ARGUMENT]...: four greetings of a peer with turns, in all formats
mixed()
{
	local wanted=$1 loss=$2 format

	# shellcheck disable=SC2086 # words
	start_peer --count 12 $3
	shift 3
	for format in $FORMATS; do
		status client -o "$format" -c 4 -i 0 "$@"
		expect "mixed, $format: exit status" "$wanted" "$status"
		case $format in
		text)
			expect_match "mixed, text" "* of 4 tried, $loss% loss*" "$out"
			expect "mixed, text: greetings and failures" 4 \
				"$(cat "$work/out" "$work/err" | grep -c 'seq=[1-4].* \(ms\|closed\)')"
			;;
		json)
			keep_json
			expect "mixed, json" "5 $wanted $wanted $((loss * 4 / 100))" \
				"$(json 'len(lines), last["exit"], max(map(lambda line: line["exit"],
					lines[:-1])), round(4 * last["loss"])')"
			;;
		nagios)
			nagios_form "mixed"
			expect_match "mixed, nagios" "HELLO ${LEVELS[$wanted]} - * of 4 tried *$(
				), last problem: 127.0.0.1:$port: *|time=*s;*;0;10 loss=$loss%;;;0;100" "$out"
			;;
		esac
	done
}

# The worst status holds, wherever it comes.
worst()
{
	mixed 2 25 "send $HELLO next send $HELLO next send 0005 next send $HELLO"
	mixed 2 75 "send 00 next send $HELLO next send 0005 next send 0005"
	mixed 2 25 "send $HELLO next send $HELLO next sleep 0.2 send $HELLO next sleep 0" -w 0.1
	mixed 1 0 "send $HELLO next sleep 0.2 send $HELLO next send $HELLO next send $HELLO" -w 0.1
	mixed 2 0 "send $HELLO next send 0000 next send $HELLO next send $HELLO" -e HELLO
}

# A share that binary fractions cannot express: 23 of 40.
loss()
{
	local turns

	turns=$(printf "send $HELLO next %.0s" {1..17})$(printf "sleep 0 next %.0s" {1..22})"sleep 0"
	# shellcheck disable=SC2086 # words
	start_peer --count 120 $turns
	status client -c 40 -i 0
	expect_match "57.5%" "*17 greeted of 40 tried, 57.5% loss*" "$out"
	status client -c 40 -i 0 -o json
	keep_json
	expect "57.5%, json" 0.575 "$(json 'last["loss"]')"
	status client -c 40 -i 0 -o nagios
	nagios_form "57.5%"
	expect_match "57.5%, nagios" "* loss=57.5%;;;0;100" "$out"
}

# stopped EXIT SIGNAL FORMAT STEPS: -c 0, a signal when the peer has said three times that it was
# called. Leaves the output in $out.
stopped()
{
	local wanted=$1 signal=$2 format=$3 pid

	# shellcheck disable=SC2086 # words
	start_peer --count 100000 $4
	./hello-client -o "$format" -c 0 -i 0.01 127.0.0.1 "$port" >"$work/out" 2>"$work/err" &
	pid=$!
	pids+=("$pid")
	for _ in 1 2 3; do
		peer_said "$signal, $format" called
	done
	kill "-$signal" $pid
	status=0
	wait $pid || status=$?
	out=$(cat "$work/out")
	expect "SIG$signal, $format: exit status" "$wanted" "$status"
}

signals()
{
	local signal format mixed="say called send $HELLO next say called send 0005"

	for signal in INT TERM; do
		for format in $FORMATS; do
			stopped 2 $signal "$format" "$mixed"
			case $format in
			text) expect_match "SIG$signal" "*
--- 127.0.0.1 port $port ---
* greeted of *% loss
min/avg/max/mdev = * ms" "$out" ;;
			json)
				keep_json
				expect "SIG$signal, json" "summary 2" \
					"$(json 'last["type"], last["exit"]')"
				expect "SIG$signal, json: times" '' \
					"$(python3 -c "$check_json" "$work/out")"
				;;
			nagios)
				nagios_form "SIG$signal"
				expect_match "SIG$signal, nagios" "HELLO CRITICAL - * greeted of * tried*" \
					"$out"
				;;
			esac
		done
	done
	stopped 0 INT text "say called send $HELLO"
	expect_match "SIGINT, all greeted" "* tried, 0% loss
min/avg/max/mdev = * ms*" "$out"

	# What is cut off does not count: two were greeted when the third hangs.
	stopped 0 TERM text "say called send $HELLO next say called send $HELLO next say called wait"
	expect_match "SIGTERM while waiting" "*
2 greeted of 2 tried, 0% loss*" "$out"

	# Without -c it is the end.
	start_peer say called wait
	./hello-client 127.0.0.1 "$port" >"$work/out" 2>"$work/err" &
	pids+=($!)
	peer_said "without -c" called
	kill -TERM $!
	status=0
	wait $! || status=$?
	expect "SIGTERM without -c: exit status" 143 "$status"
	expect "SIGTERM without -c" '' "$(cat "$work/out" "$work/err")"
}

# Bytes of a stranger, as hexadecimal: quotes, backslash, solidus, newline, DEL, U+0000, U+2028,
# U+1F600 as a surrogate pair, a lone surrogate, a bar, Latin-1 and a letter.
STRANGE=22275c2f0a7fc080e280a8eda0bdedb880eda0807cc3bc5a
# The same in UTF-8, the lone surrogate replaced.
STRANGE_UTF8=22275c2f0a7f00e280a8f09f9880efbfbd7cc3bc5a

# as_frame HEX
as_frame()
{
	printf '%04x%s' $((${#1} / 2)) "$1"
}

as_hex()
{
	od -An -v -tx1 "$1" | tr -d ' \n'
}

strange()
{
	local locale args

	start_peer --count 20 send "$(as_frame $STRANGE)" wait
	client >"$work/text"
	expect "a strange greeting" ${STRANGE_UTF8}0a "$(as_hex "$work/text")"
	status client -c 1
	expect_match "a strange greeting, -c 1" "from * ms: \"'\\\\/\\\\x0a\\\\x7f*
*" "$out"
	# JSON is UTF-8 in every locale.
	for locale in C C.UTF-8; do
		LC_ALL=$locale status client -o json
		keep_json
		expect "a strange greeting, json, $locale" $STRANGE_UTF8 \
			"$(json 'last["greeting"].encode().hex()')"
		iconv -f UTF-8 -t UTF-8 "$work/out" >/dev/null ||
			fail "a strange greeting, json, $locale: not UTF-8"
	done
	for args in '' '-e other' '-c 2 -i 0' '-c 2 -i 0 -e other'; do
		# shellcheck disable=SC2086 # words
		status client -o nagios $args
		nagios_form "a strange greeting, $args"
	done
	status client -o nagios
	expect_match "a strange greeting, nagios" \
		'HELLO OK - greeted with ""'"'"'\\/\\x0a\\x7f\\x00\\u2028😀�\\x7cüZ" by *|time=*' "$out"

	# A host that is none, but gets into the output as it was given.
	for args in $'\xff' $'a\nb' 'a|b' 'a"\b' /none/$'\xff' /none/$'a\nb|'; do
		status ./hello-client -o json "$args"
		json lines >/dev/null || fail "${args@Q}: no JSON"
		keep_json
		status ./hello-client -o nagios "$args"
		nagios_form "${args@Q}"
	done
}

# The limits as performance data, from the least to the most.
limits()
{
	start_peer --count 20 send $HELLO wait
	status client -o nagios -w 0.000001 -C 86400 -t 86400
	nagios_form "the widest limits"
	expect_match "the widest limits" '*|time=*s;0.000001;86400;0;86400' "$out"
	status client -o nagios -w 12345.678901 -C 12345.678901 -t 0.999999
	nagios_form "limits with all digits"
	expect_match "limits with all digits" '*|time=*s;12345.678901;12345.678901;0;0.999999' "$out"
}

# Each JSON object that was printed so far has all keys, of the type that they should be.
all_json()
{
	python3 - "$work/objects" <<-'END' || fail "not the JSON that it should be"
	import json
	import sys

	def constant(name):
	    raise ValueError(name)

	number, text, nothing = (int, float), str, type(None)
	seconds = (float, nothing)
	greeting = {
	    "type": text, "sequence": int, "host": text, "port": (int, nothing),
	    "address": (text, nothing), "family": (text, nothing), "status": text, "exit": int,
	    "error": (text, nothing), "greeting": (text, nothing),
	    "frame_length": (int, nothing), "time": float, "resolve_time": seconds,
	    "connect_time": seconds, "first_byte_time": seconds, "frame_time": seconds,
	    "close_time": seconds, "attempts": list}
	attempt = {"address": text, "outcome": text, "error": (text, nothing), "time": seconds}
	summary = {
	    "type": text, "host": text, "port": (int, nothing), "exit": int, "tried": int,
	    "greeted": int, "loss": number, "min": seconds, "avg": seconds, "max": seconds,
	    "mdev": seconds, "p50": seconds, "p90": seconds, "p95": seconds, "p99": seconds}

	def check(thing, wanted):
	    if list(thing) != list(wanted):
	        sys.exit(f"keys: {thing}")
	    for key, types in wanted.items():
	        if not isinstance(thing[key], types) or isinstance(thing[key], bool):
	            sys.exit(f"type of {key}: {thing}")

	count = 0
	for line in open(sys.argv[1], "rb"):
	    thing = json.loads(line.decode(), parse_constant=constant)
	    check(thing, summary if thing["type"] == "summary" else greeting)
	    for each in thing.get("attempts", []):
	        check(each, attempt)
	    count += 1
	if count < 100:
	    sys.exit(f"only {count} objects")
	END
}

# Output that cannot be written is status 3, whatever came of the greeting.
outputs()
{
	local format args where why fd pid

	start_peer --count 1000000 send $HELLO
	for format in $FORMATS; do
		for args in '' -v '-c 2 -i 0' '-q -c 2 -i 0'; do
			for where in /dev/full closed; do
				why="No space left on device"
				[ $where != closed ] || why="Bad file descriptor"
				# shellcheck disable=SC2086 # words
				status into $where client -o "$format" $args
				expect "$format, $args, into $where: exit status" 3 "$status"
				expect "$format, $args, into $where" \
					"hello-client: standard output: $why" "${err##*$'\n'}"
			done
		done
	done
	status into closed ./hello-client -q -e other 127.0.0.1 "$port"
	expect "-q to nowhere, where nothing is to be printed: exit status" 2 "$status"

	# When the reader goes away, a client without end ends by itself.
	for format in text json; do
		for args in '' -v; do
			rm -f "$work/fifo"
			mkfifo "$work/fifo"
			client -o $format $args -c 0 -i 0.01 >"$work/fifo" 2>"$work/err" &
			pid=$!
			exec {fd}<"$work/fifo"
			read -r -t 60 <&"$fd" || fail "$format: nothing came into a pipe"
			exec {fd}<&-
			status=0
			wait $pid || status=$?
			expect "$format, $args, the reader goes away: exit status" 3 "$status"
			expect "$format, $args, the reader goes away" \
				"hello-client: standard output: Broken pipe" "$(tail -n 1 "$work/err")"
		done
	done
	for format in $FORMATS; do
		exec {fd}> >(:)
		wait $!
		status into "/dev/fd/$fd" client -o "$format" -c 2 -i 0
		exec {fd}>&-
		expect "$format, nobody reads: exit status" 3 "$status"
		expect "$format, nobody reads" "hello-client: standard output: Broken pipe" "$err"
	done
}

# in_locale NAME|none COMMAND...
in_locale()
{
	local name=$1

	shift
	if [ "$name" = none ]; then
		env -u LC_ALL -u LC_CTYPE -u LANG "$@"
	else
		env -u LC_CTYPE -u LANG LC_ALL="$name" "$@"
	fi
}

# printed LOCALE HEX: what a greeting of Grüße, a snowman and an emoji is printed as
printed()
{
	in_locale "$1" timeout 20 ./hello-client 127.0.0.1 "$port" >"$work/text"
	expect "in the locale $1" "${2}0a" "$(as_hex "$work/text")"
	in_locale "$1" timeout 20 ./hello-client -c 1 127.0.0.1 "$port" >"$work/text"
	expect_match "in the locale $1, -c 1" "*3a20${2}0a*" "$(as_hex "$work/text")"
	in_locale "$1" timeout 20 ./hello-client -o nagios 127.0.0.1 "$port" >"$work/text"
	expect_match "in the locale $1, nagios" "*22${2}22*" "$(as_hex "$work/text")"
	status=0
	in_locale "$1" timeout 20 ./hello-client -e x 127.0.0.1 "$port" >"$work/out" 2>"$work/text" ||
		status=$?
	expect "in the locale $1, -e x: exit status" 2 "$status"
	expect_match "in the locale $1, -e x" "*22${2}22*" "$(as_hex "$work/text")"
}

# UTF-8, always.
locales()
{
	local name

	start_peer --count 100 send "$(as_frame 4772c3bcc39f652ee29883eda0bdedb880)" wait
	for name in C POSIX C.UTF-8 de_DE.ISO-8859-1 none no_SUCH; do
		printed $name 4772c3bcc39f652ee29883f09f9880
		in_locale $name ./hello-client -q -e 'Grüße.☃😀' 127.0.0.1 "$port" ||
			fail "in the locale $name: -e is not understood"
	done
}

# How many descriptors and threads a process has; nothing when it has ended.
belongings()
{
	{ find "/proc/$1/fd" "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l; } 2>/dev/null || true
}

# With room for 16 descriptors, of which a few are in use, hardly any can be lost.
many()
{
	local pid have
	local -i most=0 samples=0

	start_peer --count 10000 send $HELLO
	(
		ulimit -n 16
		exec ./hello-client -c 10000 -i 0 -q 127.0.0.1 "$port"
	) >"$work/many" 2>"$work/many.log" &
	pid=$!
	pids+=("$pid")
	while kill -0 $pid 2>/dev/null; do
		have=$(belongings $pid)
		sleep 0.1
		[ "$have" -eq 0 ] || samples=$((samples + 1))
		[ "$have" -le "$most" ] || most=$have
	done
	status=0
	wait $pid || status=$?
	expect "10,000 greetings: exit status" 0 "$status"
	expect_match "10,000 greetings" "*10000 greeted of 10000 tried, 0% loss*" "$(cat "$work/many")"
	[ "$samples" -ge 3 ] || fail "10,000 greetings: only $samples looks at its descriptors"
	[ "$most" -le 16 ] || fail "10,000 greetings: $most descriptors and threads"
}

many_under_valgrind()
{
	if ! command -v valgrind >/dev/null; then
		echo "not tried: 10,000 greetings under valgrind: it is not installed"
	elif nm ./hello-client 2>/dev/null | grep -c '__[atu][bs]*san_' >/dev/null; then
		echo "not tried: 10,000 greetings under valgrind: a sanitizer is built in"
	else
		start_peer --count 10000 send $HELLO
		status timeout 120 valgrind -q --leak-check=full --error-exitcode=99 \
			./hello-client -c 10000 -i 0 -q 127.0.0.1 "$port"
		expect "10,000 greetings under valgrind: exit status ($err)" 0 "$status"
		expect_match "10,000 greetings under valgrind" \
			"*10000 greeted of 10000 tried, 0% loss*" "$out"
	fi
}

situations
no_route
usage
counting
quiet
histogram
interval
worst
signals
strange
locales
limits
loss
outputs
reset_at_once
all_json
many
many_under_valgrind
