# SPDX-License-Identifier: MIT
"""The command lines of hellod and hello-client: errors and help."""
import os.path

import pytest

from harness import CHECK, CLIENT, HELLOD, client, like, run
from messages import cannot_write
from namespaces import unshare
from test_probe_outcome import FORMATS

NOT_A_PORT = "hello-client: 'localhost {}': the port is *: give a number*\n"


def refused(message, *arguments):
    status, out, err = client(*arguments)
    assert (status, out) == (3, "")
    assert like(message + "Try 'hello-client --help'.\n", err)


@pytest.mark.parametrize("case", [
    *((NOT_A_PORT.format(port), "localhost", port) for port in [
        "0", "65536", "99999999999999999999", "x y", "?", "", " 6666", "6666 ", "+6666", "6666.0"]),
    *((f"hello-client: --timeout: '{seconds}' is wrong: give seconds from 0.001 to 86400\n",
       *option, seconds) for option in [["-t"], ["--timeout"]] for seconds in [
           "x", "1x", "1e3", "nan", "inf", "", " 1", "1 ", ".", "1.2.3", "0x1", "-1", "+1", "1,5",
           "0", "0.0", "0.0009", "86400.1", "86401", "99999999", "99999999999999999999999"]),
    (NOT_A_PORT.format("-1"), "--", "localhost", "-1"),
    ("*invalid option -- '1'\n", "localhost", "-1"),
    ("*requires an argument*\n", "--timeout"),
    ("*requires an argument*\n", "-t"),
    ("hello-client: 'x': give only a host and a port\n", "localhost", "6666", "x"),
    ("*unrecognized option '--no-such'\n", "--no-such"),
    ("*invalid option -- 'Z'\n", "-Z"),
    *((f"*'{told}': for monitoring, use check_hello *: see check_hello(1)\n",
       *words.split()) for told, words in [
           ("H", "-H localhost -c 2"), ("w", "-w1"), ("C", "-C2"), ("--hostname", "--hostname a"),
           ("--warning=1", "--warning=1"), ("--critical", "--critical 2")]),
    ("hello-client: --output: for monitoring, use check_hello: see check_hello(1)\n", "-onagios"),
    ("*doesn't allow an argument*\n", "--ipv4=yes"),
    ("hello-client: --output: '' is wrong: give text, json or openmetrics\n", "--output="),
    ("hello-client: --output: 'JSON' is wrong: give text, json or openmetrics\n", "--output=JSON"),
    ("hello-client: --output: 'jsonx' is wrong: give text, json or openmetrics\n", "-o", "jsonx"),
], ids=lambda case: " ".join(case[1:]))
def test_refused(case):
    refused(*case)


# T20 of hellod-security(7)
@pytest.mark.parametrize("arguments", [
    ["{}"], ["-p", "{}"], ["a", "{}"], ["a", "1", "{}"], ["-p{}", "a", "1"], ["-t{}"], ["-c{}"],
    ["-i{}"], ["-o{}"], ["-ex\udcff{}"], ["--request-size={}"], ["-u", "vsock:{}"], ["--{}"]],
    ids=str)
def test_refused_in_one_line(arguments):
    """Whatever a script passes on, it does not control a terminal."""
    refused("hello-client: *a\\x1b[2J\\x0a\\u202eb*\n",
            *(each.format("a\x1b[2J\n\u202eb") for each in arguments))


@FORMATS
def test_refused_in_each_format(output):
    """The message is on standard error, and standard output is empty."""
    for arguments in ("--timeout=0", "--count=-1", "--count=x", "--count=", "--interval=x",
                      "--interval=86401", "--no-such", "localhost 0", "a 1 b"):
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
                failure, "", f"{name}: " + cannot_write(why))


@pytest.mark.parametrize("program, failure", [(HELLOD, 71), (CLIENT, 3), (CHECK, 3)],
                         ids=lambda value: os.path.basename(str(value)))
def test_no_null_device(program, failure):
    """A container without devices, and a closed stream: what opens next would become that."""
    script = 'mount -t tmpfs none /dev && exec "$0" <&-'
    assert run(*unshare("--mount"), "sh", "-c", script, program) == (
        failure, "", f"{os.path.basename(program)}: /dev/null: No such file or directory\n")
