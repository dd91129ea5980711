# SPDX-License-Identifier: MIT
"""Network namespaces, and sockets in them. A process in the namespaces makes the sockets."""
import ctypes
import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from harness import PATIENCE, run

CLONE_NEWNET = 0x40000000


def unshare(*kinds):
    """The command that runs another one in namespaces of these kinds."""
    for user in ([], ["--map-root-user"]):  # as root, or as root of a user namespace
        command = ["unshare", *user, *kinds]
        if run(*command, "true").status == 0:
            return command
    pytest.skip(f"namespaces are not available: {' '.join(kinds)}")


class Namespaces:
    """`count` namespaces, numbered from 0, each with a loopback interface."""

    def __init__(self, count):
        self._channel, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        self._channel.settimeout(PATIENCE)
        self._one_question = threading.Lock()
        self._holder = subprocess.Popen(
            [*unshare("--net"), sys.executable, "-B", __file__, str(count)], stdin=theirs)
        theirs.close()

    def _ask(self, *question):
        with self._one_question:
            self._channel.send(json.dumps(question).encode())
            answer, fds, _, _ = socket.recv_fds(self._channel, 65536, 1)
        return json.loads(answer), fds

    def ip(self, namespace, *commands):
        """Runs ip(8) for each command, and returns the output of the last one. {1} stands for
        namespace 1."""
        for command in commands:
            output = self.run(namespace, "ip", *command.split())
        return output

    def run(self, namespace, *command):
        """Runs a command, which must succeed, and returns its output."""
        (status, output), _ = self._ask(namespace, *command)
        assert status == 0, output
        return output

    def enter(self, namespace):
        """The command that runs another one in a namespace. Only for root."""
        return ["nsenter", "--net=" + self.run(namespace, "echo", f"{{{namespace}}}").strip()]

    def index(self, namespace, interface):
        return json.loads(self.ip(namespace, f"-json link show {interface}"))[0]["ifindex"]

    def socket(self, namespace, family=socket.AF_INET, kind=socket.SOCK_DGRAM, protocol=0):
        _, fds = self._ask(namespace, "socket", family, kind, protocol)
        made = socket.socket(fileno=fds[0])
        made.set_inheritable(False)
        made.settimeout(PATIENCE)
        return made

    def close(self):
        self._channel.close()
        self._holder.wait(PATIENCE)


def inside(count):
    """The process: makes the namespaces, and serves the channel until it is closed."""
    libc = ctypes.CDLL(None, use_errno=True)
    namespaces = []
    for _ in range(count):
        assert libc.unshare(CLONE_NEWNET) == 0
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        namespaces.append(os.open("/proc/self/ns/net", os.O_RDONLY))
    channel = socket.socket(fileno=0)
    while question := channel.recv(65536):
        namespace, verb, *rest = json.loads(question)
        assert libc.setns(namespaces[namespace], CLONE_NEWNET) == 0
        if verb == "socket":
            with socket.socket(*rest) as made:
                socket.send_fds(channel, [b"0"], [made.fileno()])
        else:
            words = [word.format(*(f"/proc/{os.getpid()}/fd/{fd}" for fd in namespaces))
                     for word in (verb, *rest)]
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
            channel.send(json.dumps([done.returncode, done.stdout.decode()]).encode())


if __name__ == "__main__":
    inside(int(sys.argv[1]))
