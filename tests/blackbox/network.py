# SPDX-License-Identifier: MIT
"""Namespaces with a network and an /etc, in which a host name lists its addresses: 47-61.test is
4:7 and 6:1. The first digit is the version of IP, the second is the end of the address. The hosts
at 1 accept connections, those at 2 refuse them, and those at 7 to 9 never answer."""
import re
import socket
import subprocess
import sys

import pytest

from harness import PATIENCE, run
from namespaces import unshare

PREFIXES = {"4": "198.51.100.", "6": "2001:db8::"}
SETUP = """link set lo up
address add 4:1/32 dev lo
address add 4:2/32 dev lo
address add 6:1/128 dev lo nodad
address add 6:2/128 dev lo nodad
link set hole arp off up
""" + "".join(f"route add {version}:{n} dev hole src {version}:1\n"
              for version in PREFIXES for n in (7, 8, 9))

# The order of the addresses of a name: see gai.conf(5).
ORDER = "label ::/0 1\nprecedence ::/0 50\nprecedence ::ffff:0:0/96 50\n" + "".join(
    f"precedence {address}/128 {precedence}\n" for address, precedence in [
        ("6:7", 90), ("6:8", 80), ("::ffff:4:7", 75), ("6:2", 70), ("::ffff:4:8", 70),
        ("::ffff:4:2", 60), ("6:9", 10), ("::ffff:4:9", 10)])


def expand(text):
    return re.sub(r"\b([46]):(?=\d\b)", lambda match: PREFIXES[match[1]], text)


class Network:
    """The listeners are at 4:1 and 6:1, on the same port, and at port 6666 of localhost. No other
    process has them, so that closing them closes the ports."""

    def __init__(self, etc, names):
        self.etc = etc
        self.hosts = "127.0.0.1 localhost\n" + "".join(
            f"{version}:{n} {name}\n" for name in names
            for version, n in re.findall(r"\b([46])(\d)\b", name))
        run("sh", "-c", f"cp -a /etc/ld.so.* /etc/alternatives {etc}")
        self.write("hosts", self.hosts)
        self.write("gai.conf", ORDER)
        self.write("host.conf", "multi on\n")
        self.write("nsswitch.conf", "hosts: files\n")

        command = unshare("--mount", "--net")
        self._until, theirs = socket.socketpair()
        self.holder = subprocess.Popen([*command, sys.executable, "-B", __file__, etc],
                                       stdin=theirs, stderr=subprocess.PIPE)
        theirs.close()
        self._until.settimeout(PATIENCE)
        said, fds, _, _ = socket.recv_fds(self._until, 1, 6)
        if not said:
            pytest.skip("cannot make a network: " + self.holder.stderr.read().decode())
        sockets = [socket.socket(fileno=fd) for fd in fds]
        for each in sockets:
            each.set_inheritable(False)
        self.listeners, self.datagrams, [self.icmp] = sockets[:3], sockets[3:5], sockets[5:]
        user = ["--user", "--preserve-credentials"] if "--map-root-user" in command else []
        self.enter = ["nsenter", f"--target={self.holder.pid}", *user, "--mount", "--net"]

    def write(self, name, text):
        with open(f"{self.etc}/{name}", "w", encoding="utf-8") as file:
            file.write(expand(text))

    def close(self):
        self._until.close()
        self.holder.wait(PATIENCE)


def inside(etc):
    """Runs in the namespaces, until standard input ends."""
    def ip(batch):
        return subprocess.run(["ip", "-batch", "-"], input=expand(batch).encode(), check=False)

    if ip("link add hole type dummy").returncode:
        ip("link add hole type veth peer name unused")
    ip(SETUP).check_returncode()
    subprocess.run(["mount", "--bind", etc, "/etc"], check=True)
    four = socket.create_server((expand("4:1"), 0))
    six = socket.create_server((expand("6:1"), four.getsockname()[1]), family=socket.AF_INET6)
    local = socket.create_server(("127.0.0.1", 6666))
    sockets = [four, six, local]
    for stream in four, six:
        sockets.append(socket.socket(stream.family, socket.SOCK_DGRAM))
        sockets[-1].bind(stream.getsockname())
    sockets.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    channel = socket.socket(fileno=0)
    socket.send_fds(channel, [b"."], [each.fileno() for each in sockets])
    for each in sockets:
        each.close()
    channel.recv(1)


if __name__ == "__main__":
    inside(sys.argv[1])
