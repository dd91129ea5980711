#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The manuals are well-formed, and every @directory@ is filled in.
set -eu

command -v mandoc >/dev/null || {
	echo 'SKIP: mandoc is not installed'
	exit 77
}
mandoc -Tlint -Wwarning man/*.[1-9]
! grep -n '@[a-zA-Z]*@' man/*.[1-9]
