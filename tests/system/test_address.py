# SPDX-License-Identifier: MIT
"""Addresses and access lists of both socket units. The drop-ins are those of hello.socket(8)."""
import pathlib
import re

import pytest

from clients import HELLO, connect, hello, hello_fails, receive, talk
from container import SOCKETS, run, setting

pytestmark = pytest.mark.parametrize("unit", SOCKETS)


def test_every_address(machine, unit):
    machine.serve(unit)
    assert re.search(rf":6666 +{unit} ", machine.run("systemctl list-sockets hello*"))
    assert [hello(), hello("127.0.0.1"), hello("::1")] == 3 * ["HELLO"]
    talk()


@pytest.mark.parametrize("sysctl, hosts", [
    ("bindv6only", ["127.0.0.1", "::1"]),
    ("conf/all/disable_ipv6", ["127.0.0.1", "localhost"]),
])
def test_ipv6_sysctl(machine, unit, sysctl, hosts):
    file = pathlib.Path("/proc/sys/net/ipv6", sysctl)  # of the container's network
    file.write_text("1", "utf-8")
    try:
        machine.serve(unit)
        assert [hello(host) for host in hosts] == 2 * ["HELLO"]
    finally:
        file.write_text("0", "utf-8")


def test_another_port(machine, unit):
    machine.serve(unit, "ListenStream=", "ListenStream=127.0.0.1:7777", "ListenStream=[::1]:7777")
    assert [hello("127.0.0.1", "7777"), hello("::1", "7777")] == 2 * ["HELLO"]
    assert "Connection refused" in hello_fails("127.0.0.1", "6666")
    assert "Connection refused" in hello_fails("127.0.0.2", "7777")


def test_unix_socket(machine, unit):
    machine.serve(unit, "ListenStream=", "ListenStream=/run/hello.sock", "SocketMode=0666")
    for user in "", "setpriv --reuid=65534 --clear-groups":
        assert machine.run(f"{user} {setting['bindir']}/hello-client /run/hello.sock") == "HELLO"
    # In the pid namespace of the container, because systemd asks for the PID of a client.
    run("nsenter", f"--target={machine.pid1}", "--pid", "./tests/bench/load", "--count=50",
        "--concurrency=32", f"--unix=/proc/{machine.pid1}/root/run/hello.sock")


# T11 of hellod-security(7)
def test_access_list(machine, unit):
    machine.serve(unit, "IPAddressDeny=any", "IPAddressAllow=127.0.0.2")
    with connect("127.0.0.2") as client:
        assert receive(client) == HELLO
    assert "timed out" in hello_fails("--timeout=1", "127.0.0.1")
    # The service denies all addresses, but its list has no effect on passed connections.
    machine.drop_in(unit)
    machine.serve(unit)
    assert hello("127.0.0.1") == "HELLO"
