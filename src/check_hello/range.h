/* SPDX-License-Identifier: MIT */
/* range - a range of numbers, and whether a number raises an alert */
#ifndef HELLOD_RANGE_H
#define HELLOD_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * [@][START:][END] of the Monitoring Plugins' development guidelines ("Threshold and ranges"). Both
 * ends belong to the range. START is 0 and END is infinity if not given. An alert is raised
 *
 *	10        if x < 0 or x > 10
 *	10:       if x < 10
 *	~:10      if x > 10               ~ is minus infinity
 *	10:20     if x < 10 or x > 20
 *	@10:20    if x >= 10 and x <= 20
 *
 * A number has a minus sign or none, digits, and possibly a decimal point, in every locale.
 */
struct range {
	int64_t start; /* in millionths; INT64_MIN is minus infinity */
	int64_t end;   /* in millionths, at least `start`; INT64_MAX is infinity */
	bool inside;   /* whether the numbers inside raise an alert, and not those outside */
};

/* The largest whole part of a number. */
#define RANGE_WHOLE_MAX 999999999999LL

/*
 * Parses a range. Ignores digits after the sixth decimal.
 *
 * Returns 0; -EINVAL if `text` is not a range;
 *         -ERANGE if a number is too large;
 *         -EDOM if START is greater than END.
 */
int range_parse(const char *text, struct range *ret_range);

/* Returns true if a number of millionths raises an alert. */
bool range_alerts(const struct range *range, int64_t number);

#endif
