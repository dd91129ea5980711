# SPDX-License-Identifier: MIT
"""The servers that are compared: what each is, and how it is started."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

import cgroup_cpu

FRAME = b"\0\5HELLO"
PRINTF = "/usr/bin/printf"
PRINTF_FRAME = r"\000\005HELLO"  # as printf wants it
BACKLOG = 4096
START_MAX_SEC = 20
BOOT_MAX_SEC = 90
END_MAX_SEC = 30


class Missing(Exception):
    """The server cannot be had here; says why."""


def need(*tools):
    """The paths of the tools; root's are looked for as well."""
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    found = [shutil.which(tool, path=path) for tool in tools]
    if None in found:
        raise Missing(f"{tools[found.index(None)]} is not installed")
    return found[0] if len(found) == 1 else found


def say(*command):
    """What a command prints, or nothing if it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return ""
    return done.stdout


def version(pattern, *command):
    found = re.search(pattern, say(*command))
    return found.group(1) if found else "unknown"


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """A running server. A subclass says what `command` starts it on `port`."""

    name = ""
    about = ""
    version = ""
    ours = False  # hellod, however it was started
    patience = 1  # by how much longer it takes to measure, for it is slow
    listens = True  # by itself, on the port; or we do, and it gets the socket as standard input

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
        # A group of its own: an interrupt at the terminal is for us, who then end it.
        self.process = subprocess.Popen(command, start_new_session=True, cwd=os.getcwd(),
                                        **streams)

    def start(self, command):
        listener = subprocess.DEVNULL
        if not self.listens:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(BACKLOG)
            self.port = listener.getsockname()[1]
        with open(self.setting.work / f"{self.name}.log", "wb") as log:
            self.popen(command, stdin=listener, stdout=subprocess.DEVNULL, stderr=log)
        if not self.listens:
            listener.close()
        give_up = time.monotonic() + START_MAX_SEC
        while subprocess.run(self.load("--count=1", "--concurrency=1"), check=False,
                             stdout=subprocess.DEVNULL).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > give_up:
                log = (self.setting.work / f"{self.name}.log").read_text(errors="replace")
                raise Missing("did not start: " + " ".join(log.split()[-30:]))
            time.sleep(0.05)

    def load(self, *options):
        """The command that puts load on it."""
        return [*self.load_prefix, self.setting.load, f"--port={self.port}", *options]

    def root(self):
        """The process that all others descend from."""
        return self.process.pid

    def stop_serving(self):
        """Has the next client wait for a start. False if no client ever has to."""
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


class Bare(Peer):
    name = "bare"
    about = """the floor: accept, send, close, one after the other. It loses data: without
half-close and drain, a client that talks first gets a reset, which can destroy the greeting"""
    listens = False

    def command(self):
        return [self.setting.top / "tests/bench/baseline"]


class Hellod(Peer):
    name = "hellod"
    about = "the listening mode, with the socket passed as systemd does"
    ours = True
    listens = False

    def command(self):
        hellod = self.setting.top / "hellod"
        self.version = version(r"(\d\S*)", hellod, "--version")
        # Not to end between two rounds, where it would.
        idle = ["--idle-timeout=0"] if "--idle-timeout" in say(hellod, "--help") else []
        return ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@" 3<&0 </dev/null',
                hellod, "--greeting=HELLO", *idle]


class Nginx(Peer):
    name = "nginx"
    about = "stream module, return, one worker, no access log"

    def command(self):
        nginx = need("nginx")
        built = say(nginx, "-V")
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
        # The bytes of the frame stand in the configuration as they are: nginx counts them.
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


class Java(Peer):
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


class Tcpserver(Peer):
    name = "tcpserver"
    about = "ucspi-tcp, no name look-ups; a printf(1) for each client"

    def command(self):
        tcpserver = need("tcpserver", PRINTF)[0]
        self.version = say("dpkg-query", "-W", "-f", "${Version}", "ucspi-tcp") or "unknown"
        return [tcpserver, "-H", "-R", "-l0", f"-b{BACKLOG}", "-c4096", "127.0.0.1",
                str(self.port), PRINTF, PRINTF_FRAME]


class Xinetd(Peer):
    name = "xinetd"
    about = "no limits, no log; queue of 64; a printf(1) for each client"

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


class Socat(Peer):
    name = "socat"
    about = "TCP-LISTEN with fork; a printf(1) for each client"

    def command(self):
        socat = need("socat", PRINTF)[0]
        self.version = version(r"socat version (\S+)", socat, "-V")
        listen = f"TCP-LISTEN:{self.port},bind=127.0.0.1,reuseaddr,fork,backlog={BACKLOG}"
        # socat takes backslashes away twice.
        quoted = PRINTF_FRAME.replace("\\", 4 * "\\")
        return [socat, "-U", listen, f"EXEC:{PRINTF} {quoted}"]


class HelloSocket(Peer):
    """Under a systemd of its own: PID 1, the journal and all else in there count."""

    name = "hello.socket"
    about = "the default: a hello@.service for each client, under systemd as PID 1 in a container"
    ours = True
    patience = 3

    def command(self):
        systemctl = need("systemctl", "nsenter")[0]
        self.version = "systemd " + version(r"systemd (\d\S*)", systemctl, "--version")
        self.port = 6666  # of its own network
        return ["bash", self.setting.source / "tests/bench/container.sh", self.name]

    def start(self, command):
        with open(self.setting.work / f"{self.name}.log", "wb") as log:
            self.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                       text=True)
        said = ""
        for line in self.process.stdout:
            said = line.strip()
            if said.startswith("ready "):
                self.pid1 = int(said.split()[1])
                self.load_prefix = [need("nsenter"), "-t", str(self.pid1), "-n", "--"]
                return
        log = (self.setting.work / f"{self.name}.log").read_text(errors="replace")
        raise Missing(said.removeprefix("SKIP: ") or " ".join(log.split()[-30:]))

    def root(self):
        return self.pid1

    def end(self):
        # Its end is the end of its standard input; then it shuts down in order.
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
    ours = False


class HelloListenSocket(HelloSocket):
    name = "hello-listen.socket"
    about = "one hello-listen.service for all clients, under systemd as PID 1 in a container"
    patience = 1

    def stop_serving(self):
        subprocess.run([need("nsenter"), "-t", str(self.pid1), "-m", "-p", "-n", "-u", "-i", "-C",
                        "--", "systemctl", "stop", "hello-listen.service"], check=True)
        return True


ALL = [Bare, Hellod, Nginx, Java, Tcpserver, Xinetd, Socat, PrintfSocket, HelloSocket,
       HelloListenSocket]
