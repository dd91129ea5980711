#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests in parallel in the build directory, and prints a line of TAP for each.

Arguments and $PYTEST_ARGS are for pytest, such as -k greeting, or -n0 for one after the other.
"""
import contextlib
import os
import pathlib
import shlex
import sys
import tempfile

sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

try:
    import pytest
    __import__("xdist")
except ImportError:
    # The distribution's packages may be for another python3 than the one in $PATH.
    SYSTEM = "/usr/bin/python3"
    if os.path.exists(SYSTEM) and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM):
        os.execv(SYSTEM, [SYSTEM, *sys.argv])
    sys.exit("run.py: pytest or pytest-xdist is missing: ./bootstrap installs them")


class Tap:
    """A plugin that reports to a file. See https://testanything.org."""

    def __init__(self, file):
        self.file = file
        self.count = 0
        self.failed = set()
        self.skipped = {}

    def write(self, *words):
        print(*words, file=self.file, flush=True)

    def comment(self, text):
        for line in text.splitlines():
            self.write("#", line)

    def fail(self, report):
        self.comment(report.longreprtext)
        self.failed.add(report.nodeid)

    def pytest_internalerror(self, excrepr):
        self.comment(str(excrepr))

    def pytest_runtest_logreport(self, report):
        """Called for the setup, the test, and the teardown."""
        if report.failed:
            self.fail(report)
        elif report.skipped:
            self.skipped[report.nodeid] = report.longrepr[2].replace("Skipped: ", " # SKIP ")
        if report.when not in ("setup", "call"):
            self.count += 1
            self.write("not ok" if report.nodeid in self.failed else "ok", self.count, "-",
                       report.nodeid.replace("#", "") + self.skipped.get(report.nodeid, ""))

    def pytest_collectreport(self, report):
        """Called for each worker."""
        if report.failed and report.nodeid not in self.failed:
            self.fail(report)
            self.write("Bail out!", report.nodeid, "cannot be read")

    def pytest_sessionfinish(self):
        self.write(f"1..{self.count}")


arguments = [*sys.argv[1:], *shlex.split(os.environ.get("PYTEST_ARGS", ""))]
# Not whether it exists: the word of "-k check_hello" is a file here, too.
if not any(".py" in argument for argument in arguments):
    arguments.append(str(pathlib.Path(__file__).absolute().parent))
# The addresses of UNIX sockets below have at most 107 bytes.
parent = "/tmp" if len(os.fsencode(tempfile.gettempdir())) > 60 else None
# pytest's own reports go nowhere. Without its reporter, pytest 8 cannot explain a failed assertion.
tap = Tap(sys.stdout)
with tempfile.TemporaryDirectory(prefix="hellod-", dir=parent) as directory, \
        open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
    os.environ["TMPDIR"] = tempfile.tempdir = directory
    # More workers than processors, because most tests wait most of the time.
    status = pytest.main(["-n8", "--basetemp", directory + "/pytest", *arguments], plugins=[tap])
# TAP has reported the failed tests.
sys.exit(0 if status == pytest.ExitCode.TESTS_FAILED else status)
