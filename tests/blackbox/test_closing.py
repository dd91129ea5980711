# SPDX-License-Identifier: MIT
"""However a client behaves, it gets the whole greeting, also from a hellod that is told to stop."""
import select
import signal
import socket
import subprocess
import time

import pytest

from harness import HELLO, LONGEST, client, connect, crowd, listen, read_all, reset, visit
from messages import GREETED, SUMMARY

LINGER = 5  # seconds that hellod waits for a client to close


@pytest.mark.parametrize("address", ["", "UNIX"])
@pytest.mark.parametrize("behaviour", ["read", "talk", "half-close", "late"])
def test_whole_greeting(daemon, mode, tmp, address, behaviour):
    hellod = daemon(mode, listeners=[listen(address and tmp + "/socket")])
    with connect(hellod.target) as visitor:
        # The end of the stream comes with the greeting, not when hellod has waited long enough.
        visitor.settimeout(LINGER - 1)
        visitor.sendall(bytes(100000 if behaviour != "read" else 0))
        if behaviour == "half-close":
            visitor.shutdown(socket.SHUT_WR)
        if behaviour == "late":
            poll = select.poll()
            poll.register(visitor, select.POLLRDHUP)
            assert poll.poll((LINGER - 1) * 1000)
        assert read_all(visitor) == HELLO


def test_crowd(daemon, mode):
    """After clients that have gone away."""
    hellod = daemon(mode)
    reset(connect(hellod.target))
    connect(hellod.target).close()
    assert crowd(hellod.target, 96) == {HELLO: 96}
    assert client("localhost", hellod.target) == (0, "HELLO\n", "")


@pytest.mark.slow(5)
def test_client_that_stays(daemon, mode):
    """Whether it reads or not, it is given up after a while."""
    hellod = daemon(mode, "--log-greetings=yes")
    since = time.monotonic()
    hellod.connect()
    assert read_all(hellod.connect()) == HELLO
    assert visit(hellod.target) == HELLO
    hellod.log.wait_for(GREETED.format("*", "linger-timeout"), 2)
    assert LINGER <= time.monotonic() - since < 2 * LINGER
    assert visit(hellod.target) == HELLO


def test_flood(daemon, mode):
    hellod = daemon(mode, "--log-greetings=yes")
    flooder = hellod.connect()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        while True:
            flooder.send(bytes(1 << 16))
    hellod.log.wait_for(GREETED.format("*", "flood"))
    assert visit(hellod.target) == HELLO


@pytest.mark.parametrize("mode, stop", [
    ("listening", signal.SIGTERM), ("listening", signal.SIGINT),
    ("per-connection", signal.SIGTERM), ("per-connection", signal.SIGINT),
    ("per-connection", signal.SIGHUP)])  # which has nothing to reload
def test_slow_clients_are_served(daemon, mode, longest, stop):
    """Others need not wait for them, and hellod, told to stop, does. Told again, it does too."""
    hellod = daemon(mode, longest, listeners=[listen(send_bytes=4096)])
    slow = [hellod.connect(4096) for _ in range(50 if mode == "listening" else 5)]
    starts = [each.recv(100) for each in slow]
    since = time.monotonic()
    assert crowd(hellod.target, 20, 1) == {LONGEST: 20}
    assert time.monotonic() - since < 5
    hellod.signal(stop)
    hellod.signal(stop)
    for start, each in zip(starts, slow):
        assert start + read_all(each) == LONGEST
        each.close()
    assert set(hellod.wait()) == {0}
    if mode == "listening":
        hellod.log.wait_for(SUMMARY.format(70, 70, "stopped"))


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_client_that_has_its_greeting(daemon, mode, stop):
    """hellod, told to stop, waits for it to close."""
    hellod = daemon(mode)
    guest = hellod.connect()
    assert read_all(guest) == HELLO
    hellod.signal(stop)
    with pytest.raises(subprocess.TimeoutExpired):
        hellod.processes[0].wait(0.5)
    guest.close()
    assert hellod.wait() == [0]
