# SPDX-License-Identifier: MIT
"""Debian's packages: built as on a machine that only builds, and installed on a minimal Debian.

$SYSTEMD is the Debian suite. With $QUICK, the packages are those that make deb has left in
packaging/out; otherwise they are built in a root of the suite.
"""
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zlib

import pytest

setting = os.environ
source = pathlib.Path(setting["srcdir"]).absolute()
sys.path.insert(0, str(source / "tests/system"))
# pylint: disable=wrong-import-position
from container import (  # noqa: E402
    PATIENCE_SEC, Container, Unavailable, require_root, run, suite_root)

PACKAGES = "hellod", "hello-client", "monitoring-plugins-hello"
HELLO = b"\0\5HELLO"

# Not root, no network but the loopback interface, no systemd, and no home.
BUILD_USER = "builder"
BUILD_ENVIRONMENT = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nonexistent", "LC_ALL=C",
                     "TZ=Pacific/Chatham"]
APT_GET = "env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes"

# What the packages depend on and what tests install. The root has it as files, because the
# container has no network.
DOWNLOADS = "libjson-c5 procps autopkgtest dpkg-dev"


def require(*tools):
    """Skips the test unless this is root, and the tools are installed."""
    try:
        require_root(*tools)
    except Unavailable as reason:
        pytest.skip(str(reason))


def build_root(suite):
    """A root with the packages that Build-Depends names."""
    control = source / "packaging/debian/control"
    digest = hashlib.sha256(control.read_bytes()).hexdigest()[:8]
    return suite_root(suite, f"buildd-{suite}-{digest}", "build-essential,lintian,tzdata", [
        f"--customize-hook=copy-in {control.parent} /tmp",
        '--customize-hook=chroot "$1" apt-get --yes --no-install-recommends build-dep /tmp',
        f'--customize-hook=chroot "$1" useradd --home-dir /nonexistent {BUILD_USER}'])


def minimal_root(suite):
    """A root with systemd, and with DOWNLOADS as files."""
    name = f"minimal-{suite}-{zlib.crc32(DOWNLOADS.encode()):08x}"
    return suite_root(suite, name, "systemd,systemd-sysv,dbus", [
        "--skip=cleanup/apt", '--customize-hook=chroot "$1" apt-get clean',
        '--customize-hook=chroot "$1" apt-get --yes --no-install-recommends '
        f"--download-only install {DOWNLOADS}"])


def build(suite, tarball, out, *environment, before="true"):
    """Builds the packages into a directory, and returns the log. root executes `before` first."""
    require("systemd-nspawn", "mmdebstrap")
    for path in shutil.copy(tarball, out), out:
        os.chmod(path, 0o777)
    script = shutil.copy(source / "packaging/build-deb.sh", out)
    variables = " ".join((*BUILD_ENVIRONMENT, *environment))
    command = (f"{before} && cd /out && setpriv --reuid={BUILD_USER} --regid={BUILD_USER} "
               f"--clear-groups env --ignore-environment {variables} bash "
               f"{os.path.basename(script)} {os.path.basename(tarball)} packages")
    done = subprocess.run(
        ["systemd-nspawn", "--quiet", f"--directory={build_root(suite)}", "--volatile=overlay",
         "--as-pid2", "--private-network", "--register=no", "--keep-unit", "--pipe",
         f"--bind={out}:/out", "--system-call-filter=landlock_add_rule landlock_create_ruleset "
         "landlock_restrict_self", "sh", "-c", command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def files_of(directory):
    """The binary packages of a directory, by name."""
    return {re.split("[/_]", str(file))[-3]: file
            for file in pathlib.Path(directory).glob("*_*_*.deb") if "-dbgsym_" not in file.name}


class Machine(Container):
    """A minimal Debian with the packages, and with packages of a next version."""

    def __init__(self, work, packages):
        self.packages = packages
        super().__init__(work)

    def lower(self, suite):
        return minimal_root(suite)

    def install(self):
        self.this_version = run("dpkg-deb", "--field", files_of(self.packages)["hellod"], "Version")
        self.next_version = self.this_version + "+next"
        here, unpacked = self.inside("/root/this"), self.work / "unpacked"
        shutil.copytree(self.packages, here)
        unpacked.mkdir()
        self.inside("/root/next").mkdir()
        for name, file in files_of(here).items():
            run("dpkg-deb", "--raw-extract", file, unpacked / name)
            run("sed", "-i", f"s/^Version: .*/Version: {self.next_version}/",
                unpacked / name / "DEBIAN/control")
            run("dpkg-deb", "--build", unpacked / name, self.inside("/root/next"))

    def apt(self, command, *packages, of="this"):
        """Runs apt-get, with the files of packages in a directory."""
        # Without a shell, nobody would expand the names.
        files = (f"/root/{of}/{files_of(self.inside('/root', of))[name].name}"
                 for name in packages)
        return self.run(" ".join((APT_GET, command, *files)))

    def install_packages(self, *packages, of="this"):
        return self.apt("install --no-install-recommends --allow-downgrades",
                        *(packages or PACKAGES), of=of)

    def purge(self):
        """Removes the packages, and those that they depend on."""
        known = (name for name in PACKAGES if self.attempt(f"dpkg-query -W {name}")[0] == 0)
        return self.apt("autoremove --purge " + " ".join(known))

    def installed_version(self, package="hellod"):
        return self.run("dpkg-query -W -f ${Version} " + package)

    def units(self):
        """The units of hellod that are active, or have a job."""
        return self.run("systemctl list-units --plain --no-legend hello*")

    def files(self):
        """All files that are not the state of other programs, with what tells a change."""
        pruned = " -o ".join(f"-path {path}" for path in (
            "/root", "/tmp", "/var/tmp", "/var/cache", "/var/log", "/var/lib/apt",
            "/var/lib/dpkg", "/var/lib/systemd/timers", "/var/lib/private"))
        found = self.run(f"find / -xdev ( {pruned} ) -prune -o -type d -printf '%p %m %U:%G\\n' -o "
                         r"-printf '%p %y %m %U:%G %s %l\n'").splitlines()
        return {line.split()[0]: line for line in found}


class Clients:
    """Clients that ask for greetings, one after the other, and count."""

    def __init__(self, count):
        self.greeted = 0
        self.lost = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(count)]

    def ask(self):
        while not self.over.is_set():
            received, problem = b"", None
            try:
                with socket.create_connection(("127.0.0.1", 6666), PATIENCE_SEC) as client:
                    while chunk := client.recv(100):
                        received += chunk
            except OSError as error:
                problem = error
            with self.lock:
                if received == HELLO and not problem:
                    self.greeted += 1
                else:
                    self.lost.append((time.time(), received, problem))


@contextlib.contextmanager
def greeting_clients(count):
    clients = Clients(count)
    for thread in clients.threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.over.set()
        for thread in clients.threads:
            thread.join()
