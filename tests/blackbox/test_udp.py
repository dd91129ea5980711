# SPDX-License-Identifier: MIT
"""hello-client --udp: a test is the server, and answers when and how it likes. What it costs if
addresses are dead is in test_happy_eyeballs.py."""
import collections
import contextlib
import re
import resource
import select
import signal
import socket
import struct
import tempfile
import time

import pytest

from harness import (CHECK, CLIENT, HELLO, LONGEST, PATIENCE, Background, client, frame, like,
                     listen, objects, target_of, wait_until)
from messages import ADVICE, LONGER_REQUEST, LONGER_REQUEST_UNIX, LOSS, NO_DATAGRAMS, TIMED_OUT
from network import Network, expand


@pytest.fixture
def bind(closing):
    """A function that returns a datagram socket. Its port is chosen by the kernel, unless given."""
    def bind_to(address="127.0.0.1", port=0):
        is_path = address.startswith(("/", "\0"))
        family = (socket.AF_UNIX if is_path else socket.AF_INET6 if ":" in address
                  else socket.AF_INET)
        server = closing(socket.socket(family, socket.SOCK_DGRAM))
        server.settimeout(PATIENCE)
        server.bind(address if is_path else (address, port))
        return server
    return bind_to


def ask(server, *arguments, command=(CLIENT,), **how):
    """Starts a client of the server."""
    queued(server)  # what an earlier client has repeated
    name = server.getsockname()
    if isinstance(name, bytes):
        name = "@" + name[1:].decode()
    where = [name] if isinstance(name, str) else [name[0], str(name[1])]
    return Background("-u", *arguments, *where, command=command, **how)


def receive(server):
    """The next request, and its sender."""
    return server.recvfrom(1 << 17)


def queued(server):
    """The requests that wait."""
    requests = []
    server.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            requests.append(receive(server)[0])
    server.settimeout(PATIENCE)
    return requests


def keep_port(bind, sender):
    """The kernel gives the port of the sender to no later client."""
    bind("127.0.0.2", sender[1])


def answer(server, *datagrams):
    """Answers the next request with these datagrams. Returns its sender."""
    _, sender = receive(server)
    for datagram in datagrams:
        server.sendto(datagram, sender)
    return sender


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "UNIX", "ABSTRACT"])
def test_greeted(bind, tmp, address):
    """The client does not wait for a close, and there is no phase of one."""
    server = bind(address.replace("UNIX", tmp + "/socket").replace("ABSTRACT", "\0" + tmp))
    running = ask(server, "-v")
    answer(server, HELLO)
    status, out, err = running.end()
    assert (status, out) == (0, "HELLO\n")
    # A test that is late is asked several times.
    assert re.fullmatch(r".*: answered after [\d.]+ ms(, asked \d+ times)?\nresolve: [\d.]+ ms\n"
                        r"connect: [\d.]+ ms\nfirst byte: [\d.]+ ms\nwhole frame: [\d.]+ ms\n", err)
    running = ask(server, "-v", "-ojson")
    answer(server, frame(""))
    [thing] = objects(running.end().out)
    assert (thing["greeting"], thing["frame_length"], thing["close_time"]) == ("", 2, None)
    assert thing["family"] == {"127.0.0.1": "ipv4", "::1": "ipv6"}.get(address, "unix")
    assert thing["attempts"][0]["outcome"] == "answered"
    phases = ("resolve_time", "connect_time", "first_byte_time", "frame_time")
    assert abs(sum(thing[phase] for phase in phases) - thing["time"]) < 0.000005


def test_request(bind):
    """Zeros, of the given size. Each probe has a port of its own."""
    server = bind()
    ports = set()
    for arguments, size in [([], 1232), (["--request-size=1"], 1),
                            (["--request-size=65507"], 65507)]:
        running = ask(server, *arguments)
        request, sender = receive(server)
        assert request == bytes(size)
        ports.add(sender[1])
        keep_port(bind, sender)
        server.sendto(HELLO, sender)
        assert running.end() == (0, "HELLO\n", "")
    assert len(ports) == 3


def test_longest(bind, tmp):
    """The longest frame fits no UDP datagram, but one of a UNIX socket."""
    server = bind(tmp + "/socket")
    running = ask(server)
    answer(server, LONGEST)
    assert running.end() == (0, 65535 * "A" + "\n", "")


def test_nobody_there(bind, closing, tmp):
    """Told at once, long before the deadline."""
    for where in ["127.0.0.1", "::1"]:
        nobody = bind(where)
        nobody.connect(nobody.getsockname())  # takes nothing from others, and keeps the port
        shown = f"[{where}]:{target_of(nobody)}".replace("[127.0.0.1]", "127.0.0.1")
        assert ask(nobody, "-t600").end() == (
            2, "", f"hello-client: {shown}: Connection refused: {NO_DATAGRAMS}\n")
    bind(tmp + "/socket").close()
    assert client("-u", "-t600", tmp + "/socket") == (
        2, "", f"hello-client: {tmp}/socket: Connection refused: {NO_DATAGRAMS}\n")
    closing(listen(tmp + "/stream"))
    for name, error in [("stream", "Protocol wrong type for socket"),
                        ("nothing", "No such file or directory")]:
        [thing] = objects(client("-u", "-t600", "-ojson", f"{tmp}/{name}").out)
        assert (thing["status"], thing["error"]) == ("unreachable", f"{tmp}/{name}: {error}")
    bind(tmp + "/datagrams")
    for arguments, advice in [(["-u", tmp + "/stream"], "leave out --udp"),
                              ([tmp + "/datagrams"], "add --udp")]:
        assert client(*arguments).err.endswith(f" for socket: {advice}, or check the path\n")


def test_server_ends(bind):
    """Refusal may come later, as the answer to a repeated request."""
    server = bind()
    running = ask(server, "-ojson", "-t600")
    receive(server)
    server.connect(server.getsockname())  # takes nothing from others, and keeps the port
    [thing] = objects(running.end().out)
    assert (thing["status"], thing["attempts"][0]["asked"] > 1) == ("refused", True)
    assert thing["time"] >= 1


@pytest.mark.parametrize("address", ["127.0.0.1", "UNIX"])
def test_black_hole(bind, tmp, address):
    server = bind(address.replace("UNIX", tmp + "/socket"))
    where = ":".join(map(str, server.getsockname())) if "." in address else tmp + "/socket"
    advice = LONGER_REQUEST if "." in address else LONGER_REQUEST_UNIX

    def asks_twice():
        """Or not, because a busy machine may be late for the second request."""
        since = time.monotonic()
        got = ask(server, "-t2.9").end()
        assert time.monotonic() - since >= 2.9
        count = len(queued(server))
        assert count <= 2
        if count < 2:
            return False
        asked = TIMED_OUT.format("2.9") + ", asked 2 times"
        assert got == (2, "", f"hello-client: {where}: {asked}: {advice}\n")
        return True

    wait_until(asks_twice)


def test_deadline_before_the_second_request(bind):
    """But after the first one, for which a busy machine may be late."""
    wait_until(lambda: like(f"hello-client: *: {TIMED_OUT.format('0.9')}, asked once: *\n",
                            ask(bind(), "-t0.9").end().err))


def assert_asked_again(running):
    """After a second, or more often on a busy machine. The client is greeted."""
    status, out, err = running.end()
    assert (status, out) == (0, "HELLO\n")
    msec = re.search(r": answered after ([\d.]+) ms, asked \d+ times\n", err)[1]
    assert float(msec) >= 1000


def test_lost_packet(bind):
    server = bind()
    running = ask(server, "-v")
    _, first = receive(server)
    assert answer(server, HELLO) == first
    assert_asked_again(running)


@pytest.mark.parametrize("datagram, message", [
    (b"", "cut short after 0 of 2 header bytes"),
    (b"\0", "cut short after 1 of 2 header bytes"),
    (HELLO[:-1], "cut short after 6 of 7 bytes"),
    (b"\xff\xff" + bytes(65505), "cut short after 65507 of 65537 bytes"),
    (HELLO + b"!", "answered with 8 bytes, more than the frame's 7"),
    (HELLO + HELLO, "answered with 14 bytes, more than the frame's 7"),
    (bytes(65507), "answered with 65507 bytes, more than the frame's 2"),
    (b"\0\2A\xff", "malformed at byte 1 of the greeting's 2"),
    # More than fits into a buffer for the longest frame.
    (b"\0\1A" + 99997 * b"A", "answered with 100000 bytes, more than the frame's 3"),
], ids=range(9))
def test_not_one_frame(bind, tmp, datagram, message):
    server = bind(tmp + "/socket" if len(datagram) > 65507 else "127.0.0.1")
    running = ask(server, "-ojson")
    answer(server, datagram)
    status, out, err = running.end()
    [thing] = objects(out)
    assert (status, err, thing["status"], thing["greeting"]) == (2, "", "malformed", None)
    assert like("*: " + message, thing["error"])


# T19 of hellod-security(7)
def test_answer_from_elsewhere(bind):
    """From another port, or another address with the same port: it is not taken."""
    server = bind()
    others = [bind(), bind("127.0.0.2", server.getsockname()[1])]
    running = ask(server)
    _, sender = receive(server)
    for other in others:
        other.sendto(frame("FORGED"), sender)
    server.sendto(HELLO, sender)
    assert running.end() == (0, "HELLO\n", "")

    running = ask(server, "-t4")
    _, sender = receive(server)
    for other in others:
        other.sendto(frame("FORGED"), sender)
    status, out, _ = running.end()
    assert (status, out) == (2, "")


@pytest.mark.slow(9)
def test_late_answers(bind):
    """An answer to an earlier probe comes while the next one waits. Two answers to one probe, of
    which one is late, are one greeting."""
    server = bind()
    running = ask(server, "-c3", "-i0", "-t8", "-ojson")
    asked = collections.Counter()

    def next_sender():
        """The first one that has not asked before. All requests are counted."""
        while True:
            _, sender = receive(server)
            asked[sender] += 1
            if asked[sender] == 1:
                keep_port(bind, sender)
                return sender

    first = next_sender()
    second = next_sender()
    for _ in range(2):
        server.sendto(frame("1"), first)
    assert answer(server) == second  # which still waits
    for text in "23":
        server.sendto(frame(text), second)
    server.sendto(frame("4"), next_sender())
    *things, summary = objects(running.end().out)
    assert [thing["greeting"] for thing in things] == [None, "2", "4"]
    # Four times, or less on a busy machine.
    assert things[0]["attempts"][0]["asked"] == asked[first] > 1
    assert (summary["tried"], summary["greeted"]) == (3, 2)


def test_options(bind):
    """What else is said of a greeting is the same as with a connection."""
    server = bind()
    for arguments, status, message in [
            (["-e", "HELLO"], 0, ""), (["-e", "HI"], 2, 'greeted with "HELLO", not with "HI"')]:
        running = ask(server, *arguments)
        answer(server, HELLO)
        got = running.end()
        assert (got.status, got.out) == (status, "HELLO\n")
        assert like(f"hello-client: *: {message}\n" if message else "", got.err)


def test_many(bind):
    """None of the sockets is left open."""
    server = bind()
    running = ask(server, "-c20", "-i0", "-q", files=8)
    while running.process.poll() is None:
        if select.select([server], [], [], 0.1)[0]:
            answer(server, HELLO)
    status, out, err = running.end()
    assert (status, err, LOSS.format(20, 20, 0) in out) == (0, "", True)


def test_signal(bind):
    server = bind()
    running = ask(server, "-c0", "-i0", "-t600")
    _, first = receive(server)
    keep_port(bind, first)
    server.sendto(HELLO, first)
    while receive(server)[1] == first:  # if this test was late
        pass
    status, out, _ = running.end(signal.SIGINT)
    assert (status, LOSS.format(1, 1, 0) in out) == (0, True)


@pytest.fixture(scope="module")
def network():
    with tempfile.TemporaryDirectory() as etc:
        net = Network(etc, set())
        for server in net.datagrams:
            server.settimeout(PATIENCE)
        yield net
        net.close()


def unreachable(code, mtu, client_port, server_port):
    """ICMP's Destination Unreachable, of RFC 792 and RFC 1191, for a request from 4:1 to 4:1."""
    address = socket.inet_aton(expand("4:1"))
    quoted = struct.pack("!BxHxxxxBBxx4s4sHHHxx", 0x45, 1428, 64, socket.IPPROTO_UDP, address,
                         address, client_port, server_port, 1408)

    def message(checksum):
        return struct.pack("!BBHHH", 3, code, checksum, 0, mtu) + quoted

    total = sum(struct.unpack(f"!{len(message(0)) // 2}H", message(0)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return message(~total & 0xffff)


def test_service(network):
    """A service may have a port for TCP, for UDP, or for both."""
    server = network.datagrams[0]
    address, port = server.getsockname()
    network.write("services", f"hello {port}/udp\nhello 4711/tcp\nother {port}/tcp\n")

    def start(*arguments):
        queued(server)
        return Background(*arguments, command=[*network.enter, CLIENT])

    running = start("-u", address + ":hello")
    answer(server, HELLO)
    assert running.end() == (0, "HELLO\n", "")
    assert start(address + ":hello").end().err == (
        f"hello-client: {address}:4711: Connection refused: {ADVICE['refused']}\n")
    assert start("-u", address + ":other").end() == (
        3, "", f"hello-client: {address}: no service 'other/udp' in services(5): give a number\n")


@pytest.mark.parametrize("code", [1, 13], ids=["host", "prohibited"])
def test_unreachable(network, code):
    """Told by a router."""
    server = network.datagrams[0]
    running = ask(server, "-ojson", "-t30", command=[*network.enter, CLIENT])
    _, sender = receive(server)
    network.icmp.sendto(unreachable(code, 0, sender[1], server.getsockname()[1]), sender)
    [thing] = objects(running.end().out)
    where = ":".join(map(str, server.getsockname()))
    assert (thing["status"], thing["error"]) == ("unreachable", where + ": No route to host")
    assert thing["time"] < 15


def test_unreachable_by_a_mapped_address(network):
    server = network.datagrams[0]
    address, port = server.getsockname()
    running = Background("-u", "-t30", f"[::ffff:{address}]:{port}",
                         command=[*network.enter, CLIENT])
    _, sender = receive(server)
    network.icmp.sendto(unreachable(1, 0, sender[1], port), sender)
    assert like(f"hello-client: *{address}*: No route to host: *\n", running.end().err)


@pytest.mark.slow(6)
def test_late_process(bind):
    """An answer that is there before the deadline counts, and no request follows it."""
    server = bind()
    running, since = ask(server, "-t5"), time.monotonic()
    _, sender = receive(server)
    running.process.send_signal(signal.SIGSTOP)
    server.sendto(HELLO, sender)
    wait_until(lambda: time.monotonic() > since + 5.5)
    running.process.send_signal(signal.SIGCONT)
    assert running.end() == (0, "HELLO\n", "")
    assert len(queued(server)) <= 1  # if the signal was late


def test_request_is_too_long_for_a_router(network):
    """The next one comes in fragments, and the client waits for its time asleep."""
    server = network.datagrams[0]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = ask(server, "-v", "--request-size=1400", command=[*network.enter, CLIENT])
    _, sender = receive(server)
    network.icmp.sendto(unreachable(4, 1300, sender[1], server.getsockname()[1]), sender)
    request, again = receive(server)
    assert (request, again) == (bytes(1400), sender)
    server.sendto(HELLO, sender)
    assert_asked_again(running)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_plugin(bind):
    """check_hello asks in the same way."""
    server = bind()
    where = ["-H", "127.0.0.1", "-p", str(server.getsockname()[1])]
    plugin = Background("--udp", *where, "--request-size=9", command=[CHECK])
    request, sender = receive(server)
    server.sendto(HELLO, sender)
    assert request == bytes(9)
    assert like('HELLO OK: greeted with "HELLO" by 127.0.0.1:* in *.* s|time=*.*s;;;0;10\n',
                plugin.end().out)

    def asks_twice():
        queued(server)
        got = Background("-u", "-t2.5", *where, command=[CHECK]).end()
        requests = queued(server)
        if len(requests) < 2:
            return False  # a busy machine may be late for the second one
        assert requests == 2 * [bytes(1232)]
        asked = TIMED_OUT.format("2.5") + ", asked 2 times"
        assert got.status == 2
        assert like(f"HELLO CRITICAL: 127.0.0.1:*: {asked}|time=U;;;0;2.5\n", got.out)
        return True

    wait_until(asks_twice)
    server.connect(server.getsockname())
    got = Background("-u", *where, command=[CHECK]).end()
    assert got.status == 2
    assert like("HELLO CRITICAL: *: Connection refused|time=U;;;0;10\n", got.out)
