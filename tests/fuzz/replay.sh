#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tries the fuzzer's corpus with the compiler of this build.
exec ./tests/fuzz/replay "${srcdir:-.}"/tests/fuzz/corpus/*
