# SPDX-License-Identifier: MIT
# Coverage ####################################################################
# Lines and branches of src/ that the unit, black-box and fault tests reach, in a build of its own.
# Without the fault tests, and with lower limits: make coverage COVERAGE=quick
#
# The system tests are left out: they test the units, and a confined unit can write no counters.

EXTRA_DIST += tests/coverage/counters.c tests/coverage/exit.c tests/coverage/report.py \
	tests/coverage/unreached

# Percents of lines and of branches.
COVERAGE = all
COVERAGE_LIMITS_all = 98 90
COVERAGE_LIMITS_quick = 95 85

coverage_list_all = --list $(srcdir)/tests/coverage/unreached

COVERAGE_CC = gcc
# Scripts and Java add nothing, and valgrind sees other programs than these.
coverage_tests = $(unit_tests) $(fuzz_replays) tests/interop/vectors tests/blackbox/run.py
coverage_pytest = -k "not java and not install and not valgrind and not sbom"
coverage_tree = tests/coverage/tree
coverage_objects = $(abs_builddir)/tests/coverage/counters.o $(abs_builddir)/tests/coverage/exit.o
counters_lock = $(abs_builddir)/tests/coverage/counters.lock
counters_log = $(abs_builddir)/tests/coverage/counters.log
coverage_make = $(MAKE) -C $(coverage_tree) --no-print-directory
coverage_program_flags = -Wl,--wrap=__gcov_exit $(abs_builddir)/tests/coverage/counters.o
coverage_test_flags = -Wl,--wrap=_exit $(abs_builddir)/tests/coverage/exit.o

tests/coverage/counters.o: tests/coverage/counters.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(COVERAGE_CC) -O2 -Wall -fPIE -D_GNU_SOURCE \
		-DCOUNTERS_LOCK='"$(counters_lock)"' -c -o $@ $(srcdir)/tests/coverage/counters.c
tests/coverage/exit.o: tests/coverage/exit.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(COVERAGE_CC) -O2 -Wall -fPIE -c -o $@ \
		$(srcdir)/tests/coverage/exit.c

.PHONY: coverage clean-coverage
coverage: clean-coverage
	@$(MAKE) tests/coverage/counters.o tests/coverage/exit.o
	@$(MAKE) -s distdir distdir=$(coverage_tree)
	@: >$(counters_lock)
	@cd $(coverage_tree) && ./configure -q CC='$(COVERAGE_CC)' \
		CFLAGS='-g -O0 --coverage -fprofile-update=atomic' >/dev/null
	@$(coverage_make) -s LDFLAGS='$(coverage_program_flags)' hellod hello-client check_hello
	@$(coverage_make) -s LDFLAGS='$(coverage_test_flags)' all
	@status=0; export GCOV_ERROR_FILE='$(counters_log)'; \
	$(coverage_make) LDFLAGS='$(coverage_test_flags)' check TESTS='$(coverage_tests)' \
		PYTEST_ARGS='$(coverage_pytest)' || status=1; \
	case '$(COVERAGE)' in all) $(coverage_make) fault FAULT=quick || status=1 ;; esac; \
	flock '$(counters_lock)' gcovr --gcov-executable gcov --root $(coverage_tree) \
		--filter '$(coverage_tree)/src/' --exclude-throw-branches \
		--exclude-unreachable-branches --json tests/coverage/coverage.json \
		$(coverage_tree)/src || status=1; \
	if test -s '$(counters_log)'; then cat '$(counters_log)'; status=1; fi; \
	python3 -B $(srcdir)/tests/coverage/report.py $(coverage_list_$(COVERAGE)) \
		$(coverage_tree) tests/coverage/coverage.json $(COVERAGE_LIMITS_$(COVERAGE)) || \
		status=1; \
	exit $$status

clean-local: clean-coverage
clean-coverage:
	-rm -rf $(coverage_tree) $(coverage_objects) $(counters_lock) $(counters_log) \
		tests/coverage/coverage.json
