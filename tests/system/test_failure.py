# SPDX-License-Identifier: MIT
"""Configuration errors of hello.socket, and their correction, while clients connect.

Without CollectMode= each client would leave a failed unit, until systemd can load no more units and
the socket fails.
"""
import pytest

from clients import greet_many, hello, hello_fails
from container import setting, wait_until

GREETING_ID = "9320f0a01a3242f8ae3a0d459390222a"  # of MESSAGE_ID=
CLIENTS = 20


def expect_broken(machine, reason):
    """Clients get no byte, the journal has the reason, and the socket stays active."""
    greet_many(CLIENTS, 10, "--bytes=")
    wait_until(lambda: not machine.instances())
    assert reason in machine.journal("-p notice")
    assert machine.state("hello.socket") == "active"


# T12 of hellod-security(7)
def test_bad_greeting(machine):
    machine.serve("hello.socket")
    machine.greeting(b"HEL\xff")
    reason = f"{setting['sysconfdir']}/hello/greeting: not UTF-8 at byte 3"
    expect_broken(machine, reason)
    assert len(machine.journal(f"-p err MESSAGE_ID={GREETING_ID}").splitlines()) == CLIENTS
    if setting.get("catalogdir"):
        explained = machine.run("journalctl --no-pager -x -n 1 -t hellod")
        assert reason in explained and "Defined-By: hellod" in explained
    hello_fails()
    file = machine.greeting("Grüß Gott\n".encode())
    assert hello() == "Grüß Gott"
    file.chmod(0o600)
    expect_broken(machine, f"{setting['sysconfdir']}/hello/greeting: Permission denied")
    file.chmod(0o644)
    assert hello() == "Grüß Gott"
    machine.greeting(None)
    assert hello() == "HELLO"


@pytest.mark.parametrize("lines, reason", [
    (["ExecStart=", "ExecStart=/no/such/program"], "status=203/EXEC"),
    (["User=no-such-user"], "status=217/USER"),
    # With StandardError=null.
    (["ExecStart=", f"ExecStart={setting['sbindir']}/hellod --bogus"],
     "unrecognized option '--bogus'"),
    # The filter denies system calls of a shell.
    (["SystemCallFilter=", "ExecStart=", "ExecStart=/bin/sh -c 'kill -SEGV $$$$'"],
     "status=11/SEGV"),
])
def test_bad_service(machine, lines, reason):
    machine.serve("hello.socket")
    machine.drop_in("hello@.service", "[Service]", *lines)
    expect_broken(machine, reason)
    machine.drop_in("hello@.service")
    assert hello() == "HELLO"


def test_service_without_program(machine):
    """A service that cannot be loaded makes the socket fail until it is started again."""
    machine.serve("hello.socket")
    machine.drop_in("hello@.service", "[Service]", "ExecStart=")
    hello_fails()
    wait_until(lambda: machine.state("hello.socket") == "failed")
    assert "Failed to " in machine.journal("-u hello.socket")
    machine.drop_in("hello@.service")
    machine.run("systemctl start hello.socket")
    assert hello() == "HELLO"
    # With Upholds= a target starts it again.
    machine.drop_in("basic.target", "[Unit]", "Upholds=hello.socket")
    machine.drop_in("hello@.service", "[Service]", "ExecStart=")
    hello_fails()
    machine.drop_in("hello@.service")
    wait_until(lambda: machine.state("hello.socket") == "active")
    assert hello() == "HELLO"
    machine.drop_in("basic.target")  # or it would start the socket after this test


def test_masked_service(machine):
    machine.serve("hello.socket")
    machine.run("systemctl mask --quiet --runtime hello@.service")
    try:
        hello_fails()
        wait_until(lambda: machine.state("hello.socket") == "failed")
    finally:
        machine.run("systemctl unmask --quiet --runtime hello@.service")
    machine.run("systemctl start hello.socket")
    assert hello() == "HELLO"
