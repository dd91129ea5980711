# SPDX-License-Identifier: MIT
# make deb: Debian's packages, from the release's tarball, in packaging/out.

debian = packaging/debian
EXTRA_DIST += packaging/build-deb.sh \
	$(debian)/changelog $(debian)/changelog.in $(debian)/control $(debian)/copyright \
	$(debian)/hello-client.install $(debian)/hello-client.lintian-overrides \
	$(debian)/hellod.README.Debian $(debian)/hellod.docs $(debian)/hellod.install \
	$(debian)/hellod.lintian-overrides $(debian)/hellod.postrm $(debian)/hellod.prerm \
	$(debian)/monitoring-plugins-hello.install \
	$(debian)/monitoring-plugins-hello.lintian-overrides $(debian)/rules \
	$(debian)/source/format $(debian)/source/lintian-overrides $(debian)/tests/control \
	$(debian)/tests/greeting $(debian)/tests/plugin $(debian)/tests/probe \
	$(debian)/upstream/metadata $(debian)/watch
# The tarball has it, for those who copy packaging/debian to debian.
$(debian)/changelog: $(debian)/changelog.in $(top_srcdir)/configure.ac
	$(AM_V_GEN)$(MKDIR_P) $(@D) && date=$$($(release_date) '+%a, %d %b %Y') && \
		$(edit) -e "s|@DATE[@]|$$date|" $< >$@.tmp && mv $@.tmp $@
MAINTAINERCLEANFILES += $(debian)/changelog

DEB_OUT = packaging/out
.PHONY: deb
deb:
	@$(MAKE) dist
	@bash $(srcdir)/packaging/build-deb.sh $(distdir).tar.xz $(DEB_OUT)

# Tests of the packages, as root: built in clean roots of these suites, and installed on booted ones.
# With QUICK=1 they are built here, and installed on the first suite only.
DEB_SUITES = bookworm trixie
EXTRA_DIST += tests/packaging/conftest.py tests/packaging/debian.py tests/packaging/test_build.py \
	tests/packaging/test_install.py tests/packaging/test_make.py
.PHONY: check-deb
check-deb: need-pytest all
	@if test -n '$(QUICK)'; then \
		DEB_BUILD_OPTIONS=nocheck DEB_BUILD_PROFILES=nocheck $(MAKE) deb; \
	else $(MAKE) dist; fi
	@$(AM_TESTS_ENVIRONMENT) set -- $(DEB_SUITES); test -z '$(QUICK)' || set -- $$1; \
	for suite; do \
		SYSTEMD=$$suite QUICK='$(QUICK)' tarball='$(abs_builddir)/$(distdir).tar.xz' \
			PYTHONDONTWRITEBYTECODE=1 $(PYTEST) -q -rs -p no:cacheprovider $(PYTEST_ARGS) \
			$(srcdir)/tests/packaging || exit; \
	done
