#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# cross.sh ARCHITECTURE TARBALL - make cross: builds the release in a Debian root of another
# architecture, whose programs qemu-user emulates, and runs the tests that qemu has the system calls
# for. mmdebstrap makes the root once, and it is kept below $XDG_CACHE_HOME/hellod. $SUITE is the
# Debian suite. The kernel keeps the handler of binfmt_misc, as after the installation of
# qemu-user-static on a host that runs systemd.
set -eu -o pipefail

architecture=$1 tarball=$2
suite=${SUITE:-bookworm}
packages=gcc,libc6-dev,make,pkgconf,libsystemd-dev,libjson-c-dev,check
packages+=,python3-pytest,python3-pytest-xdist,procps
# qemu has neither seccomp nor Landlock, handles SIGQUIT, and is too slow for the black-box tests that
# measure times or build hellod once more.
left_out=%/check_confine
tests='not test_attack and not test_reload_reads_only and not test_older_landlock
	and not test_normal_operation and not test_quit and not test_load and not test_no_leak
	and not test_slow_clients and not test_install and not test_sbom'
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hellod
root=$cache/cross-$suite-$architecture-$(sha256sum <<<"$packages" | head -c 8)
handlers=/proc/sys/fs/binfmt_misc

skip()
{
	echo "SKIP: $*"
	exit 77
}

# Has the kernel run the programs of the architecture by qemu, as systemd does at boot.
register()
{
	local processor=$architecture

	case $architecture in
	arm64) processor=aarch64 ;;
	armhf) processor=arm ;;
	esac
	mountpoint -q $handlers || mount -t binfmt_misc binfmt_misc $handlers ||
		skip 'the kernel has no binfmt_misc'
	[ ! -e "$handlers/qemu-$processor" ] || return 0
	[ -e "/usr/lib/binfmt.d/qemu-$processor.conf" ] ||
		skip "qemu-user-static is not installed, or emulates no $processor"
	cat "/usr/lib/binfmt.d/qemu-$processor.conf" >$handlers/register
}

make_root()
{
	local mirror

	# shellcheck disable=SC2016 # of apt-get
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' \
		'Created-By: Packages' | head -n 1)
	echo "Making $root"
	rm -rf "$root.new"
	mmdebstrap --quiet --mode=root "--architectures=$architecture" --variant=essential \
		"--include=$packages" "$suite" "$root.new" "${mirror:-http://deb.debian.org/debian}"
	mv "$root.new" "$root"
}

# In namespaces of its own: builds in a copy of the root that is lost when this ends.
build()
{
	local work=/mnt

	mount -t tmpfs tmpfs $work
	mkdir $work/{root,upper,work}
	mount -t overlay overlay $work/root \
		-o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work"
	mount -t proc proc $work/root/proc
	mount --rbind /dev $work/root/dev
	ip link set lo up
	mkdir $work/root/build
	tar -xf "$tarball" -C $work/root/build --strip-components=1
	chown -R nobody $work/root/build
	chroot --userspec=nobody:nogroup $work/root env -i PATH=/usr/sbin:/usr/bin HOME=/nonexistent \
		LC_ALL=C.UTF-8 "left_out=$left_out" "PYTEST_ARGS=-k '${tests//$'\n'/}' ${PYTEST_ARGS-}" \
		bash -c "$(declare -f in_root); in_root"

	# The JDK runs here, and the codec there.
	mkdir -p $work/tests/interop
	printf '#!/bin/sh\nexec chroot %s/root /build/tests/interop/codec\n' $work \
		>$work/tests/interop/codec
	chmod +x $work/tests/interop/codec
	(cd $work && srcdir=root/build bash root/build/tests/interop/codec.sh) || [ $? -eq 77 ]
}

in_root()
{
	set -eu -o pipefail
	local tests="\$(filter-out $left_out,\$(unit_tests)) \$(fuzz_replays)"

	cd /build
	uname -m
	./configure --quiet CFLAGS='-O2 -Werror'
	make -s -j"$(nproc)"
	make -s -O -j"$(nproc)" check VERBOSE=1 \
		"TESTS=$tests tests/interop/vectors tests/blackbox/run.py" \
		"PYTEST_ARGS=$PYTEST_ARGS" |
		grep --line-buffered -v '^PASS: '
}

[ "$(id -u)" -eq 0 ] || skip 'only root can make a root directory and enter it'
for tool in mmdebstrap arch-test; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
tarball=$(realpath "$tarball")
mkdir -p "$cache"
exec 9>"$root.lock"
flock 9
case $(dpkg --print-architecture)-$architecture in
"$architecture-$architecture" | amd64-i386) # this processor's own
	left_out='' tests=''
	;;
*) register ;;
esac
[ -d "$root" ] || make_root
exec 9>&-

export root tarball left_out tests
unshare --mount --net --pid --fork --kill-child \
	bash -euc "$(declare -f build in_root); build"
