# SPDX-License-Identifier: MIT
"""Clients, in the network of the container: see container.py."""
import contextlib
import json
import select
import socket
import struct
import subprocess

from container import PATIENCE_SEC, attempt, run, wait_until

HELLO = b"\0\5HELLO"


def connect(source="127.0.0.1", receive_buffer=None):
    client = socket.socket()
    client.settimeout(PATIENCE_SEC)
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.bind((source, 0))
    client.connect(("127.0.0.1", 6666))
    return client


def call(address="127.0.0.1", source=None):
    """Returns a client for datagrams, which takes answers from nowhere else."""
    client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                           socket.SOCK_DGRAM)
    client.settimeout(PATIENCE_SEC)
    if source:
        client.bind((source, 0))
    client.connect((address, 6666))
    return client


def receive(client):
    """Returns everything up to end of file."""
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


def talk(half_close=False, late=False):
    """Sends first, then reads. With `late`, reads after the server has shut down its side."""
    with connect() as client:
        client.sendall(bytes(100000))
        if half_close:
            client.shutdown(socket.SHUT_WR)
        if late:
            poll = select.poll()
            poll.register(client, select.POLLRDHUP)
            poll.poll()
        assert receive(client) == HELLO


def reset():
    with connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def flood():
    """Sends until the server disconnects it."""
    with connect() as client, contextlib.suppress(ConnectionError):
        while True:
            client.send(bytes(65536))


@contextlib.contextmanager
def idle_clients(count, source="127.0.0.1"):
    """Clients that stay connected. Yields the numbers of those greeted and those closed at once."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(source)) for _ in range(count)]
        received = [receive(client) for client in clients]
        assert set(received) <= {HELLO, b""}
        yield received.count(HELLO), received.count(b"")


def hello(*arguments):
    """Returns the greeting that hello-client prints."""
    return run("./hello-client", f"--timeout={PATIENCE_SEC}", *arguments)


def hello_fails(*arguments):
    """Returns the error message of hello-client, which must fail."""
    status, message = attempt("./hello-client", *arguments)
    assert status == 2, message
    return message


def load_command(concurrency, *options):
    """The command for many clients with different addresses: see tests/bench/load --help."""
    return ["./tests/bench/load", "--json", f"--concurrency={concurrency}", "--port=6666",
            f"--timeout={PATIENCE_SEC}", *options]


def greet_many(count, concurrency, *options):
    """Fails unless all clients get HELLO, or the bytes of --bytes."""
    run(*load_command(concurrency, f"--count={count}", *options))


def outlast(machine):
    """From the next start of the socket on, instances outlast their clients. The test ends
    them with "systemctl stop hello@*"."""
    machine.drop_in("hello@.service", "[Service]", "ExecStartPost=sleep 600",
                    "TimeoutStartSec=infinity", "SystemCallFilter=")


@contextlib.contextmanager
def load(concurrency, *options):
    """Yields the process, and a dictionary that gets its result at the end. Without options, it is
    to be terminated, and its first clients exist by then."""
    def has_clients():
        return run("find", f"/proc/{process.pid}/fd", "-ignore_readdir_race",
                   "-lname", "socket:*", "-not", "-name", "[012]")

    result = {}
    until_terminated = [f"--seconds={PATIENCE_SEC}"]
    command = load_command(concurrency, *(options or until_terminated))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            if not options:
                wait_until(has_clients)
            yield process, result
            result.update(json.loads(process.communicate()[0]))
        finally:
            process.kill()
