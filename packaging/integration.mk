# SPDX-License-Identifier: MIT
# Files for other programs of a host: firewalls, AppArmor, logcheck and HAProxy. They are installed
# as examples; hello.socket(8) says where they go.

firewalldexampledir = $(exampledir)/firewalld
dist_firewalldexample_DATA = packaging/firewalld/hello.xml
ufwexampledir = $(exampledir)/ufw
dist_ufwexample_DATA = packaging/ufw/hellod
logcheckexampledir = $(exampledir)/logcheck
dist_logcheckexample_DATA = packaging/logcheck/hellod
haproxyexampledir = $(exampledir)/haproxy
dist_haproxyexample_DATA = packaging/haproxy/haproxy.cfg
nftablesexampledir = $(exampledir)/nftables
dist_nftablesexample_DATA = packaging/nftables/hello-balance.nft

apparmor_profile = packaging/apparmor/usr.sbin.hellod
apparmorexampledir = $(exampledir)/apparmor
nodist_apparmorexample_DATA = $(apparmor_profile)
EXTRA_DIST += $(apparmor_profile).in
CLEANFILES += $(apparmor_profile)
$(apparmor_profile): Makefile

# Tests of these files with the programs that read them. Tests whose program is missing are skipped,
# with a reason. Some need root.
EXTRA_DIST += tests/integration/conftest.py tests/integration/test_apparmor.py \
	tests/integration/test_balance.py tests/integration/test_firewall.py
.PHONY: check-integration
check-integration: need-pytest all
	@$(AM_TESTS_ENVIRONMENT) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTEST) -q -rs -p no:cacheprovider $(PYTEST_ARGS) $(srcdir)/tests/integration
