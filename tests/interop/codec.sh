#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The encoder and the decoder agree with the JDK's. SEED=N takes other random samples.
. "${srcdir:=.}/tests/scenario/lib.sh" || exit 1

need javac java

# Millions of inputs are malformed: an exception is quick to throw without its stack trace.
javac -encoding UTF-8 -d "$work" "$srcdir/tests/interop/CodecOracle.java"
java -XX:-StackTraceInThrowable -XX:+UseSerialGC -Xmx64m -cp "$work" CodecOracle ${SEED:+"$SEED"} |
	./tests/interop/codec
