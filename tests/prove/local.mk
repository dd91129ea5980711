# SPDX-License-Identifier: MIT
# Proofs and analyzers ########################################################
# Exit status 77 of "make prove": cbmc is missing. One unit: make prove PROVE_FLAGS='--only utf8'.
# Compilers warn about a build; analyzers follow paths, and take longer.

EXTRA_DIST += tests/prove/run.py tests/prove/prove.h tests/prove/prove_client.c \
	tests/prove/prove_endpoint.c tests/prove/prove_frame.c tests/prove/prove_mutf8.c \
	tests/prove/prove_utf8.c tests/prove/analyze.sh .clang-tidy

PROVE_FLAGS =
.PHONY: prove
prove: config.h
	@python3 -B $(srcdir)/tests/prove/run.py $(PROVE_FLAGS)

.PHONY: analyze
analyze: config.h
	@srcdir='$(srcdir)' CPPFLAGS='$(SYSTEMD_CFLAGS) $(JSON_C_CFLAGS)' \
		bash $(srcdir)/tests/prove/analyze.sh
