# SPDX-License-Identifier: MIT

# Failing system calls #########################################################
# Each system call that the programs make fails, with each errno that it may have, in each scenario.
# Takes minutes; in half a minute, some of them: make fault FAULT=quick. Some scenarios, and one
# fault: make fault FAULT='client_udp listening sendto:ENOBUFS:1+'

EXTRA_DIST += tests/fault/clients.py tests/fault/errnos tests/fault/fault.py tests/fault/judge.py \
	tests/fault/namespace.py tests/fault/races.py tests/fault/scenarios.py \
	tests/fault/soak.py tests/fault/stop.c tests/fault/tracing.py
CLEANFILES += tests/fault/stop.so

tests/fault/stop.so: tests/fault/stop.c
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CC) -shared -fPIC -o $@ $(srcdir)/tests/fault/stop.c

FAULT = all
.PHONY: fault
fault: all tests/fault/stop.so
	@case '$(FAULT)' in all) set -- ;; quick) set -- --every 41 ;; *) set -- $(FAULT) ;; esac; \
		$(AM_TESTS_ENVIRONMENT) python3 -B $(srcdir)/tests/fault/fault.py "$$@"

# Races and time ##############################################################
# Threads under helgrind and the thread sanitizer; fast, stepped and old clocks; suspends. One of
# them: make races RACES=suspends

tsan_programs = tests/fault/hello-client.tsan tests/fault/check_hello.tsan
CLEANFILES += $(tsan_programs)
tsan = $(CC) -g -O1 -fsanitize=thread $(DEFS) -I. $(AM_CPPFLAGS) $(JSON_C_CFLAGS) -o $@

# Without a thread sanitizer there is no program, and the check is skipped.
tests/fault/hello-client.tsan: config.h $(hello_client_SOURCES) $(libclient_a_SOURCES) \
		$(libprobe_a_SOURCES) $(libcommon_a_SOURCES)
	-$(AM_V_CC)$(MKDIR_P) $(@D) && $(tsan) `echo $^ | tr " " "\n" | grep "[.]c$$"` $(JSON_C_LIBS) -lm
tests/fault/check_hello.tsan: config.h $(check_hello_SOURCES) $(libcheckhello_a_SOURCES) \
		$(libprobe_a_SOURCES) $(libcommon_a_SOURCES)
	-$(AM_V_CC)$(MKDIR_P) $(@D) && $(tsan) `echo $^ | tr " " "\n" | grep "[.]c$$"`

RACES =
.PHONY: races
races: all $(tsan_programs)
	@$(AM_TESTS_ENVIRONMENT) python3 -B $(srcdir)/tests/fault/races.py $(RACES)

# Memory and descriptors after many clients. A day of ten a second is make soak SOAK=864000
SOAK = 200000
.PHONY: soak
soak: all tests/bench/load
	@$(AM_TESTS_ENVIRONMENT) python3 -B $(srcdir)/tests/fault/soak.py $(SOAK)
