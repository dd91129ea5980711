#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# build.sh TARBALL DIRECTORY [OPTION]... - make rpm: builds the packages of the specification in the
# tarball, which replace those in the directory, and checks them with rpmlint. The options are for
# rpmbuild.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
tarball=$(realpath "$1")
rm -rf "$2"
mkdir -p "$2"
top=$(cd "$2" && pwd)
shift 2

command -v rpmbuild >/dev/null || {
	echo 'make rpm: rpmbuild is not installed: it is in the package rpm-build, or rpm on Debian' >&2
	exit 1
}
# make gives its variables to its child processes.
unset MAKEFLAGS MFLAGS MAKELEVEL

options=(--define "_topdir $top")
# Only a distribution of RPM packages has its macros, and knows which packages are installed.
[ -n "$(rpm --eval '%{?_unitdir}')" ] || options+=(--load "$here/macros")
rpm -q rpm >/dev/null 2>&1 || options+=(--nodeps)
# The source package records the modes of its files.
umask 022
install -m 644 -t "$top" "$tarball"
tarball=$top/$(basename "$tarball")
rpmbuild -ta "${options[@]}" "$@" "$tarball"

# No build without rpmlint passes by mistake for a clean one.
if command -v rpmlint >/dev/null; then
	tar -xf "$tarball" -C "$top" --strip-components=3 --wildcards '*/packaging/rpm/hellod.spec'
	rpmlint --strict --config "$here/rpmlint.toml" "$top/hellod.spec" "$top"/SRPMS/*.rpm \
		"$top"/RPMS/*/*.rpm
else
	echo 'make rpm: rpmlint is NOT INSTALLED, so the packages are NOT CHECKED' >&2
fi
ls -l "$top"/SRPMS/*.rpm "$top"/RPMS/*/*.rpm
