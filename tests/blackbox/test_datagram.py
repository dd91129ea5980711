# SPDX-License-Identifier: MIT
"""Datagrams: which requests are answered, from which address, how many, at what cost."""
import collections
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import threading
import time

import pytest

from harness import (CLIENT, HELLO, LONGEST, PATIENCE, Background, frame, get_frame, listen, run,
                     wait_until)
from messages import GREETING_TOO_LONG, SUMMARY_DATAGRAMS
from namespaces import Namespaces

# Of test_load_beside_clients.
DATAGRAMS = int(os.environ.get("HELLOD_DATAGRAMS") or 5000)
CLIENTS = int(os.environ.get("HELLOD_CLIENTS") or 500)

ETH_P_ALL, ETH_P_IP, PACKET_OUTGOING, SOL_PACKET, PACKET_STATISTICS = 3, 0x800, 4, 263, 6
SO_RCVBUFFORCE = 33


def receiver(address, made=None):
    """Binds a datagram socket as ListenDatagram= does, to an address of the host or a path."""
    family = (socket.AF_UNIX if "/" in address else
              socket.AF_INET6 if ":" in address else socket.AF_INET)
    made = made or socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind(address if family == socket.AF_UNIX else (address, 0))
    return made


def caller(server, address, path=None, made=None):
    """Returns a client, which receives only what the server sends from this address."""
    family = (socket.AF_UNIX if path else
              socket.AF_INET6 if ":" in address else socket.AF_INET)
    made = made or socket.socket(family, socket.SOCK_DGRAM)
    made.settimeout(PATIENCE)
    if path:
        made.bind(path)
    made.connect(address if path else (address, server.getsockname()[1]))
    return made


def ask(client, size=1232):
    client.send(bytes(size))
    return client.recv(65536)


def is_readable(sock):
    return bool(select.select([sock], [], [], 0)[0])


def assert_silent(client):
    """Earlier requests were not answered. The server has read them when it answers a later one,
    because its socket is a queue."""
    assert ask(client) == HELLO
    assert not is_readable(client)


# T8 of hellod-security(7)
@pytest.mark.parametrize("bound, address", [
    ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.2"), ("::1", "::1"), ("::", "::1"),
    ("::", "127.0.0.2"), ("{}/server", "{}/server"),
])
@pytest.mark.parametrize("greeting", ["", "HELLO", "G" * 1232], ids=len)
def test_longer_requests_are_answered(daemon, tmp, bound, address, greeting):
    """Other requests are dropped."""
    server = receiver(bound.format(tmp))
    hellod = daemon("listening", f"--greeting={greeting}", listeners=[listen(), server])
    where = address.format(tmp)
    client = caller(server, where, where != address and tmp + "/client")
    wanted, answered, sizes = frame(greeting), 0, {0, 1, 1232, 65507}
    for size in sorted(sizes.union(range(len(frame(greeting)) - 1, len(frame(greeting)) + 2))):
        client.send(bytes(size))
        if size > len(wanted):
            assert client.recv(65536) == wanted
            answered += 1
    assert get_frame(hellod.target) == wanted
    hellod.signal(signal.SIGTERM)
    assert hellod.wait() == [0]
    hellod.log.wait_for(SUMMARY_DATAGRAMS.format(1, 1, answered, "*", "stopped"))
    assert not is_readable(client)


@pytest.mark.parametrize("kind", ["", "\0"], ids=["path", "abstract"])
def test_unix_client(daemon, tmp, kind):
    """hello-client's socket has an abstract name, and a confined hellod answers there, too."""
    daemon("listening", listeners=[receiver(kind + tmp + "/server")])
    assert run(CLIENT, "--udp", f"unix:{kind and '@'}{tmp}/server") == (0, "HELLO\n", "")


def test_requests_without_a_server(daemon):
    """Requests that arrive while no hellod runs are answered by the next one. One of the clients
    is gone by then."""
    server = receiver("0.0.0.0")
    client = caller(server, "127.0.0.1")
    with caller(server, "127.0.0.1") as gone:
        gone.send(bytes(8))
    for i in range(2):
        client.send(bytes(8))
        hellod = daemon("listening", "--idle-timeout=60", listeners=[server.dup()])
        assert client.recv(100) == HELLO
        hellod.signal(signal.SIGTERM)
        assert hellod.wait() == [0]
        hellod.log.wait_for(SUMMARY_DATAGRAMS.format(0, 0, *[2 - i] * 2, "stopped"))
        assert not is_readable(client)


def test_reload(daemon, tmp):
    """A greeting that fits no datagram is logged once, and TCP clients get it."""
    def write(text):
        with open(tmp + "/greeting", "w", encoding="utf-8") as file:
            file.write(text)

    write("A" * 65535)
    server = receiver("127.0.0.1")
    hellod = daemon("listening", f"--greeting-file={tmp}/greeting", listeners=[listen(), server])
    client = caller(server, "127.0.0.1")
    for _ in range(3):
        client.send(bytes(65507))
    assert get_frame(hellod.target) == LONGEST
    hellod.log.wait_for(GREETING_TOO_LONG.format(65537))
    write("B" * 65504)
    hellod.signal(signal.SIGHUP)
    hellod.log.wait_for("*: reloaded the greeting")
    assert ask(client, 65507) == frame("B" * 65504)
    write("C" * 65505)
    hellod.signal(signal.SIGHUP)
    hellod.log.wait_for(GREETING_TOO_LONG.format(65507))
    assert get_frame(hellod.target) == frame("C" * 65505)
    write("HELLO")
    hellod.signal(signal.SIGHUP)
    hellod.log.wait_for("*: reloaded the greeting", 3)
    assert_silent(client)
    assert len(hellod.log.find(GREETING_TOO_LONG.format("*"))) == 2


class Capture:
    """Counts the datagrams to and from a port on the loopback interface of a namespace, and their
    bytes of data, by source port."""

    def __init__(self, namespaces, port):
        self.packets = collections.Counter()
        self.bytes = collections.Counter()
        self.excess = 0  # the most bytes by which the server was ahead of its clients
        self._socket = namespaces.socket(0, socket.AF_PACKET, socket.SOCK_DGRAM,
                                         socket.htons(ETH_P_ALL))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
            self._is_large = True
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 20)
            self._is_large = False
        self._thread = threading.Thread(target=self._follow, args=[port])
        self._thread.start()

    def _follow(self, port):
        packet = bytearray(32)
        while True:
            _, (_, protocol, kind, *_) = self._socket.recvfrom_into(packet)
            if protocol != ETH_P_IP or kind != PACKET_OUTGOING:
                continue  # each packet is captured twice: outgoing and incoming
            if packet[9] == socket.IPPROTO_TCP:
                return
            source, target, size = struct.unpack_from("!HHH", packet, 20)
            if port in (source, target) and packet[9] == socket.IPPROTO_UDP:
                self.packets[source] += 1
                self.bytes[source] += size - 8
                self.excess = max(self.excess, 2 * self.bytes[port] - sum(self.bytes.values()))

    def stop(self, namespaces):
        """A TCP connection ends the capture. No packet may have been missed."""
        with namespaces.socket(0, kind=socket.SOCK_STREAM) as last:
            last.connect_ex(("127.0.0.1", 9))
        self._thread.join(PATIENCE)
        _, drops = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self._socket.close()
        if drops and not self._is_large:
            pytest.skip(f"{drops} packets were not captured: only root may enlarge the buffer")
        assert drops == 0


def load(clients, count, size):
    """Gets `count` answers, with all clients at the same time, which ask again after a second.
    Returns the number of requests."""
    asked, left, due, poll = 0, count, {}, select.epoll()
    by_fd = {client.fileno(): client for client in clients}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    ready = list(by_fd)
    while left or due:
        for fd in ready[:left]:
            due[fd] = time.monotonic() + 1
            by_fd[fd].send(bytes(size))
            asked += 1
            left -= 1
        ready = []
        for fd, _ in poll.poll(0.2):
            assert by_fd[fd].recv(65536) == HELLO
            if due.pop(fd, None):
                ready.append(fd)
        for fd, when in due.items():
            if when < time.monotonic():
                due[fd] = time.monotonic() + 1
                by_fd[fd].send(bytes(size))
                asked += 1
    return asked


# T9 of hellod-security(7)
@pytest.mark.slow(9)
def test_load_beside_clients(closing, daemon):
    """All are served, and at no time has the server sent more bytes than it was sent."""
    namespaces = closing(Namespaces(1))
    server = receiver("127.0.0.1", namespaces.socket(0))
    port = server.getsockname()[1]
    hellod = daemon("listening", listeners=[listen(backlog=1024), server])
    capture = Capture(namespaces, port)
    clients = [caller(server, "127.0.0.1", made=namespaces.socket(0)) for _ in range(64)]
    others = closing(Background(f"--port={hellod.target}", f"--count={CLIENTS}",
                                "--concurrency=64", "--json", command=["tests/bench/load"]))
    before, begin = hellod.effort()[0], time.monotonic()
    asked = load(clients, DATAGRAMS, 1232)
    took = time.monotonic() - begin
    result = others.end()
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["greetings"] == CLIENTS
    effort = hellod.effort()[0] - before
    for _ in range(500):  # sizes around that of the frame
        random.choice(clients).send(bytes(random.randint(0, 2 * len(HELLO))))
    wait_until(lambda: not is_readable(server))
    hellod.signal(signal.SIGTERM)
    assert hellod.wait() == [0]
    capture.stop(namespaces)
    line = hellod.log.wait_for(SUMMARY_DATAGRAMS.format(CLIENTS, CLIENTS, "*", "*", "stopped"))[0]
    answered, received = map(int, re.search(r"answered (\d+) of (\d+)", line).groups())
    sent = sum(capture.packets.values()) - capture.packets[port]
    assert capture.packets[port] == answered and sent == asked + 500
    assert DATAGRAMS <= answered <= received <= sent
    assert capture.excess == 0
    print(f"{DATAGRAMS} datagrams beside {CLIENTS} clients in {took:.1f} s: {asked} asked, "
          f"{received} received, {effort / 1e3 / (received + CLIENTS):.1f} us of processor time "
          f"each, {capture.bytes[port]} bytes for "
          f"{sum(capture.bytes.values()) - capture.bytes[port]}")


def forge(namespaces, source, target, size):
    """Sends a datagram with the source address of another socket."""
    with namespaces.socket(0, kind=socket.SOCK_RAW, protocol=socket.IPPROTO_RAW) as raw:
        data = struct.pack("!4H", source[1], target[1], 8 + size, 0) + bytes(size)
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64,
                             socket.IPPROTO_UDP, 0, *map(socket.inet_aton, (source[0], target[0])))
        raw.sendto(header + data, (target[0], 0))


# T8 of hellod-security(7)
@pytest.mark.parametrize("texts, answers", [
    (("HELLO", "HELLO"), [1, 0]),
    (("HELLO", "HELLO!"), [1, 0]),
    (("HELLO!", "HELLO"), [1, 0]),
    (("", ""), [1, 0]),
    (("H" * 1200, ""), [1, 0]),
], ids=range(5))
def test_two_servers_fall_silent(closing, daemon, texts, answers):
    """The first gets a datagram that seems to come from the second."""
    namespaces = closing(Namespaces(1))
    servers = [receiver("127.0.0.1", namespaces.socket(0)) for _ in texts]
    hellods = [daemon("listening", f"--greeting={text}", listeners=[server])
               for text, server in zip(texts, servers)]
    addresses = [server.getsockname() for server in servers]
    capture = Capture(namespaces, addresses[0][1])
    forge(namespaces, addresses[1], addresses[0], 1232)
    # When a later request is answered, the earlier datagrams were read.
    clients = [caller(server, "127.0.0.1", made=namespaces.socket(0)) for server in servers]
    for _ in range(4):
        for client, text in zip(clients, texts):
            assert ask(client, 1233) == frame(text)
    capture.stop(namespaces)
    ports = [address[1] for address in addresses]
    assert [capture.packets[ports[0]] - 4, capture.packets[ports[1]] - 1] == answers
    for hellod, count in zip(hellods, answers):
        hellod.signal(signal.SIGTERM)
        assert hellod.wait() == [0]
        hellod.log.wait_for(SUMMARY_DATAGRAMS.format(0, 0, 4 + count, "*", "stopped"))


class TestMultihomed:
    """The server is in namespace 0, its clients in 1, with two links between them."""

    @pytest.fixture
    def namespaces(self, closing):
        made = closing(Namespaces(2))
        made.ip(0, "link add one type veth peer name one netns {1}",
                "link add two type veth peer name two netns {1}")
        for namespace, end in ((0, 1), (1, 9)):
            for link, network in (("one", 1), ("two", 2)):
                # Both links have the same link-local addresses: only the zone differs.
                made.ip(namespace, f"link set {link} addrgenmode none up",
                        f"address add 192.0.{network}.{end}/24 brd + dev {link}",
                        f"address add 192.0.{network}.{end + 1}/24 dev {link}",
                        f"address add 2001:db8:{network}::{end}/64 dev {link} nodad",
                        f"address add 2001:db8:{network}::{end + 1}/64 dev {link} nodad",
                        f"address add fe80::{end}/64 dev {link} nodad",
                        f"address add fe80::{end + 1}/64 dev {link} nodad")
        # A link drops what is sent before the kernel has noticed that its other end is up, too.
        for namespace in 0, 1:
            for link in "one", "two":
                wait_until(lambda: "state UP" in made.ip(namespace, f"link show {link}"))
        return made

    @pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
    def test_answer_is_from_the_address_that_was_asked(self, daemon, namespaces, bound):
        family = socket.AF_INET6 if bound == "::" else socket.AF_INET
        server = receiver(bound, namespaces.socket(0, family))
        daemon("listening", listeners=[server])
        port = server.getsockname()[1]
        targets = [(f"192.0.{network}.{end}", port) for network in (1, 2) for end in (1, 2)]
        if bound == "::":
            targets += [(f"2001:db8:{network}::{end}", port, 0, 0)
                        for network in (1, 2) for end in (1, 2)]
            targets += [(f"fe80::{end}", port, 0, namespaces.index(1, link))
                        for link in ("one", "two") for end in (1, 2)]
        for target in targets:
            kind = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
            with namespaces.socket(1, kind) as client:
                for _ in range(2):
                    client.sendto(bytes(1232), target)
                    assert client.recvfrom(65536) == (HELLO, target)

    # T8 of hellod-security(7)
    @pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
    def test_broadcast_and_multicast_are_not_answered(self, daemon, namespaces, bound):
        family = socket.AF_INET6 if bound == "::" else socket.AF_INET
        server = receiver(bound, namespaces.socket(0, family))
        port = server.getsockname()[1]
        many = ["192.0.1.255", "255.255.255.255", "224.0.0.1"]
        with namespaces.socket(1) as client, namespaces.socket(1, socket.AF_INET6) as client6:
            client.bind(("192.0.1.9", 0))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"one")
            group6 = ("ff02::1", port, 0, namespaces.index(1, "one"))

            def ask_all():
                for address in many:
                    client.sendto(bytes(1232), (address, port))
                if bound == "::":
                    client6.sendto(bytes(1232), group6)

            ask_all()  # before hellod has set IP_PKTINFO
            hellod = daemon("listening", listeners=[server])
            for i in range(3):
                client.sendto(bytes(1232), ("192.0.1.1", port))
                assert client.recvfrom(65536) == (HELLO, ("192.0.1.1", port))
                if i < 2:
                    ask_all()
            assert not is_readable(client) and not is_readable(client6)
        hellod.signal(signal.SIGTERM)
        assert hellod.wait() == [0]
        # Three each time, because an IPv6 socket receives no IPv4 multicast.
        hellod.log.wait_for(SUMMARY_DATAGRAMS.format(0, 0, 3, 3 + 3 * 3, "stopped"))


@pytest.mark.slow(3)
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_short_requests_are_only_read(closing, daemon, tmp):
    """A flood of them makes hellod send nothing."""
    server = receiver("127.0.0.1")
    hellod = daemon("listening", listeners=[listen(), server])
    client = caller(server, "127.0.0.1")
    assert ask(client) == HELLO
    strace = closing(Background("-o", tmp + "/calls", "-p", str(hellod.processes[0].pid),
                                command=["strace"]))
    assert b"attached" in strace.process.stderr.readline()
    for _ in range(5000):
        client.send(bytes(len(HELLO)))
    assert get_frame(hellod.target) == HELLO
    wait_until(lambda: not is_readable(server))
    strace.end(signal.SIGTERM)
    with open(tmp + "/calls", encoding="utf-8") as file:
        calls = collections.Counter(re.findall(r"(?m)^(\w+)\(", file.read()))
    assert calls["recvmmsg"] > 0 and calls["sendmmsg"] == 0
    assert_silent(client)
    others = {"accept4", "sendto", "shutdown", "recvfrom", "close", "epoll_ctl"}
    assert sum(calls[name] for name in others) <= 12
    # With some clock sources, reading the clock is a system call.
    assert set(calls) - others <= {"recvmmsg", "epoll_wait", "epoll_pwait", "restart_syscall",
                                   "clock_gettime"}


@pytest.mark.slow(2)
def test_datagrams_at_the_limit_of_connections(daemon, tmp):
    """All connections are taken by clients that do not read the longest greeting that fits."""
    with open(tmp + "/greeting", "w", encoding="utf-8") as file:
        file.write("A" * 65504)
    server = receiver(tmp + "/server")
    hellod = daemon("listening", f"--greeting-file={tmp}/greeting", "--max-connections=2",
                    listeners=[listen(send_bytes=4096), server])
    for _ in range(4):
        hellod.connect(4096)
    wait_until(lambda: hellod.sockets() >= 4)
    client = caller(server, tmp + "/server", tmp + "/client")
    assert ask(client, 65507) == frame("A" * 65504)
    nameless = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    nameless.sendto(bytes(65507), tmp + "/server")
    assert ask(client, 65507) == frame("A" * 65504)
