#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests in parallel in the build directory, and prints a line of TAP for each.

Arguments and $PYTEST_ARGS are for pytest, such as -k greeting, or -n0 for one after the other.
"""
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
    """A plugin that replaces the reports of pytest. See https://testanything.org."""

    def __init__(self):
        self.count = 0
        self.failed = set()
        self.skipped = {}

    def fail(self, report):
        print(*("# " + line for line in report.longreprtext.splitlines()), sep="\n")
        self.failed.add(report.nodeid)

    def pytest_runtest_logreport(self, report):
        """Called for the setup, the test, and the teardown."""
        if report.failed:
            self.fail(report)
        elif report.skipped:
            self.skipped[report.nodeid] = report.longrepr[2].replace("Skipped: ", " # SKIP ")
        if report.when not in ("setup", "call"):
            self.count += 1
            print("not ok" if report.nodeid in self.failed else "ok", self.count, "-",
                  report.nodeid.replace("#", "") + self.skipped.get(report.nodeid, ""), flush=True)

    def pytest_collectreport(self, report):
        """Called for each worker."""
        if report.failed and report.nodeid not in self.failed:
            self.fail(report)
            print("Bail out!", report.nodeid, "cannot be read")

    def pytest_sessionfinish(self):
        print(f"1..{self.count}", flush=True)


arguments = [*sys.argv[1:], *shlex.split(os.environ.get("PYTEST_ARGS", ""))]
# Not whether it exists: the word of "-k check_hello" is a file here, too.
if not any(".py" in argument for argument in arguments):
    arguments.append(str(pathlib.Path(__file__).absolute().parent))
# The addresses of UNIX sockets below have at most 107 bytes.
parent = "/tmp" if len(os.fsencode(tempfile.gettempdir())) > 60 else None
with tempfile.TemporaryDirectory(prefix="hellod-", dir=parent) as directory:
    os.environ["TMPDIR"] = tempfile.tempdir = directory
    # More workers than processors, because most tests wait most of the time.
    status = pytest.main(["-p", "no:terminalreporter", "-n8", "--basetemp", directory + "/pytest",
                          *arguments], plugins=[Tap()])
# TAP has reported the failed tests.
sys.exit(0 if status == pytest.ExitCode.TESTS_FAILED else status)
