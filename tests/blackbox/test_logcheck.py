# SPDX-License-Identifier: MIT
"""The rule for logcheck ignores what hellod logs in normal operation, and nothing else."""
import os
import signal
import socket

import pytest

from harness import (HELLO, LONGEST, connect, get_frame, listen, read_all, reset, run, target_of,
                     wait_until)
from messages import GREETED, NOT_GREETED, SUMMARY, SUMMARY_DATAGRAMS

RULES = os.path.join(os.environ.get("srcdir", "."), "packaging/logcheck/hellod")
STAMPS = "Nov  6 04:31:15", "2026-11-26T04:31:15.123456+00:00"


def reported(tmp, lines):
    """The lines that logcheck reports, of those that hellod has written to standard error."""
    assert lines
    left = set()
    for stamp in STAMPS:
        with open(tmp + "/log", "w", encoding="utf-8") as log:
            for line in lines:
                assert line.startswith("hellod: ")
                log.write(f"{stamp} host hellod[123]: {line.removeprefix('hellod: ')}\n")
        # As logcheck calls it, which first removes comments and empty lines from the rules.
        said = run("sh", "-c", f"grep -Ev '^#|^$' {RULES} >{tmp}/rules; "
                   f"grep -Evf {tmp}/rules {tmp}/log")
        assert said.status in (0, 1), said
        left.add(tuple(line.split("]: ")[1] for line in said.out.splitlines()))
    assert len(left) == 1, "it depends on the form of the time"
    return list(left.pop())


@pytest.mark.slow(6)
def test_normal_operation(daemon, mode, tmp):
    hellod = daemon(mode, "--log-greetings=yes", "--verbose")
    hellod.connect()  # and does not close
    assert get_frame(hellod.target) == HELLO
    resetting = connect(hellod.target)
    assert read_all(resetting) == HELLO
    reset(resetting)
    hellod.flood()
    for end in "closed", "reset", "flood", "linger-timeout":
        hellod.log.wait_for(GREETED.format("*", end))
    if mode == "listening":
        hellod.signal(signal.SIGHUP)
        hellod.log.wait_for("*: reloaded the greeting")
        hellod.signal(signal.SIGTERM)
        hellod.log.wait_for(SUMMARY.format("*", "*", "stopped"))
    assert set(hellod.wait()) == {0}
    assert reported(tmp, hellod.log.lines) == []


def test_full(daemon, tmp):
    listener = listen()
    clients = [connect(target_of(listener)) for _ in range(2)]  # before hellod can be idle
    hellod = daemon("listening", "--max-connections=1", "--log-greetings=yes", "--idle-timeout=3",
                    listeners=[listener])
    for client in reversed(clients):  # the first one stays until it is dropped
        assert read_all(client) == HELLO
        client.close()
    assert hellod.wait() == [0]
    hellod.log.wait_for(GREETED.format("*", "dropped"))
    hellod.log.wait_for(SUMMARY.format(2, 2, "idle"))
    assert reported(tmp, hellod.log.lines) == []


def test_not_greeted(daemon, mode, longest, tmp):
    hellod = daemon(mode, longest, "--verbose", listeners=[listen(send_bytes=4096)])
    with connect(hellod.target, receive_bytes=4096) as client:
        assert client.recv(2) == LONGEST[:2]
        reset(client)
    hellod.log.wait_for(NOT_GREETED.format("*", "reset", "*", 65537))
    assert reported(tmp, hellod.log.find("hellod: did not greet*")) == []


def test_datagrams(daemon, tmp):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
         socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        hellod = daemon("listening", listeners=[listen(), server])
        client.sendto(bytes(100), server.getsockname())
        assert client.recv(100) == HELLO
        hellod.signal(signal.SIGTERM)
        hellod.log.wait_for(SUMMARY_DATAGRAMS.format(0, 0, 1, 1, "stopped"))
        assert reported(tmp, hellod.log.lines) == []


@pytest.mark.parametrize("options", [
    ["--greeting=HEL\udcc3"], ["--greeting=" + 65536 * "x"], ["--greeting-file=/nowhere"]],
    ids=["not-utf8", "too-long", "no-file"])
def test_bad_greetings_are_reported(daemon, mode, tmp, options):
    hellod = daemon(mode, *options)
    if mode == "per-connection":
        assert get_frame(hellod.target) == b""
    assert set(hellod.wait()) == {78}
    wait_until(lambda: hellod.log.lines)
    assert reported(tmp, hellod.log.lines) == [line.removeprefix("hellod: ")
                                               for line in hellod.log.lines]


@pytest.mark.parametrize("line", [
    "cannot accept connections: Too many open files; raise LimitNOFILE= or lower "
    "--max-connections",
    "cannot greet 192.0.2.1:4711: Cannot allocate memory; free memory or file descriptors on this "
    "host",
    "greeted 192.0.2.1:4711 (local-error)",
    "fatal: Bad file descriptor",
    "no socket was passed: systemd starts this program when a client connects",
    "keeping the greeting as it was",
    "cannot greet greeted x (closed): fatal",
])
def test_errors_are_reported(tmp, line):
    assert reported(tmp, ["hellod: " + line]) == [line]
