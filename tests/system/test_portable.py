# SPDX-License-Identifier: MIT
"""make portable: the image under the container's systemd, in place of the installed units."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from clients import hello
from container import SERVICES, SOCKETS, setting, wait_until

ATTACHED = "/run/systemd/system.attached"


def detach(machine, name):
    machine.run(f"portablectl detach --runtime {name}")
    assert machine.attempt("systemctl list-unit-files --no-legend hello*")[1] == ""
    assert machine.attempt(f"ls {ATTACHED}")[0] != 0


@pytest.fixture
def image(machine, tmp_path):
    """The path of the image in the container, in which no unit is installed. Nothing is left of it
    afterwards."""
    for program in "bin/portablectl", "lib/systemd/systemd-portabled":
        if not machine.inside("usr", program).exists():
            pytest.skip(f"{program} is not in the container")
    version = re.search(r'VERSION "(.*)"', pathlib.Path("config.h").read_text("utf-8"))[1]
    name = f"hello_{version}"
    built = subprocess.run(
        ["make", "-s", "portable", f"PORTABLE_IMAGE={tmp_path}/{name}"], check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={key: value for key, value in os.environ.items() if not key.startswith("M")})
    assert built.returncode == 0, built.stdout
    portables = machine.inside("/var/lib/portables")
    portables.mkdir(exist_ok=True)
    if (tmp_path / f"{name}.raw").exists():
        # A container has no loop devices to mount it with.
        command = ["unsquashfs", "-no-progress", "-d", portables / name, tmp_path / f"{name}.raw"]
    else:
        command = ["cp", "-a", tmp_path / name, portables]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    directory = machine.inside(setting["systemdsystemunitdir"])
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, portables / name)
        stack.callback(machine.run, "systemctl daemon-reload")
        for unit in (*SOCKETS, *SERVICES):
            (directory / unit).rename(directory / f"{unit}.off")
            stack.callback((directory / f"{unit}.off").rename, directory / unit)
        machine.run("systemctl daemon-reload")
        machine.run(f"portablectl attach --runtime {name}")
        stack.callback(detach, machine, name)
        stack.callback(machine.attempt, f"systemctl stop {' '.join(SOCKETS)} hello-netns.service")
        stack.callback(wait_until, lambda: not machine.instances())
        yield f"/var/lib/portables/{name}"


def test_portable(machine, image, record_property):
    assert sorted(machine.run(f"ls {ATTACHED}").split()) == sorted(
        name for unit in (*SOCKETS, *SERVICES) for name in (unit, f"{unit}.d"))
    assert machine.attempt("systemctl cat hello.socket")[1].startswith(f"# {ATTACHED}/")

    machine.serve("hello.socket")
    assert [hello() for _ in range(3)] == 3 * ["HELLO"]
    wait_until(lambda: not machine.instances())
    assert machine.journal("-t hellod").count("(closed)") == 3
    wait_until(lambda: machine.state("hello-netns.service") == "active")

    machine.run("systemctl start hello-listen.socket")
    assert hello() == "HELLO"
    assert machine.show("hello-listen.service", "RootDirectory") == image
    pid = machine.show("hello-listen.service", "MainPID")
    # It is the image's program, and not the installed one.
    assert machine.run(f"stat -Lc %i /proc/{pid}/exe") == machine.run(
        f"stat -Lc %i {image}{setting['sbindir']}/hellod")
    machine.run("systemctl stop hello-listen.socket")
    wait_until(lambda: machine.state("hello-listen.service") == "inactive")
    assert "greeted 1 of 1 clients (stopped)" in machine.journal("-t hellod")

    # The greeting is the host's.
    machine.greeting("Grüß Gott\n".encode())
    machine.serve("hello.socket")
    assert hello() == "Grüß Gott"
    wait_until(lambda: not machine.instances())
    machine.run("systemctl start hello-listen.socket")
    assert hello() == "Grüß Gott"
    machine.greeting(b"Servus\n")
    machine.run("systemctl reload hello-listen.service")
    wait_until(lambda: hello() == "Servus")
    built = subprocess.run(["pkg-config", "--modversion", "libsystemd"], text=True, check=False,
                           stdout=subprocess.PIPE).stdout.strip()
    record_property("portable", f"built with libsystemd {built}, run by systemd {machine.version}")

