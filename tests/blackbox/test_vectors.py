# SPDX-License-Identifier: MIT
"""The reader in Python of hello-frame(5), against examples/frame-vectors."""
import os
import pathlib
import re

import pytest

SOURCE = pathlib.Path(os.environ.get("srcdir", "."))


def expand(text, size):
    """Returns the values of a column as bytes, `size` for each; None for "-"."""
    def repeat(match):
        return " ".join([match[1] or match[2]] * int(match[3]))

    if text in ("-", "empty"):
        return None if text == "-" else b""
    values = re.sub(r"(?:\(([^)]*)\)|(\w+))\*(\d+)", repeat, text).split()
    assert all(len(value) == 2 * size for value in values)
    return bytes.fromhex("".join(values))


@pytest.fixture(name="decode")
def fixture_decode():
    """decode() as the manual shows it."""
    manual = (SOURCE / "man/hello-frame.5.in").read_text()
    code = manual[manual.index("import re\n"):manual.index("\nwith socket.create_connection")]
    names = {}
    exec(code.replace(r"\(aq", "'").replace(r"\-", "-").replace(r"\e", "\\"), names)
    return names["decode"]


def test_reader_of_the_manual_agrees(decode):
    counts = {}
    for line in (SOURCE / "examples/frame-vectors").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        verdict, first, second = line.split("\t")
        frame, units = expand(first, 1), expand(second, 2)
        counts[verdict] = counts.get(verdict, 0) + 1
        if frame is None:
            assert verdict == "too-long"
            continue
        length = int.from_bytes(frame[:2], "big")
        greeting = frame[2:2 + length]
        whole = len(frame) >= 2 and len(greeting) == length
        assert whole == (verdict != "cut"), line
        if verdict == "malformed":
            with pytest.raises(ValueError):
                decode(greeting)
        elif whole:
            assert decode(greeting) == units.decode("utf-16-be", "replace"), line
            assert (len(frame) > 2 + length) == (verdict == "rest"), line
    assert set(counts) == {"both", "read", "rest", "malformed", "cut", "too-long"}
    assert sum(counts.values()) > 700
