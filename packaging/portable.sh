#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# portable.sh DIRECTORY - make portable: builds the image of a portable service, as a directory and,
# if mksquashfs is installed, as DIRECTORY.raw. It has hellod, its libraries and its units, and runs
# under any systemd since 248: see "PORTABLE SERVICES" in the manual of systemd's portablectl(1).
#
# make sets $sbindir, $sysconfdir, $systemdsystemunitdir and $VERSION. The build must be done.
set -eu -o pipefail
umask 022

image=$1
[ -n "${systemdsystemunitdir-}" ] || {
	echo 'make portable: configure with a directory for unit files' >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s install DESTDIR="$work" >"$work/log"

rm -rf "$image" "$image.raw"
# The mount points, because the image is read-only.
mkdir -p "$image"/{dev,proc,run,sys,tmp,root,etc,var/tmp} "$image"/usr/{bin,sbin,lib,lib64} \
	"$image${sysconfdir:?}/hello"
for directory in bin sbin lib lib64; do
	ln -s "usr/$directory" "$image/$directory"
done
touch "$image"/etc/{machine-id,resolv.conf}

# add FILE [NAME]: adds a program with its libraries.
add()
{
	local library

	install -D "$1" "$image/${2:-$1}"
	ldd "$1" | sed -n 's|^[^/]*\(/[^ ]*\).*|\1|p' | while read -r library; do
		[ -e "$image$library" ] || install -D "$library" "$image$library"
	done
}
add "$work${sbindir:?}/hellod" "$sbindir/hellod"
# The units execute these.
add "$(type -P true)"
add "$(type -P kill)"

mkdir -p "$image/usr/lib/systemd/system"
for unit in hello.socket hello@.service hello-netns.service hello-listen.socket \
	hello-listen.service; do
	# The greeting is the host's.
	sed "/^\[Service\]/a BindReadOnlyPaths=-$sysconfdir/hello" "$work$systemdsystemunitdir/$unit" \
		>"$image/usr/lib/systemd/system/$unit"
done
cat >"$image/usr/lib/os-release" <<END
ID=hellod
NAME=hellod
PRETTY_NAME="hellod ${VERSION:?}"
VERSION_ID=$VERSION
PORTABLE_PREFIXES=hello
END
ln -s ../usr/lib/os-release "$image/etc/os-release"

if command -v mksquashfs >/dev/null; then
	mksquashfs "$image" "$image.raw" -all-root -noappend -quiet
else
	echo "make portable: mksquashfs is not installed, so $image is a directory only" >&2
fi
du -sh "$image"*
