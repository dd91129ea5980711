#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# release-check.sh [ROW]... - make release-check, in the build directory: runs all checks of a
# release, or those rows, and prints a table. The output of each is in release-check/ROW.log.
#
# A check prints "figure: ..." for the table, or runs tests. It is skipped if it ends with status 77,
# or says that its tool is not installed. Ends with status 1 if a check failed.
set -u -o pipefail

logs=release-check
make=${MAKE:-make}
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir -p "$logs"
rm -f "$logs"/*.log
table=()
failed=0

# command_of ROW: prints the command of a row. The last word of one of make is a target.
command_of()
{
	case $1 in
	lintian) echo "$make deb" ;;
	upgrade) echo "$make check-deb" ;;
	rpmlint) echo "$make rpm" ;;
	arch) echo "$make arch" ;;
	reproducible) echo "$make reproducible" ;;
	cross-*) echo "$make ARCH=${1#cross-} cross" ;;
	recipe) echo "$make PYTEST_ARGS=-kbalance check-integration" ;;
	firewalls) echo "$make PYTEST_ARGS=-kfirewall check-integration" ;;
	apparmor) echo "$make PYTEST_ARGS=-kapparmor check-integration" ;;
	portable) echo "$make SYSTEMD=trixie SYSTEM_JOBS=0 PYTEST_ARGS=-kportable check-system" ;;
	reuse) echo "env -C ${srcdir:?} bash packaging/licenses.sh" ;;
	sbom) echo "$make TESTS=tests/blackbox/run.py PYTEST_ARGS=-ksbom check sbom" ;;
	versions) echo "$make versions" ;;
	*) return 1 ;;
	esac
}

# test_summary LOG: the numbers of passed and failed tests, why tests were skipped, and what they
# measured.
test_summary()
{
	sed -nE 's/^# PASS: +([1-9].*)/\1 passed/p; s/^# (FAIL|ERROR): +([1-9].*)/\2 failed/p' "$1"
	sed -nE 's/^([0-9]+ (passed|failed|skipped)[^=]*) in [0-9.]+s.*/\1/p' "$1" |
		sed -E 's/, [0-9]+ deselected//'
	sed -nE 's/^SKIPPED \[[0-9]+\] [^ ]+: //p' "$1" | sort -u
	sed -nE 's/^((haproxy|nftables|portable)[^:]*: .*)/\1/p' "$1"
}

# run ROW
run()
{
	local row=$1 log=$logs/$1.log begin=$SECONDS status=0 result=ok figure command missing

	command=$(command_of "$row") || {
		echo "make release-check: there is no row '$row'" >&2
		exit 2
	}
	if [[ $command == "$make "* ]] && ! grep -q "^${command##* }:" Makefile; then
		echo "SKIP: the Makefile has no target '${command##* }'" >"$log"
		status=77
	else
		echo "=== $row: $command"
		# shellcheck disable=SC2086 # the words of a command
		$command </dev/null >"$log" 2>&1 || status=$?
	fi
	figure=$(sed -n 's/^figure: //p' "$log" | tail -n 1)
	[ -n "$figure" ] || figure=$(test_summary "$log" | paste -sd ';' | sed 's/;/; /g')
	missing=$(grep -aEim1 '^make [a-z]+: .* is not installed' "$log") || true
	if [ $status -eq 77 ]; then
		result=skipped figure=$(sed -n 's/^SKIP: //p' "$log" | tail -n 1)
	elif [ -n "$missing" ]; then
		result=skipped figure=${missing#make *: }
	elif [ $status -ne 0 ]; then
		result=FAILED failed=1
		tail -n 20 "$log"
	elif [[ $figure == [0-9]*' skipped;'* && $figure != *' passed'* ]]; then
		result=skipped
	fi
	table+=("$(printf '%-14s %-8s %5d s  %s' "$row" "$result" $((SECONDS - begin)) "$figure")")
}

rows=("$@")
if [ ${#rows[@]} -eq 0 ]; then
	rows=(lintian upgrade rpmlint arch reproducible)
	for arch in ${CROSS_ARCHS-}; do
		rows+=("cross-$arch")
	done
	rows+=(recipe firewalls apparmor portable reuse sbom versions)
fi
for row in "${rows[@]}"; do
	run "$row"
done
echo
printf '%s\n' "${table[@]}"
exit $failed
