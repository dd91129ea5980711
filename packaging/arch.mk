# SPDX-License-Identifier: MIT
# Packages of Arch Linux: make arch. Without the tests: make arch ARCH_FLAGS=--nocheck

EXTRA_DIST += packaging/arch/PKGBUILD.in packaging/arch/build.sh

ARCH_FLAGS =
.PHONY: arch
arch: dist
	SOURCE_DATE_EPOCH=$(source_date_epoch) PACKAGE_URL='$(PACKAGE_URL)' \
		PACKAGE_BUGREPORT='$(PACKAGE_BUGREPORT)' \
		bash $(srcdir)/packaging/arch/build.sh $(distdir).tar.xz \
		$(srcdir)/packaging/arch/PKGBUILD.in packaging/arch/build $(ARCH_FLAGS)

clean-local: clean-arch
.PHONY: clean-arch
clean-arch:
	-rm -rf packaging/arch/build
