#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# make install and uninstall, into a scratch root: under DESTDIR, and with a prefix that only make
# is told of. From a copy of the sources, since another prefix has files made again.
set -e
# shellcheck source=lib.sh
. "${srcdir:=.}/tests/scenario/lib.sh"

make distdir distdir="$work/source" >"$work/distdir.log" 2>&1 || fail "make distdir"
mkdir "$work/build" "$work/destdir" "$work/opt"
cd "$work/build"
"$work/source/configure" --quiet --prefix=/usr --sysconfdir=/etc \
	--with-systemdsystemunitdir=/usr/lib/systemd/system --with-sysusersdir=/usr/lib/sysusers.d \
	--with-catalogdir=/usr/lib/systemd/catalog >"$work/configure.log" 2>&1 || fail "configure"
make >"$work/make.log" 2>&1 || fail "make"
! grep -i warning "$work/make.log" || fail "warnings"

installed()
{
	(cd "$1" && find . -type f | LC_ALL=C sort | sed 's/^\.//')
}

make install DESTDIR="$work/destdir" >"$work/install.log" 2>&1 || fail "make install"
expect "installed files" "\
/usr/bin/hello-client
/usr/lib/systemd/catalog/hellod.catalog
/usr/lib/systemd/system/hello-listen.service
/usr/lib/systemd/system/hello-listen.socket
/usr/lib/systemd/system/hello-netns.service
/usr/lib/systemd/system/hello.socket
/usr/lib/systemd/system/hello@.service
/usr/lib/sysusers.d/hellod.conf
/usr/sbin/hellod
/usr/share/bash-completion/completions/hello-client
/usr/share/bash-completion/completions/hellod
/usr/share/doc/hellod/examples/strict.conf
/usr/share/fish/vendor_completions.d/hello-client.fish
/usr/share/fish/vendor_completions.d/hellod.fish
/usr/share/man/man1/hello-client.1
/usr/share/man/man5/hello-frame.5
/usr/share/man/man8/hello.socket.8
/usr/share/man/man8/hellod.8
/usr/share/zsh/site-functions/_hello-client
/usr/share/zsh/site-functions/_hellod" "$(installed "$work/destdir")"
grep -qx 'ExecStart=/usr/sbin/hellod' "$work/destdir/usr/lib/systemd/system/hello@.service" ||
	fail "ExecStart="
expect_match "the greeting's file" "*/etc/hello/greeting*if it exists*" \
	"$("$work/destdir/usr/sbin/hellod" --help)"

make uninstall DESTDIR="$work/destdir" >"$work/uninstall.log" 2>&1 || fail "make uninstall"
expect "files left" '' "$(installed "$work/destdir")"

# Units, manuals and programs all follow the prefix.
make install prefix=/opt sysconfdir=/opt/etc DESTDIR="$work/opt" >"$work/prefix.log" 2>&1 ||
	fail "make install prefix=/opt"
grep -qx 'ExecStart=/opt/sbin/hellod' "$work/opt/usr/lib/systemd/system/hello@.service" ||
	fail "ExecStart= with prefix=/opt"
grep -q '/opt/etc/hello/greeting' "$work/opt/opt/share/man/man8/hellod.8" ||
	fail "hellod(8) with prefix=/opt"
expect_match "the greeting's file with prefix=/opt" "*/opt/etc/hello/greeting*if it exists*" \
	"$("$work/opt/opt/sbin/hellod" --help)"

# Nothing changed, so nothing is made again.
make install prefix=/opt sysconfdir=/opt/etc DESTDIR="$work/opt" >"$work/again.log" 2>&1 ||
	fail "make install again"
! grep -E '^  (CC|CCLD|GEN)' "$work/again.log" || fail "made again"
