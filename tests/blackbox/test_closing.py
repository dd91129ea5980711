# SPDX-License-Identifier: MIT
"""Clients of all kinds get the whole greeting, also from a hellod that gets a signal to stop."""
import contextlib
import select
import signal
import socket
import subprocess
import time

import pytest

from harness import HELLO, client, connect, get_frame, greet_many, listen, read_all, reset
from messages import GREETED

LINGER = 5  # seconds that hellod waits for a client to close
SEND = 30  # and for one to read


@pytest.mark.parametrize("address", ["", "UNIX"])
@pytest.mark.parametrize("behaviour", ["read", "talk", "half-close", "late"])
def test_whole_greeting(daemon, mode, tmp, address, behaviour):
    hellod = daemon(mode, listeners=[listen(address and tmp + "/socket")])
    with connect(hellod.target) as connection:
        connection.sendall(bytes(100000 if behaviour != "read" else 0))
        if behaviour == "half-close":
            connection.shutdown(socket.SHUT_WR)
        connection.recv(1, socket.MSG_PEEK)
        # End of file follows the greeting at once, not after hellod has lingered.
        connection.settimeout(LINGER - 1)
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
    assert LINGER <= time.monotonic() - since < SEND
    assert get_frame(hellod.target) == HELLO


# T1 of hellod-security(7)
def test_flood(daemon, mode):
    hellod = daemon(mode, "--log-greetings=yes")
    hellod.flood()
    assert get_frame(hellod.target) == HELLO


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_greeted_client_is_waited_for(daemon, mode, stop):
    """After a signal, hellod waits for the client to close."""
    hellod = daemon(mode)
    since = time.monotonic()
    connection = hellod.connect()
    assert read_all(connection) == HELLO
    hellod.signal(stop)
    with contextlib.suppress(subprocess.TimeoutExpired):
        hellod.processes[0].wait(0.5)
        assert time.monotonic() - since >= LINGER  # this process was late
    connection.close()
    assert hellod.wait() == [0]
