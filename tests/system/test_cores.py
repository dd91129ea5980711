# SPDX-License-Identifier: MIT
"""One process per core: the templates hello-listen@.socket and .service of the examples."""
import contextlib
import os
import pathlib
import re
import subprocess
import time

import pytest

from clients import HELLO, connect, greet_many, hello, hello_fails, load, receive
from container import SOCKETS, setting, wait_until

CORES = sorted(os.sched_getaffinity(0))[:2]
CORE_SOCKETS = [f"hello-listen@{core}.socket" for core in CORES]
CORE_SERVICES = [f"hello-listen@{core}.service" for core in CORES]
START = "systemctl start " + " ".join(CORE_SOCKETS)
UNITS = "/etc/systemd/system"

pytestmark = pytest.mark.skipif(len(CORES) < 2, reason="this machine has one core")


@pytest.fixture(name="cores")
def machine_with_templates(machine):
    """The container with the templates, and with what other units need there."""
    for kind in "socket", "service":
        machine.run(f"cp {setting['docdir']}/examples/hello-listen@.{kind} {UNITS}")
        machine.link(f"{UNITS}/hello-listen@.{kind}.d", f"hello-listen.{kind}.d")
    machine.run("systemctl daemon-reload")
    yield machine
    machine.attempt("systemctl stop hello-listen@*")
    machine.run(f"sh -c 'rm {UNITS}/hello-listen@.*'")
    machine.run("systemctl daemon-reload")


def active(machine, *units):
    return [unit for unit in units if machine.state(unit) == "active"]


def greeted(machine, service):
    count = re.match(r"Greeted (\d+) clients", machine.show(service, "StatusText"))
    return int(count[1]) if count else 0


def stuck_service(machine):
    """Starts all sockets. The second service lets its clients wait."""
    machine.drop_in(CORE_SERVICES[1], "[Service]", "Type=exec", "ExecStart=",
                    "ExecStart=sleep infinity")
    machine.run(START)


@contextlib.contextmanager
def clients(count=64):
    """Clients of both sockets: that all get the same one has a chance of 1 in 2^63."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect()) for _ in range(count)]


def answer(client):
    try:
        return receive(client)
    except ConnectionResetError:
        return b""


def test_each_process_has_its_core_and_its_clients(cores):
    cores.run(START)
    assert active(cores, *CORE_SOCKETS, *CORE_SERVICES) == CORE_SOCKETS
    greet_many(400, 16)
    assert hello("::1") == "HELLO"
    wait_until(lambda: sum(greeted(cores, service) for service in CORE_SERVICES) == 401)
    for core, service in zip(CORES, CORE_SERVICES):
        assert greeted(cores, service) > 50
        pid = cores.show(service, "MainPID")
        assert cores.run(f"grep Cpus_allowed_list /proc/{pid}/status").split()[1] == str(core)


def test_switching(cores):
    """One command switches, in each direction. Clients fail at most while it runs."""
    ways = [[SOCKETS[1]], CORE_SOCKETS, [SOCKETS[0]], CORE_SOCKETS]
    for units in 2 * ways:
        with subprocess.Popen(cores.command("systemctl start " + " ".join(units))) as switch:
            while switch.poll() is None:
                with contextlib.suppress(OSError), connect() as client:
                    receive(client)
        assert switch.returncode == 0
        assert active(cores, *SOCKETS, *CORE_SOCKETS) == units
        greet_many(20, 4)
    cores.run("systemctl stop hello-listen@*.socket")
    assert active(cores, *CORE_SOCKETS, *CORE_SERVICES) == []
    assert "Connection refused" in hello_fails()


def test_core_that_does_not_exist(cores):
    """Its socket does not start, because its clients would wait for a service that fails."""
    cores.run(START)
    for instance in "8191", "x":
        assert cores.attempt(f"systemctl start hello-listen@{instance}.socket")[0] != 0
    assert active(cores, *CORE_SOCKETS) == CORE_SOCKETS
    greet_many(20, 4)


@pytest.mark.parametrize("migrate", ["0", "1"])
def test_stop_of_one_socket(cores, migrate):
    """systemd disconnects the clients in its queue, before the kernel could give them to the other
    socket. New clients get that one."""
    sysctl = pathlib.Path("/proc/sys/net/ipv4/tcp_migrate_req")  # of the container's network
    sysctl.write_text(migrate, "utf-8")
    try:
        stuck_service(cores)
        with clients() as connected:
            cores.run(f"systemctl stop {CORE_SOCKETS[1]}")
            assert {answer(client) for client in connected} == {HELLO, b""}
        assert active(cores, *CORE_SOCKETS, *CORE_SERVICES) == [CORE_SOCKETS[0], CORE_SERVICES[0]]
        greet_many(100, 8)
    finally:
        sysctl.write_text("0", "utf-8")


def test_stop_of_one_service(cores):
    """Its clients wait in the queue for the next process."""
    stuck_service(cores)
    with clients() as connected:
        cores.drop_in(CORE_SERVICES[1])
        cores.run(f"systemctl stop {CORE_SERVICES[1]}")
        assert [receive(client) for client in connected] == [HELLO] * len(connected)
    wait_until(lambda: active(cores, *CORE_SERVICES) == CORE_SERVICES)


def test_restarts_lose_no_client(cores):
    cores.run(START)
    with load(64) as (process, result):
        for _ in range(8):
            cores.run("systemctl restart " + " ".join(CORE_SERVICES))
            time.sleep(0.2)
        process.terminate()
    assert result["greetings"] > 0 and result["lost"] == 0
