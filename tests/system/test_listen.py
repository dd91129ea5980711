# SPDX-License-Identifier: MIT
"""hello-listen.service and its socket: started, reloaded, switched, idle, killed, stopped."""
import contextlib
import subprocess
import time

from clients import connect, greet_many, hello, hello_fails, load, receive
from container import SOCKETS, setting, wait_until

SERVICE = "hello-listen.service"
SOCKET = "hello-listen.socket"


def restart(machine, options=""):
    """Restarts the service with these options of hellod. This also starts the socket."""
    program = setting["sbindir"] + "/hellod"
    machine.drop_in(SERVICE, "[Service]", "ExecStart=", f"ExecStart={program} {options}")
    machine.run(f"systemctl restart {SERVICE}")


def main_pid(machine):
    return machine.show(SERVICE, "MainPID")


def restarts(machine):
    return int(machine.show(SERVICE, "NRestarts"))


def test_one_process_greets_all(machine):
    """The first client starts the process."""
    machine.serve(SOCKET)
    assert machine.state(SERVICE) == "inactive"
    assert [hello() for _ in range(4)] == 4 * ["HELLO"]
    assert machine.state(SERVICE) == "active"
    pid = main_pid(machine)
    assert machine.run(f"ps -o uid= -p {pid}") == machine.run("id -u hellod")
    status = "Greeted 4 clients, 0 connected"
    wait_until(lambda: machine.show(SERVICE, "StatusText") == status)
    assert f'Status: "{status}"' in machine.run(f"systemctl status {SERVICE}")
    greet_many(2000, 64)
    assert main_pid(machine) == pid


def test_reload(machine):
    restart(machine)
    before = main_pid(machine)
    machine.greeting("Grüß Gott\n".encode())
    machine.run(f"systemctl reload {SERVICE}")
    wait_until(lambda: hello() == "Grüß Gott")
    machine.greeting(b"HEL\xff")
    machine.run(f"systemctl reload {SERVICE}")
    wait_until(lambda: "not UTF-8 at byte 3" in machine.journal("-t hellod"))
    assert hello() == "Grüß Gott"
    machine.greeting(None)
    machine.run(f"systemctl reload {SERVICE}")
    wait_until(lambda: hello() == "HELLO")
    assert main_pid(machine) == before


def test_journal_that_stands_still(machine):
    """Messages are dropped, but no client is lost. The journal queues at most 512 messages."""
    restart(machine, "--log-greetings=yes")
    journald = machine.show("systemd-journald.service", "MainPID")
    machine.run(f"kill -STOP {journald}")
    try:
        greet_many(2000, 64)
    finally:
        machine.run(f"kill -CONT {journald}")


def test_switching(machine):
    """One command switches to the other socket. Clients fail at most while it runs."""
    machine.serve(SOCKET)
    for unit in 2 * SOCKETS:
        with subprocess.Popen(machine.command(f"systemctl start {unit}")) as switch:
            while switch.poll() is None:
                with contextlib.suppress(OSError), connect() as client:
                    receive(client)
        assert switch.returncode == 0
        assert [name for name in SOCKETS if machine.state(name) == "active"] == [unit]
        greet_many(20, 1)


def test_idle_exit(machine, tmp_path):
    """The service exits when idle, the next client starts it, and no client fails."""
    restart(machine, "--idle-timeout=0.01")
    clients = []
    for seconds in 0.029, 0.031, 0.037, 0.041:
        with open(tmp_path / str(seconds), "wb") as output:
            clients.append(subprocess.Popen(
                ["./hello-client", "--count=0", f"--interval={seconds}"], stdout=output))
    wait_until(lambda: machine.journal("-t hellod").count("(idle)") >= 20)
    # Before the first greeting, a signal leaves a client without a result.
    wait_until(lambda: all(file.stat().st_size > 0 for file in tmp_path.iterdir()))
    for client in clients:
        client.terminate()
    assert [client.wait() for client in clients] == [0, 0, 0, 0]
    assert restarts(machine) == 0


def test_kill_under_load(machine):
    """systemd restarts the service. Only clients that it had accepted are lost."""
    restart(machine)
    before = main_pid(machine)
    with load(64) as (process, result):
        wait_until(lambda: "Greeted" in machine.show(SERVICE, "StatusText"))
        machine.run(f"kill -KILL {before}")
        wait_until(lambda: main_pid(machine) not in (before, "0"))
        process.terminate()
    assert result["lost"] <= 64
    wait_until(lambda: machine.state(SERVICE) == "active")
    assert hello() == "HELLO"


def test_bad_greeting(machine):
    """systemd restarts the service once a second, and waiting clients are greeted in the end."""
    machine.serve(SOCKET)
    machine.greeting(b"HEL\xff")
    assert machine.attempt(f"systemctl restart {SERVICE}")[0] != 0
    with load(20, "--count=20") as (process, result):
        begin, first = time.monotonic(), restarts(machine)
        wait_until(lambda: restarts(machine) >= first + 3)
        assert time.monotonic() - begin > 1.9
        assert machine.state(SOCKET) == "active" and process.poll() is None
        machine.greeting(None)
    assert result["greetings"] == 20
    assert machine.state(SERVICE) == "active"


def test_start_and_stop(machine):
    """The service starts its socket, and stops with it."""
    machine.run(f"systemctl start {SERVICE}")
    assert machine.state(SOCKET) == "active"
    assert hello() == "HELLO"
    machine.run(f"systemctl stop {SOCKET}")
    assert [machine.state(SOCKET), machine.state(SERVICE)] == 2 * ["inactive"]
    assert machine.attempt("pgrep -x hellod") == (1, "")
    assert "Connection refused" in hello_fails()
