# SPDX-License-Identifier: MIT
# What a release has beside its programs, and the checks before it.

EXTRA_DIST += .reuse/dep5 LICENSES/MIT.txt packaging/licenses.sh packaging/portable.sh \
	packaging/release-check.sh packaging/sbom.py packaging/versions.sh

# Prints the date of the release in a format, for the changelogs of packages.
release_date = LC_ALL=C date -u -d '$(RELEASE_DATE)'

# A list of the programs and of the libraries that they link, in the form of SPDX.
sbom = hellod-$(VERSION).spdx.json
sbom_programs = hellod$(EXEEXT) hello-client$(EXEEXT) check_hello$(EXEEXT)
CLEANFILES += $(sbom)
.PHONY: sbom
sbom: $(sbom)
$(sbom): $(sbom_programs) packaging/sbom.py
	$(AM_V_GEN)CC='$(CC)' PKG_CONFIG='$(PKG_CONFIG)' python3 -B $(srcdir)/packaging/sbom.py \
		'$(VERSION)' '$(RELEASE_DATE)' $(sbom_programs) >$@.tmp && mv $@.tmp $@

# The image of a portable service. Its name must begin as those of the units do.
PORTABLE_IMAGE = packaging/hello_$(VERSION)
.PHONY: portable clean-portable
portable: all
	@sbindir='$(sbindir)' sysconfdir='$(sysconfdir)' VERSION='$(VERSION)' \
		systemdsystemunitdir='$(systemdsystemunitdir)' \
		bash $(srcdir)/packaging/portable.sh '$(PORTABLE_IMAGE)'
clean-local: clean-portable
clean-portable:
	-rm -rf packaging/hello_* release-check

# Whether all files have a license.
.PHONY: licenses
licenses:
	@cd $(srcdir) && bash packaging/licenses.sh

# Whether everything that was built has the version and the date of configure.ac, and the packages
# its addresses.
.PHONY: versions
versions: all packaging/debian/changelog packaging/rpm/hellod.spec
	@srcdir='$(srcdir)' VERSION='$(VERSION)' RELEASE_DATE='$(RELEASE_DATE)' \
		PACKAGE_URL='$(PACKAGE_URL)' PACKAGE_BUGREPORT='$(PACKAGE_BUGREPORT)' \
		bash $(srcdir)/packaging/versions.sh

# All checks of a release, or some of them: make release-check ROWS='recipe reuse'
ROWS =
CROSS_ARCHS = s390x arm64 armhf i386
.PHONY: release-check
release-check: all
	@MAKE='$(MAKE)' CROSS_ARCHS='$(CROSS_ARCHS)' bash $(srcdir)/packaging/release-check.sh $(ROWS)
