# SPDX-License-Identifier: MIT
"""Datagrams: hello-listen.socket with the drop-in of the examples."""
import json
import pathlib
import time

import pytest

from clients import HELLO, call, connect, greet_many, receive
from container import setting, wait_until

SERVICE = "hello-listen.service"
SOCKET = "hello-listen.socket"


def example(machine):
    return machine.inside(setting["docdir"], "examples/datagram.conf").read_text("utf-8")


def serve(machine, *lines):
    """Starts the socket, with the drop-in and more lines."""
    machine.drop_in(SOCKET, example(machine), *lines)
    machine.serve(SOCKET)


def ask(address="127.0.0.1"):
    with call(address) as client:
        client.send(bytes(1232))
        return client.recv(65536)


def restart(machine, options):
    program = setting["sbindir"] + "/hellod"
    machine.drop_in(SERVICE, "[Service]", "ExecStart=", f"ExecStart={program} {options}")
    machine.run(f"systemctl restart {SERVICE}")


def test_datagram_starts_the_service(machine):
    """The service answers from each address, beside connections, and counts the answers."""
    serve(machine)
    assert machine.state(SERVICE) == "inactive"
    for address in "127.0.0.1", "127.0.0.2", "::1":
        assert ask(address) == HELLO
    assert machine.state(SERVICE) == "active"
    greet_many(20, 4)
    status = "Greeted 20 clients, 0 connected, 3 datagrams answered"
    wait_until(lambda: machine.show(SERVICE, "StatusText") == status)
    with call() as client:
        client.send(HELLO)  # too short
        client.send(bytes(8))
        assert client.recv(65536) == HELLO
    machine.run(f"systemctl stop {SOCKET}")
    entry = json.loads(machine.journal("-t hellod -o json").splitlines()[-1])
    wanted = {"MESSAGE": "greeted 20 of 20 clients, answered 4 of 5 datagrams (stopped)",
              "HELLO_GREETED": "20", "HELLO_DATAGRAMS": "4"}
    assert {name: entry.get(name) for name in wanted} == wanted
    with call() as client, pytest.raises(ConnectionRefusedError):
        client.send(bytes(8))
        client.recv(65536)


@pytest.mark.parametrize("sysctl", ["bindv6only", "conf/all/disable_ipv6"])
def test_ipv6_sysctl(machine, sysctl):
    file = pathlib.Path("/proc/sys/net/ipv6", sysctl)  # of the container's network
    file.write_text("1", "utf-8")
    try:
        serve(machine)
        assert ask() == HELLO
        assert sysctl != "bindv6only" or ask("::1") == HELLO
    finally:
        file.write_text("0", "utf-8")


def test_restart_and_idle_exit_lose_none(machine):
    """The next process answers the requests in the queue."""
    go = machine.inside("/etc/go")
    machine.drop_in(SERVICE, "[Service]",
                    "ExecStopPost=sh -c 'until [ -e /etc/go ]; do sleep 0.1; done'")
    serve(machine)
    assert ask() == HELLO
    with connect() as slow, call() as client:
        receive(slow)  # it does not close, which delays the restart, but not for ever
        machine.run(f"systemctl restart --no-block {SERVICE}")
        wait_until(lambda: machine.state(SERVICE) == "deactivating")
        client.send(bytes(8))
        go.touch()
        assert client.recv(65536) == HELLO
    go.unlink()
    assert machine.journal("-t hellod").count("(stopped)") == 1
    restart(machine, "--idle-timeout=0.01")

    def idle_exits():
        for _ in range(20):
            assert ask() == HELLO
            time.sleep(0.02)
        return machine.journal("-t hellod").count("(idle)")

    wait_until(lambda: idle_exits() >= 20)
    assert machine.show(SERVICE, "NRestarts") == "0"


def test_nothing_to_answer_with(machine):
    """The service cannot start. The socket stays active, and requests wait in its queue."""
    serve(machine)
    machine.greeting(b"HEL\xff")
    with call() as client:
        client.send(bytes(8))
        wait_until(lambda: int(machine.show(SERVICE, "NRestarts")) >= 2)
        for _ in range(50):
            client.send(bytes(8))
        assert machine.state(SOCKET) == "active"
        machine.greeting(None)
        for _ in range(51):
            assert client.recv(65536) == HELLO
    wait_until(lambda: machine.state(SERVICE) == "active")


def test_greeting_that_is_too_long(machine):
    """A warning with an explanation in the catalog; connections are greeted."""
    machine.greeting(b"A" * 65535)
    serve(machine)
    with call() as client, connect() as other:
        client.send(bytes(65507))
        assert len(receive(other)) == 65537
        wait_until(lambda: "datagrams are not answered" in machine.journal("-p warning -t hellod"))
        assert "Shorten the greeting" in machine.journal("-o short -x -t hellod")
        machine.greeting(b"B" * 2000)
        machine.run(f"systemctl reload {SERVICE}")
        wait_until(lambda: "reloaded the greeting" in machine.journal("-t hellod"))
        client.send(bytes(2003))
        assert client.recv(65536)[2:] == b"B" * 2000
    assert machine.journal("-t hellod").count("datagrams are not answered") == 1


def test_access_list(machine):
    """The list of the socket applies, that of the service does not."""
    serve(machine, "IPAddressDeny=any", "IPAddressAllow=127.0.0.2")
    with call("127.0.0.2", "127.0.0.2") as allowed, call() as denied:
        denied.settimeout(0.5)
        try:
            denied.send(bytes(8))
            denied.recv(65536)
        except (TimeoutError, PermissionError):
            pass
        else:
            pytest.fail("answered")
        allowed.send(bytes(8))
        assert allowed.recv(65536) == HELLO


def test_per_connection_is_refused(machine):
    """systemd does not start such a socket, and does not stop the other one."""
    serve(machine)
    machine.drop_in("hello.socket", example(machine))
    status, _ = machine.attempt("systemctl start hello.socket")
    assert status != 0
    assert "sockets are non-accepting. Refusing." in machine.journal("_PID=1")
    assert ask() == HELLO
