# SPDX-License-Identifier: MIT
"""The sockets that are passed to hellod: all kinds, or none; systemd-socket-activate."""
import os
import shutil
import socket

import pytest

from harness import (HELLO, HELLOD, PATIENCE, Background, Lines, client, get_frame, like, listen,
                     run, target_of)

SOCKET_ACTIVATE = os.environ.get("SYSTEMD_SOCKET_ACTIVATE") or "systemd-socket-activate"
UNCONNECTED = "3: a socket that neither listens nor is connected"


def test_started_by_hand():
    status, out, err = run(HELLOD)
    assert (status, out, err.count("\n")) == (64, "", 2)
    assert like("hellod: no socket was passed*\n"
                "hellod: *systemctl start hello.socket*systemd-socket-activate*\n", err)


# T10 of hellod-security(7)
@pytest.mark.parametrize("what, make", [
    ("3: neither a stream nor a datagram socket",
     lambda: [socket.socketpair(type=socket.SOCK_SEQPACKET)[0]]),
    ("3: not a socket", lambda: [open("/dev/null", "rb")]),
    (UNCONNECTED, lambda: [socket.socket()]),
    (UNCONNECTED, lambda: [socket.socket(socket.AF_UNIX)]),
    ("4: a connection among listening or datagram sockets",
     lambda: [listen(), socket.socketpair()[0]]),
    ("4: a listening socket among connections", lambda: [socket.socketpair()[0], listen()]),
    ("4: a datagram socket among connections",
     lambda: [socket.socketpair()[0], socket.socket(type=socket.SOCK_DGRAM)]),
])
def test_refused_descriptors(what, make):
    status, out, err = run(HELLOD, sockets=make())
    assert (status, out, err.count("\n")) == (78, "", 1)
    assert like(f"hellod: file descriptor {what}; pass connections with Accept=yes, or *\n", err)


def test_several_connections():
    """One of them is closed, and the log is a broken pipe."""
    ours, theirs = zip(*(socket.socketpair() for _ in range(3)))
    ours[0].close()
    for end in ours[1:]:
        end.shutdown(socket.SHUT_WR)
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as log:
        assert run(HELLOD, "-v", sockets=theirs, stderr=log) == (0, "", "")
    assert [end.recv(100) for end in ours[1:]] == [HELLO, HELLO]


# T5 of hellod-security(7)
def test_peers_that_are_gone():
    assert run(HELLOD, sockets=[socket.socketpair()[0], socket.socketpair()[0]]) == (0, "", "")


@pytest.mark.parametrize("family", ["TCP", "UNIX"])
def test_socket_activate(closing, mode, family, tmp):
    if not shutil.which(SOCKET_ACTIVATE):
        pytest.skip("systemd-socket-activate is not installed")
    accept = ["--accept"] if mode == "per-connection" else []
    for _ in range(5):  # another process may take the port
        with listen() as listener:
            targets = [target_of(listener)] if family == "TCP" else [tmp + "/one", tmp + "/two"]
        listens = (word for target in targets for word in ("-l", target))
        command = [SOCKET_ACTIVATE, *accept, *listens, HELLOD]
        log = Lines(closing(Background(command=command)).process.stderr)
        if all(like("Listening on *", line) for line in log.wait_for("*", len(targets))):
            break
    for target in [*targets, targets[0]]:
        assert get_frame(target) == HELLO
    assert client(*["localhost"] * (family == "TCP"), target) == (0, "HELLO\n", "")
    if accept:
        log.wait_for("Child * died with code 0", len(targets) + 2)


def test_socket_activate_datagram(closing, tmp):
    if not shutil.which(SOCKET_ACTIVATE):
        pytest.skip("systemd-socket-activate is not installed")
    log = Lines(closing(Background(command=[SOCKET_ACTIVATE, "--datagram", "-l", tmp + "/server",
                                            HELLOD])).process.stderr)
    log.wait_for("Listening on *")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
        caller.settimeout(PATIENCE)
        caller.bind(tmp + "/client")
        for _ in range(2):  # the first one starts it
            caller.sendto(bytes(1232), tmp + "/server")
            assert caller.recv(100) == HELLO
