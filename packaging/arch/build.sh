#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# build.sh TARBALL PKGBUILD.in DIRECTORY [OPTION]... - make arch: builds the packages of Arch Linux,
# and leaves them in the directory with the PKGBUILD, which has the version and the checksum of the
# tarball. The options are for makepkg. make sets $PACKAGE_URL and $PACKAGE_BUGREPORT.
set -eu -o pipefail

tarball=$1 template=$2 directory=$3
shift 3
command -v makepkg >/dev/null || {
	echo 'SKIP: makepkg is not installed: it is in the package pacman, or makepkg on Debian'
	exit 77
}
# make gives its variables to its child processes.
unset MAKEFLAGS MFLAGS MAKELEVEL

rm -rf "$directory"
mkdir -p "$directory"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$tarball" "$work"
version=$(basename "$tarball" .tar.xz)
sed -e "s|@VERSION[@]|${version#hellod-}|" \
	-e "s|@PACKAGE_URL[@]|${PACKAGE_URL:?}|" \
	-e "s|@PACKAGE_BUGREPORT[@]|${PACKAGE_BUGREPORT:?}|" \
	-e "s|@SHA256[@]|$(sha256sum "$tarball" | cut -d ' ' -f 1)|" "$template" >"$work/PKGBUILD"
! command -v shellcheck >/dev/null || shellcheck "$work/PKGBUILD"

command=(makepkg)
# Only Arch Linux knows which packages are installed.
pacman -Q pacman >/dev/null 2>&1 || command+=(--nodeps)
if [ "$(id -u)" -eq 0 ]; then
	# makepkg refuses to run as root.
	chown -R nobody "$work"
	command=(setpriv --reuid=nobody --clear-groups env "HOME=$work" "${command[@]}")
fi
(cd "$work" && "${command[@]}" "$@")
cp "$work/PKGBUILD" "$work"/*.pkg.* "$directory"
! command -v namcap >/dev/null || namcap "$directory/PKGBUILD" "$directory"/*.pkg.*
ls -l "$directory"
