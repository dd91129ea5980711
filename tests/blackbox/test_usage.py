# SPDX-License-Identifier: MIT
"""The command lines of both programs: errors and help."""
import os.path

import pytest

from harness import CLIENT, HELLOD, client, like, run
from messages import CANNOT_WRITE
from test_probe_outcome import FORMATS

NOT_A_PORT = "hello-client: 'localhost {}': the port is *: give a number*\n"


def refused(message, *arguments):
    status, out, err = client(*arguments)
    assert (status, out) == (3, "")
    assert like(message + "Try 'hello-client --help'.\n", err)


@pytest.mark.parametrize("case", [
    *((NOT_A_PORT.format(port), "localhost", port) for port in [
        "0", "65536", "99999999999999999999", "x y", "?", "", " 6666", "6666 ", "+6666", "6666.0"]),
    *((f"hello-client: --timeout: '{seconds}' is not {what}\n", *option, seconds)
      for what, values in [
          ("a number of seconds", ["x", "1x", "1e3", "nan", "inf", "", " 1", "1 ", ".", "1.2.3",
                                   "0x1", "-1", "+1", "1,5"]),
          ("between 0.001 and 86400 seconds", ["0", "0.0", "0.0009", "86400.1", "86401",
                                               "99999999", "99999999999999999999999"])]
      for seconds in values for option in [["-t"], ["--timeout"]]),
    (NOT_A_PORT.format("-1"), "--", "localhost", "-1"),
    ("*invalid option -- '1'\n", "localhost", "-1"),
    ("*requires an argument*\n", "--timeout"),
    ("*requires an argument*\n", "-t"),
    ("hello-client: 'x': give only a host and a port\n", "localhost", "6666", "x"),
    ("*unrecognized option '--no-such'\n", "--no-such"),
    ("*invalid option -- 'Z'\n", "-Z"),
    ("*invalid option -- 'H'\n", "-H"),
    ("*doesn't allow an argument*\n", "--ipv4=yes"),
    ("hello-client: --output: '' is not text, json, openmetrics or nagios\n", "--output="),
    ("hello-client: --output: 'JSON' is not text, json, openmetrics or nagios\n", "--output=JSON"),
    ("hello-client: --output: 'jsonx' is not text, json, openmetrics or nagios\n", "-o", "jsonx"),
], ids=lambda case: " ".join(case[1:]))
def test_refused(case):
    refused(*case)


@FORMATS
def test_refused_in_each_format(output):
    """The message is on standard error, and standard output is empty."""
    for arguments in ("--timeout=0", "--count=-1", "--count=x", "--count=", "--interval=x",
                      "--interval=86401", "--warning=-1", "--critical=", "--no-such", "-w2 -C1",
                      "localhost 0", "a 1 b"):
        refused("*hello-client: *\n", "-o", output, *arguments.split())


@pytest.mark.parametrize("option", ["--greeting", "--nonsense", "--log-greetings=maybe", "operand"])
def test_refused_by_hellod(option):
    status, out, err = run(HELLOD, option)
    assert (status, out) == (64, "")
    assert like("*hellod: *\nTry 'hellod --help'.\n", err)


@pytest.mark.parametrize("option", ["--help", "-h", "--version", "-V"])
@pytest.mark.parametrize("program, failure", [(HELLOD, 74), (CLIENT, 3)], ids=["hellod", "client"])
def test_help(program, failure, option):
    """--help and --version, and their failure to write."""
    name = os.path.basename(program)
    status, out, err = run(program, option)
    assert (status, err) == (0, "")
    assert like(f"Usage: {name} *" if "h" in option else f"{name} *", out)
    with open("/dev/full", "wb") as full:
        for why, where in [("No space left on device", {"stdout": full}),
                           ("Bad file descriptor", {"closed": [1]})]:
            assert run(program, option, **where) == (
                failure, "", f"{name}: " + CANNOT_WRITE.format(why))
