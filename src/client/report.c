/* SPDX-License-Identifier: MIT */
/* report - client side: tells what came of the probes, as text, JSON or for Nagios */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "client/charset.h"
#include "client/escape.h"
#include "client/report_formats.h"

int report_probe(struct report *report, uint64_t sequence, enum verdict verdict,
		 const struct probe_result *result)
{
	switch (report->format) {
	case REPORT_JSON:
		return report_json_probe(report, sequence, verdict, result);
	case REPORT_NAGIOS:
		return report_nagios_probe(report, sequence, verdict, result);
	case REPORT_TEXT:
		break;
	}
	return report_text_probe(report, sequence, verdict, result);
}

int report_summary(struct report *report, enum verdict_exit worst, struct stats *stats)
{
	int r;

	switch (report->format) {
	case REPORT_JSON:
		r = report_json_summary(report, worst, stats);
		break;
	case REPORT_NAGIOS:
		r = report_nagios_summary(report, worst, stats);
		break;
	default:
		r = report_text_summary(report, worst, stats);
	}
	free(report->last_failure);
	report->last_failure = NULL;
	report->worst = VERDICT_EXIT_GREETED;
	return r;
}

bool report_peer(const struct probe_result *result, struct address_text *peer)
{
	const struct resolve_address *address;

	if (result->connected_usec == 0)
		return false;
	address = &result->addresses.addresses[result->winner];
	address_format((const struct sockaddr *)&address->address, address->length, peer);
	return true;
}

char *report_explanation(const struct report *report, enum verdict verdict,
			 const struct probe_result *result)
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	if (stream == NULL)
		return NULL;
	verdict_explain(verdict, report->target, report->expectation, result, stream);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int report_write(const char *text, size_t length, FILE *stream)
{
	char *converted;
	size_t converted_length;
	int r = charset_to_locale(text, length, &converted, &converted_length);

	if (r < 0)
		return r;
	fwrite(converted, 1, converted_length, stream);
	free(converted);
	return 0;
}

void report_target(const struct report *report, FILE *stream)
{
	char *text = NULL;
	size_t length;
	FILE *memory = open_memstream(&text, &length);

	if (memory == NULL)
		return;
	printable_write(report->target->host, strlen(report->target->host), memory);
	if (fclose(memory) == 0)
		(void)report_write(text, length, stream);
	free(text);
	if (report->target->host[0] != '/')
		fprintf(stream, " port %s", report->target->port);
}
