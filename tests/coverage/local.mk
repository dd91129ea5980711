# SPDX-License-Identifier: MIT
# Coverage ####################################################################
# Lines and branches of src/ that the unit, black-box and fault tests reach, in a build of its own.
# Without the fault tests, and with lower limits: make coverage COVERAGE=quick
#
# The system tests are left out: they test the units, and a confined unit can write no counters.

EXTRA_DIST += tests/coverage/counters.c tests/coverage/exit.c tests/coverage/report.py \
	tests/coverage/unreached

# Percents of lines and of branches, in a case of the shell.
COVERAGE = all
coverage_limits = all) set -- 98 90 --list $(srcdir)/tests/coverage/unreached ;; \
	quick) set -- 97 88 ;;

# gcov must be that of the compiler.
COVERAGE_CC = gcc
COVERAGE_GCOV = gcov
# Scripts and Java add nothing, and valgrind sees other programs than these.
coverage_tests = $(unit_tests) $(fuzz_replays) tests/interop/vectors tests/blackbox/run.py
coverage_pytest = -k "not java and not install and not valgrind and not sbom"
coverage_tree = tests/coverage/tree
coverage_objects = $(abs_builddir)/tests/coverage/counters.o $(abs_builddir)/tests/coverage/exit.o
counters_log = $(abs_builddir)/tests/coverage/counters.log
coverage_make = $(MAKE) -C $(coverage_tree) --no-print-directory
coverage_program_flags = -Wl,--wrap=__gcov_exit $(abs_builddir)/tests/coverage/counters.o
coverage_test_flags = -Wl,--wrap=_exit $(abs_builddir)/tests/coverage/exit.o

tests/coverage/counters.o: tests/coverage/counters.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(COVERAGE_CC) -O2 -Wall -fPIE -D_GNU_SOURCE \
		-DCOUNTERS_LOG='"$(counters_log)"' -c -o $@ $(srcdir)/tests/coverage/counters.c
tests/coverage/exit.o: tests/coverage/exit.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(COVERAGE_CC) -O2 -Wall -fPIE -c -o $@ \
		$(srcdir)/tests/coverage/exit.c

.PHONY: coverage clean-coverage
coverage:
	@case '$(COVERAGE)' in $(coverage_limits) \
		*) echo "make coverage: COVERAGE is '$(COVERAGE)': give all or quick" >&2; exit 1 ;; \
	esac
	@command -v gcovr >/dev/null || { \
		echo 'make coverage: gcovr is missing: ./bootstrap --all installs it' >&2; exit 1; }
	@$(MAKE) -s clean-coverage
	@$(MAKE) tests/coverage/counters.o tests/coverage/exit.o
	@$(MAKE) -s distdir distdir=$(coverage_tree)
	@: >$(counters_log)
	@cd $(coverage_tree) && ./configure -q CC='$(COVERAGE_CC)' \
		CFLAGS='-g -O0 --coverage -fprofile-update=atomic' >/dev/null
	+@$(coverage_make) -s LDFLAGS='$(coverage_program_flags)' hellod hello-client check_hello
	+@$(coverage_make) -s LDFLAGS='$(coverage_test_flags)' all
	+@status=0; \
	$(coverage_make) LDFLAGS='$(coverage_test_flags)' check TESTS='$(coverage_tests)' \
		PYTEST_ARGS='$(coverage_pytest)' || status=1; \
	case '$(COVERAGE)' in all) $(coverage_make) fault FAULT='--every 13' || status=1 ;; esac; \
	flock '$(counters_log)' gcovr --gcov-executable '$(COVERAGE_GCOV)' --root $(coverage_tree) \
		--filter '$(coverage_tree)/src/' --exclude-throw-branches \
		--exclude-unreachable-branches --json tests/coverage/coverage.json \
		$(coverage_tree)/src || status=1; \
	if test -s '$(counters_log)'; then cat '$(counters_log)'; status=1; fi; \
	case '$(COVERAGE)' in $(coverage_limits) esac; \
	python3 -B $(srcdir)/tests/coverage/report.py $(coverage_tree) \
		tests/coverage/coverage.json "$$@" || status=1; \
	exit $$status

clean-local: clean-coverage
clean-coverage:
	-@rm -rf $(coverage_tree) $(coverage_objects) $(counters_log) \
		tests/coverage/coverage.json
