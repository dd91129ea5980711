# SPDX-License-Identifier: MIT
# make deb: Debian's packages, from the release's tarball, in packaging/out.

debian = packaging/debian
EXTRA_DIST += packaging/build-deb.sh \
	$(debian)/changelog $(debian)/changelog.in $(debian)/control $(debian)/copyright \
	$(debian)/hello-client.install $(debian)/hello-client.lintian-overrides \
	$(debian)/hellod.README.Debian $(debian)/hellod.docs $(debian)/hellod.install \
	$(debian)/hellod.lintian-overrides $(debian)/hellod.prerm \
	$(debian)/monitoring-plugins-hello.install \
	$(debian)/monitoring-plugins-hello.lintian-overrides $(debian)/rules \
	$(debian)/source/format $(debian)/source/lintian-overrides $(debian)/tests/control \
	$(debian)/tests/greeting $(debian)/tests/plugin $(debian)/tests/probe \
	$(debian)/upstream/metadata $(debian)/watch
# The tarball has it, for those who copy packaging/debian to debian.
$(debian)/changelog: $(top_srcdir)/configure.ac
MAINTAINERCLEANFILES = $(debian)/changelog

DEB_OUT = packaging/out
.PHONY: deb
deb:
	@$(MAKE) dist
	@bash $(srcdir)/packaging/build-deb.sh $(distdir).tar.xz $(DEB_OUT)
