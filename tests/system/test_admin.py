# SPDX-License-Identifier: MIT
"""systemctl commands while clients connect, and the units of a user."""
import subprocess
import time

import pytest

from clients import connect, greet_many, hello, hello_fails, idle_clients, load, outlast, receive
from container import SOCKETS, setting, wait_until

USER_SERVICE = f"""\
[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart={setting["sbindir"]}/hellod
StandardInput=null
LogLevelMax=notice
RuntimeMaxSec=1min
"""


@pytest.mark.parametrize("unit, command", [
    ("hello.socket", "daemon-reload"),
    ("hello-listen.socket", "restart hello-listen.service"),
])
def test_commands_that_lose_no_client(machine, unit, command):
    machine.serve(unit)
    with load(64) as (process, result):
        for _ in range(8):
            machine.run(f"systemctl {command}")
            time.sleep(0.2)
        process.terminate()
    assert result["greetings"] > 0 and result["lost"] == 0


def test_restart_of_the_socket(machine):
    """Clients in the queue are disconnected. No client gets a part of a greeting."""
    machine.serve("hello.socket")
    with load(32) as (process, result):
        for _ in range(2):
            wait_until(lambda: int(machine.show("hello.socket", "NAccepted")) > 10)
            machine.serve("hello.socket")
        process.terminate()
    assert {name for name, count in result["failures"].items() if count} <= {"reset", "refused"}
    greet_many(30, 30)


def test_many_restarts(machine):
    """The default start limit is five starts within 10 seconds."""
    for unit in 6 * SOCKETS[1:] + 6 * SOCKETS[::-1]:
        machine.serve(unit)
    assert hello() == "HELLO"
    # The socket and its instances do not wait for it.
    wait_until(lambda: machine.state("hello-netns.service") == "active")


def test_stop(machine):
    """Instances outlive the socket, and no unit outlives the instances."""
    outlast(machine)
    machine.serve("hello.socket")
    with idle_clients(20) as answers:
        machine.run("systemctl stop hello.socket")
        assert answers == (20, 0)
        # A process that systemd is about to execute has the socket until then.
        wait_until(lambda: machine.run("ss -Hltn 'sport = :6666'") == "")
        assert "Connection refused" in hello_fails()
        assert len(machine.instances()) == 20
        machine.run("systemctl stop hello@*")
        assert machine.instances() == []
    assert machine.attempt("pgrep -x hellod") == (1, "")
    wait_until(lambda: machine.state("hello-netns.service") == "inactive")


@pytest.mark.parametrize("unit, units", [
    ("hello.socket", "hello@*"),
    ("hello-listen.socket", "hello-listen.socket hello-listen.service"),
])
def test_stop_waits_for_a_slow_reader(machine, unit, units):
    machine.greeting(b"x" * 65535)
    machine.serve(unit, "SendBuffer=4K")
    with connect(receive_buffer=4096) as client:
        received = client.recv(1)
        with subprocess.Popen(machine.command("systemctl stop " + units)) as stop:
            with pytest.raises(subprocess.TimeoutExpired):
                stop.wait(6)  # longer than hellod lingers
            received += receive(client)
            client.close()
        assert received == b"\xff\xff" + b"x" * 65535
        assert stop.returncode == 0


def test_reboot(machine):
    """systemd starts only the enabled socket unit."""
    machine.run("systemctl enable --quiet hello.socket hello-listen.socket")
    machine.run("systemctl disable --quiet hello-listen.socket")
    assert machine.attempt("systemctl is-enabled hello.socket hello-listen.socket")[1] == \
        "enabled\ndisabled"
    machine.reboot()
    assert machine.state("hello.socket") == "active"
    assert machine.state("hello-listen.socket") == "inactive"
    assert hello() == "HELLO"
    machine.run("systemctl disable --quiet hello.socket")


def test_user_manager(machine):
    """The units of hello.socket(8) for a user without privileges."""
    uid, home, runtime = 4711, "/home/guest", "/run/user/4711"

    def as_user(command):
        return machine.run(f"setpriv --reuid={uid} --regid={uid} --clear-groups env HOME={home}"
                           f" XDG_RUNTIME_DIR={runtime} {command}")

    machine.run(f"useradd --uid {uid} --create-home --home-dir {home} guest")
    machine.run(f"install --directory --owner={uid} {runtime}")
    units = machine.inside(home, ".config/systemd/user")
    units.mkdir(parents=True)
    hello_socket = machine.inside(setting["systemdsystemunitdir"], "hello.socket")
    (units / "hello.socket").write_bytes(hello_socket.read_bytes())
    (units / "hello@.service").write_text(USER_SERVICE, "utf-8")
    # Without a login, which needs more packages in the container.
    machine.run(f"systemd-run --quiet --unit=guest --uid={uid} -p Type=notify -p Delegate=yes"
                f" -E HOME={home} -E XDG_RUNTIME_DIR={runtime} /lib/systemd/systemd --user")
    as_user("systemctl --user start hello.socket")
    assert as_user(setting["bindir"] + "/hello-client") == "HELLO"
    greet_many(50, 16)
    assert machine.state("hello.socket") == "inactive"
    wait_until(lambda: as_user("systemctl --user list-units --all --no-legend hello@*") == "")
    as_user("systemctl --user stop hello.socket")
    assert "Connection refused" in hello_fails()
    machine.run("systemctl stop guest.service")
