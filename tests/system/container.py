# SPDX-License-Identifier: MIT
"""A container with systemd as PID 1, a network of its own, and the build installed.

$SYSTEMD is "host" for the systemd and the root of this host, or a Debian suite: mmdebstrap makes
its root once, and keeps it below $XDG_CACHE_HOME/hellod.

A process has one container. It enters a new mount namespace, so that its mounts end with it, and
the container's network, where its sockets and child processes are the clients.
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zlib

# Commands that the tests execute in the container, and libraries of the build.
SUITE_PACKAGES = "systemd,systemd-sysv,systemd-container,dbus,iproute2,procps,libsystemd0,libjson-c5"
SOCKETS = "hello.socket", "hello-listen.socket"
SERVICES = "hello@.service", "hello-listen.service", "hello-netns.service"

# Held by every test, and exclusively by a test or benchmark that measures time.
LOCK = "/run/lock/hellod-tests"

PATIENCE_SEC = 180  # a virtual machine may stand still for a minute
CLONE_NEWNS, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x20000, 0x40000000, 1

os.umask(0o022)  # hellod's user reads what the tests write
libc = ctypes.CDLL(None)
setting = os.environ  # make sets $srcdir and the directories of the installation


class Unavailable(Exception):
    """A container cannot run here. The text says why."""


def wait_until(condition):
    give_up = time.monotonic() + PATIENCE_SEC
    while not condition():
        assert time.monotonic() < give_up, f"the condition did not hold in {PATIENCE_SEC} s"
        time.sleep(0.05)


def attempt(*command):
    """Returns the exit status and the output of a command."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout.strip()


def run(*command):
    """Returns the output of a command, which must succeed."""
    status, output = attempt(*command)
    assert status == 0, f"{shlex.join(map(str, command))}: status {status}: {output}"
    return output


@contextlib.contextmanager
def locked(path, exclusive=True):
    """Waits for the lock of a file, which is shared or exclusive."""
    with open(path, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield


def suite_root(suite, name=None, packages=SUITE_PACKAGES, options=()):
    """A root directory of a Debian suite, with packages and options of mmdebstrap. The first
    process makes it, and others wait. Another list of packages makes another one."""
    name = f"{name or suite}-{zlib.crc32(packages.encode()):08x}"
    cache = pathlib.Path(setting.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "hellod")
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / f"{name}.lock"):
        if not (cache / name).is_dir():
            with tempfile.TemporaryDirectory(prefix=f"{name}.", dir=cache) as unfinished:
                root = f"{unfinished}/root"
                make_suite_root(suite, root, packages, options)
                os.rename(root, cache / name)
    return cache / name


def make_suite_root(suite, root, packages, options):
    release = suite.removesuffix("-backports")
    found = re.search(r"(?m)^\w+:/.*", attempt(
        "apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Label: Debian",
        "Created-By: Packages")[1])
    mirror = found[0] if found else "http://deb.debian.org/debian"
    if release != suite:
        packages = re.sub(r"(lib)?systemd[^,]*", rf"\g<0>/{suite}", packages + ",libsystemd-shared")
    run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", *options,
        release, root, *(f"deb {mirror} {archive} main" for archive in sorted({release, suite})))
    os.chmod(root, 0o755)


def require_root(*tools):
    """Raises Unavailable if this is not root, or a tool is missing."""
    if os.getuid() != 0:
        raise Unavailable("only root can make and boot a container")
    for tool in tools:
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not installed")


class Container:
    """A booted machine."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.root = self.work / "root"
        suite = setting.get("SYSTEMD") or "host"
        require_root("systemd-nspawn", "nsenter", *["mmdebstrap"] * (suite != "host"))
        if not setting.get("systemdsystemunitdir") or not setting.get("sysusersdir"):
            raise Unavailable("configured without the directories of systemd")
        self.mount(self.lower(suite))
        self.install()
        self.make_cgroups()
        self.start()

    def lower(self, suite):
        """The root that the container's is a copy of."""
        return "/" if suite == "host" else suite_root(suite)

    def mount(self, lower):
        assert libc.unshare(CLONE_NEWNS) == 0
        try:
            run("mount", "--make-rprivate", "/")
            for directory in self.work, "/run/systemd/nspawn":  # where nspawn leaves files
                os.makedirs(directory, exist_ok=True)
                run("mount", "-t", "tmpfs", "tmpfs", directory)
            run("mkdir", self.root, f"{self.work}/upper", f"{self.work}/work")
            run("mount", "-t", "overlay", "overlay", self.root, "-o",
                f"lowerdir={lower},upperdir={self.work}/upper,workdir={self.work}/work")
        except AssertionError as error:
            raise Unavailable(str(error)) from error

    def install(self):
        """Installs the build, adapted to the systemd in the root."""
        unit_directory = setting["systemdsystemunitdir"]
        run("env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL",
            "make", "-s", "install", f"DESTDIR={self.root}")
        if attempt("chroot", self.root, setting["sbindir"] + "/hellod", "--version")[0] != 0:
            raise Unavailable("the programs that were built do not run in this root")
        self.version = int(run("chroot", self.root, "systemctl", "--version").split()[1])
        for unit in SOCKETS:
            run("sed", "-i", "/^PollLimit/d", self.inside(unit_directory, unit))
            source = pathlib.Path(setting["srcdir"], "systemd", unit + ".in").read_text("utf-8")
            if self.version >= 255:
                limits = re.findall("(?m)^@poll_limit@(.*)", source)
                self.write_drop_in(unit, "10-limits", "[Socket]", *limits)
        if unit_directory not in ("/lib/systemd/system", "/usr/lib/systemd/system"):
            for unit in (*SOCKETS, *SERVICES):
                self.link(f"/etc/systemd/system/{unit}", f"{unit_directory}/{unit}")
        # A denied system call ends the process, so that tests notice it.
        self.write_drop_in("hello@.service", "10-kill", "[Service]", "SystemCallErrorNumber=kill")
        # The build may be installed in a directory that systemd would clean or hide.
        self.link("/etc/tmpfiles.d/tmp.conf", "/dev/null")
        if setting["sbindir"].startswith(("/tmp/", "/var/tmp/", "/home/", "/root/")):
            for unit in SERVICES[:2]:
                self.write_drop_in(unit, "90-tmp", "[Service]", "TemporaryFileSystem=",
                                   "ProtectHome=no")
        if setting.get("catalogdir"):
            self.link("/usr/local/lib/systemd/catalog/hellod.catalog",
                      setting["catalogdir"] + "/hellod.catalog")
            run("chroot", self.root, "journalctl", "--update-catalog")
        self.greeting(None)
        run("chroot", self.root, "systemd-sysusers", setting["sysusersdir"] + "/hellod.conf")

    def make_cgroups(self):
        """Containers that share a cgroup disturb each other."""
        mine = pathlib.Path("/proc/self/cgroup").read_text("utf-8")
        self.cgroups = []
        for hierarchy, mounted in (("", "/sys/fs/cgroup"), ("", "/sys/fs/cgroup/unified"),
                                   ("name=systemd", "/sys/fs/cgroup/systemd")):
            if os.path.exists(f"{mounted}/cgroup.procs"):
                current = re.search(rf"(?m)^\d+:{hierarchy}:(.*)", mine)[1]
                self.cgroups.append(pathlib.Path(f"{mounted}{current}/hellod-{os.getpid()}"))
                self.cgroups[-1].mkdir(exist_ok=True)

    def start(self):
        """Boots. Returns when systemd has reported READY=1 through nspawn."""
        def in_the_child():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # nspawn then shuts down
            for cgroup in self.cgroups:
                (cgroup / "cgroup.procs").write_text(str(os.getpid()), "utf-8")

        notify = self.work / "notify"
        notify.unlink(missing_ok=True)
        console = self.work / "console.log"
        with open(console, "wb") as log, \
             socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            notices.bind(str(notify))
            notices.settimeout(1)
            # IPAddressDeny= and DevicePolicy= need bpf(), and hellod needs Landlock.
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}",
                 f"--machine=hellod-{os.getpid()}", "--private-network", "--register=no",
                 "--keep-unit", "--notify-ready=yes", "--console=pipe", "--link-journal=no",
                 "--capability=CAP_BPF", "--system-call-filter=bpf landlock_add_rule "
                 "landlock_create_ruleset landlock_restrict_self",
                 "systemd.unit=basic.target", "systemd.mask=tmp.mount",
                 "systemd.mask=timers.target"],  # of Debian's packages
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=in_the_child,
                env=dict(setting, NOTIFY_SOCKET=str(notify), SYSTEMD_NSPAWN_TMPFS_TMP="0",
                         SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"))
            said = ""
            give_up = time.monotonic() + 2 * PATIENCE_SEC
            while "READY=1" not in said:
                if self.nspawn.poll() is not None:
                    raise Unavailable("systemd-nspawn cannot boot: " + console.read_text("utf-8"))
                assert time.monotonic() < give_up, "systemd did not boot"
                with contextlib.suppress(TimeoutError):
                    said += notices.recv(4096).decode() + "\n"
        self.pid1 = int(re.search(r"X_NSPAWN_LEADER_PID=(\d+)", said)[1])
        with open(f"/proc/{self.pid1}/ns/net", "rb") as network:
            assert libc.setns(network.fileno(), CLONE_NEWNET) == 0

    def reboot(self):
        """Reboots. The process enters the network of the new boot."""
        self.attempt("systemctl reboot")
        assert self.nspawn.wait(2 * PATIENCE_SEC) == 133  # for a reboot, with --keep-unit
        self.start()

    def end(self):
        # An orderly shutdown would take longer, and nothing in the overlay is kept.
        os.kill(self.pid1, signal.SIGKILL)
        self.nspawn.wait()
        wait_until(lambda: attempt("find", *self.cgroups, "-ignore_readdir_race", "-depth",
                                   "-type", "d", "-delete")[0] == 0)

    def inside(self, *names):
        """The path on this host of a file that the container has not mounted something over."""
        return self.root.joinpath(*(name.lstrip("/") for name in names))

    def link(self, name, target):
        file = self.inside(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(target)

    def write_drop_in(self, unit, name, *lines):
        file = self.inside(f"/etc/systemd/system/{unit}.d/{name}.conf")
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(lines), "utf-8")

    def drop_in(self, unit, *lines):
        """Replaces the drop-in of this test."""
        self.write_drop_in(unit, "50-test", *lines)
        self.run("systemctl daemon-reload")

    def greeting(self, text):
        """Writes the file of the greeting, or with None removes it."""
        file = self.inside(setting["sysconfdir"], "hello/greeting")
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_bytes(text)
        return file

    def command(self, command):
        """The command on this host that runs a command in the container, as root."""
        return ["nsenter", f"--target={self.pid1}", "--mount", "--pid", "--uts", "--ipc",
                "--cgroup", "--", "env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
                *shlex.split(command)]

    def attempt(self, command):
        return attempt(*self.command(command))

    def run(self, command):
        return run(*self.command(command))

    def serve(self, unit, *lines):
        """Restarts a socket unit, with these lines in its drop-in if there are any."""
        if lines:
            self.drop_in(unit, "[Socket]", *lines)
        self.run(f"systemctl restart {unit}")

    def show(self, unit, name):
        return self.run(f"systemctl show -P {name} {unit}")

    def state(self, unit):
        return self.show(unit, "ActiveState")

    def instances(self):
        """The instances of hello@.service that systemd has loaded."""
        return self.run("systemctl list-units --all --plain --no-legend hello@*").splitlines()

    def mark_journal(self):
        """journal() shows the entries from here on. Those of before may get their time late."""
        self.run("journalctl --sync")
        self.mark = time.time()

    def journal(self, options=""):
        # Not by cursor: an older journalctl that has matches omits the first entry after it.
        self.run("journalctl --sync")
        return self.run(f"journalctl --quiet --output=cat --since=@{self.mark:.6f} {options}")

    def reset(self):
        """Stops the units, and removes the greeting and the drop-ins."""
        self.attempt("systemctl stop hello.socket hello-listen.socket hello@*")
        self.greeting(None)
        drop_ins = list(self.inside("/etc/systemd/system").glob("*/50-test.conf"))
        for file in drop_ins:
            file.unlink()
        self.run("systemctl reset-failed")
        if drop_ins:
            self.run("systemctl daemon-reload")
        wait_until(lambda: self.run("systemctl list-units --plain --no-legend hello*") == "")
