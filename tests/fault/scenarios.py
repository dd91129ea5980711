# SPDX-License-Identifier: MIT
"""What the programs do while one of their system calls fails."""
import collections
import contextlib
import signal
import socket
import threading
import time

import harness
from clients import HELLOD_DEADLINE, Clients
from harness import HELLO, LONGEST, WAIT
from tracing import Traced

SCENARIOS = {}
CLIENT_DEADLINE = 40  # seconds; to be greeted takes it at most 10
GIVE_UP = 2  # seconds to wait for hellod to greet, before SIGTERM


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


# What the peers of hellod saw: what each client got, how many were greeted, the notifications.
Seen = collections.namedtuple("Seen", "got greeted notices")


class Stage:
    """One run of a scenario."""

    def __init__(self, fault, directory):
        self.fault = fault
        self.directory = directory
        self.clients = Clients(None)
        self.notices = []
        self.stack = contextlib.ExitStack()

    def trace(self, *command, deadline, **how):
        return Traced(*command, fault=self.fault, trace=self.directory + "/trace",
                      deadline=deadline, **how)

    def file(self, content, name="greeting"):
        path = f"{self.directory}/{name}"
        with open(path, "wb") as file:
            file.write(content)
        return path

    # hellod

    def hellod(self, *options, sockets, **how):
        return self.trace(harness.HELLOD, *options, deadline=HELLOD_DEADLINE, sockets=sockets,
                          **how)

    def connection(self, *options, listener=None, before=lambda client: None, **how):
        """One process for a connection."""
        with listener or harness.listen() as listening:
            client = harness.connect(harness.target_of(listening))
            passed, _ = listening.accept()
        before(client)
        with passed:
            process = self.hellod(*options, sockets=[passed], **how)
        self.clients = Clients(process, client)
        self.clients.read()
        return process.end()

    def listening(self, *options, count=3, act=None, listeners=None, receive_bytes=0,
                  environment=None, **how):
        """One process for `count` clients, which act(process, clients) may do something with. Then
        SIGTERM. Clients that are still in the queue are for the next process."""
        listeners = listeners or [harness.listen()]
        streams = [each for each in listeners if each.type == socket.SOCK_STREAM]
        # Clients are there first, so that it is never idle; and it is left alone until it waits.
        clients = [harness.connect(harness.target_of(streams[0]), receive_bytes)
                   for _ in range(count)]
        process = self.hellod(*options, sockets=listeners, environment=environment, **how)
        self.clients = Clients(process, *clients)
        process.wait_for_call("epoll_wait", HELLOD_DEADLINE)
        if act:
            act(process, self.clients)
        self.clients.read(GIVE_UP)
        process.signal(signal.SIGTERM)
        self.clients.read()
        run = process.end()
        if streams and self.clients.greeted() < count:
            self._rescue(streams)
        for each in listeners:
            each.close()
        return run

    def _rescue(self, streams):
        """What systemd does with clients in the queue."""
        rescue = harness.Background(command=[harness.HELLOD],
                                    sockets=streams)
        alive = Clients(None)
        alive.ended = lambda: rescue.process.poll() is not None
        self.clients._process = alive
        self.clients.read()
        rescue.end(signal.SIGTERM)

    def seen(self):
        return Seen(list(self.clients.got.values()), self.clients.greeted(), self.notices)

    # hello-client and check_hello

    def client(self, *arguments, program=harness.CLIENT):
        return self.trace(program, *arguments, deadline=CLIENT_DEADLINE).end()

    def check(self, *arguments):
        return self.client(*arguments, program=harness.CHECK)

    def server(self, *steps, **how):
        return self.stack.enter_context(contextlib.closing(harness.Server(steps, **how)))

    def port(self, *steps, **how):
        return "127.0.0.1:" + self.server(*steps, **how).target

    def answerer(self, *answers, listener=None):
        """A server of datagrams, which drops a request for None. Returns its target."""
        if not listener:
            listener = socket.socket(type=socket.SOCK_DGRAM)
            listener.bind(("127.0.0.1", 0))

        def serve():
            with contextlib.suppress(OSError):
                for answer in answers:
                    _, peer = listener.recvfrom(65536)
                    if answer is not None:
                        listener.sendto(answer, peer)
        threading.Thread(target=serve, daemon=True).start()
        self.stack.callback(listener.close)
        name = listener.getsockname()
        return name if isinstance(name, str) else f"127.0.0.1:{name[1]}"


# hellod with a passed connection


@scenario
def connection(stage):
    return stage.connection()


@scenario
def connection_unix(stage):
    return stage.connection(listener=harness.listen(stage.directory + "/socket"))


@scenario
def connection_file(stage):
    return stage.connection("--greeting-file", stage.file(b"HELLO\n"))


@scenario
def connection_bad_file(stage):
    return stage.connection("--greeting-file", stage.file(b"\xff"))


@scenario
def connection_talking(stage):
    """The client talks first."""
    return stage.connection(before=lambda client: client.sendall(b"x" * 100000))


@scenario
def connection_slow(stage):
    """The kernel does not take the whole frame at once."""
    listener = harness.listen("127.0.0.1", send_bytes=4096)
    return stage.connection("--greeting-file", stage.file(LONGEST[2:]), listener=listener)


# hellod with listening sockets


@scenario
def listening(stage):
    return stage.listening()


@scenario
def listening_nonblocking(stage):
    listener = harness.listen()
    listener.setblocking(False)
    return stage.listening(listeners=[listener], count=6)


@scenario
def listening_two(stage):
    """Sockets of two families, of which one has clients."""
    return stage.listening(listeners=[harness.listen(stage.directory + "/socket"),
                                      harness.listen()])


@scenario
def listening_slow(stage):
    listener = harness.listen("127.0.0.1", send_bytes=4096)
    return stage.listening("--greeting-file", stage.file(LONGEST[2:]), listeners=[listener])


@scenario
def listening_full(stage):
    """With a limit of one client, the second one displaces the first."""
    return stage.listening("--max-connections=1")


@scenario
def listening_waiting(stage):
    """At the limit, nobody can be displaced, because the first client does not read."""
    listener = harness.listen("127.0.0.1", send_bytes=4096)

    def act(process, clients):
        process.wait_for_call("EPOLL_CTL_MOD", GIVE_UP)
    return stage.listening("--max-connections=1", "--greeting-file", stage.file(LONGEST[2:]),
                           listeners=[listener], act=act, count=2, receive_bytes=4096)


@scenario
def listening_idle(stage):
    def act(process, clients):
        clients.read(GIVE_UP)
        # A client that strace(1) lets it not close stays in the epoll set, and it is never idle.
        if not stage.fault or stage.fault.call != "close":
            process.wait()
    return stage.listening("--idle-timeout=0.2", act=act)


@scenario
def listening_bad_file(stage):
    return stage.listening("--greeting-file", stage.file(b"\xff"), count=1)


def _reload(stage, content):
    path = stage.file(b"HELLO\n")

    def act(process, clients):
        clients.read(GIVE_UP)
        stage.file(content)
        process.signal(signal.SIGHUP)
        process.wait_for_call(r"ssi_signo=SIGHUP.*epoll_wait", GIVE_UP)
    return stage.listening("--greeting-file", path, act=act, count=1)


@scenario
def reload(stage):
    return _reload(stage, b"HELLO")


@scenario
def reload_bad(stage):
    return _reload(stage, b"\xff")


@scenario
def notify(stage):
    """Under a service manager, with a watchdog."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(stage.directory + "/notify")
        manager.settimeout(0.05)

        def act(process, clients):
            clients.read(GIVE_UP)
            while not process.ended() and (
                    sum("WATCHDOG" in notice for notice in stage.notices) < 3):
                with contextlib.suppress(TimeoutError):
                    stage.notices.append(manager.recv(4096).decode())
                if time.monotonic() > begin + GIVE_UP:
                    break
        begin = time.monotonic()
        run = stage.listening(count=1, act=act, environment={
            "NOTIFY_SOCKET": stage.directory + "/notify", "WATCHDOG_PID": "{pid}",
            "WATCHDOG_USEC": "200000"})
        manager.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                stage.notices.append(manager.recv(4096).decode())
        return run


# Datagrams


def _datagrams(stage, listener, client, *more):
    """A client that asks every 0.1 s until it is answered, thrice; not for long if nothing can be
    answered."""
    fault = stage.fault
    lasts = fault and fault.call in ("epoll_wait", "recvmmsg", "sendmmsg") and "+" in fault.when
    patience = GIVE_UP if lasts else HELLOD_DEADLINE
    answers = []

    def act(process, clients):
        begin = time.monotonic()
        client.settimeout(0.1)
        for _ in range(3):
            answer = b""
            while not answer and not process.ended() and time.monotonic() < begin + patience:
                with contextlib.suppress(ConnectionRefusedError):
                    client.send(bytes(600))
                with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                    answer = client.recv(65536)
            answers.append(answer)
        clients.got.update(enumerate(answers, 10000))
    return stage.listening(listeners=[*more, listener], act=act, count=len(more))


@scenario
def datagrams(stage):
    listener = socket.socket(type=socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.connect(listener.getsockname())
        return _datagrams(stage, listener, client, harness.listen())


@scenario
def datagrams_ipv6(stage):
    listener = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    listener.bind(("::1", 0))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.connect(listener.getsockname())
        return _datagrams(stage, listener, client)


# hello-client


@scenario
def client(stage):
    return stage.client(stage.port(HELLO))


@scenario
def client_ipv6(stage):
    return stage.client("-v", "[::1]:" + stage.server(HELLO, address="::1").target)


@scenario
def client_unix(stage):
    listener = harness.listen(stage.directory + "/socket")
    return stage.client(stage.server(HELLO, listener=listener).target)


@scenario
def client_name(stage):
    """A name with two addresses, of which the first is tried in vain."""
    return stage.client("localhost", stage.server(HELLO).target)


@scenario
def client_idn(stage):
    return stage.client("grüße.invalid", stage.server(HELLO).target)


@scenario
def client_in_pieces(stage):
    return stage.client(stage.port(0.05, HELLO[:1], 0.05, HELLO[1:]))


@scenario
def client_refused(stage):
    return stage.client("127.0.0.1:" + harness.refusing_port())


@scenario
def client_timeout(stage):
    return stage.client("-t", "1", stage.port(WAIT))


@scenario
def client_cut(stage):
    return stage.client(stage.port(HELLO[:4]))


@scenario
def client_count(stage):
    return stage.client("-c", "3", "-i", "0.01", stage.port(HELLO))


@scenario
def client_json(stage):
    return stage.client("--output=json", "-c", "2", "-i", "0.01", stage.port(HELLO))


@scenario
def client_openmetrics(stage):
    return stage.client("--output=openmetrics", stage.port(HELLO))


@scenario
def client_udp(stage):
    return stage.client("--udp", stage.answerer(HELLO))


@scenario
def client_udp_again(stage):
    """The first request is lost."""
    return stage.client("--udp", stage.answerer(None, HELLO))


@scenario
def client_udp_unix(stage):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(stage.directory + "/socket")
    return stage.client("--udp", stage.answerer(HELLO, listener=listener))


@scenario
def client_udp_refused(stage):
    return stage.client("--udp", "127.0.0.1:" + harness.refusing_port())


# check_hello


@scenario
def check(stage):
    return stage.check("-H", stage.port(HELLO))


@scenario
def check_name(stage):
    return stage.check("-vvv", "-H", "localhost", "-p", stage.server(HELLO).target)


@scenario
def check_refused(stage):
    return stage.check("-H", "127.0.0.1:" + harness.refusing_port())


@scenario
def check_timeout(stage):
    return stage.check("-t", "1", "-H", stage.port(WAIT))


@scenario
def check_udp(stage):
    return stage.check("--udp", "-H", stage.answerer(HELLO))
