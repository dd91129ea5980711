#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# reproducible.sh SOURCE - make reproducible: makes the release and its packages twice from a source
# directory, in surroundings that differ in everything that must not matter, and compares the files
# bit for bit. Shows the differences with diffoscope, and fails if there are any.
set -eu -o pipefail

source=$(cd "$1" && pwd)
log=$PWD/packaging/reproducible.log
work=$(mktemp -d)
trap finish EXIT
trap 'exit 1' HUP INT TERM
# make gives its variables to its child processes.
unset MAKEFLAGS MFLAGS MAKELEVEL

# shellcheck disable=SC2317 # it is reached, by the trap
finish()
{
	! mountpoint -q "$work/second" || umount "$work/second" 2>/dev/null ||
		fusermount -u "$work/second" || fusermount3 -u "$work/second"
	rm -rf "$work"
}

# make_all UMASK: in a new shell, in the directory of a build.
make_all()
{
	set -eux -o pipefail
	umask "$1"
	cd source
	autoreconf -fi
	./configure --quiet
	make dist
	! command -v rpmbuild || make rpm RPM_FLAGS=--nocheck
	! command -v dpkg-buildpackage ||
		DEB_BUILD_OPTIONS=nocheck DEB_BUILD_PROFILES=nocheck make deb
}

# build NAME UMASK COMMAND...: builds in $work/NAME, by a command that changes the surroundings and
# runs its arguments. The files to compare go to $work/NAME.made: not the records of builds, such as
# .buildinfo.
build()
{
	local directory=$work/$1 mask=$2

	shift 2
	(cd "$directory" && "$@" env "TMPDIR=$directory/tmp" \
		bash -c "$(declare -f make_all); make_all $mask") </dev/null >>"$log" 2>&1 || {
		tail -n 30 "$log"
		echo "make reproducible: a build failed: $log"
		exit 1
	}
	mkdir "$directory.made"
	find "$directory/source" "(" -name '*.rpm' -o -name '*.deb' -o -name '*.dsc' -o \
		-name '*.debian.tar.xz' ")" -exec cp -t "$directory.made" {} +
	cp -t "$directory.made" "$directory"/source/hellod-*.tar.xz
}

# Each variation is a command that runs its arguments.
variations='directory, umask, locale, time zone, home, number of jobs'
second=(env LC_ALL=C.UTF-8 TZ=Pacific/Kiritimati HOME=/nonexistent MAKEFLAGS=-j3)
# With other rules for upper case and for sorting.
if localedef -i tr_TR -f UTF-8 "$work/tr_TR.UTF-8" 2>/dev/null; then
	second+=("LOCPATH=$work" LC_ALL=tr_TR.UTF-8)
fi
mkdir -p "$work"/{first/tmp,second,files/tmp}
cp -r "$source" "$work/first/source"
cp -r "$source" "$work/files/source"
chmod 755 "$work"

as_root=no
if [ "$(id -u)" -eq 0 ]; then
	as_root=yes
	variations+=', host name, user'
	second+=(unshare --uts sh -c 'hostname elsewhere && exec "$@"' sh
		setpriv --reuid=54321 --regid=54321 --clear-groups)
	chown -R 54321:54321 "$work/files"
else
	echo 'SKIP: host name, user: only root can change them'
fi
if command -v faketime >/dev/null; then
	variations+=', clock'
	second+=(faketime '+400 days 7 hours')
else
	echo 'SKIP: clock: faketime is not installed'
fi
if ! command -v disorderfs >/dev/null; then
	echo 'SKIP: order of files: disorderfs is not installed'
elif ! reason=$(disorderfs --quiet --multi-user="$as_root" --reverse-dirents=yes \
	"$work/files" "$work/second" 2>&1); then
	echo "SKIP: order of files: disorderfs cannot mount: $reason"
else
	variations+=', order of files'
fi
mountpoint -q "$work/second" || { rmdir "$work/second" && mv "$work/files" "$work/second"; }

: >"$log"
build first 022 env LC_ALL=C TZ=UTC MAKEFLAGS=-j1
build second 077 "${second[@]}"

echo "Built twice, with another $variations:"
files=0 different=0
for file in $(cd "$work" && find first.made second.made -type f -printf '%f\n' | sort -u); do
	status=same
	files=$((files + 1))
	if ! cmp "$work"/{first,second}.made/"$file"; then
		status=DIFFERENT
		different=$((different + 1))
		! command -v diffoscope >/dev/null ||
			diffoscope --max-report-size 20000 "$work"/{first,second}.made/"$file" || true
	fi
	echo "  $status $(sha256sum "$work/first.made/$file" | cut -d ' ' -f 1) $file"
done
for package in rpm deb; do
	[ -n "$(find "$work/first.made" -name "*.$package")" ] ||
		echo "SKIP: the packages of make $package: its tools are not installed"
done
echo "figure: $((files - different)) of $files files are the same"
[ $different -eq 0 ]
