#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# versions.sh - in the build directory: NEWS, the programs, the manuals and the packages that were
# built have the version and the date of configure.ac, which are $VERSION and $RELEASE_DATE.
# Debian's files have its addresses, which are $PACKAGE_URL and $PACKAGE_BUGREPORT; make writes them
# into the files of the other packages.
set -eu -o pipefail

places=0

# must_be PLACE FOUND EXPECTED...
must_be()
{
	local place=$1 found=$2 expected

	shift 2
	places=$((places + 1))
	for expected; do
		[ "$found" != "$expected" ] || return 0
	done
	echo "versions.sh: $place has '$found' in place of '$1'" >&2
	exit 1
}

line=$(sed q "${srcdir:?}/NEWS")
released="hellod $VERSION, ${RELEASE_DATE:?}"
if git -C "$srcdir" describe --exact-match --match 'v*' HEAD >/dev/null 2>&1; then
	must_be NEWS "$line" "$released"
	must_be 'the tag' "$(git -C "$srcdir" describe --exact-match --match 'v*' HEAD)" "v$VERSION"
else
	must_be NEWS "$line" "$released" "hellod $VERSION, not released yet"
fi

for program in hellod hello-client check_hello; do
	must_be "$program" "$("./$program" --version | sed q)" "$program $VERSION" \
		"$program (hellod) $VERSION"
done
for manual in man/*.[1-9]; do
	must_be "$manual" "$(sed -n 's/^\.Dd //p' "$manual")" "$RELEASE_DATE"
	must_be "$manual" "$(sed -n 's/^\.Os //p' "$manual")" "\"hellod $VERSION\""
done

# date_as FORMAT: the date of the release.
date_as()
{
	LC_ALL=C date -u -d "$RELEASE_DATE" "$1"
}

changelog=packaging/debian/changelog spec=packaging/rpm/hellod.spec
must_be $changelog "$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' $changelog)" "$VERSION"
must_be $changelog "$(sed -n 's/^ -- .*>  \(.*\) [0-9:]* .*/\1/p' $changelog | sed q)" \
	"$(date_as '+%a, %d %b %Y')"
must_be $spec "$(sed -n 's/^Version: *//p' $spec)" "$VERSION"
must_be $spec "$(sed -n '/^%changelog/{n; s/^\* \(.*\) The .*/\1/p}' $spec)" \
	"$(date_as '+%a %b %d %Y')"

control=$srcdir/packaging/debian/control copyright=$srcdir/packaging/debian/copyright
watch=$srcdir/packaging/debian/watch metadata=$srcdir/packaging/debian/upstream/metadata
authors="The hellod authors <${PACKAGE_BUGREPORT:?}>"
must_be "$control" "$(sed -n 's/^Homepage: //p' "$control")" "${PACKAGE_URL:?}"
must_be "$control" "$(sed -n 's/^Maintainer: //p' "$control")" "$authors"
must_be "$copyright" "$(sed -n 's/^Source: //p' "$copyright")" "$PACKAGE_URL"
must_be "$copyright" "$(sed -n 's/^Upstream-Contact: //p' "$copyright")" "$authors"
must_be "$watch" "$(sed -n 's/releases.*//p' "$watch")" "$PACKAGE_URL"
must_be "$metadata" "$(sed -n 's/^Bug-Submit: mailto://p' "$metadata")" "$PACKAGE_BUGREPORT"
must_be "$metadata" "$(sed -n 's/^Security-Contact: mailto://p' "$metadata")" "$PACKAGE_BUGREPORT"
must_be "$metadata" "$(sed -n 's/^Documentation: //p' "$metadata")" "$PACKAGE_URL"

shopt -s nullglob
for package in packaging/out/hellod_*.deb packaging/rpm/build/RPMS/*/hellod-[0-9]*.rpm \
	packaging/arch/build/hellod-[0-9]*.pkg.*; do
	found=${package##*/hellod[-_]}
	must_be "$package" "${found%%-*}" "$VERSION"
done
echo "figure: $VERSION in $places places${line##*"$VERSION"}"
