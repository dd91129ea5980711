# SPDX-License-Identifier: MIT
# The build and its tests on another architecture, as root: make cross ARCH=s390x (or arm64, armhf,
# i386). SUITE= selects a Debian suite, and PYTEST_ARGS= tests.

EXTRA_DIST += packaging/cross.sh

ARCH = s390x
SUITE = bookworm
.PHONY: cross
cross: dist
	SUITE='$(SUITE)' PYTEST_ARGS='$(PYTEST_ARGS)' \
		bash $(srcdir)/packaging/cross.sh '$(ARCH)' $(distdir).tar.xz
