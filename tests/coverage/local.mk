# SPDX-License-Identifier: MIT
# Coverage ####################################################################
# Lines and branches of src/ that the unit, black-box and fault tests reach, in a build of their own.
# Without the fault tests, and with lower limits: make coverage COVERAGE=quick

EXTRA_DIST += tests/coverage/counters.c tests/coverage/report.py tests/coverage/unreached

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
coverage_make = $(MAKE) -C $(coverage_tree) --no-print-directory
counters = $(abs_builddir)/tests/coverage/counters

.PHONY: coverage clean-coverage
coverage: clean-coverage
	$(MKDIR_P) tests/coverage
	$(MAKE) -s distdir distdir=$(coverage_tree)
	cd $(coverage_tree) && ./configure -q CC='$(COVERAGE_CC)' \
		CFLAGS='-g -O0 --coverage -fprofile-update=atomic' >/dev/null
	: >$(counters).lock
	$(COVERAGE_CC) -O2 -fPIE -D_GNU_SOURCE -DCOUNTERS_LOCK='"$(counters).lock"' \
		-c -o $(counters).o $(srcdir)/tests/coverage/counters.c
	$(coverage_make) -s LDFLAGS='-Wl,--wrap=__gcov_exit $(counters).o' \
		hellod hello-client check_hello
	$(coverage_make) -s all
	status=0; \
	export GCOV_ERROR_FILE='$(counters).log'; \
	$(coverage_make) check TESTS='$(coverage_tests)' \
		PYTEST_ARGS='$(coverage_pytest) $(PYTEST_ARGS)' || status=1; \
	case '$(COVERAGE)' in all) $(coverage_make) fault FAULT=quick || status=1 ;; esac; \
	flock '$(counters).lock' gcovr --gcov-executable gcov --root $(coverage_tree) \
		--filter '$(coverage_tree)/src/' --exclude-throw-branches --exclude-unreachable-branches \
		--json tests/coverage/coverage.json $(coverage_tree)/src || status=1; \
	python3 -B $(srcdir)/tests/coverage/report.py $(coverage_list_$(COVERAGE)) $(coverage_tree) \
		tests/coverage/coverage.json $(COVERAGE_LIMITS_$(COVERAGE)) || status=1; \
	exit $$status

clean-local: clean-coverage
clean-coverage:
	-rm -rf $(coverage_tree) $(counters).[lo]* tests/coverage/coverage.json
