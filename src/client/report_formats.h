/* SPDX-License-Identifier: MIT */
/* report_formats - what the formats of report.h consist of; not for anyone else */
#ifndef HELLOD_REPORT_FORMATS_H
#define HELLOD_REPORT_FORMATS_H

#include "client/report.h"
#include "common/address.h"

/* As report_probe() and report_summary(), one pair for each format. */
int report_text_probe(struct report *report, uint64_t sequence, enum verdict verdict,
		      const struct probe_result *result);
int report_text_summary(struct report *report, enum verdict_exit worst, struct stats *stats);
int report_json_probe(struct report *report, uint64_t sequence, enum verdict verdict,
		      const struct probe_result *result);
int report_json_summary(struct report *report, enum verdict_exit worst, struct stats *stats);
int report_nagios_probe(struct report *report, uint64_t sequence, enum verdict verdict,
			const struct probe_result *result);
int report_nagios_summary(struct report *report, enum verdict_exit worst, struct stats *stats);

/* The address that the probe was connected to. Returns false if there is none. */
bool report_peer(const struct probe_result *result, struct address_text *peer);

/*
 * What verdict_explain() writes, as a string.
 *
 * Returns it for the caller to free, or NULL without memory.
 */
char *report_explanation(const struct report *report, enum verdict verdict,
			 const struct probe_result *result);

/*
 * Writes UTF-8 in the character set of the locale.
 *
 * Returns 0, or -errno as charset_to_locale().
 */
int report_write(const char *text, size_t length, FILE *stream);

/* What is probed, for people: "localhost port 6666", or a path. */
void report_target(const struct report *report, FILE *stream);

#endif
