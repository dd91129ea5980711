/* SPDX-License-Identifier: MIT */
/* reference - modified UTF-8 as hello-frame(5) describes it, by way of the C library's iconv(3) */
#include "config.h"

#include <iconv.h>

#include "fuzz.h"
#include "reference.h"

/* Characters as numbers of 32 bits, in the byte order of this processor. */
#define UCS_4 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? "UCS-4BE" : "UCS-4LE")

/* Converts all of it, or up to the first character that cannot be. Returns the bytes converted. */
static size_t convert(const char *to, const char *from, const void *in, size_t length, void *out,
		      size_t *out_length)
{
	/* iconv(3) does not change the input, whatever its prototype says. */
	char *next = (char *)(uintptr_t)in, *end = out;
	size_t left = length, room = *out_length;
	iconv_t converter = iconv_open(to, from);

	REQUIRE(converter != (iconv_t)-1);
	if (length > 0)
		iconv(converter, &next, &left, &end, &room);
	iconv_close(converter);
	*out_length -= room;
	return length - left;
}

/* Appends a UTF-16 unit by the table under "Modified UTF-8". */
static void put_unit(uint8_t *bytes, size_t *length, uint32_t unit)
{
	if (unit >= 0x800)
		bytes[(*length)++] = (uint8_t)(0xE0 + unit / 4096);
	if (unit >= 0x800)
		bytes[(*length)++] = (uint8_t)(0x80 + unit / 64 % 64);
	else if (unit >= 0x80 || unit == 0)
		bytes[(*length)++] = (uint8_t)(0xC0 + unit / 64);
	bytes[(*length)++] = (uint8_t)(unit > 0 && unit < 0x80 ? unit : 0x80 + unit % 64);
}

int reference_encode(const char *text, size_t length, uint8_t **ret_bytes, size_t *ret_length)
{
	size_t size = 4 * length, used = 0;
	uint32_t *points = fuzz_allocate(size);
	size_t done = convert(UCS_4, "UTF-8", text, length, points, &size);
	uint8_t *bytes = fuzz_allocate(6 * length);
	size_t offset = 0;

	for (size_t i = 0; i < size / 4; i++) {
		/* Which the C library takes for characters. */
		if (points[i] > 0x10FFFF) {
			done = offset;
			break;
		}
		offset += points[i] < 0x80	? 1
			  : points[i] < 0x800	? 2
			  : points[i] < 0x10000 ? 3
						: 4;
		if (points[i] > 0xFFFF) {
			put_unit(bytes, &used, 0xD800 + (points[i] - 0x10000) / 1024);
			put_unit(bytes, &used, 0xDC00 + points[i] % 1024);
		} else {
			put_unit(bytes, &used, points[i]);
		}
	}
	free(points);
	*ret_length = done < length ? done : used;
	if (done < length)
		free(bytes);
	else
		*ret_bytes = bytes;
	return done < length ? -1 : 0;
}

/* Takes a group by the table under "What is accepted". Returns its length, or 0. */
static size_t get_unit(const uint8_t *bytes, size_t length, uint32_t *ret_unit)
{
	static const uint8_t firsts[] = {0x00, 0x80, 0xC0, 0xE0, 0xF0};
	static const uint8_t lengths[] = {1, 0, 2, 3, 0};
	size_t row = 4, n;

	while (bytes[0] < firsts[row])
		row--;
	n = lengths[row];
	if (n == 0 || n > length)
		return 0;
	*ret_unit = (uint32_t)(bytes[0] - firsts[row]);
	for (size_t i = 1; i < n; i++) {
		if (bytes[i] < 0x80 || bytes[i] > 0xBF)
			return 0;
		*ret_unit = *ret_unit * 64 + bytes[i] - 0x80U;
	}
	return n;
}

int reference_decode(const uint8_t *bytes, size_t length, char **ret_text, size_t *ret_length)
{
	uint32_t *points = fuzz_allocate(4 * length);
	size_t count = 0, size = length, n;
	char *text;

	for (size_t offset = 0; offset < length; offset += n) {
		uint32_t last = count > 0 ? points[count - 1] : 0;

		n = get_unit(bytes + offset, length - offset, &points[count]);
		if (n == 0) {
			free(points);
			*ret_length = offset;
			return -1;
		}
		if (points[count] >= 0xDC00 && points[count] <= 0xDFFF && last >= 0xD800 &&
		    last <= 0xDBFF)
			points[count - 1] =
				0x10000 + (last - 0xD800) * 1024 + (points[count] - 0xDC00);
		else
			count++;
	}
	for (size_t i = 0; i < count; i++)
		if (points[i] >= 0xD800 && points[i] <= 0xDFFF)
			points[i] = 0xFFFD;
	text = fuzz_allocate(size);
	n = convert("UTF-8", UCS_4, points, 4 * count, text, &size);
	REQUIRE(n == 4 * count);
	free(points);
	*ret_text = text;
	*ret_length = size;
	return 0;
}
