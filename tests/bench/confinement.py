# SPDX-License-Identifier: MIT
"""Measures the benefit and the cost of each directive that confines hello@.service.

Run it with "make bench-confinement" or "make bench-confinement SYSTEMD=trixie", as root, in the top
build directory: see tests/system/container.py for $SYSTEMD. Prints a line for each directive, then
for all directives of hello@.service together:

    exposure   of systemd-analyze security, from 0 (safe) to 10
    rate       greetings per second with 8 clients at a time, divided by those of a plain template
               with which it alternates: median of $PASSES passes of $CLIENTS clients
    cpu        CPU time of all processes in the container with the plain template, divided by that
               with the directive. It depends less on other processes of the host than the rate,
               but omits work that the kernel does later
    msec       milliseconds of CPU time for a greeting with the directive

The last line is for hello-listen.service, which starts once for all clients: the CPU time of its
process for a greeting with 32 clients at a time, divided by that of the same unit unconfined.

Only ratios can be compared between runs. $ONLY is a pattern of the lines to measure.
"""
import fnmatch
import json
import multiprocessing
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from container import LOCK, Container, Unavailable, locked, setting

PASSES = int(setting.get("PASSES") or 5)
CLIENTS = int(setting.get("CLIENTS") or 80)
ONLY = setting.get("ONLY") or "*"
GREETINGS = 20000

PLAIN_PORT = 6001
CONFINED_PORT = 6002
PLAIN_LISTEN_PORT = 6003
LISTEN_PORT = 6666

DIRECTIVES = """\
User=hellod
NoNewPrivileges=yes
CapabilityBoundingSet=
UMask=0777
RemoveIPC=yes
KeyringMode=private
LimitNOFILE=64
TasksMax=4
IPAddressDeny=any
SocketBindDeny=any
RestrictFileSystems=~tracefs
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX
RestrictAddressFamilies=none
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@basic-io @default @file-system @io-event @network-io @process @signal @sandbox
SystemCallFilter=~@privileged @resources
SystemCallFilter=@system-service @sandbox
ProtectClock=yes
ProtectHostname=yes
DevicePolicy=closed
DevicePolicy=strict
PrivateNetwork=yes
PrivateUsers=yes
PrivateIPC=yes
PrivateMounts=yes
PrivateTmp=yes
TemporaryFileSystem=/tmp:ro /var/tmp:ro
PrivateDevices=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
ProtectSystem=strict
NoExecPaths=/home
DynamicUser=yes""".splitlines()


def write_units(container, name, port, lines=()):
    """Writes a template that greets like hello@.service, and its socket."""
    units = container.inside("/etc/systemd/system")
    service = ["[Unit]", "CollectMode=inactive-or-failed", "[Service]",
               f"ExecStart={setting['sbindir']}/hellod", "StandardInput=null",
               "StandardOutput=journal", "StandardError=journal", "LogLevelMax=notice", *lines, ""]
    poll_limit = ["PollLimitIntervalSec=0"] if container.version >= 255 else []
    socket = ["[Socket]", f"ListenStream={port}", "Accept=yes", "Backlog=4096",
              "MaxConnections=512", "TriggerLimitIntervalSec=0", *poll_limit,
              "[Unit]", "Wants=hello-netns.service", ""]
    (units / f"{name}@.service").write_text("\n".join(service), "utf-8")
    (units / f"{name}.socket").write_text("\n".join(socket), "utf-8")
    container.run("systemctl daemon-reload")


def cpu_usec(cgroup):
    return int(re.search(r"usage_usec (\d+)", (cgroup / "cpu.stat").read_text("utf-8"))[1])


def load(port, count, concurrency):
    """Greets clients. Returns the result: see tests/bench/load.c."""
    done = subprocess.run(["./tests/bench/load", "--json", f"--port={port}", f"--count={count}",
                           f"--concurrency={concurrency}"], stdout=subprocess.PIPE, check=False)
    result = json.loads(done.stdout)
    if result["lost"] > 0:
        sys.exit(f"confinement: {result['lost']} clients were not greeted")
    return result


def greet(container, port):
    """Returns the rate, and the CPU time for a greeting in milliseconds."""
    before = cpu_usec(container.cgroups[0])
    result = load(port, CLIENTS, 8)
    return result["rate"], (cpu_usec(container.cgroups[0]) - before) / CLIENTS / 1000


def exposure(container):
    """Returns the exposure of confined@.service, according to systemd-analyze."""
    unit = container.inside("/etc/systemd/system/confined@.service").read_text("utf-8")
    container.inside("/root/confined@0.service").write_text(unit, "utf-8")
    _, output = container.attempt("systemd-analyze security --offline=true --no-pager "
                                  "/root/confined@0.service")
    found = re.search(r"Overall exposure level.*: ([0-9.]+)", output)
    return found[1] if found else "-"


def measure(container, name, lines=()):
    if not fnmatch.fnmatchcase(name, ONLY):
        return
    write_units(container, "confined", CONFINED_PORT, lines)
    rates, cpus, msecs = [], [], []
    for _ in range(PASSES):
        plain_rate, plain_msec = greet(container, PLAIN_PORT)
        rate, msec = greet(container, CONFINED_PORT)
        rates.append(rate / plain_rate)
        cpus.append(plain_msec / msec)
        msecs.append(msec)
    print(f"{exposure(container):8} {statistics.median(rates):5.2f} {statistics.median(cpus):5.2f} "
          f"{statistics.median(msecs):6.2f} {name}", flush=True)


def greet_many(container, name, port):
    """Returns the microseconds of CPU time of a listening service for a greeting."""
    cgroup = next(container.cgroups[0].rglob(f"{name}.service"), None)
    if cgroup is None:
        load(port, 1000, 32)  # the first client starts the service
        cgroup = next(container.cgroups[0].rglob(f"{name}.service"))
    before = cpu_usec(cgroup)
    load(port, GREETINGS, 32)
    return (cpu_usec(cgroup) - before) / GREETINGS


def measure_listening(container):
    for kind in "socket", "service":
        unit = container.inside(setting["systemdsystemunitdir"], f"hello-listen.{kind}")
        lines = re.sub(r"(?ms)^User=.*|^Conflicts=.*?\n", "", unit.read_text("utf-8"))
        lines = lines.replace("hello-listen", "plain-listen")
        lines = re.sub(r"(?m)^ListenStream=.*", f"ListenStream={PLAIN_LISTEN_PORT}", lines)
        container.inside(f"/etc/systemd/system/plain-listen.{kind}").write_text(lines, "utf-8")
    container.run("systemctl daemon-reload")
    container.run("systemctl start hello-listen.socket plain-listen.socket")
    plain, confined = [], []
    for _ in range(PASSES):
        plain.append(greet_many(container, "plain-listen", PLAIN_LISTEN_PORT))
        confined.append(greet_many(container, "hello-listen", LISTEN_PORT))
    ratio = statistics.median(ours / theirs for ours, theirs in zip(confined, plain))
    print(f"hello-listen.service: {statistics.median(confined):.1f} us of CPU for a greeting, "
          f"unconfined {statistics.median(plain):.1f} us: {ratio:.2f}")


def confinement(*files):
    """Returns the lines that unit files add to the plain template."""
    lines = []
    for file in files:
        text = file.read_text("utf-8")
        for line in re.findall(r"(?m)^JoinsNamespaceOf=.*", text):
            lines += ["[Unit]", line, "[Service]"]
    for file in files:
        service = file.read_text("utf-8").split("\n[Service]\n")[-1]
        lines += [line for line in service.splitlines()
                  if line and not line.startswith(("#", "[", "ExecStart="))]
    return lines


def measure_all(container):
    shipped = container.inside(setting["systemdsystemunitdir"], "hello@.service")
    strict = pathlib.Path(setting["srcdir"], "systemd/strict.conf")
    system_calls = [line for line in confinement(shipped) if line.startswith("SystemCallFilter=")]
    write_units(container, "plain", PLAIN_PORT)
    write_units(container, "confined", CONFINED_PORT)
    container.run("systemctl start plain.socket confined.socket")
    print(f"systemd {container.version}\n{'exposure':8} {'rate':>5} {'cpu':>5} {'msec':>6} with",
          flush=True)
    measure(container, "nothing")
    for directive in DIRECTIVES:
        measure(container, directive, [directive])
    measure(container, "SystemCallFilter= of hello@.service",
            ["SystemCallErrorNumber=EPERM", *system_calls])
    measure(container, "PrivateNetwork=yes, shared",
            ["PrivateNetwork=yes", "PrivateMounts=no", "[Unit]",
             "JoinsNamespaceOf=hello-netns.service"])
    measure(container, "StandardError=null", ["StandardOutput=null", "StandardError=null"])
    measure(container, "hello@.service", confinement(shipped))
    measure(container, "hello@.service with strict.conf", confinement(shipped, strict))
    measure_listening(container)


def run(directory):
    with locked(LOCK):
        try:
            container = Container(directory)
        except Unavailable as reason:
            sys.exit(f"SKIP: {reason}")
        try:
            measure_all(container)
        finally:
            container.end()


def main():
    with tempfile.TemporaryDirectory(prefix="hellod-confinement-") as directory:
        # The container's mounts are in the namespace of this child, and end with it.
        child = multiprocessing.Process(target=run, args=[directory])
        child.start()
        child.join()
    sys.exit(child.exitcode)


main()
