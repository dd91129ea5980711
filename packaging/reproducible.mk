# SPDX-License-Identifier: MIT
# Whether builds of the release and of its packages are the same bit for bit: make reproducible

EXTRA_DIST += packaging/reproducible.sh

.PHONY: reproducible
reproducible: distdir
	epoch=$(source_date_epoch) && SOURCE_DATE_EPOCH=$$epoch \
		bash $(srcdir)/packaging/reproducible.sh $(distdir)
	rm -rf $(distdir)
CLEANFILES += packaging/reproducible.log
