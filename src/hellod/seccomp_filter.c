/* SPDX-License-Identifier: MIT */
/* seccomp_filter - rules about system calls as a program for seccomp(2) */
#include <linux/seccomp.h>
#include <stdbool.h>

#include "hellod/seccomp_filter.h"

/* So many rules are tried one after the other. */
#define LEAF_RULES 4

struct program {
	struct sock_filter *code;
	size_t length;
	uint32_t otherwise;
};

static void add(struct program *program, unsigned code, uint32_t k)
{
	program->code[program->length++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

static void add_load(struct program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

/* A conditional jump. The counts are of the instructions to skip. */
static void add_jump(struct program *program, unsigned condition, uint32_t k, unsigned skip_if_true,
		     unsigned skip_if_false)
{
	program->code[program->length++] =
		(struct sock_filter){(uint16_t)(BPF_JMP | condition | BPF_K), (uint8_t)skip_if_true,
				     (uint8_t)skip_if_false, k};
}

/* Arguments have 64 bits, also on architectures of 32; a program has 32. */
static void add_word(struct program *program, size_t offset, uint32_t mask, uint32_t value)
{
	if (mask == 0)
		return;
	add_load(program, offset);
	if (mask != UINT32_MAX)
		add(program, BPF_ALU | BPF_AND | BPF_K, mask);
	add_jump(program, BPF_JEQ, value, 0, 0);
}

/* Expects the number of the call in the accumulator, and goes on with it there. */
static void add_rule(struct program *program, const struct seccomp_rule *rule)
{
	const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	size_t argument = offsetof(struct seccomp_data, args) + rule->argument * sizeof(uint64_t);
	size_t start = program->length, end;

	add_jump(program, BPF_JEQ, (uint32_t)rule->call, 0, 0);
	add_word(program, argument + (big_endian ? 4 : 0), (uint32_t)rule->mask,
		 (uint32_t)rule->value);
	add_word(program, argument + (big_endian ? 0 : 4), (uint32_t)(rule->mask >> 32),
		 (uint32_t)(rule->value >> 32));
	add(program, BPF_RET | BPF_K, rule->action);
	end = program->length;
	for (size_t i = start; i < end; i++)
		if (BPF_CLASS(program->code[i].code) == BPF_JMP)
			program->code[i].jf = (uint8_t)(end - i - 1);
	if (rule->mask != 0)
		add_load(program, offsetof(struct seccomp_data, nr));
}

/*
 * A binary search. When a filter is loaded, Linux runs it for each number there is, to find the
 * calls that are allowed whatever their arguments; so an average call costs more than a frequent
 * one.
 */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the search, a few levels. */
static void add_rules(struct program *program, const struct seccomp_rule *rules, size_t count)
{
	size_t middle = count / 2, jump;

	while (middle > 0 && rules[middle].call == rules[middle - 1].call)
		middle--;
	if (count <= LEAF_RULES || middle == 0) {
		for (size_t i = 0; i < count; i++)
			add_rule(program, &rules[i]);
		add(program, BPF_RET | BPF_K, program->otherwise);
		return;
	}
	/* A conditional jump alone skips 255 instructions at most. */
	add_jump(program, BPF_JGE, (uint32_t)rules[middle].call, 0, 1);
	jump = program->length;
	add(program, BPF_JMP | BPF_JA, 0);
	add_rules(program, rules, middle);
	program->code[jump].k = (uint32_t)(program->length - jump - 1);
	add_rules(program, rules + middle, count - middle);
}

/* Keeps the order of rules about the same call. */
static void sort(struct seccomp_rule *rules, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct seccomp_rule rule = rules[i];
		size_t j = i;

		for (; j > 0 && rules[j - 1].call > rule.call; j--)
			rules[j] = rules[j - 1];
		rules[j] = rule;
	}
}

size_t seccomp_filter_make(uint32_t arch, struct seccomp_rule *rules, size_t count,
			   uint32_t otherwise, struct sock_filter *ret_program)
{
	struct program program = {.code = ret_program, .otherwise = otherwise};
	size_t lacking = 0;

	sort(rules, count);
	while (lacking < count && rules[lacking].call < 0)
		lacking++;
	add_load(&program, offsetof(struct seccomp_data, arch));
	add_jump(&program, BPF_JEQ, arch, 1, 0);
	add(&program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	add_load(&program, offsetof(struct seccomp_data, nr));
	add_rules(&program, rules + lacking, count - lacking);
	return program.length;
}
