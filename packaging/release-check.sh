#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# release-check.sh [ROW]... - make release-check, in the build directory: runs all checks of a
# release, or those rows, and prints a table. The output of each is in release-check/ROW.log.
#
# A check prints "figure: ..." for the table, or runs tests, and "SKIP: reason" for a part that
# cannot run here: then the row is "partly" done. It ends with status 77 if nothing of it can run.
# Ends with status 1 if a check failed.
set -u -o pipefail

logs=release-check
make=${MAKE:-make}
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir -p "$logs"
table=()
declare -A results=([ok]=0 [partly]=0 [skipped]=0 [FAILED]=0)

# arguments_of ROW: prints the arguments of make.
arguments_of()
{
	case $1 in
	reuse) echo licenses ;;
	sbom) echo TESTS=tests/blackbox/run.py PYTEST_ARGS=-ksbom check sbom ;;
	lintian) echo deb ;;
	upgrade) echo check-deb ;;
	rpmlint) echo check-rpm ;;
	arch | reproducible | versions) echo "$1" ;;
	recipe) echo PYTEST_ARGS=-kbalance check-integration ;;
	firewalls) echo PYTEST_ARGS=-kfirewall check-integration ;;
	apparmor) echo PYTEST_ARGS=-kapparmor check-integration ;;
	portable) echo SYSTEMD=trixie SYSTEM_JOBS=0 PYTEST_ARGS=-kportable check-system ;;
	cross-*) echo "ARCH=${1#cross-} cross" ;;
	*) return 1 ;;
	esac
}

# figures LOG: what checks measured, and how many tests passed and failed.
figures()
{
	sed -nE 's/^figure: //p
		s/^# PASS: +([1-9].*)/\1 passed/p; s/^# (FAIL|ERROR): +([1-9].*)/\2 failed/p
		/^[0-9]+ (passed|failed)/ { s/, [0-9]+ (deselected|skipped|warnings?)//g; s/ in [0-9.]+s.*//p }' \
		"$1" | awk '!seen[$0]++'
}

# reasons LOG: why checks and tests were skipped, and how many for each reason.
reasons()
{
	awk '
		sub(/^SKIP: (.* # SKIP )?/, "") { count[$0]++ }
		/^SKIPPED \[/ {
			n = substr($2, 2) + 0
			sub(/^SKIPPED [^ ]+ [^ ]+: /, "")
			count[$0] += n
		}
		END { for (reason in count) print count[reason] " skipped: " reason }
	' "$1" | sort
}

# run ROW
run()
{
	local row=$1 log=$logs/$1.log begin=$SECONDS result=ok arguments line lines reasons

	arguments=$(arguments_of "$row")
	echo "=== $row: $make $arguments"
	# shellcheck disable=SC2086 # words
	"$make" $arguments </dev/null >"$log" 2>&1 || result=FAILED
	mapfile -t lines < <(figures "$log")
	mapfile -t reasons < <(reasons "$log")
	if [ $result = FAILED ] && grep -q '^make.* Error 77$' "$log"; then
		result=skipped
	elif [ $result = FAILED ]; then
		tail -n 20 "$log"
	elif [ ${#reasons[@]} -gt 0 ]; then
		result=partly
		[ ${#lines[@]} -gt 0 ] || result=skipped
	fi
	results[$result]=$((results[$result] + 1))
	lines+=("${reasons[@]}")
	table+=("$(printf '%-14s %-8s %5d s  %s' "$row" "$result" $((SECONDS - begin)) "${lines[0]-}")")
	for line in "${lines[@]:1}"; do
		table+=("$(printf '%32s%s' '' "$line")")
	done
}

rows=("$@")
if [ ${#rows[@]} -eq 0 ]; then
	rows=(reuse sbom lintian upgrade rpmlint arch reproducible recipe firewalls apparmor portable)
	for arch in ${CROSS_ARCHS-}; do
		rows+=("cross-$arch")
	done
	# Last, because it compares what the others built.
	rows+=(versions)
fi
for row in "${rows[@]}"; do
	arguments_of "$row" >/dev/null || {
		echo "make release-check: there is no row '$row'" >&2
		exit 2
	}
done
for row in "${rows[@]}"; do
	run "$row"
done
echo
printf '%s\n' "${table[@]}"
echo
echo "${#rows[@]} rows: ${results[ok]} ok, ${results[partly]} partly," \
	"${results[skipped]} skipped, ${results[FAILED]} failed; $((SECONDS / 60)) min"
[ "${results[FAILED]}" -eq 0 ]
