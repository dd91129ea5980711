/* SPDX-License-Identifier: MIT */
/* check_seccomp_filter - rules about system calls as a program for seccomp(2) */
#include "config.h"

#include "hellod/seccomp_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "../unit.h"

#define ALLOW SECCOMP_RET_ALLOW
#define KILL SECCOMP_RET_KILL_PROCESS
#define OTHERWISE (SECCOMP_RET_ERRNO | 38)

#define RULES_MAX 70

/* A program on the heap, which has just the room that its rules may need. */
struct filter {
	struct sock_filter *code;
	size_t length;
};

static struct filter make(const struct seccomp_rule *rules, size_t count)
{
	struct seccomp_rule *sorted = unit_copy(rules, count * sizeof(*rules));
	struct sock_filter *code = malloc(SECCOMP_FILTER_LENGTH(count) * sizeof(*code));
	size_t length = seccomp_filter_make(AUDIT_ARCH_X86_64, sorted, count, OTHERWISE, code);

	ck_assert_uint_le(length, SECCOMP_FILTER_LENGTH(count));
	free(sorted);
	return (struct filter){code, length};
}

/* Runs a program as Linux does, as far as its instructions are those that a filter needs. */
static uint32_t run(const struct filter *filter, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t i = 0; i < filter->length; i++) {
		const struct sock_filter *now = &filter->code[i];

		switch (now->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			/* Assertions of Check that hold take longer than all the rest. */
			if (now->k % 4 != 0 || now->k + 4 > sizeof(*data))
				ck_abort_msg("a load of offset %u", now->k);
			memcpy(&a, (const char *)data + now->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= now->k;
			break;
		case BPF_JMP | BPF_JA:
			i += now->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == now->k ? now->jt : now->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			i += a >= now->k ? now->jt : now->jf;
			break;
		case BPF_RET | BPF_K:
			return now->k;
		default:
			ck_abort_msg("instruction %#x", now->code);
		}
	}
	ck_abort_msg("the program has no end");
}

/* In no order, as a table has them. */
static const struct seccomp_rule table[] = {
	{.call = 231, .action = ALLOW},
	{44, ALLOW, 4, UINT64_MAX, 0},
	{1, ALLOW, 0, UINT64_MAX, 2},
	{9, ALLOW, 2, 4, 0},
	{.call = 3, .action = ALLOW},
	{102, ALLOW, 0, UINT64_MAX, 9},
	{102, ALLOW, 0, UINT64_MAX, 10},
	{102, ALLOW, 0, UINT64_MAX, 13},
	{102, ALLOW, 0, UINT64_MAX, 18},
	{102, ALLOW, 0, UINT64_MAX, 20},
	{257, ALLOW, 5, 0xF00000043, 0x100000002},
	{258, ALLOW, 0, 1, 1},
	{259, ALLOW, 0, 0x100000000, 0},
	{.call = -1, .action = ALLOW},
	{.call = -1, .action = KILL},
	{.call = 59, .action = KILL},
	{.call = 0, .action = ALLOW},
	{9, KILL, 2, 4, 4},
	{.call = 9, .action = KILL},
	{258, KILL, 1, 1, 1},
};

#define NATIVE AUDIT_ARCH_X86_64
#define HIGH 0x100000000

static const struct {
	uint32_t arch;
	int call;
	uint64_t args[6];
	uint32_t action;
} calls[] = {
	{NATIVE, 0, {0}, ALLOW},
	{NATIVE, 3, {7, 7, 7, 7, 7, 7}, ALLOW},
	{NATIVE, 231, {0}, ALLOW},
	{NATIVE, 59, {0}, KILL},
	/* no rule */
	{NATIVE, 2, {0}, OTHERWISE},
	{NATIVE, 45, {0}, OTHERWISE},
	{NATIVE, 230, {0}, OTHERWISE},
	{NATIVE, 260, {0}, OTHERWISE},
	{NATIVE, INT32_MAX, {0}, OTHERWISE},
	/* neither a call that the architecture lacks nor what ptrace(2) skips calls with */
	{NATIVE, -1, {0}, OTHERWISE},
	/* x32 */
	{NATIVE, 0x40000000, {0}, OTHERWISE},
	{NATIVE, 0x40000000 + 3, {0}, OTHERWISE},
	{NATIVE, 0x40000000 + 59, {0}, OTHERWISE},
	/* another architecture */
	{AUDIT_ARCH_I386, 3, {0}, KILL},
	{AUDIT_ARCH_I386, 2, {0}, KILL},
	{AUDIT_ARCH_AARCH64, 3, {0}, KILL},
	{0, 3, {0}, KILL},
	/* all bits of one argument */
	{NATIVE, 44, {1, 2, 3, 4, 0, 6}, ALLOW},
	{NATIVE, 44, {0, 0, 0, 0, 1, 0}, OTHERWISE},
	{NATIVE, 44, {0, 0, 0, 0, HIGH, 0}, OTHERWISE},
	{NATIVE, 44, {0, 0, 0, 0, 0x8000000000000000, 0}, OTHERWISE},
	{NATIVE, 1, {2}, ALLOW},
	{NATIVE, 1, {0}, OTHERWISE},
	{NATIVE, 1, {3}, OTHERWISE},
	{NATIVE, 1, {HIGH + 2}, OTHERWISE},
	{NATIVE, 1, {2 * HIGH}, OTHERWISE},
	/* some bits; the first rule that matches */
	{NATIVE, 9, {0, 0, 3, 0, 0, 0}, ALLOW},
	{NATIVE, 9, {4, 4, 0, 4, 4, 4}, ALLOW},
	{NATIVE, 9, {0, 0, 4 * HIGH, 0, 0, 0}, ALLOW},
	{NATIVE, 9, {0, 0, 4, 0, 0, 0}, KILL},
	{NATIVE, 9, {0, 0, 7, 0, 0, 0}, KILL},
	/* one bit of a word */
	{NATIVE, 258, {3}, ALLOW},
	{NATIVE, 258, {2}, OTHERWISE},
	{NATIVE, 258, {2, 1}, KILL},
	{NATIVE, 259, {1}, ALLOW},
	{NATIVE, 259, {HIGH}, OTHERWISE},
	/* bits of both words */
	{NATIVE, 257, {0, 0, 0, 0, 0, HIGH + 2}, ALLOW},
	{NATIVE, 257, {0, 0, 0, 0, 0, 17 * HIGH + 0xBE}, ALLOW},
	{NATIVE, 257, {0, 0, 0, 0, 0, 2}, OTHERWISE},
	{NATIVE, 257, {0, 0, 0, 0, 0, HIGH}, OTHERWISE},
	{NATIVE, 257, {0, 0, 0, 0, 0, HIGH + 3}, OTHERWISE},
	{NATIVE, 257, {0, 0, 0, 0, 0, 2 * HIGH + 1}, OTHERWISE},
	/* many rules about one call */
	{NATIVE, 102, {8}, OTHERWISE},
	{NATIVE, 102, {9}, ALLOW},
	{NATIVE, 102, {10}, ALLOW},
	{NATIVE, 102, {11}, OTHERWISE},
	{NATIVE, 102, {13}, ALLOW},
	{NATIVE, 102, {18}, ALLOW},
	{NATIVE, 102, {20}, ALLOW},
	{NATIVE, 102, {HIGH + 20}, OTHERWISE},
};

START_TEST(action_of_a_call)
{
	struct seccomp_data data = {.nr = calls[_i].call, .arch = calls[_i].arch};
	struct filter filter = make(table, (size_t)UNIT_COUNT(table));

	for (int i = 0; i < 6; i++)
		data.args[i] = calls[_i].args[i];
	ck_assert_uint_eq(run(&filter, &data), calls[_i].action);
	free(filter.code);
}
END_TEST

static uint32_t first_match(const struct seccomp_rule *rules, size_t count,
			    const struct seccomp_data *data)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].call >= 0 && rules[i].call == data->nr &&
		    (data->args[rules[i].argument] & rules[i].mask) == rules[i].value)
			return rules[i].action;
	return OTHERWISE;
}

/* With any number of rules, the longest ones among them, and each with an action of its own. */
START_TEST(action_is_that_of_the_first_match)
{
	struct seccomp_rule rules[RULES_MAX];
	size_t count = (size_t)_i;
	struct filter filter;

	for (size_t i = 0; i < count; i++)
		rules[i] = (struct seccomp_rule){
			(int)(i * 29 % 71) / 2 * 3 - 3, ALLOW + (uint32_t)i, (unsigned)(i % 6),
			i % 3 == 0 ? 0 : 0x700000003, i % 3 == 0 ? 0 : 0x400000000 + i % 2};
	filter = make(rules, count);
	for (int call = -2; call < 120; call++)
		for (uint64_t low = 0; low < 2; low++) {
			struct seccomp_data data = {.nr = call, .arch = NATIVE};

			for (int i = 0; i < 6; i++)
				data.args[i] = 0x400000000 + low;
			if (run(&filter, &data) != first_match(rules, count, &data))
				ck_abort_msg("call %d with %d", call, (int)low);
		}
	free(filter.code);
}
END_TEST

/* Which no binary search can split. */
START_TEST(one_call_may_have_many_rules)
{
	struct seccomp_rule rules[RULES_MAX] = {0};
	struct seccomp_data data = {.nr = 7, .arch = NATIVE};
	struct filter filter;

	for (int i = 0; i < _i; i++)
		rules[i] =
			(struct seccomp_rule){7, ALLOW + (uint32_t)i, 0, UINT64_MAX, (uint64_t)i};
	filter = make(rules, (size_t)_i);
	for (int i = 0; i <= _i; i++) {
		data.args[0] = (__u64)i;
		ck_assert_uint_eq(run(&filter, &data), i < _i ? ALLOW + (uint32_t)i : OTHERWISE);
	}
	free(filter.code);
}
END_TEST

/* The longest rules there are. */
START_TEST(length_suffices)
{
	struct seccomp_rule rules[RULES_MAX];
	struct sock_filter code[SECCOMP_FILTER_LENGTH(RULES_MAX)];

	for (int i = 0; i < _i; i++)
		rules[i] = (struct seccomp_rule){i, ALLOW, 0, 0x100000001, 0};
	ck_assert_uint_le(seccomp_filter_make(NATIVE, rules, (size_t)_i, OTHERWISE, code),
			  (size_t)SECCOMP_FILTER_LENGTH(_i));
}
END_TEST

int main(void)
{
	return UNIT_RUN("seccomp_filter", {action_of_a_call, UNIT_COUNT(calls)},
			{action_is_that_of_the_first_match, RULES_MAX + 1},
			{one_call_may_have_many_rules, RULES_MAX + 1},
			{length_suffices, RULES_MAX + 1});
}
