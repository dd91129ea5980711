# SPDX-License-Identifier: MIT
"""The harness of the black-box tests, and the measurements of the tests."""
import contextlib
import os
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../blackbox"))


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            terminalreporter.write_line(f"figure: {name}: {text}")


@pytest.fixture
def tmp():
    """A directory whose path is short enough for the address of a UNIX socket."""
    with tempfile.TemporaryDirectory(prefix="hellod-") as path:
        yield path


@pytest.fixture
def closing():
    """A function that returns its argument, and closes it after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda thing: stack.enter_context(contextlib.closing(thing))
