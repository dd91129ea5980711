# SPDX-License-Identifier: MIT
"""hello-client with host names: several addresses in both families and all orders, some of them
unreachable, and a resolver that hangs. For 47-61.test and "4:7" see network.py."""
import os
import signal
import tempfile
import threading

import pytest

from harness import CHECK, CLIENT, HELLO, Background, Lines, Server, like, objects, run, wait_until
from messages import CHECK_NAME_SERVER, COUNTS, LOSS, RESOLUTION_TIMED_OUT, cannot_write
from network import Network, expand

# Arguments, status, attempts, and the time in milliseconds: at least, and less than.
CASES = [
    # An unreachable address costs a quarter of a second.
    *((f"{a}7-{b}1.test", "greeted", f"{a}:7 overtaken, {b}:1 connected", 250, 400)
      for a in "46" for b in "46"),
    ("67-68-47-41.test", "greeted",
     "6:7 overtaken, 4:7 overtaken, 6:8 overtaken, 4:1 connected", 750, 1000),
    # The families alternate.
    ("67-68-41.test", "greeted", "6:7 overtaken, 4:1 connected, 6:8 not-tried", 250, 400),
    *((f"{a}1-{b}9.test", "greeted", f"{a}:1 connected, {b}:9 not-tried", 0, 250)
      for a in "46" for b in "46"),
    # A host that refuses costs nothing.
    ("42-61.test", "greeted", "4:2 failed, 6:1 connected", 0, 250),
    ("62-41.test", "greeted", "6:2 failed, 4:1 connected", 0, 250),
    ("42-62.test", "refused", "6:2 failed, 4:2 failed", 0, 250),
    # One family.
    ("-4 67-41.test", "greeted", "4:1 connected", 0, 250),
    ("-6 47-61.test", "greeted", "6:1 connected", 0, 250),
    ("-t1 -4 47-61.test", "timed-out", "4:7 timed-out", 1000, 1100),
    ("-t1 -6 67-41.test", "timed-out", "6:7 timed-out", 1000, 1100),
    ("-6 47-41.test", "unknown-host", "", 0, 250),
    ("-4 67-61.test", "unknown-host", "", 0, 250),
    # No address is reachable.
    ("-t1 47-67.test", "timed-out", "6:7 timed-out, 4:7 timed-out", 1000, 1100),
    ("-t1 67-42.test", "timed-out", "6:7 timed-out, 4:2 failed", 1000, 1100),
    ("203.0.113.1", "unreachable", "203.0.113.1 failed", 0, 250),
    # Datagrams: an address has answered, not connected.
    ("-u 47-61.test", "greeted", "4:7 overtaken, 6:1 answered", 250, 400),
    ("-u 67-68-47-41.test", "greeted",
     "6:7 overtaken, 4:7 overtaken, 6:8 overtaken, 4:1 answered", 750, 1000),
    ("-u 41-69.test", "greeted", "4:1 answered, 6:9 not-tried", 0, 250),
    ("-u 42-61.test", "greeted", "4:2 failed, 6:1 answered", 0, 250),
    ("-u 62-41.test", "greeted", "6:2 failed, 4:1 answered", 0, 250),
    ("-u 42-62.test", "refused", "6:2 failed, 4:2 failed", 0, 250),
    ("-u -t1 67-42.test", "timed-out", "6:7 timed-out, 4:2 failed", 1000, 1100),
    ("-u 203.0.113.1", "unreachable", "203.0.113.1 failed", 0, 250),
    # With a near deadline, the attempts share the time.
    ("-t0.2 47-41.test", "greeted", "4:7 overtaken, 4:1 connected", 100, 200),
    ("-t0.4 67-68-47-41.test", "greeted",
     "6:7 overtaken, 4:7 overtaken, 6:8 overtaken, 4:1 connected", 300, 400),
]


def greet(server):
    """Answers datagrams, until the program ends."""
    while True:
        _, sender = server.recvfrom(1 << 16)
        server.sendto(HELLO, sender)


@pytest.fixture(scope="module")
def network():
    with tempfile.TemporaryDirectory() as etc:
        net = Network(etc, {case[0].split()[-1] for case in CASES if case[0].endswith(".test")})
        servers = [Server([HELLO], listener=listener) for listener in net.listeners]
        net.port = servers[0].target
        for datagrams in net.datagrams:
            threading.Thread(target=greet, args=[datagrams], daemon=True).start()
        yield net
        for server in servers:
            server.close()
        net.close()


def client(net, *arguments, **how):
    return run(*net.enter, CLIENT, *arguments, **how)


# T22 of hellod-security(7)
@pytest.mark.parametrize("arguments, word, attempts, least, limit", CASES,
                         ids=[case[0] for case in CASES])
def test_attempts(network, arguments, word, attempts, least, limit):
    def is_in_time():
        """Whether it was, because a busy machine may be late."""
        status, out, err = client(network, "-ojson", *arguments.split(), network.port)
        [thing] = objects(out)
        took = thing["time"] * 1000
        assert took >= least
        if took >= limit:
            return False
        assert (thing["status"], err) == (word, "")
        assert status == {"greeted": 0, "unknown-host": 3}.get(word, 2)
        assert expand(attempts) == ", ".join(
            f"{each['address']} {each['outcome']}" for each in thing["attempts"])
        return True

    wait_until(is_in_time)


def test_superseded_attempts_are_closed(network):
    status, out, err = client(network, "-q", "-c8", "-i0", "47-41.test", network.port, files=8)
    assert (status, err, LOSS.format(8, 8, 0) in out) == (0, "", True)


@pytest.mark.parametrize("words, status", [
    ("unknown-host greeted", 3), ("unknown-host greeted refused", 2), ("refused unknown-host", 2)])
def test_worst_status(network, words, status):
    """unknown-host is worse than a greeting, and better than a refused connection."""
    stands_for = {"greeted": "4:1 worst.test\n", "refused": "4:2 worst.test\n", "unknown-host": ""}

    def become(word):
        """Replaces the file atomically, because probes read it."""
        network.write("hosts.new", network.hosts + stands_for[word])
        os.rename(network.etc + "/hosts.new", network.etc + "/hosts")

    become(words.split()[0])
    running = Background("-ojson", "-c0", "-i0.02", "worst.test", network.port,
                         command=[*network.enter, CLIENT])
    said = Lines(running.process.stdout)
    for word in words.split():
        become(word)
        said.wait_for(f'*"status":"{word}"*')
    running.process.terminate()
    said.wait_for(f'*"type":"summary"*"exit":{status},*')
    assert running.process.wait() == status


@pytest.fixture
def hanging(network):
    """A network whose name server never answers, and a resolver that waits some minutes for it."""
    network.write("resolv.conf", "nameserver 4:8\noptions timeout:30 attempts:5\n")
    network.write("nsswitch.conf", "hosts: files dns\n")
    yield network
    network.write("nsswitch.conf", "hosts: files\n")


# T21 of hellod-security(7)
def test_resolver_hangs(hanging):
    test_attempts(hanging, "-t1 nowhere.test", "timed-out", "", 1000, 1100)
    assert client(hanging, "-t0.3", "nowhere.test") == (
        2, "", f"hello-client: {RESOLUTION_TIMED_OUT.format('0.3')}: {CHECK_NAME_SERVER}\n")
    assert run(*hanging.enter, CHECK, "-t0.3:warning", "-Hnowhere.test") == (
        1, f"HELLO WARNING: {RESOLUTION_TIMED_OUT.format('0.3')}|time=U;;;0;0.3\n", "")
    # The abandoned thread of a probe does not disturb the next probe.
    status, out, _ = client(hanging, "-t0.1", "-c3", "-i0", "nowhere.test")
    assert (status, LOSS.format(0, 3, 100) in out) == (2, True)


# T21 of hellod-security(7)
def test_signal_while_resolver_hangs(hanging):
    running = Background("-c0", "-t600", "nowhere.test", command=[*hanging.enter, CLIENT])
    tasks = f"/proc/{running.process.pid}/task"
    wait_until(lambda: len(os.listdir(tasks)) == 2)  # the second is the resolver's
    status, out, _ = running.end(signal.SIGTERM)
    assert (status, COUNTS.format(0, 0) + "\n" in out) == (3, True)


def test_resolver_hangs_without_streams(hanging):
    """A descriptor of the abandoned thread is not taken for a standard stream."""
    arguments = ["-t0.1", "-c1", "nowhere.test"]
    status, _, err = client(hanging, *arguments, closed=[1])
    assert (status, err) == (
        3, f"hello-client: seq=1: {RESOLUTION_TIMED_OUT.format('0.1')}: {CHECK_NAME_SERVER}\n"
        "hello-client: " + cannot_write("Bad file descriptor"))
    status, out, _ = client(hanging, *arguments, closed=[2])
    assert (status, LOSS.format(0, 1, 100) in out) == (2, True)


def test_defaults(network):
    """The host is localhost, and the port 6666."""
    assert client(network) == (0, "HELLO\n", "")
    for host, error in [("203.0.113.1", "203.0.113.1:6666: Network is unreachable: *"),
                        ("2001:db8::2", "[2001:db8::2]:6666: Connection refused: *")]:
        status, out, err = client(network, host)
        assert (status, out) == (2, "")
        assert like(f"hello-client: {error}\n", err)
