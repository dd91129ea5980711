#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Where hello.socket listens, and to whom: every address of either family, another port, a UNIX
# socket, an access list. The drop-ins are those of hello.socket(8).
set -e
# shellcheck source=boot.sh
. "${srcdir:=.}/tests/system/boot.sh"

boot

# greets WHAT ARGUMENT...: of hello-client.
greets()
{
	local what=$1

	shift
	status connect ./hello-client "$@"
	expect "$what: $err" HELLO "$out"
}

greets_not()
{
	local what=$1 pattern=$2

	shift 2
	status connect ./hello-client "$@"
	expect "$what: status" 2 "$status"
	expect_match "$what" "$pattern" "$err"
}

set_sysctl()
{
	connect sh -c "echo $2 >/proc/sys/net/ipv6/$1"
}

inside systemctl start hello.socket
greets "IPv4" 127.0.0.1
greets "IPv6" ::1

# The sysctl keeps IPv4 clients out of an IPv6 socket that does not say otherwise (BindIPv6Only=).
set_sysctl bindv6only 1
restart_socket
greets "IPv4 in spite of bindv6only" 127.0.0.1
greets "IPv6 with bindv6only" ::1
set_sysctl bindv6only 0

set_sysctl conf/all/disable_ipv6 1
restart_socket
greets "IPv4 without IPv6" 127.0.0.1
greets "localhost without IPv6" localhost
set_sysctl conf/all/disable_ipv6 0

# The list of addresses must be cleared first, or this adds to it.
drop_in hello.socket '[Socket]' ListenStream= ListenStream=127.0.0.1:7777 'ListenStream=[::1]:7777'
restart_socket
greets "port 7777, IPv4" 127.0.0.1 7777
greets "port 7777, IPv6" ::1 7777
greets_not "port 6666" '*Connection refused*' 127.0.0.1 6666
greets_not "another address" '*Connection refused*' 127.0.0.2 7777

drop_in hello.socket '[Socket]' ListenStream= ListenStream=/run/hello.sock SocketMode=0666
restart_socket
expect "UNIX socket" HELLO "$(inside "${bindir:?}/hello-client" /run/hello.sock)"
expect "UNIX socket, as nobody" HELLO \
	"$(inside setpriv --reuid=65534 --clear-groups "$bindir/hello-client" /run/hello.sock)"
port=/proc/$pid1/root/run/hello.sock
expect "crowd at the UNIX socket" 200 "$(crowd 200 32)"
port=6666

drop_in hello.socket '[Socket]' IPAddressDeny=any IPAddressAllow=127.0.0.2
restart_socket
expect "an address on the list" '1 0' "$(guests 1@127.0.0.2 </dev/null)"
greets_not "an address not on the list" '*timed out*' --timeout=1 127.0.0.1
# The list of the service, which denies all, keeps nobody out.
drop_in hello.socket
restart_socket
greets "an address that only the service denies" 127.0.0.1
expect_quiet_end
