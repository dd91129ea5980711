#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints a table of the coverage of each file. Fails below the limits, if the list of lines that no
test reaches lacks one, or if it has one that is gone or that a test reaches.

The list has "FILE: TEXT OF THE LINE", and below it, indented, the reason. Lines of the same text
need as many entries. Numbers in the table are of lines that no test reaches, and in parentheses of
those from which the program goes on in fewer ways than it could.
"""
import argparse
import collections
import json
import pathlib
import sys

ROW = "{:<30} {:>11} {:>6} {:>11} {:>6}  {}"


def read_list(path):
    """The number of entries for each file and text. # begins a comment."""
    entries, reasons, entry = collections.Counter(), set(), None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith((" ", "\t")):
            reasons.add(entry)
        elif line and not line.startswith("#"):
            if entry not in reasons | {None}:
                break
            entry = tuple(line.split(": ", 1))
            entries[entry] += 1
    if entry not in reasons | {None}:
        sys.exit(f"{path}: '{': '.join(entry)}' has no reason")
    return entries


class File:
    """What gcovr says of a file."""

    def __init__(self, described, root):
        self.name = described["file"]
        lines = [line for line in described["lines"] if not line["gcovr/noncode"]]
        self.total = len(lines)
        self.missed = [line["line_number"] for line in lines if not line["count"]]
        taken = {line["line_number"]: [branch["count"] > 0 for branch in line["branches"]]
                 for line in lines}
        self.branches = sum(map(len, taken.values()))
        self.taken = sum(map(sum, taken.values()))
        self.partly = [number for number in taken
                       if number not in self.missed and not all(taken[number])]
        texts = (root / self.name).read_text(encoding="utf-8").splitlines()
        self.texts = {number: texts[number - 1].strip() for number in self.missed}

    def figures(self):
        return self.total - len(self.missed), self.total, self.taken, self.branches


def percent(some, total):
    return 100 * some / total if total else 100


def print_row(name, figures, numbers=()):
    reached, lines, taken, branches = figures
    print(ROW.format(name, f"{reached}/{lines}", f"{percent(reached, lines):.1f}",
                     f"{taken}/{branches}", f"{percent(taken, branches):.1f}",
                     " ".join(numbers)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", type=pathlib.Path, help="lines that no test reaches")
    parser.add_argument("root", type=pathlib.Path, help="the directory with src/")
    parser.add_argument("json", type=pathlib.Path, help="of gcovr")
    parser.add_argument("lines", type=float, help="limit, in percent")
    parser.add_argument("branches", type=float)
    options = parser.parse_args()

    described = json.loads(options.json.read_text(encoding="utf-8"))["files"]
    files = sorted((File(each, options.root) for each in described), key=lambda file: file.name)
    print(ROW.format("file", "lines", "%", "branches", "%", "not reached, (partly)"))
    for file in files:
        print_row(file.name, file.figures(),
                  [*map(str, file.missed), *(f"({number})" for number in file.partly)])
    reached, lines, taken, branches = totals = [sum(each) for each in
                                                zip(*(file.figures() for file in files))]
    print_row("all", totals)

    wrong = []
    if options.list:
        entries = read_list(options.list)
        for file in files:
            for number, text in file.texts.items():
                if entries[file.name, text] > 0:
                    entries[file.name, text] -= 1
                else:
                    wrong.append(f"{file.name}:{number}: no test reaches '{text}': write one, or "
                                 f"list the line with its reason in {options.list}")
        wrong += [f"{options.list}: '{': '.join(entry)}' is gone, or a test reaches it: remove the "
                  "entry" for entry in (+entries).elements()]
    if percent(reached, lines) < options.lines or percent(taken, branches) < options.branches:
        wrong.append(f"below the limits: {options.lines:g} % of the lines, "
                     f"{options.branches:g} % of the branches")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"coverage: {percent(reached, lines):.2f} % of {lines} lines, "
          f"{percent(taken, branches):.2f} % of {branches} branches, "
          f"{lines - reached} lines not reached, {len(files)} files")
    sys.exit(len(wrong) > 0)


if __name__ == "__main__":
    main()
