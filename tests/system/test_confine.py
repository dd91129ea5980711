# SPDX-License-Identifier: MIT
"""What hellod gives up itself, with the libraries of the systemd in the container: attacks.c of
tests/blackbox runs in it. The units' own filters of system calls are left out."""
import os
import pathlib
import re
import subprocess

import pytest

from clients import connect, receive
from container import SOCKETS, setting, wait_until

SOURCE = pathlib.Path(setting["srcdir"], "tests/blackbox/attacks.c")
ATTACKS = re.findall(r'^\t\{"([^"]+)"', SOURCE.read_text("utf-8"), re.MULTILINE)
LIBRARY = "/usr/local/lib/attacks.so"


# T14 of hellod-security(7)
@pytest.mark.parametrize("unit", SOCKETS)
def test_attacks(machine, unit):
    path = machine.inside(LIBRARY)
    subprocess.run([*os.environ.get("CC", "cc").split(), "-D_GNU_SOURCE", "-shared", "-fPIC",
                    "-o", path, SOURCE], check=True)
    service = "hello@.service" if unit == "hello.socket" else "hello-listen.service"
    machine.drop_in(service, "[Service]", "SystemCallFilter=", "MemoryDenyWriteExecute=no",
                    "RestrictAddressFamilies=AF_UNIX AF_INET", f"Environment=LD_PRELOAD={LIBRARY}",
                    "EnvironmentFile=/etc/attack")
    results = {}
    for attack in ATTACKS:
        greeting = machine.greeting(b"HELLO")
        machine.inside("/etc/attack").write_text(
            f'ATTACK="{attack}"\nWRITABLE={setting["sysconfdir"]}/hello/greeting\n'
            f'CREATABLE={setting["sysconfdir"]}/hello/new\n', "utf-8")
        machine.serve(unit)
        with connect() as client:
            results[attack] = receive(client).decode()
        assert greeting.read_bytes() == b"HELLO"
        machine.run(f"systemctl stop {unit}")
        # systemd may be about to start a killed service again, with the socket.
        wait_until(lambda: machine.attempt("pgrep hellod")[0] == 1)
    path.unlink()
    # An attack that ends the process has no result; no other one succeeds.
    assert set(results.values()) <= {"", "ENOSYS", "EACCES"}, results
    assert {attack for attack, result in results.items() if not result} == {
        "fork", "clone", "execve", "ptrace", "read the parent's memory", "map executable memory",
        "make memory executable"}
    assert {attack for attack, result in results.items() if result == "EACCES"} == (
        {"open /etc/passwd", "list a directory"} if unit == "hello-listen.socket" else set())
    machine.mark_journal()  # the killed processes are no failure of the test
