#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every input of the fuzzer's corpus, with whatever compiler this was built.
exec ./tests/fuzz/replay "${srcdir:-.}/tests/fuzz/corpus"
