# SPDX-License-Identifier: MIT
"""The log of hellod on standard error, and its messages to systemd: sd_notify(3)."""
import signal
import socket
import time

import pytest

from harness import (HELLO, Lines, connect, get_frame, listen, read_all, reset, target_of,
                     wait_until)
from messages import GREETED, NOT_GREETED, SUMMARY


def address_of(client):
    host, port = client.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "UNIX"])
@pytest.mark.parametrize("options, wanted", [
    ([], ["per-connection"]), (["--log-greetings=yes"], ["per-connection", "listening"]),
    (["--log-greetings=no"], [])], ids=["default", "yes", "no"])
def test_greetings(daemon, mode, tmp, address, options, wanted):
    where = {"UNIX": tmp + "/socket", "127.0.0.1": ""}.get(address, address)
    hellod = daemon(mode, *options, listeners=[listen(where)])
    with connect(hellod.target, address=address) as client:
        line = GREETED.format("unix" if address == "UNIX" else address_of(client), "closed")
        assert read_all(client) == HELLO
    if mode in wanted:
        hellod.log.wait_for(line)
    if mode == "listening":
        hellod.signal(signal.SIGTERM)
        hellod.log.wait_for(SUMMARY.format(1, 1, "stopped"))
    assert hellod.wait() == [0]
    assert len(hellod.log.find(line)) == (mode in wanted)


def test_early_reset(daemon):
    """accept4(2) returns the address of a client that has already reset the connection."""
    hellod = daemon("listening", "--verbose")
    assert get_frame(hellod.target) == HELLO
    hellod.signal(signal.SIGSTOP)
    wait_until(lambda: "State:\tT" in hellod.proc("status").read_text())
    client = connect(hellod.target)
    address = address_of(client)
    reset(client)
    hellod.signal(signal.SIGCONT)
    hellod.log.wait_for(NOT_GREETED.format(address, "reset", 0, 7))


@pytest.fixture
def notify_receiver(tmp):
    """Replaces systemd. The lines are the received assignments."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(tmp + "/notify")
        lines = Lines(line for message in iter(lambda: receiver.recv(65536), b"")
                      for line in message.splitlines())
        # The socket may hold only ten messages, of which a busy receiver lets some be lost.
        lines.service = {"NOTIFY_SOCKET": tmp + "/notify", "WATCHDOG_USEC": "4000000"}
        yield lines
        receiver.shutdown(socket.SHUT_RDWR)


@pytest.mark.slow(4)
def test_notify(daemon, notify_receiver):
    hellod = daemon("listening", environment={**notify_receiver.service, "WATCHDOG_PID": "{pid}"})
    notify_receiver.wait_for("READY=1")
    notify_receiver.wait_for("WATCHDOG=1", 3)
    for _ in range(2):
        assert get_frame(hellod.target) == HELLO
    notify_receiver.wait_for("STATUS=Greeted 2 clients, 0 connected")
    hellod.signal(signal.SIGHUP)
    notify_receiver.wait_for("READY=1", 2)
    said = [line for line in notify_receiver.lines if line != "WATCHDOG=1"]
    reloading, monotonic_usec, ready = said[said.index("RELOADING=1"):][:3]
    assert (reloading, ready) == ("RELOADING=1", "READY=1")
    assert 0 <= time.monotonic() - int(monotonic_usec.replace("MONOTONIC_USEC=", "")) / 1e6 < 60
    hellod.signal(signal.SIGTERM)
    assert hellod.wait() == [0]
    notify_receiver.wait_for("STOPPING=1")
    notify_receiver.wait_for("STATUS=Finishing with connected clients")


@pytest.mark.slow(3)
def test_idle(daemon, notify_receiver):
    """The reason for the exit is in the status. hellod ignores the watchdog of another process."""
    listener, since = listen(), time.monotonic()
    with connect(target_of(listener)) as client:  # before hellod can be idle
        hellod = daemon("listening", "--idle-timeout=3", listeners=[listener],
                        environment={**notify_receiver.service, "WATCHDOG_PID": "1"})
        assert read_all(client) == HELLO
    assert hellod.wait() == [0]
    assert time.monotonic() - since >= 3
    hellod.log.wait_for(SUMMARY.format(1, 1, "idle"))
    notify_receiver.wait_for("STOPPING=1")
    notify_receiver.wait_for("STATUS=Idle, exiting")
    assert not notify_receiver.find("WATCHDOG*")
