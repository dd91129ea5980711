# SPDX-License-Identifier: MIT
"""socket_unit.py UNIT DIRECTORY - starts a socket unit under systemd, in a container of its own.

Prints "ready" and the PID of the container's systemd, and ends the container when standard input
ends. To be run in the top build directory, as root. DIRECTORY is empty and for its files.

UNIT is a unit of hellod, or printf.socket: hello.socket with a printf(1) instead of hellod, and
nothing that confines it.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from container import Container, Unavailable, setting

PRINTF_SERVICE = r"""[Unit]
CollectMode=inactive-or-failed
[Service]
ExecStart=/usr/bin/printf \\000\\005HELLO
StandardInput=socket
LogLevelMax=notice
"""


def write_printf_units(container):
    units = container.inside("/etc/systemd/system")
    socket = container.inside(setting["systemdsystemunitdir"], "hello.socket")
    (units / "printf.socket").write_text(socket.read_text("utf-8"), "utf-8")
    (units / "printf@.service").write_text(PRINTF_SERVICE, "utf-8")
    container.run("systemctl daemon-reload")


def main():
    unit, directory = sys.argv[1:]
    try:
        container = Container(directory)
    except Unavailable as reason:
        sys.exit(f"SKIP: {reason}")
    try:
        if unit == "printf.socket":
            write_printf_units(container)
        container.run(f"systemctl start {unit}")
        print("ready", container.pid1, flush=True)
        sys.stdin.read()
    finally:
        container.end()


main()
