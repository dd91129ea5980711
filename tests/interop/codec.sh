#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The encoder and the decoder agree with the JDK's. SEED=N takes other random samples.
set -eu -o pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in javac java; do
	command -v "$tool" >/dev/null || { echo "SKIP: $tool is not installed" && exit 77; }
done
javac -J-XX:TieredStopAtLevel=1 -encoding UTF-8 -d "$work" \
	"${srcdir:-.}/tests/interop/CodecOracle.java"
# Without stack traces, the millions of exceptions for malformed inputs are quick.
java -XX:-StackTraceInThrowable -XX:+UseSerialGC -Xmx64m -cp "$work" CodecOracle ${SEED:+"$SEED"} |
	./tests/interop/codec
