# SPDX-License-Identifier: MIT
"""Many machines: three hosts with hellod behind a balancer, each in a network namespace. Clients
come all the time, while one host is killed, and one is drained, stopped and started again."""
import contextlib
import csv
import os
import pathlib
import re
import shutil
import signal
import socket
import threading
import time

import pytest

from harness import HELLO, PATIENCE, Background, Daemon, read_all, run, wait_until
from namespaces import Namespaces

SOURCE = pathlib.Path(os.environ.get("srcdir", "."), "packaging")
DEBIAN_CONFIG = pathlib.Path("/etc/haproxy/haproxy.cfg")
BALANCER, CLIENTS = 0, 4
HOSTS = {n: f"192.0.2.1{n}" for n in (1, 2, 3)}  # as in the examples
FRONT = ("198.51.100.1", 6666)
AT_ONCE = 20
STEP = 100  # clients that end before and after each event


def require(*tools):
    if os.getuid() != 0:
        pytest.skip("only root can run a program in a network namespace of another process")
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")


class Network:
    """The hosts and the clients are linked with the balancer only."""

    def __init__(self):
        self.namespaces = Namespaces(5)
        for n, address in {**HOSTS, CLIENTS: "198.51.100.2"}.items():
            middle = FRONT[0] if n == CLIENTS else "192.0.2.1"
            self.namespaces.ip(
                BALANCER, f"link add to{n} type veth peer name uplink netns {{{n}}}",
                f"link set to{n} up", f"address add {middle} peer {address} dev to{n}")
            self.namespaces.ip(n, "link set uplink up",
                               f"address add {address} peer {middle} dev uplink")
        self.namespaces.ip(CLIENTS, f"route add default via {FRONT[0]} dev uplink")
        self.hosts = {}
        for n in HOSTS:
            self.start(n)

    def socket(self, n):
        return self.namespaces.socket(n, socket.AF_INET, socket.SOCK_STREAM)

    def start(self, n):
        """Boots a host."""
        listener = self.socket(n)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOSTS[n], 6666))
        listener.listen(4096)
        self.hosts[n] = Daemon("listening", listeners=[listener])

    def stop(self, n, how=signal.SIGTERM):
        """Shuts a host down, or kills it. Then its port is closed."""
        host = self.hosts.pop(n)
        if how == signal.SIGKILL:
            # Most greetings take less time than a kill: so that some clients wait for theirs.
            host.signal(signal.SIGSTOP)
            time.sleep(0.1)
        host.listeners[0].close()
        host.signal(how)
        status = host.wait()
        host.close()
        assert status == [-how if how == signal.SIGKILL else 0]

    def close(self):
        for host in self.hosts.values():
            host.close()
        self.namespaces.close()


class Load:
    """Clients, AT_ONCE at a time: when each began and ended, and what it got."""

    def __init__(self, network):
        self.results = []
        self._network = network
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(AT_ONCE)]
        for thread in self._threads:
            thread.start()
        self.step()

    def _work(self):
        while not self._stop.is_set():
            with self._network.socket(CLIENTS) as client:
                begin = time.monotonic()
                try:
                    client.connect(FRONT)
                    got = read_all(client)
                except OSError as error:
                    got = error
                self.results.append((begin, time.monotonic(), got))

    def step(self):
        """Waits for some more clients."""
        enough = len(self.results) + STEP
        wait_until(lambda: len(self.results) >= enough)

    def end(self):
        """Returns the number of clients, and the results of those without a greeting."""
        self.step()
        self.close()
        return len(self.results), [result for result in self.results if result[2] != HELLO]

    def close(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)


def outside(since, until, results):
    """The results of clients that began later or ended before, with their times from `since` on."""
    return [(begin - since, end - since, got) for begin, end, got in results
            if begin > until or end < since]


@pytest.fixture
def network(closing):
    return closing(Network())


@pytest.fixture
def load(closing, network):
    return lambda: closing(Load(network))


class HAProxy:
    """HAProxy with the example."""

    def __init__(self, network, tmp):
        self.control = tmp + "/control"
        with open(tmp + "/haproxy.cfg", "w", encoding="utf-8") as config:
            config.write(f"global\n\tstats socket {self.control} level admin\n")
            config.write((SOURCE / "haproxy/haproxy.cfg").read_text("utf-8"))
        self._process = Background("-db", "-f", config.name,
                                   command=[*network.namespaces.enter(BALANCER), "haproxy"])
        wait_until(self.is_there)
        self.wait_for(dict.fromkeys(HOSTS, "UP"))

    def is_there(self):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return bool(self.ask("show info"))
        return False

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.control)
            control.sendall(command.encode() + b"\n")
            return read_all(control).decode()

    def column(self, name):
        """A column of the statistics, for each host."""
        rows = csv.DictReader(self.ask("show stat").splitlines())
        return {int(row["svname"][-1]): row[name] for row in rows
                if re.fullmatch("hello[123]", row["svname"])}

    def wait_for(self, status):
        wait_until(lambda: self.column("status") == status)

    def set_state(self, n, state):
        assert self.ask(f"set server hello/hello{n} state {state}").strip() == ""

    def close(self):
        self._process.close()


def test_haproxy_after_the_default_configuration(monkeypatch):
    """The defaults there are for HTTP."""
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not shutil.which("haproxy") or not DEBIAN_CONFIG.exists():
        pytest.skip("haproxy is not installed, or not as in Debian")
    said = run("haproxy", "-c", "-f", str(DEBIAN_CONFIG), "-f", str(SOURCE / "haproxy/haproxy.cfg"))
    assert said.status == 0 and "[WARNING]" not in said.out + said.err, said


def test_haproxy(network, closing, load, tmp, record_property):
    require("haproxy", "nsenter")
    haproxy = closing(HAProxy(network, tmp))

    clients = load()
    killed = time.monotonic()
    network.stop(1, signal.SIGKILL)
    closed = time.monotonic()
    haproxy.wait_for({1: "DOWN", 2: "UP", 3: "UP"})
    noticed = time.monotonic()
    count, lost = clients.end()
    record_property("haproxy, a host killed", f"{len(lost)} of {count} clients cut off, "
                    f"noticed after {noticed - killed:.1f} s")
    # One of each at the kill, and one of each that connects before the kernel has closed the port.
    assert len(lost) <= 2 * AT_ONCE, lost
    # The others were greeted by another host.
    assert outside(killed, closed, lost) == []
    network.start(1)
    haproxy.wait_for(dict.fromkeys(HOSTS, "UP"))

    clients = load()
    haproxy.set_state(2, "drain")
    wait_until(lambda: haproxy.column("scur")[2] == "0")
    before = haproxy.column("stot")
    network.stop(2)
    clients.step()
    network.start(2)
    wait_until(lambda: int(haproxy.column("stot")[1]) > int(before[1]))
    assert haproxy.column("stot")[2] == before[2]
    haproxy.set_state(2, "ready")
    wait_until(lambda: int(haproxy.column("stot")[2]) > int(before[2]))
    count, lost = clients.end()
    record_property("haproxy, a host drained", f"{len(lost)} of {count} clients lost")
    assert lost == []


def test_haproxy_checks_the_frame(network, closing, tmp):
    """A host with another greeting gets no clients, although its port is open."""
    require("haproxy", "nsenter")
    haproxy = closing(HAProxy(network, tmp))
    network.stop(3)
    with network.socket(3) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((HOSTS[3], 6666))
        other.listen(4096)
        network.hosts[3] = Daemon("listening", "--greeting=OTHER", listeners=[other])
        haproxy.wait_for({1: "UP", 2: "UP", 3: "DOWN"})


def test_nftables(network, load, tmp, record_property):
    """Nothing checks the hosts: an administrator replaces the rules."""
    require("nft", "conntrack", "sysctl")
    network.namespaces.run(BALANCER, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    example = (SOURCE / "nftables/hello-balance.nft").read_text("utf-8")

    def balance(*hosts):
        entries = ",\n".join(f"{i} : {HOSTS[n]}" for i, n in enumerate(hosts))
        text = re.sub(r"mod 3 map \{[^}]*\}", f"mod {len(hosts)} map {{\n{entries} }}", example)
        assert hosts != tuple(HOSTS) or text.split() == example.split()
        with open(tmp + "/rules.nft", "w", encoding="utf-8") as rules:
            rules.write(text)
        network.namespaces.run(BALANCER, "nft", "-f", rules.name)

    def conntrack(option, n):
        """The connections to a host, which are listed or forgotten."""
        return network.namespaces.run(BALANCER, "sh", "-c", f"conntrack {option} -p tcp "
                                      f"--reply-src {HOSTS[n]} 2>/dev/null || true").splitlines()

    def forget(n):
        """Or a client that uses a port again is still connected to this host."""
        conntrack("-D", n)

    try:
        balance(1, 2, 3)
    except AssertionError as error:
        pytest.skip(f"the kernel has no NAT of nftables: {error}")

    clients = load()
    killed = time.monotonic()
    network.stop(1, signal.SIGKILL)
    balance(2, 3)
    forget(1)
    replaced = time.monotonic()
    count, lost = clients.end()
    record_property("nftables, a host killed", f"{len(lost)} of {count} clients cut off until the "
                    f"rules were replaced {replaced - killed:.2f} s later")
    assert outside(killed, replaced, lost) == []
    network.start(1)

    clients = load()
    balance(1, 3)
    wait_until(lambda: all("TIME_WAIT" in line for line in conntrack("-L", 2)))
    forget(2)
    network.stop(2)
    clients.step()
    network.start(2)
    balance(1, 2, 3)
    count, lost = clients.end()
    record_property("nftables, a host drained", f"{len(lost)} of {count} clients lost")
    assert lost == []
