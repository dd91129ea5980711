# SPDX-License-Identifier: MIT
"""Installation, upgrade and removal of the RPM packages."""
import pytest

from conftest import PACKAGES

SOCKETS = "hello.socket", "hello-listen.socket"
SERVICE = "hello-listen.service"
PROGRAMS = {"hellod": "/usr/sbin/hellod --version", "hello-client": "hello-client --version",
            "nagios-plugins-hello": "/usr/lib64/nagios/plugins/check_hello --version"}


def hello(machine):
    return machine.run("hello-client --timeout=30")


def test_installation_starts_and_enables_nothing(machine):
    machine.install_packages()
    for unit in SOCKETS:
        assert machine.attempt(f"systemctl is-enabled {unit}")[1] == "disabled"
    assert machine.run("systemctl list-units --all --plain --no-legend hello*") == ""
    assert machine.run(f"{machine.run_rpm} --verify --nodeps " + " ".join(PACKAGES)) == ""


@pytest.mark.parametrize("unit", SOCKETS)
def test_greeting(machine, unit):
    machine.install_packages()
    machine.run(f"systemctl start {unit}")
    assert hello(machine) == "HELLO"
    assert machine.run("/usr/lib64/nagios/plugins/check_hello -H localhost").startswith("HELLO OK")


@pytest.mark.parametrize("package", PACKAGES)
def test_package_alone(machine, package):
    machine.install_packages(package)
    assert len(machine.installed()) == 1
    assert PROGRAMS[package].split()[0].rsplit("/", maxsplit=1)[-1] in \
        machine.attempt(PROGRAMS[package])[1]


@pytest.mark.parametrize("unit", SOCKETS)
def test_upgrade_restarts_the_service_and_not_the_sockets(machine, unit):
    machine.install_packages()
    machine.run(f"systemctl start {unit}")
    assert hello(machine) == "HELLO"
    listening = machine.show(unit, "ActiveEnterTimestampMonotonic")
    process = machine.show(SERVICE, "MainPID")
    for of in "next", "this":
        machine.install_packages(of=of)
        assert machine.show(unit, "ActiveEnterTimestampMonotonic") == listening
        assert hello(machine) == "HELLO"
        before, process = process, machine.show(SERVICE, "MainPID")
        if unit == "hello-listen.socket":
            assert process not in ("0", before)
            assert machine.run(f"readlink /proc/{process}/exe") == "/usr/sbin/hellod"
        else:
            assert process == "0"


def test_upgrade_keeps_what_is_enabled(machine):
    machine.install_packages()
    machine.run("systemctl enable hello.socket")
    machine.install_packages(of="next")
    assert machine.run("systemctl is-enabled hello.socket") == "enabled"
    assert machine.attempt("systemctl is-enabled hello-listen.socket")[1] == "disabled"


@pytest.mark.parametrize("unit", SOCKETS)
def test_removal_leaves_only_the_user(machine, unit):
    machine.install_packages()
    files = machine.run(f"{machine.run_rpm} --query --list " + " ".join(PACKAGES)).splitlines()
    ours = [file for file in files if "hello" in file]
    assert "/usr/sbin/hellod" in ours and "/etc/hello" in ours
    machine.run(f"systemctl enable --now {unit}")
    assert hello(machine) == "HELLO"
    machine.rpm("--erase " + " ".join(PACKAGES))
    assert machine.state(unit) == machine.state(SERVICE) == "inactive"
    assert [file for file in ours if machine.inside(file).exists()] == []
    assert machine.run("find /etc/systemd/system -name hello*") == ""
    assert machine.run("getent passwd hellod").startswith("hellod:")
