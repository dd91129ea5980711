# SPDX-License-Identifier: MIT
"""SystemCallFilter= allows the system calls of hellod, the C library and libsystemd, and no others.

The list in hello@.service comes from here: the summary lists allowed calls that were not made.
"""
import contextlib
import re
import shutil
import subprocess

import pytest

from clients import (call, connect, flood, greet_many, hello, hello_fails, idle_clients, reset,
                     talk)
from container import attempt, wait_until


def greet_all_kinds(machine):
    """All kinds of clients, greetings and signals."""
    talk()
    talk(half_close=True)
    talk(late=True)
    reset()
    connect().close()
    flood()
    hello("::1")
    greet_many(10, 5)
    for address in "127.0.0.1", "::1":  # refused by hello.socket
        with call(address) as client:
            client.send(bytes(8))
    for text in b"x" * 65535, b"HEL\xff", None:
        machine.greeting(text)
        machine.attempt("systemctl reload hello-listen.service")  # if it runs
        attempt("./hello-client")
    machine.attempt("systemctl try-restart hello-listen.service")
    hello()
    with idle_clients(1):
        machine.run("systemctl stop hello.socket hello-listen.socket hello@*")


@contextlib.contextmanager
def traced(machine, work):
    """Yields a set that gets the names of hellod's system calls at the end."""
    calls = set()
    with open(work / "log", "w+b") as log, subprocess.Popen(
            ["strace", "--follow-forks", "--output-separately", f"--output={work}/of",
             f"--attach={machine.pid1}"], stderr=log) as strace:
        try:
            wait_until(lambda: b"attached" in (work / "log").read_bytes())
            yield calls
        finally:
            strace.terminate()
    for trace in work.glob("of.*"):  # one for each process
        # Before the last execve() the process executes systemd, without the filter.
        _, *ours = re.split(r'(?m)^execve\("[^"]*/hellod", .* = 0$',
                            trace.read_text("utf-8", "replace"))
        calls.update(re.findall(r"(?m)^(\w+)\(", "".join(ours)))
    assert "sendto" in calls


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("unit, service, lines", [
    ("hello.socket", "hello@0.service", []),
    ("hello-listen.socket", "hello-listen.service", ["ListenDatagram=6666"]),
])
def test_filter_allows_what_hellod_calls(machine, record_property, tmp_path, unit, service, lines):
    with traced(machine, tmp_path) as calls:
        machine.serve(unit, *lines)
        greet_all_kinds(machine)
        wait_until(lambda: not machine.instances())
    allowed = set(machine.show(service, "SystemCallFilter").split())
    assert calls - allowed == set()
    assert ("sendmmsg" in calls) == bool(lines)
    if unit == "hello.socket":
        record_property(f"{service} allows but does not call", " ".join(sorted(allowed - calls)))


# T14 of hellod-security(7)
def test_filter_denies_the_rest(machine):
    """Another call ends the program, with the message that the fixture looks for."""
    machine.drop_in("hello@.service", "[Service]", "ExecStart=", "ExecStart=/bin/ls")
    machine.serve("hello.socket")
    hello_fails()
    wait_until(lambda: not machine.instances())
    assert "status=31/SYS" in machine.journal("-p notice")
    machine.mark_journal()
