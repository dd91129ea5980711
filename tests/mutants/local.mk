# SPDX-License-Identifier: MIT

# Mutants ######################################################################
# Small changes of the sources that the unit tests must notice. Some of them, spread evenly:
# make mutants MUTANTS=100. Those of a file, or of a function: make mutants MUTANTS=common/utf8.c

EXTRA_DIST += tests/mutants/mutants.py tests/mutants/mutate.py tests/mutants/survivors

MUTANTS =
.PHONY: mutants
mutants: config.h
	@srcdir='$(srcdir)' MUTANTS_LIBS='$(SYSTEMD_LIBS) $(CHECK_LIBS)' \
		python3 -B $(srcdir)/tests/mutants/mutants.py $(MUTANTS) -- $(CC) $(DEFS) -I. \
		$(AM_CPPFLAGS) $(SYSTEMD_CFLAGS) $(CHECK_CFLAGS)
