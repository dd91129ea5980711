#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# examples/frame-vectors is what the JDK says. "make vectors" writes it anew.
set -eu -o pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in javac java; do
	command -v "$tool" >/dev/null || { echo "SKIP: $tool is not installed" && exit 77; }
done
javac -J-XX:TieredStopAtLevel=1 -encoding UTF-8 -d "$work" \
	"${srcdir:-.}/tests/interop/VectorWriter.java"
java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$work" VectorWriter >"$work/vectors"
if [ "${1-}" = --write ]; then
	cp "$work/vectors" "${srcdir:-.}/examples/frame-vectors"
fi
diff -u "${srcdir:-.}/examples/frame-vectors" "$work/vectors"
