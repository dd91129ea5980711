# SPDX-License-Identifier: MIT
# RPM packages: make rpm. Without the tests: make rpm RPM_FLAGS=--nocheck

EXTRA_DIST += packaging/rpm/build.sh packaging/rpm/hellod.spec \
	packaging/rpm/hellod.spec.in packaging/rpm/macros packaging/rpm/rpmlint.toml

packaging/rpm/hellod.spec: packaging/rpm/hellod.spec.in $(top_srcdir)/configure.ac
	$(AM_V_GEN)$(MKDIR_P) $(@D) && date=$$($(release_date) '+%a %b %d %Y') && \
		$(edit) -e "s|@DATE[@]|$$date|" $< >$@.tmp && mv $@.tmp $@
MAINTAINERCLEANFILES += packaging/rpm/hellod.spec

RPM_FLAGS =
.PHONY: rpm
rpm: dist
	SOURCE_DATE_EPOCH=$(source_date_epoch) bash $(srcdir)/packaging/rpm/build.sh $(distdir).tar.xz \
		packaging/rpm/build $(RPM_FLAGS)

# Tests of the packages, as root, in a container: installed, upgraded and removed.
EXTRA_DIST += tests/rpm/conftest.py tests/rpm/test_install.py
.PHONY: check-rpm
check-rpm: need-pytest rpm
	SOURCE_DATE_EPOCH=$(source_date_epoch) bash $(srcdir)/packaging/rpm/build.sh $(distdir).tar.xz \
		packaging/rpm/next --nocheck --define 'dist .next'
	@$(AM_TESTS_ENVIRONMENT) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTEST) -q -rs -p no:cacheprovider $(PYTEST_ARGS) $(srcdir)/tests/rpm

clean-local: clean-rpm
.PHONY: clean-rpm
clean-rpm:
	-rm -rf packaging/rpm/build packaging/rpm/next
