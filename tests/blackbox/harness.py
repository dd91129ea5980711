# SPDX-License-Identifier: MIT
"""hellod as started by systemd, hello-client, and their peers."""
import collections
import contextlib
import fcntl
import itertools
import json
import os
import pathlib
import re
import resource
import socket
import struct
import subprocess
import threading
import time

import pytest

HELLOD = os.path.abspath("hellod")
CLIENT = os.path.abspath("hello-client")
CHECK = os.path.abspath("check_hello")
PATIENCE = 60  # seconds to wait for an event

# Variables that make check, a build of a package, or a service sets for its own child processes.
for name in ("MAKEFLAGS MFLAGS MAKELEVEL SOURCE_DATE_EPOCH NOTIFY_SOCKET LISTEN_FDS LISTEN_PID "
             "WATCHDOG_USEC").split():
    os.environ.pop(name, None)
os.environ["LC_ALL"] = "C.UTF-8"
# Descriptors that it has left open. Programs are started with all that can be inherited.
for number in os.listdir("/proc/self/fd"):
    with contextlib.suppress(OSError):
        os.set_inheritable(int(number), int(number) <= 2)


def frame(text):
    """The bytes that DataOutput.writeUTF of the JDK writes."""
    utf16 = text.encode("utf-16-be")
    units = map(chr, struct.unpack(f">{len(utf16) // 2}H", utf16))
    body = "".join(units).encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80")
    return struct.pack(">H", len(body)) + body


HELLO = frame("HELLO")
LONGEST = frame("A" * 65535)


def like(pattern, text):
    """Whether the pattern matches the whole text; * matches anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL)


def wait_until(condition):
    """Polls, for conditions without an event."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f"the condition did not hold in {PATIENCE} s"
        time.sleep(0.02)


class Lines:
    """Lines that a thread reads during the test."""

    def __init__(self, source=()):
        self.lines = []
        self._changed = threading.Condition()
        threading.Thread(target=self._follow, args=[source], daemon=True).start()

    def _follow(self, source):
        for line in source:
            self.add(line.decode(errors="backslashreplace").rstrip("\n"))

    def add(self, line):
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def find(self, pattern):
        return [line for line in self.lines if like(pattern, line)]

    def wait_for(self, pattern, count=1):
        """Returns the matching lines, once there are `count` of them."""
        found, looked_at = [], 0

        def enough():
            nonlocal looked_at
            found.extend(line for line in self.lines[looked_at:] if like(pattern, line))
            looked_at = len(self.lines)
            return len(found) >= count

        with self._changed:
            assert self._changed.wait_for(enough, PATIENCE), (
                f"no {count} lines '{pattern}' in {PATIENCE} s, last {self.lines[-20:]}")
        return found


def listen(address="", backlog=256, send_bytes=0):
    """address: of the host, "" for all of them; or the path of a UNIX socket. send_bytes: size of
    the send buffers; a small one takes only a part of a frame at a time."""
    if address.startswith("/"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen(backlog)
    elif "." in address or not address and not socket.has_dualstack_ipv6():
        listener = socket.create_server((address, 0), backlog=backlog)
    else:
        try:
            listener = socket.create_server((address, 0), family=socket.AF_INET6, backlog=backlog,
                                            dualstack_ipv6=not address)
        except OSError as error:
            pytest.skip(f"this host has no IPv6: {error}")
    if send_bytes:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
    return listener


def target_of(listener):
    """The port or path, as an operand of hello-client."""
    address = listener.getsockname()
    return address if isinstance(address, str) else str(address[1])


refusing = []  # sockets that are bound, but do not listen


def refusing_port():
    """A port without a listener, which no other process can take."""
    dual = socket.has_dualstack_ipv6()
    refusing.append(socket.socket(socket.AF_INET6 if dual else socket.AF_INET))
    if dual:
        refusing[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    refusing[-1].bind(("", 0))
    return target_of(refusing[-1])


def connections(listener):
    """Accepts connections, one at a time, until the listener is shut down."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            yield connection


def connect(target, receive_bytes=0, address="127.0.0.1"):
    """receive_bytes: size of the receive buffer, which limits how much the server can send."""
    where = target if target.startswith("/") else (address, int(target))
    client = socket.socket(socket.AF_UNIX if where == target else
                           socket.AF_INET6 if ":" in address else socket.AF_INET)
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.settimeout(PATIENCE)
    client.connect(where)
    return client


def read_all(client):
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


def get_frame(target):
    """Returns all bytes that a client gets, which sends nothing."""
    with connect(target) as client:
        return read_all(client)


def greet_many(target, count, at_once=16):
    """Returns the number of clients for each received byte string, of `count` clients, `at_once`
    at a time."""
    got = collections.Counter()
    for _ in range(0, count, at_once):
        clients = [connect(target) for _ in range(at_once)]
        for client in clients:
            got[read_all(client)] += 1
            client.close()
    return got


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def prepare(sockets=(), environment=None, files=None, closed=()):
    """For preexec_fn: passes sockets as systemd does, see sd_listen_fds(3); sets environment
    variables, in which {pid} is the PID; sets RLIMIT_NOFILE; closes descriptors."""
    def in_child():
        for fd in closed:
            os.close(fd)
        spares = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 100) for each in sockets]
        for i, spare in enumerate(spares):
            os.dup2(spare, 3 + i)
        activation = {"LISTEN_FDS": str(len(spares)), "LISTEN_PID": "{pid}"} if sockets else {}
        for key, value in {**activation, **(environment or {})}.items():
            os.environ[key] = value.format(pid=os.getpid())
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    return in_child


Result = collections.namedtuple("Result", "status out err")


class Background:
    """A running hello-client, or another command."""

    def __init__(self, *arguments, command=(CLIENT,), stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE, **how):
        self.process = subprocess.Popen(
            [*command, *arguments], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            close_fds=False, preexec_fn=prepare(**how) if how else None)

    def end(self, signal=None, patience=PATIENCE):
        """Sends the signal, if any, and waits. Returns the exit status and the output."""
        if signal is not None:
            self.process.send_signal(signal)
        try:
            streams = self.process.communicate(timeout=patience)
        finally:
            self.close()
        return Result(self.process.returncode,
                      *((text or b"").decode(errors="backslashreplace") for text in streams))

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE)


def run(*command, patience=PATIENCE, **how):
    return Background(command=command, **how).end(patience=patience)


def client(*arguments, **how):
    return Background(*arguments, **how).end()


def preload(tmp, source):
    """Returns the environment of a process with a library."""
    library = tmp + "/preloaded.so"
    subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-xc", "-o", library,
                    "-"], input=source.encode(), check=True)
    return {"LD_PRELOAD": library,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


class Daemon:
    """hellod: one process with the listening sockets ("listening"), or one for each client
    ("per-connection"), with one log."""

    def __init__(self, mode, *options, listeners=None, **how):
        self.listeners = listeners or [listen()]
        self.target = target_of(self.listeners[0])
        self.clients = []
        self.processes = []
        self.statuses = None
        reader, self._log_end = os.pipe()
        self.log = Lines(open(reader, "rb"))
        self._spawn = lambda sockets: self.processes.append(Background(
            *options, command=[HELLOD], stderr=self._log_end, sockets=sockets, **how).process)
        self._spawning = threading.Lock()  # the greeting can arrive before Popen() returns
        self._acceptor = None
        if mode == "listening":
            for listener in listeners or []:  # the default listener blocks: both kinds must work
                listener.setblocking(False)
            self._spawn(self.listeners)
        else:
            self._acceptor = threading.Thread(target=self._accept, daemon=True)
            self._acceptor.start()

    def _accept(self):
        for connection in connections(self.listeners[0]):
            with self._spawning:
                self._spawn([connection])

    def signal(self, number):
        with self._spawning:
            for process in self.processes:
                process.send_signal(number)

    def connect(self, receive_bytes=0):
        """Returns a client that stays until the end of the test, or until it is closed."""
        self.clients.append(connect(self.target, receive_bytes))
        return self.clients[-1]

    def flood(self):
        """A client sends until hellod has read enough, and logs that. If it was too slow for that,
        another one tries."""
        def is_flood():
            flooder = self.connect()
            port = flooder.getsockname()[1]
            with pytest.raises((BrokenPipeError, ConnectionResetError)):
                while True:
                    flooder.send(bytes(1 << 16))
            return self.log.wait_for(f"hellod: greeted *:{port} (*)")[0].endswith(" (flood)")

        wait_until(is_flood)

    def wait(self):
        """Waits for all its processes. Returns their exit statuses."""
        if self._acceptor:
            self.listeners[0].shutdown(socket.SHUT_RDWR)
            self._acceptor.join()
        self.statuses = [process.wait(PATIENCE) for process in self.processes]
        return self.statuses

    def close(self):
        """Stops it as systemctl stop does. It must succeed, unless the test has called wait()."""
        try:
            for client in self.clients:
                client.close()
            if self.statuses is None:
                if not self._acceptor:
                    self.processes[0].terminate()
                assert set(self.wait()) <= {0}, self.log.lines[-20:]
        finally:
            for process in self.processes:
                process.kill()
            for listener in self.listeners:
                listener.close()
            os.close(self._log_end)

    def proc(self, name):
        with self._spawning:
            return pathlib.Path(f"/proc/{self.processes[0].pid}/{name}")

    def sockets(self):
        """The number of its sockets. hellod may close one during the count."""
        count = 0
        for fd in self.proc("fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                count += os.readlink(fd).startswith("socket:")
        return count

    def effort(self):
        """The CPU time in nanoseconds, and the number of time slices."""
        took, _, times = map(int, self.proc("schedstat").read_text().split())
        return took, times


WAIT, RESET = "wait", "reset"  # steps of a Server


def drip(seconds, data):
    """Steps of a Server: byte by byte, with a pause before each."""
    return [step for byte in data for step in (seconds, bytes([byte]))]


class Server:
    """A scripted server. Plays a list of steps to each connection, then closes it; plays several
    lists in turn. Bytes are sent, a number is a pause in seconds, a function is called, RESET
    resets the connection, WAIT waits for the client to close it. `seen` gets "accepted" for each
    connection, and the result of WAIT: "eof", or "reset" from a client that has left bytes
    unread."""

    def __init__(self, *turns, listener=None, address="127.0.0.1"):
        self.listener = listener or listen(address)
        self.target = target_of(self.listener)
        self.seen = Lines()
        self._thread = threading.Thread(target=self._serve, args=[turns], daemon=True)
        self._thread.start()

    def _serve(self, turns):
        for connection, steps in zip(connections(self.listener), itertools.cycle(turns)):
            self.seen.add("accepted")
            connection.settimeout(PATIENCE)
            try:
                for step in steps:
                    self._play(connection, step)
            except (BrokenPipeError, ConnectionResetError):
                self.seen.add("reset")

    def _play(self, connection, step):
        if step == WAIT:
            read_all(connection)
            self.seen.add("eof")
        elif step == RESET:
            reset(connection)
        elif isinstance(step, bytes):
            connection.sendall(step)
        elif callable(step):
            step()
        else:
            time.sleep(step)

    def client(self, *arguments, **how):
        """Runs hello-client with this server."""
        where = [self.target] if self.target.startswith("/") else ["127.0.0.1", self.target]
        return client(*arguments, *where, **how)

    def plugin(self, *arguments, **how):
        """Runs check_hello with this server."""
        host = self.target if self.target.startswith("/") else "127.0.0.1:" + self.target
        return run(CHECK, "-H", host, *arguments, **how)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join()


# Keys of JSON and their types; ? where it may be null.
GREETING = """type=str sequence=int endpoint=str host=str port=int? address=str? family=str?
    status=str exit=int error=str? greeting=str? frame_length=int? time=float resolve_time=float?
    connect_time=float? first_byte_time=float? frame_time=float? close_time=float? attempts=list"""
ATTEMPT = "address=str outcome=str error=str? time=float? asked=int?"
SUMMARY = """type=str endpoint=str host=str port=int? exit=int tried=int greeted=int loss=int|float
    min=float? avg=float? max=float? mdev=float? p50=float? p90=float? p95=float? p99=float?"""


def check_keys(thing, keys):
    keys = dict(key.split("=") for key in keys.split())
    assert list(thing) == list(keys)
    for key, types in keys.items():
        assert type(thing[key]).__name__ in types.replace("?", "|NoneType").split("|"), key


def objects(out):
    """Parses JSON of hello-client, one object per line, and checks the keys and their types."""
    things = [json.loads(line, parse_constant=pytest.fail) for line in out.split("\n")[:-1]]
    for thing in things:
        check_keys(thing, SUMMARY if thing["type"] == "summary" else GREETING)
        for attempt in thing.get("attempts", []):
            check_keys(attempt, ATTEMPT)
    return things
