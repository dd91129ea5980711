# SPDX-License-Identifier: MIT
"""Long deadlines, slow clients and a host without memory: hellod with a clock that the test sets,
and a send(2) that fails."""
import errno
import os
import signal
import time

import pytest

from harness import HELLO, LONGEST, get_frame, greet_many, listen, read_all, wait_until
from messages import NOT_GREETED, SUMMARY, SUMMARY_DATAGRAMS
from test_datagram import ask, caller, receiver

# T2 of hellod-security(7)
def test_send_deadline(daemon, mode, steer, longest):
    """A client that stops reading is disconnected after 30 seconds. Other clients do not wait."""
    steer("NOW", 1000)
    hellod = daemon(mode, longest, "--verbose", listeners=[listen(send_bytes=4096)],
                    environment=steer.environment)
    mute = [hellod.connect(4096) for _ in range(3)]

    def wake():
        """Reads more than the buffers hold, so that hellod has to send."""
        for each in mute:
            left = 16000
            while left > 0 and (got := each.recv(left)):
                left -= len(got)
        assert greet_many(hellod.target, 10, 1) == {LONGEST: 10}

    wake()
    steer("NOW", 1020)
    wake()
    assert not hellod.log.find("*send-timeout*")
    steer("NOW", 1031)
    wake()
    hellod.log.wait_for(NOT_GREETED.format("*", "send-timeout", "*", 65537), 3)
    if mode == "listening":
        hellod.signal(signal.SIGTERM)
        hellod.log.wait_for(SUMMARY.format(30, 33, "stopped"))


# T2 of hellod-security(7)
@pytest.mark.parametrize("mode, stop", [
    ("listening", signal.SIGTERM), ("listening", signal.SIGINT),
    ("per-connection", signal.SIGTERM), ("per-connection", signal.SIGINT),
    ("per-connection", signal.SIGHUP)])  # where there is nothing to reload
def test_slow_clients_are_served(daemon, mode, steer, longest, stop):
    """Other clients do not wait for them. After a signal, or two, hellod does."""
    steer("NOW", 1000)
    hellod = daemon(mode, longest, listeners=[listen(send_bytes=4096)],
                    environment=steer.environment)
    slow = [hellod.connect(4096) for _ in range(50 if mode == "listening" else 5)]
    starts = [each.recv(100) for each in slow]
    assert greet_many(hellod.target, 20, 1) == {LONGEST: 20}
    hellod.signal(stop)
    hellod.signal(stop)
    for start, each in zip(starts, slow):
        assert start + read_all(each) == LONGEST
        each.close()
    assert set(hellod.wait()) == {0}
    if mode == "listening":
        hellod.log.wait_for(SUMMARY.format(70, 70, "stopped"))


@pytest.mark.parametrize("error, lasts", [
    (errno.ENOBUFS, False), (errno.ENOMEM, False), (errno.ENOBUFS, True)])
def test_local_error(daemon, mode, steer, error, lasts):
    """hellod retries until the host has memory again, or until the deadline."""
    steer("SEND_ERROR", error)
    hellod = daemon(mode, environment=steer.environment)
    waiting = hellod.connect()
    wait_until(lambda: steer.send_errors() > 1)
    if not lasts:
        steer("SEND_ERROR", 0)
        assert read_all(waiting) == HELLO
        return
    steer("NOW", int(time.monotonic()) + 31)
    assert read_all(waiting) == b""
    hellod.log.wait_for(f"hellod: cannot greet *: {os.strerror(error)}; "
                        "free memory or file descriptors on this host")
    steer("SEND_ERROR", 0)
    if mode == "per-connection":
        assert hellod.wait() == [71]
    else:
        assert get_frame(hellod.target) == HELLO


def test_answers_restart_the_idle_time(daemon, steer):
    steer("NOW", 1000)
    server = receiver("127.0.0.1")
    hellod = daemon("listening", "--idle-timeout=6", listeners=[server],
                    environment=steer.environment)
    client = caller(server, "127.0.0.1")
    for now in 1000, 1005, 1010, 1015:
        steer("NOW", now)
        assert ask(client) == HELLO
    steer("NOW", 1022)
    assert hellod.wait() == [0]
    hellod.log.wait_for(SUMMARY_DATAGRAMS.format(0, 0, 4, 4, "idle"))
