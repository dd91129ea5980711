# SPDX-License-Identifier: MIT

# Fuzzing #####################################################################
# "make check" tries the corpora with the compiler of this build: a test for each target. One input
# that breaks a target: tests/fuzz/replay_TARGET FILE.

fuzz_replays = \
	tests/fuzz/replay_decode \
	tests/fuzz/replay_encode \
	tests/fuzz/replay_endpoint \
	tests/fuzz/replay_greeting \
	tests/fuzz/replay_option \
	tests/fuzz/replay_plugin \
	tests/fuzz/replay_probe \
	tests/fuzz/replay_range \
	tests/fuzz/replay_report \
	tests/fuzz/replay_request \
	tests/fuzz/replay_server
replay_sources = tests/fuzz/replay.c tests/fuzz/fuzz.h
reference_sources = tests/fuzz/reference.c tests/fuzz/reference.h
made_sources = tests/fuzz/made_result.c tests/fuzz/made_result.h
EXTRA_DIST += tests/fuzz/run.py tests/fuzz/corpus tests/fuzz/decode.dict tests/fuzz/endpoint.dict \
	tests/fuzz/option.dict tests/fuzz/range.dict

tests_fuzz_replay_decode_SOURCES = tests/fuzz/fuzz_decode.c $(reference_sources) $(replay_sources)
tests_fuzz_replay_encode_SOURCES = tests/fuzz/fuzz_encode.c $(reference_sources) $(replay_sources)
tests_fuzz_replay_endpoint_SOURCES = tests/fuzz/fuzz_endpoint.c $(replay_sources)
tests_fuzz_replay_endpoint_LDADD = $(probe_libs)
tests_fuzz_replay_greeting_SOURCES = tests/fuzz/fuzz_greeting.c $(reference_sources) \
	$(replay_sources)
tests_fuzz_replay_greeting_LDADD = $(hellod_libs)
tests_fuzz_replay_option_SOURCES = tests/fuzz/fuzz_option.c $(replay_sources)
tests_fuzz_replay_option_LDADD = $(check_hello_libs)
tests_fuzz_replay_plugin_SOURCES = tests/fuzz/fuzz_plugin.c $(made_sources) $(replay_sources)
tests_fuzz_replay_plugin_LDADD = $(check_hello_libs) -lm
tests_fuzz_replay_probe_SOURCES = tests/fuzz/fuzz_probe.c $(replay_sources)
tests_fuzz_replay_probe_LDADD = $(probe_libs)
tests_fuzz_replay_range_SOURCES = tests/fuzz/fuzz_range.c $(replay_sources)
tests_fuzz_replay_range_LDADD = $(check_hello_libs)
tests_fuzz_replay_report_SOURCES = tests/fuzz/fuzz_report.c tests/fuzz/metrics.c \
	tests/fuzz/metrics.h $(made_sources) $(replay_sources)
tests_fuzz_replay_report_LDADD = $(client_libs)
tests_fuzz_replay_request_SOURCES = tests/fuzz/fuzz_request.c $(replay_sources)
tests_fuzz_replay_request_LDADD = $(hellod_libs)
tests_fuzz_replay_server_SOURCES = tests/fuzz/fuzz_server.c tests/fuzz/kernel.c \
	tests/fuzz/kernel.h tests/fuzz/server_model.c tests/fuzz/server_model.h $(replay_sources)
tests_fuzz_replay_server_LDADD = $(hellod_libs)

check_PROGRAMS += $(fuzz_replays)
TESTS += $(fuzz_replays)

# libFuzzer needs clang, whatever compiler the programs were built with. All targets together take
# FUZZ_SECONDS; some of them: make fuzz FUZZ_FLAGS='decode encode'. New inputs are kept in
# tests/fuzz/found until make clean; FUZZ_FLAGS=--merge adds them to the corpora.
FUZZ_CC = clang
FUZZ_SECONDS = 600
FUZZ_FLAGS =
.PHONY: fuzz
fuzz: config.h
	@srcdir='$(srcdir)' python3 -B $(srcdir)/tests/fuzz/run.py --cc='$(FUZZ_CC)' \
		--seconds='$(FUZZ_SECONDS)' $(FUZZ_FLAGS)

clean-local: clean-fuzz
.PHONY: clean-fuzz
clean-fuzz:
	-rm -rf tests/fuzz/build tests/fuzz/found
