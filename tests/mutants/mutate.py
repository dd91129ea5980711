# SPDX-License-Identifier: MIT
"""Small changes of a C file. Works on tokens, so that comments, strings and preprocessor lines stay
as they are; a change that does not compile is for the caller to leave out."""
import re
from typing import NamedTuple

TOKEN = re.compile(r"""
    (?P<skip>   \s+ | //[^\n]* | /\*.*?\*/ | ^[ \t]*\#(?:[^\n]*\\\n)*[^\n]* )
  | (?P<string> L?"(?:\\.|[^"\\])*" )
  | (?P<char>   '(?:\\.|[^'\\])+' )
  | (?P<number> \d[\w.]* )
  | (?P<name>   [A-Za-z_]\w* )
  | (?P<op>     <<=|>>=|\.\.\.|->|\+\+|--|<<|>>|[-+*/%&|^=!<>]=|&&|\|\||. )
""", re.X | re.S | re.M)

COMPARISONS = {"==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<", ">"],
               ">": [">=", "<="], ">=": [">", "<"]}
OPERATORS = {"&&": "||", "||": "&&", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "/=": "*=",
             "*=": "/=", "++": "--", "--": "++", "<<": ">>", ">>": "<<"}
BINARY = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "&": "|", "|": "&"}
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")": "(", "]": "[", "}": "{"}
# What ends an operand of && or ||, or the condition of ?:, outside of parentheses.
ENDS = {",", ";", "?", ":", "return", "||", "=", "+=", "-=", "|=", "&="}
# Statements that begin with these are declarations, or consist of others.
NOT_DELETED = set("if else for while do switch case default return static const struct union enum "
                  "char int long short unsigned bool void".split())


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Mutant(NamedTuple):
    function: str  # "" outside of all functions
    before: str    # the line that is changed, or the first of several with " ..."
    after: str
    source: str    # the whole changed file


def tokenize(source):
    return [Token(match.lastgroup, match.group(), match.start(), match.end())
            for match in TOKEN.finditer(source) if match.lastgroup != "skip"]


class Mutator:
    def __init__(self, source):
        self.source = source
        self.tokens = tokenize(source)
        self.texts = [token.text for token in self.tokens]
        self.partner = self.match_brackets()
        self.functions = self.name_functions()
        self.edits = {}  # (start, end, text) -> index of the token

    def match_brackets(self):
        partner, stack = {}, []
        for i, text in enumerate(self.texts):
            if text in OPEN:
                stack.append(i)
            elif text in CLOSE:
                partner[i] = stack.pop()
                partner[partner[i]] = i
        return partner

    def name_functions(self):
        """The function of each token, by index; a parenthesis is before its body, and not before
        the braces of data."""
        names, i = [""] * len(self.tokens), 0
        self.is_data = [False] * len(self.tokens)
        while i < len(self.tokens):
            if self.texts[i] == "{":
                end = self.partner[i]
                if self.texts[i - 1] == ")":
                    name = self.texts[self.partner[i - 1] - 1]
                    names[i:end] = [name] * (end - i)
                elif self.texts[i - 1] == "=":
                    self.is_data[i:end] = [True] * (end - i)
                i = end
            i += 1
        return names

    def edit(self, first, last, text):
        """Replaces the tokens from first to last."""
        key = (self.tokens[first].start, self.tokens[last].end, text)
        if self.source[key[0]:key[1]] != text:
            self.edits.setdefault(key, first)

    def text_of(self, first, last):
        return self.source[self.tokens[first].start:self.tokens[last].end]

    def ends_operand(self, i):
        token = self.tokens[i]
        return token.kind in ("number", "char", "string") or token.text in (")", "]") or (
            token.kind == "name" and token.text not in ("return", "case"))

    def operand(self, i, step, ends=ENDS):
        """The index of the last token of the operand before (step -1) or after (1) the operator i."""
        brackets, j = (CLOSE if step < 0 else OPEN), i + step
        while True:
            if self.texts[j] in brackets:
                j = self.partner[j]
            elif self.texts[j] in ends or self.texts[j] in (OPEN if step < 0 else CLOSE):
                return j - step
            j += step

    def is_comparison(self, first, last):
        """Whether the tokens are one, which is changed anyway."""
        i, found = first, False
        while i <= last:
            if self.texts[i] in OPEN:
                i = self.partner[i]
            elif self.texts[i] in COMPARISONS or self.texts[i] in ("&&", "||"):
                found = True
            i += 1
        return found

    def negate(self, first, last):
        if self.texts[first] not in ("!", "true", "false") and not self.is_comparison(first, last):
            self.edit(first, last, f"!({self.text_of(first, last)})")

    def is_size(self, i):
        """Whether the token alone is the size of an array in its declaration: more does no harm."""
        return self.texts[i - 1] == "[" and self.texts[i + 1] == "]" and \
            self.tokens[i - 3].kind == "name" and self.texts[i - 3] not in ("return", "case")

    def constants(self, i):
        token = self.tokens[i]
        if token.text in ("true", "false"):
            self.edit(i, i, "false" if token.text == "true" else "true")
        elif token.kind in ("number", "char"):
            if not self.is_size(i):
                self.edit(i, i, f"({token.text} + 1)")
            # Where an int is compared with 0, -1 would most often be the same.
            if token.text != "0" or self.texts[i - 1] in ("return", "?", ":"):
                self.edit(i, i, f"({token.text} - 1)")
        elif re.fullmatch("[A-Z][A-Z0-9_]+", token.text) and token.text != "NULL" and \
                self.texts[i + 1] != "(":
            if "|" in (self.texts[i - 1], self.texts[i + 1]):
                self.edit(i, i, "0")
            elif self.texts[i - 1] == "-" and not self.ends_operand(i - 2):
                self.edit(i - 1, i, "0")
            else:
                for change in ("- 1",) if self.is_size(i) else ("+ 1", "- 1"):
                    self.edit(i, i, f"({token.text} {change})")
        elif token.text == "errno" and self.texts[i - 1] == "-":
            self.edit(i - 1, i, "0")

    def operators(self, i):
        text = self.texts[i]
        for other in COMPARISONS.get(text, []):
            self.edit(i, i, other)
        if text in OPERATORS:
            self.edit(i, i, OPERATORS[text])
        if text in BINARY and self.ends_operand(i - 1):
            self.edit(i, i, BINARY[text])
        if text in ("!", "~"):
            self.edit(i, i, "")
        if text in ("&&", "||"):
            neutral, ends = ("1", ENDS | {"&&"}) if text == "&&" else ("0", ENDS)
            left, right = self.operand(i, -1, ends), self.operand(i, 1, ends)
            self.edit(left, i - 1, neutral)
            self.edit(i + 1, right, neutral)
        if text == "?":
            self.negate(self.operand(i, -1), i - 1)

    def row(self, i):
        """Leaves out a row of a table."""
        last = self.partner[i]
        self.edit(i, last + (self.texts[last + 1] == ","), "")

    def statements(self, i):
        text = self.texts[i]
        if text in ("if", "while"):
            self.negate(i + 2, self.partner[i + 1] - 1)
        elif text == "for":
            first = self.operand(i + 1, 1, {";"}) + 2
            if self.texts[first] != ";":
                self.negate(first, self.operand(first - 1, 1, {";"}))
        elif text == "bool" and self.texts[i + 2] == "=":
            self.negate(i + 3, self.operand(i + 2, 1, {";", ","}))
        elif text == "return" and self.texts[i + 1] != ";":
            last = self.operand(i, 1, {";"})
            if last > i + 1 or self.tokens[last].kind == "name":
                self.negate(i + 1, last)
        if self.begins_statement(i) and text not in NOT_DELETED and not self.is_declaration(i):
            self.edit(i, self.operand(i - 1, 1, {";"}), "")
        if text == "return" and self.texts[i + 1] == ";":
            self.edit(i, i, "")

    def begins_statement(self, i):
        before = self.texts[i - 1]
        if self.texts[i] in ("{", "}", ";"):
            return False
        if before == ")":
            return self.texts[self.partner[i - 1] - 1] in ("if", "for", "while", "switch")
        if before == ":":
            return "case" in self.texts[i - 3:i - 1] or self.texts[i - 2] == "default"
        if before == "{":
            return not self.is_initializer(i - 1)
        return before in (";", "}", "else") and not self.in_for(i)

    def is_initializer(self, i):
        """Whether the { at i begins one, and not a block."""
        before = self.texts[i - 1]
        if before == ")":
            name = self.partner[i - 1] - 1
            return self.tokens[name].kind != "name" or self.texts[name] == "return"
        return before in ("=", ",", "{", "]")

    def in_for(self, i):
        """Whether a ; before is one of for (;;)."""
        while i >= 0 and self.texts[i] not in ("{", "}"):
            if self.texts[i] == ")":
                i = self.partner[i]
            elif self.texts[i] == "(":
                return True
            i -= 1
        return False

    def is_declaration(self, i):
        following = self.texts[i + 1]
        return self.tokens[i].kind == "name" and (self.tokens[i + 1].kind == "name" or (
            following == "*" and self.tokens[i + 2].kind == "name"))

    def mutants(self):
        for i, token in enumerate(self.tokens):
            if self.functions[i]:
                self.operators(i)
                self.statements(i)
            if self.functions[i] or self.is_data[i]:
                self.constants(i)
            if self.is_data[i] and token.text == "{" and self.texts[i - 1] in ("{", ","):
                self.row(i)
        return [self.mutant(first, *edit) for edit, first in self.edits.items()]

    def mutant(self, first, start, end, text):
        line_start = self.source.rfind("\n", 0, start) + 1
        changed = self.source[:start] + text + self.source[end:]
        return Mutant(self.functions[first], first_line(self.source[line_start:], end - line_start),
                      first_line(changed[line_start:], start + len(text) - line_start), changed)


def first_line(text, end):
    """The first line of a text, and whether it has others up to the offset `end`."""
    line = " ".join(text.partition("\n")[0].split())
    return line + " ..." if "\n" in text[:end] else line


def mutate(source):
    """The mutants of a C file, in its order."""
    return Mutator(source).mutants()
