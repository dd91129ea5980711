# SPDX-License-Identifier: MIT
"""Installation, upgrade and removal on a booted machine."""
import re
import shutil

import pytest

from debian import APT_GET, HELLO, PACKAGES, files_of, greeting_clients
from container import PATIENCE_SEC, SOCKETS, run, wait_until

import clients

PROGRAMS = {"hellod": "/usr/sbin/hellod --version", "hello-client": "hello-client --version",
            "monitoring-plugins-hello": "/usr/lib/nagios/plugins/check_hello --version"}
GREETED_MIN = 200


def hello(machine):
    return machine.run(f"hello-client --timeout={PATIENCE_SEC}")


def test_install_and_start(machine):
    machine.install_packages("hellod", "hello-client")
    for unit in SOCKETS:
        assert machine.attempt(f"systemctl is-enabled {unit}")[1] == "disabled"
    assert machine.units() == ""
    assert machine.run("find /etc/systemd /run/systemd/units -name *hello*") == ""
    assert machine.run("dpkg --verify hellod hello-client") == ""
    machine.run("systemctl start hello.socket")
    assert hello(machine) == "HELLO"


def test_reload(machine):
    """The packages bring what the unit executes: a minimal Debian has no kill."""
    machine.install_packages("hellod", "hello-client")
    machine.run("systemctl start hello-listen.socket")
    assert hello(machine) == "HELLO"
    machine.inside("/etc/hello/greeting").write_text("Moin", "utf-8")
    machine.run("systemctl reload hello-listen.service")
    # kill does not wait for hellod.
    wait_until(lambda: hello(machine) == "Moin")


@pytest.mark.parametrize("package", PACKAGES)
def test_install_alone(machine, package):
    machine.install_packages(package)
    version = machine.this_version.rpartition("-")[0]
    assert machine.attempt(PROGRAMS[package])[1].splitlines()[0].endswith(" " + version)
    assert [name for name in PACKAGES if machine.attempt(f"dpkg -s {name}")[0] == 0] == [package]


@pytest.mark.parametrize("unit", SOCKETS)
def test_upgrade_loses_no_greeting(machine, unit, record_property):
    """With 20 clients, and without interruption, the next version is installed, and this again."""
    machine.install_packages()
    machine.run(f"systemctl start {unit}")
    listening = machine.show(unit, "ActiveEnterTimestampMonotonic")
    with greeting_clients(20) as load:
        wait_until(lambda: load.greeted > GREETED_MIN)
        for of, version in ("next", machine.next_version), ("this", machine.this_version):
            process = machine.show("hello-listen.service", "MainPID")
            before = load.greeted
            machine.install_packages(of=of)
            record_property(f"{unit}, greetings during installation of {version}",
                            f"{load.greeted - before}, lost: {len(load.lost)}")
            assert machine.installed_version() == version
            if unit == "hello-listen.socket":
                new = machine.show("hello-listen.service", "MainPID")
                assert new not in ("0", process)
                assert machine.run(f"readlink /proc/{new}/exe") == "/usr/sbin/hellod"
            before = load.greeted
            wait_until(lambda: load.greeted > before + GREETED_MIN)  # pylint: disable=W0640
    assert not load.lost
    assert machine.show(unit, "ActiveEnterTimestampMonotonic") == listening
    wait_until(lambda: not machine.instances())


def test_upgrade_starts_and_enables_nothing(machine):
    machine.install_packages()
    machine.install_packages(of="next")
    assert machine.units() == ""
    machine.run("systemctl enable hello.socket")
    machine.install_packages(of="this")
    assert machine.attempt("systemctl is-enabled hello.socket")[1] == "enabled"
    assert machine.state("hello.socket") == "inactive"
    machine.run("systemctl disable hello.socket")
    machine.install_packages(of="next")
    assert machine.attempt("systemctl is-enabled hello.socket")[1] == "disabled"


@pytest.mark.parametrize("unit", SOCKETS)
def test_removal_stops_it(machine, unit):
    machine.install_packages()
    machine.run(f"systemctl start {unit}")
    # A client that stays connected.
    with clients.connect() as client:
        assert client.recv(100) == HELLO
        machine.apt("remove hellod")
        assert machine.state(unit) == "inactive"
        with pytest.raises(ConnectionRefusedError):
            clients.connect()
        assert client.recv(100) == b""
    wait_until(lambda: machine.units() == "")


def test_purge_leaves_only_the_user(machine):
    """As piuparts, but with a systemd that runs, and with everything used."""
    machine.install_packages()
    machine.purge()  # what the first installation of any package leaves
    before = machine.files()
    for of in "this", "next":
        machine.install_packages(of=of)
        machine.run("systemctl enable --now hello.socket")
        greeting = machine.inside("/etc/hello/greeting")
        greeting.write_text("Moin", "utf-8")
        assert hello(machine) == "Moin"
        machine.run("systemctl start hello-listen.socket")
        assert hello(machine) == "Moin"
        machine.apt("remove " + " ".join(PACKAGES))
        wait_until(lambda: machine.units() == "")
        assert greeting.read_text("utf-8") == "Moin"
        machine.purge()
        assert not greeting.parent.exists()
    after = machine.files()
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed == set()
    assert machine.run("getent passwd hellod").startswith("hellod:")
    assert machine.run("dpkg-query --list") .count("hello") == 0


def test_purge_leaves_other_files(machine):
    machine.install_packages("hellod")
    other = machine.inside("/etc/hello/other")
    other.touch()
    machine.purge()
    assert other.exists()
    shutil.rmtree(other.parent)


@pytest.mark.long
def test_autopkgtest(machine, tarball):
    """debian/tests, by Debian's own runner."""
    tree = machine.inside("/root/tree")
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    run("tar", "-xf", tarball, "-C", tree, "--strip-components=1")
    shutil.copytree(tree / "packaging/debian", tree / "debian")
    machine.run(f"{APT_GET} --no-install-recommends install autopkgtest")
    names = " ".join(f"/root/this/{file.name}" for file in files_of(machine.packages).values())
    # The runner on this machine does not know that it is a container.
    status, output = machine.attempt(
        f"autopkgtest --ignore-restrictions=isolation-container -B {names} /root/tree -- null")
    passed = re.findall(r"(?m)^(\w+) +PASS$", output[output.rindex(" summary\n"):])
    assert status == 0 and passed == ["greeting", "probe", "plugin"], output
