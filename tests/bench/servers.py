# SPDX-License-Identifier: MIT
"""The servers that are compared, and how each one is started."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import cgroup_cpu

FRAME = b"\0\5HELLO"
PRINTF = "/usr/bin/printf"
PRINTF_FRAME = r"\000\005HELLO"  # for printf(1)
BACKLOG = 4096
START_MAX_SEC = 20
END_MAX_SEC = 30
# Of the clients of hellod, of which none may be lost: a loaded machine may start few processes a
# second, and stall.
PATIENCE_SEC = 60

# Follows the name of a server that runs another build of hellod.
OTHER = " (other)"


class Missing(Exception):
    """The server is not available here. The text says why."""


def need(*tools):
    """Returns the paths of the tools, those for root included."""
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    found = [shutil.which(tool, path=path) for tool in tools]
    if None in found:
        raise Missing(f"{tools[found.index(None)]} is not installed")
    return found[0] if len(found) == 1 else found


def output(*command):
    """Returns the output of a command, "" if it cannot be executed."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return ""
    return done.stdout


def version(pattern, *command):
    found = re.search(pattern, output(*command))
    return found.group(1) if found else "unknown"


def free_port():
    """Returns an unused port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server. Subclasses define command(), which starts it."""

    name = ""
    about = ""
    version = ""
    is_hellod = False
    seconds_factor = 1  # slow servers are measured for longer
    takes_rates = True  # False if it starts a process for each client, which takes too long

    def __init__(self, setting):
        self.setting = setting
        self.port = free_port()
        self.load_prefix = []
        self.process = self.meter = None
        command = self.command()
        self.meter = cgroup_cpu.new(f"hellod-bench-{os.getpid()}-{self.name}")
        try:
            self.start(self.meter.wrap(command))
        except OSError as error:
            self.end()
            raise Missing(str(error)) from error
        except BaseException:
            self.end()
            raise

    def command(self):
        raise NotImplementedError

    def popen(self, command, **streams):
        # In a process group of its own, so that Ctrl-C ends only the benchmark, which ends it.
        self.process = subprocess.Popen(command, start_new_session=True, cwd=os.getcwd(),
                                        **streams)

    def start(self, command):
        listener = self.listen()
        with open(self.setting.work / f"{self.name}.log", "wb") as log:
            self.popen(command, stdin=listener, stdout=subprocess.DEVNULL, stderr=log)
        if listener is not subprocess.DEVNULL:
            listener.close()
        give_up = time.monotonic() + START_MAX_SEC
        while subprocess.run(self.load("--count=1", "--concurrency=1"), check=False,
                             stdout=subprocess.DEVNULL).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > give_up:
                log = (self.setting.work / f"{self.name}.log").read_text(errors="replace")
                raise Missing("did not start: " + " ".join(log.split()[-30:]))
            time.sleep(0.05)

    def listen(self):
        """Returns the standard input of the server: a listening socket if it needs one."""
        return subprocess.DEVNULL

    def load(self, *options):
        """Returns a command that puts load on the server."""
        patience = [f"--timeout={PATIENCE_SEC}"] if self.is_hellod else []
        return [*self.load_prefix, self.setting.load, f"--port={self.port}", *patience, *options]

    def root(self):
        """Returns the PID of the ancestor of all its processes."""
        return self.process.pid

    def cpu_usec(self):
        """Returns the CPU time so far."""
        return self.meter.cpu_usec(self.root())

    def stop_serving(self):
        """Stops the service, so that the next client starts it. Returns False if it cannot."""
        return False

    def end(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.terminate()
            self.wait_or_kill()
        if self.meter is not None:
            self.meter.remove()

    def wait_or_kill(self):
        try:
            self.process.wait(END_MAX_SEC)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class PassedSocket(Server):
    """A server whose listening socket is its standard input."""

    blocking = True

    def listen(self):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        listener.setblocking(self.blocking)
        self.port = listener.getsockname()[1]
        return listener


class Baseline(PassedSocket):
    name = "baseline"
    about = """the lower bound: accept, send, close, one client after the other. It loses data:
without half-close and drain, a client that talks first gets a reset, which can destroy the
greeting"""

    def command(self):
        return [self.setting.top / "tests/bench/baseline"]


class Hellod(PassedSocket):
    name = "hellod"
    about = """the listening mode, with a non-blocking socket, as hello-listen.service has it
(NonBlocking=yes)"""
    is_hellod = True
    blocking = False
    build = None  # a program other than the one of this build

    def hellod(self):
        """Returns the command of hellod."""
        hellod = self.build or self.setting.top / "hellod"
        self.version = version(r"(\d\S*)", hellod, "--version")
        # It must not exit between two rounds.
        idle = ["--idle-timeout=0"] if "--idle-timeout" in output(hellod, "--help") else []
        return [hellod, "--greeting=HELLO", *idle]

    def command(self):
        return ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@" 3<&0 </dev/null',
                *self.hellod()]


class HellodBlocking(Hellod):
    name = "hellod-blocking"
    about = "the listening mode, with a blocking socket, as systemd passes it by default"
    blocking = True


class HellodAccept(Hellod):
    """Its CPU time is that of the hellod processes, without the process that starts them."""

    name = "hellod-accept"
    about = """the per-connection mode: tests/bench/spawner.c starts a hellod for each client, and
only these processes count for the CPU time"""
    blocking = True
    seconds_factor = 2
    takes_rates = False

    def command(self):
        return [self.setting.top / "tests/bench/spawner", *self.hellod()]

    def cpu_usec(self):
        return super().cpu_usec() - cgroup_cpu.process_usec(self.process.pid)


def other_build(kind, hellod):
    """Returns a subclass that runs another hellod."""
    return type(kind.__name__, (kind,), {"name": kind.name + OTHER, "build": hellod})


class Nginx(Server):
    name = "nginx"
    about = "stream module, return, one worker, no access log"

    def command(self):
        nginx = need("nginx")
        built = output(nginx, "-V")
        self.version = version(r"nginx/(\S+)", nginx, "-v")
        if "--with-stream" not in built:
            raise Missing("nginx has no stream module")
        load_module = b""
        if "--with-stream=dynamic" in built:
            found = re.search(r"--modules-path=(\S+)", built)
            module = pathlib.Path(found.group(1) if found else "modules") / "ngx_stream_module.so"
            if not module.exists():
                raise Missing("nginx's stream module is not installed")
            load_module = b"load_module %b;" % os.fsencode(module)
        # The configuration contains the bytes of the frame: nginx has no escapes for them.
        config = self.setting.work / "nginx.conf"
        config.write_bytes(b"""%b
daemon off;
worker_processes 1;
error_log stderr;
pid %b/nginx.pid;
events { worker_connections 4096; }
stream {
	access_log off;
	server {
		listen 127.0.0.1:%d backlog=%d;
		return "%b";
	}
}
""" % (load_module, os.fsencode(self.setting.work), self.port, BACKLOG, FRAME))
        return [nginx, "-p", self.setting.work, "-c", config, "-e", "stderr"]


class Java(Server):
    name = "java"
    about = """the classroom server, tests/interop/HelloServer.java: one thread, one client after
the other, a line on standard output for each; queue of 50"""

    def command(self):
        java, javac = need("java", "javac")
        source = self.setting.source / "tests/interop/HelloServer.java"
        if subprocess.run([javac, "-d", self.setting.work, source], check=False).returncode != 0:
            raise Missing("javac failed")
        self.version = version(r'version "([^"]+)"', java, "-version")
        return [java, "-cp", self.setting.work, "HelloServer", str(self.port)]


class Tcpserver(Server):
    name = "tcpserver"
    about = "ucspi-tcp, no name look-ups; a printf(1) for each client"
    takes_rates = False

    def command(self):
        tcpserver = need("tcpserver", PRINTF)[0]
        self.version = output("dpkg-query", "-W", "-f", "${Version}", "ucspi-tcp") or "unknown"
        return [tcpserver, "-H", "-R", "-l0", f"-b{BACKLOG}", "-c4096", "127.0.0.1",
                str(self.port), PRINTF, PRINTF_FRAME]


class Xinetd(Server):
    name = "xinetd"
    about = "no limits, no log; queue of 64; a printf(1) for each client"
    takes_rates = False

    def command(self):
        xinetd = need("xinetd", PRINTF)[0]
        self.version = version(r"^(?:.*[Vv]ersion )?(\d\S+)", xinetd, "-version")
        config = self.setting.work / "xinetd.conf"
        config.write_text(f"""defaults
{{
	instances = UNLIMITED
	per_source = UNLIMITED
	cps = 1000000 1
}}
service hello
{{
	type = UNLISTED
	flags = NOLIBWRAP
	socket_type = stream
	protocol = tcp
	wait = no
	user = {os.getuid()}
	bind = 127.0.0.1
	port = {self.port}
	server = {PRINTF}
	server_args = {PRINTF_FRAME}
}}
""")
        return [xinetd, "-dontfork", "-stayalive", "-f", config,
                "-filelog", self.setting.work / "xinetd.log",
                "-pidfile", self.setting.work / "xinetd.pid"]


class Socat(Server):
    name = "socat"
    about = "TCP-LISTEN with fork; a printf(1) for each client"
    takes_rates = False

    def command(self):
        socat = need("socat", PRINTF)[0]
        self.version = version(r"socat version (\S+)", socat, "-V")
        listen = f"TCP-LISTEN:{self.port},bind=127.0.0.1,reuseaddr,fork,backlog={BACKLOG}"
        # socat removes backslashes twice.
        quoted = PRINTF_FRAME.replace("\\", 4 * "\\")
        return [socat, "-U", listen, f"EXEC:{PRINTF} {quoted}"]


class HelloSocket(Server):
    """Runs under a systemd of its own. PID 1, the journal and all other processes count."""

    name = "hello.socket"
    about = "the default: a hello@.service for each client, under systemd as PID 1 in a container"
    is_hellod = True
    seconds_factor = 3
    takes_rates = False

    def command(self):
        systemctl = need("systemctl", "nsenter")[0]
        self.version = "systemd " + version(r"systemd (\d\S*)", systemctl, "--version")
        self.port = 6666  # in the container's network
        directory = self.setting.work / self.name
        directory.mkdir()
        return [sys.executable, "-B", self.setting.source / "tests/bench/socket_unit.py",
                self.name, directory]

    def start(self, command):
        with open(self.setting.work / f"{self.name}.log", "wb") as log:
            self.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                       text=True)
        line = ""
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.pid1 = int(line.split()[1])
                self.load_prefix = [need("nsenter"), "-t", str(self.pid1), "-n", "--"]
                return
        log = (self.setting.work / f"{self.name}.log").read_text(errors="replace")
        raise Missing(line.strip().removeprefix("SKIP: ") or " ".join(log.split()[-30:]))

    def root(self):
        return self.pid1

    def end(self):
        # The container ends when the standard input of socket_unit.py does.
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            try:
                self.process.wait(END_MAX_SEC)
            except subprocess.TimeoutExpired:
                pass
        super().end()


class PrintfSocket(HelloSocket):
    name = "printf.socket"
    about = """hello.socket with a printf(1) for each client, unconfined, under systemd as PID 1 in
a container"""
    is_hellod = False


class HelloListenSocket(HelloSocket):
    name = "hello-listen.socket"
    about = "one hello-listen.service for all clients, under systemd as PID 1 in a container"
    seconds_factor = 1
    takes_rates = True

    def stop_serving(self):
        subprocess.run([need("nsenter"), "-t", str(self.pid1), "-m", "-p", "-n", "-u", "-i", "-C",
                        "--", "systemctl", "stop", "hello-listen.service"], check=True,
                       stderr=subprocess.DEVNULL)  # a warning that the socket starts it again
        return True


ALL = [Baseline, Hellod, HellodBlocking, HellodAccept, Nginx, Java, Tcpserver, Xinetd, Socat,
       PrintfSocket, HelloSocket, HelloListenSocket]
