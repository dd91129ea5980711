# SPDX-License-Identifier: MIT
"""Namespaces of its own for a script, with only a loopback interface and known names."""
import importlib.util
import os
import pathlib
import sys
import tempfile

INSIDE = "HELLOD_FAULT_INSIDE"
HOSTS = "127.0.0.1 localhost two.example\n::1 localhost two.example\n"
NAME_SERVER = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
SCRIPT = """
ip link set lo up && mount --bind "$0/hosts" /etc/hosts || exit
mount --bind "$0/resolv.conf" "$(realpath /etc/resolv.conf)"
exec "$@"
"""


def enter():
    """Runs the script again, inside, so that nothing is asked outside. The harness can then be
    imported."""
    sys.path.append(str(pathlib.Path(__file__).absolute().parent.parent / "blackbox"))
    if INSIDE in os.environ:
        return
    with tempfile.TemporaryDirectory(prefix="hellod-") as directory:
        pathlib.Path(directory, "hosts").write_text(HOSTS, encoding="ascii")
        pathlib.Path(directory, "resolv.conf").write_text(NAME_SERVER, encoding="ascii")
        # pytest, which the harness needs, may be for another python3 than the one in $PATH.
        python = sys.executable if importlib.util.find_spec("pytest") else "/usr/bin/python3"
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        command = ["unshare", *user, "--net", "--mount", "sh", "-c", SCRIPT, directory, python,
                   "-B", *sys.argv]
        sys.exit(os.spawnvpe(os.P_WAIT, command[0], command, {**os.environ, INSIDE: "1"}))
