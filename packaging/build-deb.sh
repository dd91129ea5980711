#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# build-deb.sh TARBALL DIRECTORY - builds Debian's source and binary packages from a release, as
# a maintainer does: TARBALL is the upstream source, and its packaging/debian becomes debian. The
# packages replace those in DIRECTORY. lintian must have nothing to say about them.
#
# DEB_BUILD_OPTIONS and DEB_BUILD_PROFILES are those of dpkg-buildpackage, such as nocheck.
set -eu -o pipefail

tarball=$(realpath "$1") directory=$2
release=$(basename "$tarball" .tar.xz)
name=${release%-*} version=${release##*-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command -v dpkg-buildpackage >/dev/null || {
	echo 'SKIP: dpkg-buildpackage is not installed: it is in the package dpkg-dev'
	exit 77
}
# make gives its variables to its child processes.
unset MAKEFLAGS MFLAGS MAKELEVEL
# The source package records the modes of its files.
umask 022
cp "$tarball" "$work/${name}_$version.orig.tar.xz"
tar -xf "$tarball" -C "$work"
cp -r "$work/$release/packaging/debian" "$work/$release/debian"
cd "$work/$release"
packaged=$(dpkg-parsechangelog -S Version)
[ "${packaged%-*}" = "$version" ] || {
	echo "make deb: debian/changelog has version $packaged, and the tarball $version" >&2
	exit 1
}
dpkg-buildpackage --unsigned-source --unsigned-changes
cd - >/dev/null

# No build without lintian passes by mistake for a clean one.
if command -v lintian >/dev/null; then
	suppressed=()
	# Debian 12's has an older policy, which also wants init scripts.
	if dpkg --compare-versions "$(dpkg-query -W -f '${Version}' lintian)" lt 2.117; then
		tags=newer-standards-version,package-supports-alternative-init-but-no-init.d-script
		suppressed=(--suppress-tags "$tags")
	fi
	lintian --pedantic -I -E --fail-on error,warning,info,pedantic "${suppressed[@]}" \
		"$work"/*.changes
else
	echo 'SKIP: lintian is NOT INSTALLED, so the packages are NOT CHECKED'
fi
rm -rf "$directory"
mkdir -p "$directory"
find "$work" -maxdepth 1 -type f -exec mv -t "$directory" {} +
ls -l "$directory"
