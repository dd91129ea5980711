# SPDX-License-Identifier: MIT
"""Clients of all kinds get the whole greeting, also from a hellod that gets a signal to stop."""
import select
import signal
import socket
import subprocess
import time

import pytest

from harness import HELLO, LONGEST, client, connect, get_frame, greet_many, listen, read_all, reset
from messages import GREETED, SUMMARY

LINGER = 5  # seconds that hellod waits for a client to close


@pytest.mark.parametrize("address", ["", "UNIX"])
@pytest.mark.parametrize("behaviour", ["read", "talk", "half-close", "late"])
def test_whole_greeting(daemon, mode, tmp, address, behaviour):
    hellod = daemon(mode, listeners=[listen(address and tmp + "/socket")])
    with connect(hellod.target) as connection:
        # End of file follows the greeting at once, not after hellod has lingered.
        connection.settimeout(LINGER - 1)
        connection.sendall(bytes(100000 if behaviour != "read" else 0))
        if behaviour == "half-close":
            connection.shutdown(socket.SHUT_WR)
        if behaviour == "late":
            poll = select.poll()
            poll.register(connection, select.POLLRDHUP)
            assert poll.poll((LINGER - 1) * 1000)
        assert read_all(connection) == HELLO


# T5 of hellod-security(7)
def test_many_clients(daemon, mode):
    """After clients that have disconnected without reading."""
    hellod = daemon(mode)
    reset(connect(hellod.target))
    connect(hellod.target).close()
    assert greet_many(hellod.target, 96) == {HELLO: 96}
    assert client("localhost", hellod.target) == (0, "HELLO\n", "")


# T2 of hellod-security(7)
@pytest.mark.slow(5)
def test_client_that_stays(daemon, mode):
    """A client that does not close is disconnected, whether it reads or not."""
    hellod = daemon(mode, "--log-greetings=yes")
    since = time.monotonic()
    hellod.connect()
    assert read_all(hellod.connect()) == HELLO
    assert get_frame(hellod.target) == HELLO
    hellod.log.wait_for(GREETED.format("*", "linger-timeout"), 2)
    assert LINGER <= time.monotonic() - since < 2 * LINGER
    assert get_frame(hellod.target) == HELLO


# T1 of hellod-security(7)
def test_flood(daemon, mode):
    hellod = daemon(mode, "--log-greetings=yes")
    flooder = hellod.connect()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        while True:
            flooder.send(bytes(1 << 16))
    hellod.log.wait_for(GREETED.format("*", "flood"))
    assert get_frame(hellod.target) == HELLO


# T2 of hellod-security(7)
@pytest.mark.parametrize("mode, stop", [
    ("listening", signal.SIGTERM), ("listening", signal.SIGINT),
    ("per-connection", signal.SIGTERM), ("per-connection", signal.SIGINT),
    ("per-connection", signal.SIGHUP)])  # where there is nothing to reload
def test_slow_clients_are_served(daemon, mode, longest, stop):
    """Other clients do not wait for them. After a signal, or two, hellod does."""
    hellod = daemon(mode, longest, listeners=[listen(send_bytes=4096)])
    slow = [hellod.connect(4096) for _ in range(50 if mode == "listening" else 5)]
    starts = [each.recv(100) for each in slow]
    since = time.monotonic()
    assert greet_many(hellod.target, 20, 1) == {LONGEST: 20}
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
def test_greeted_client_is_waited_for(daemon, mode, stop):
    """After a signal, hellod waits for the client to close."""
    hellod = daemon(mode)
    connection = hellod.connect()
    assert read_all(connection) == HELLO
    hellod.signal(stop)
    with pytest.raises(subprocess.TimeoutExpired):
        hellod.processes[0].wait(0.5)
    connection.close()
    assert hellod.wait() == [0]
