#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# build.sh TARBALL DIRECTORY [OPTION]... - make rpm: builds the packages of the specification in the
# tarball, which replace those in the directory, and checks them with rpmlint. The options are for
# rpmbuild.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
tarball=$(realpath "$1") directory=$2
shift 2

command -v rpmbuild >/dev/null || {
	echo 'SKIP: rpmbuild is not installed: it is in the package rpm-build, or rpm on Debian'
	exit 77
}
# make gives its variables to its child processes.
unset MAKEFLAGS MFLAGS MAKELEVEL

# Elsewhere, because no name in rpmbuild's directory may have a space.
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
options=(--define "_topdir $top")
# Only a distribution of RPM packages has its macros, and knows which packages are installed.
[ -n "$(rpm --eval '%{?_unitdir}')" ] || options+=(--load "$here/macros")
rpm -q rpm >/dev/null 2>&1 || options+=(--nodeps)

# The source package records the modes of its files, and the specification with all macros expanded:
# those that depend on where it is made get the values of Fedora's build system.
umask 022
install -m 644 -t "$top" "$tarball"
cd "$top"
tar -xf "$tarball" --strip-components=3 --wildcards '*/packaging/rpm/hellod.spec'
RPM_BUILD_NCPUS=1 rpmbuild -bs "${options[@]}" --define '_builddir /builddir/build/BUILD' \
	--define '_buildrootdir /builddir/build/BUILDROOT' --define '_sourcedir .' hellod.spec
rpmbuild --rebuild "${options[@]}" "$@" SRPMS/*.src.rpm

# No build without rpmlint passes by mistake for a clean one.
if command -v rpmlint >/dev/null; then
	rpmlint --strict --config "$here/rpmlint.toml" hellod.spec SRPMS/*.rpm RPMS/*/*.rpm
else
	echo 'SKIP: rpmlint is NOT INSTALLED, so the packages are NOT CHECKED'
fi
cd - >/dev/null
rm -rf "$directory"
mkdir -p "$directory"
mv -t "$directory" "$top"/{hellod.spec,SRPMS,RPMS}
(cd "$directory" && ls -l SRPMS/*.rpm RPMS/*/*.rpm)
