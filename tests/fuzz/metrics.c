/* SPDX-License-Identifier: MIT */
/* metrics - a strict reader of the metrics that hello-client prints */
#include "config.h"

#include <math.h>

#include "common/utf8.h"
#include "metrics.h"

#define SAMPLES_MAX 64
#define NAME_BYTES 64

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz_"

/* The samples, as lines up to the value, and the value of the last label. */
static struct sample {
	const char *line;
	size_t name_length, key_length;
	char last_label[NAME_BYTES];
	double value;
} samples[SAMPLES_MAX];
static unsigned sample_count;

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Reads the value of a label after its '"', unescaped. Returns what follows the closing '"'. */
static const char *read_label(const char *text, char *ret_value, size_t size)
{
	size_t length = 0;

	for (; *text != '"'; text++) {
		char c = *text;

		REQUIRE(c != '\0' && c != '\n');
		if (c == '\\') {
			c = *++text;
			REQUIRE(c == '\\' || c == '"' || c == 'n');
			c = c == 'n' ? '\n' : c;
		}
		REQUIRE(length < size - 1);
		ret_value[length++] = c;
	}
	ret_value[length] = '\0';
	return text + 1;
}

/* Whether a label is the endpoint with U+FFFD for each byte that is not UTF-8. */
static bool is_endpoint(const char *value, const char *endpoint)
{
	size_t left = strlen(endpoint), n;

	for (; left > 0; endpoint += n > 0 ? n : 1, left -= n > 0 ? n : 1) {
		uint32_t ignored;
		size_t length;

		n = utf8_get(endpoint, left, &ignored);
		length = n > 0 ? n : 3;
		if (strncmp(value, n > 0 ? endpoint : "\xEF\xBF\xBD", length) != 0)
			return false;
		value += length;
	}
	return *value == '\0';
}

/* NAME{endpoint="...",KEY="..."} NUMBER, where the name is `metric` or one of its parts. */
static void read_sample(const char *line, const char *metric, bool histogram, const char *endpoint)
{
	static const char *const parts[] = {"_bucket", "_sum", "_count"};
	struct sample *sample = &samples[sample_count];
	static char value[8192];
	const char *next;
	bool known = false;
	char *end;

	REQUIRE(sample_count < SAMPLES_MAX);
	*sample = (struct sample){.line = line, .name_length = strspn(line, NAME_CHARACTERS)};
	for (size_t i = 0; histogram && i < 3; i++)
		known |= sample->name_length == strlen(metric) + strlen(parts[i]) &&
			 begins_with(line + strlen(metric), parts[i]);
	REQUIRE(begins_with(line, metric));
	REQUIRE(known || (!histogram && sample->name_length == strlen(metric)));
	next = line + sample->name_length;
	REQUIRE(begins_with(next, "{endpoint=\""));
	next = read_label(next + strlen("{endpoint=\""), value, sizeof(value));
	REQUIRE(is_endpoint(value, endpoint));
	while (*next == ',') {
		size_t length = strspn(++next, NAME_CHARACTERS);

		REQUIRE(length > 0 && begins_with(next + length, "=\""));
		next = read_label(next + length + 2, sample->last_label,
				  sizeof(sample->last_label));
	}
	REQUIRE(begins_with(next, "} "));
	sample->key_length = (size_t)(next - line);
	sample->value = strtod(next + 2, &end);
	REQUIRE(end > next + 2 && *end == '\n' && isfinite(sample->value));
	for (unsigned i = 0; i < sample_count; i++)
		REQUIRE(samples[i].key_length != sample->key_length ||
			memcmp(samples[i].line, line, sample->key_length) != 0);
	/* The buckets are in order, and each counts those before it. */
	if (histogram && sample_count > 0 && strstr(line, "_bucket{") == line + strlen(metric) &&
	    samples[sample_count - 1].name_length == sample->name_length)
		REQUIRE(sample->value >= samples[sample_count - 1].value &&
			strtod(sample->last_label, NULL) >
				strtod(samples[sample_count - 1].last_label, NULL));
	sample_count++;
}

void metrics_parse(const char *text, size_t length, const char *endpoint)
{
	char metric[NAME_BYTES] = "", helped[NAME_BYTES] = "", type[NAME_BYTES] = "";
	const char *line = text, *next;

	sample_count = 0;
	REQUIRE(strlen(text) == length && length > 0);
	for (; strcmp(line, "# EOF\n") != 0; line = next + 1) {
		next = strchr(line, '\n');
		REQUIRE(next != NULL);
		if (begins_with(line, "# HELP ")) {
			REQUIRE(sscanf(line, "# HELP %63[a-z_] ", helped) == 1);
		} else if (begins_with(line, "# TYPE ")) {
			REQUIRE(sscanf(line, "# TYPE %63[a-z_] %63[a-z]", metric, type) == 2);
			REQUIRE(strcmp(metric, helped) == 0);
			REQUIRE(strcmp(type, "gauge") == 0 || strcmp(type, "histogram") == 0);
		} else {
			REQUIRE(metric[0] != '\0' && strcmp(metric, helped) == 0);
			read_sample(line, metric, type[0] == 'h', endpoint);
		}
	}
}

bool metrics_get(const char *name, const char *last_label, double *ret_value)
{
	for (unsigned i = 0; i < sample_count; i++) {
		if (samples[i].name_length != strlen(name) || !begins_with(samples[i].line, name) ||
		    (last_label != NULL && strcmp(samples[i].last_label, last_label) != 0))
			continue;
		*ret_value = samples[i].value;
		return true;
	}
	return false;
}
