/* SPDX-License-Identifier: MIT */
/* fuzz_option - any string as the value of an option: a number, seconds, a status */
#include "config.h"

#include <errno.h>
#include <strings.h>

#include "check_hello/status.h"
#include "common/number.h"
#include "fuzz.h"

#define DECIMALS 6

/* Reads a string of digits, of any length. Returns false if the number has more than 64 bits. */
static bool read_digits(const char *digits, size_t length, uint64_t *ret_number)
{
	char copy[32];

	while (length > 0 && *digits == '0') {
		digits++;
		length--;
	}
	if (length > 20)
		return false;
	memcpy(copy, digits, length);
	copy[length] = '\0';
	errno = 0;
	*ret_number = length > 0 ? strtoull(copy, NULL, 10) : 0;
	return errno == 0;
}

/* Returns as number_parse() does. */
static int reference_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	size_t length = strspn(text, "0123456789");
	uint64_t number = 0;

	if (length == 0 || text[length] != '\0')
		return -EINVAL;
	if (!read_digits(text, length, &number) || number < min || number > max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

/* Returns as number_parse_seconds() does: the digits without the point are a number. */
static int reference_seconds(const char *text, uint64_t min, uint64_t max, uint64_t *ret_usec)
{
	size_t whole = strspn(text, "0123456789");
	const char *decimals = text + whole + (text[whole] == '.');
	size_t length = strspn(decimals, "0123456789");
	char *digits = fuzz_allocate(whole + DECIMALS + 1);
	int r;

	if (decimals[length] != '\0' || whole + length == 0) {
		free(digits);
		return -EINVAL;
	}
	memcpy(digits, text, whole);
	memset(digits + whole, '0', DECIMALS);
	memcpy(digits + whole, decimals, length < DECIMALS ? length : DECIMALS);
	digits[whole + DECIMALS] = '\0';
	r = reference_number(digits, min, max, ret_usec);
	free(digits);
	return r;
}

static void try_both(const char *text, uint64_t min, uint64_t max)
{
	uint64_t number = 1, wanted = 1;

	REQUIRE(number_parse(text, min, max, &number) == reference_number(text, min, max, &wanted));
	REQUIRE(number == wanted);
	REQUIRE(number_parse_seconds(text, min, max, &number) ==
		reference_seconds(text, min, max, &wanted));
	REQUIRE(number == wanted);
}

static void try_status(const char *text)
{
	static const char *const words[] = {"ok", "warning", "critical", "unknown",
					    "0",  "1",	     "2",	 "3"};
	enum status status = STATUS_OK;
	int r = status_parse(text, &status);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasecmp(text, words[i]) != 0)
			continue;
		REQUIRE(r == 0 && (size_t)status == i % 4);
		REQUIRE(strcasecmp(status_word(status), words[i % 4]) == 0);
		return;
	}
	REQUIRE(r == -EINVAL);
}

/* The first bytes are the limits: how many bits each has, and those that are set. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned min_bits = fuzz_byte(&input) % 64, max_bits = fuzz_byte(&input) % 64;
	uint64_t min = fuzz_number(&input, 8) >> min_bits, max = fuzz_number(&input, 8) >> max_bits;
	char *text = fuzz_string(&input);

	try_both(text, min, max);
	try_both(text, 0, UINT64_MAX);
	try_status(text);
	free(text);
	return 0;
}
