# SPDX-License-Identifier: MIT
"""The example of a timer that writes metrics for the textfile collector of node_exporter."""
import ctypes
import os
import re
import shutil
import struct
import subprocess
import threading

import pytest

from container import setting, wait_until

DIRECTORY = "/var/lib/prometheus/node-exporter"
FILE = "hello-probe.prom"
SERVICE, TIMER = "hello-probe.service", "hello-probe.timer"
IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE, IN_DELETE = 0x8, 0x80, 0x100, 0x200


class Collector:
    """Reads the file again and again, as the textfile collector does, and keeps each text that it
    has found. `events` tells what happened to the names in the directory."""

    def __init__(self, directory):
        self.file = directory / FILE
        self.texts = set()
        libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._inotify, os.fsencode(directory), IN_CLOSE_WRITE
                                      | IN_MOVED_TO | IN_CREATE | IN_DELETE) >= 0
        self._ended = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while not self._ended:
            if self.file.exists():
                self.texts.add(self.file.read_text("utf-8"))

    def end(self):
        """Returns the events of the file."""
        self._ended = True
        self._thread.join()
        buffer, events = os.read(self._inotify, 1 << 20), set()
        os.close(self._inotify)
        while buffer:
            _, mask, _, length = struct.unpack("iIII", buffer[:16])
            if buffer[16:16 + length].rstrip(b"\0").decode() == FILE:
                events.add(mask)
            buffer = buffer[16 + length:]
        return events


@pytest.fixture
def probe(machine):
    """The machine with the example installed as the manual says, and the directory."""
    machine.attempt("useradd --system prometheus")
    machine.run(f"install --directory --owner=prometheus --group=prometheus {DIRECTORY}")
    machine.run(f"sh -c 'cp {setting['docdir']}/examples/hello-probe.* /etc/systemd/system'")
    if setting["bindir"].startswith(("/tmp/", "/var/tmp/", "/home/", "/root/")):
        machine.write_drop_in(SERVICE, "90-tmp", "[Service]", "PrivateTmp=no", "ProtectHome=no")
    machine.run("systemctl daemon-reload")
    yield machine, machine.inside(DIRECTORY)
    machine.run(f"systemctl stop {TIMER} {SERVICE}")
    machine.attempt(f"systemctl reset-failed {TIMER} {SERVICE}")
    machine.run(f"rm -r {DIRECTORY} /etc/systemd/system/{TIMER} /etc/systemd/system/{SERVICE}")


def value(text, name):
    return float(re.search(rf"(?m)^hello_probe_{name}{{.*}} (\S+)$", text)[1])


def check(text):
    """A whole and valid file."""
    assert re.fullmatch(r"# HELP hello_probe_success .*\n# EOF\n", text, re.DOTALL)
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, "")


def test_file(probe):
    """It is never there in part, while the server goes down and comes up again."""
    machine, directory = probe
    machine.drop_in(SERVICE, "[Unit]", "StartLimitIntervalSec=0", "[Service]",
                    'Environment="HELLO_PROBE=-t 30 -e \'HELLO\' 127.0.0.1"')
    collector = Collector(directory)
    try:
        for up in 8 * [True, False]:
            if up:
                machine.serve("hello.socket")
            else:
                machine.run("systemctl stop hello.socket")
            machine.run(f"systemctl start {SERVICE}")
            text = (directory / FILE).read_text("utf-8")
            assert value(text, "success") == up
            assert 'endpoint="127.0.0.1:6666"' in text
            assert ("hello_probe_expected{" in text) == up
    finally:
        events = collector.end()
    assert events == {IN_MOVED_TO}
    assert {value(text, "success") for text in collector.texts} == {0, 1}
    for text in collector.texts:
        check(text)
    assert [file.name for file in directory.iterdir()] == [FILE]
    # Whoever node_exporter runs as, it can read the file.
    assert (directory / FILE).stat().st_mode & 0o777 == 0o644
    assert "127.0.0.1:6666: Connection refused" in machine.journal(f"-u {SERVICE}")


def test_timer(probe):
    """It runs at once, and again."""
    machine, directory = probe
    machine.drop_in(TIMER, "[Timer]", "OnUnitActiveSec=1s", "AccuracySec=10ms")
    machine.drop_in(SERVICE, "[Unit]", "StartLimitIntervalSec=0")
    machine.serve("hello.socket")
    machine.run(f"systemctl enable --quiet --now {TIMER}")
    wait_until((directory / FILE).exists)
    first = (directory / FILE).read_text("utf-8")
    assert value(first, "success") == 1
    machine.run("systemctl stop hello.socket")
    wait_until(lambda: value((directory / FILE).read_text("utf-8"), "success") == 0)
    # It is cut to seconds: two probes that are a second apart when they start may end in the same one.
    wait_until(lambda: value((directory / FILE).read_text("utf-8"), "timestamp_seconds") >
               value(first, "timestamp_seconds"))
    machine.run(f"systemctl disable --quiet {TIMER}")


@pytest.mark.parametrize("lines, message", [
    (['Environment="HELLO_PROBE=-t 0"'], "--timeout: '0' is wrong"),
    # The file is cut, as on a full disk.
    (["LimitFSIZE=1000"], "standard output: File too large"),
], ids=["usage", "disk"])
def test_failure_keeps_the_file(probe, lines, message):
    machine, directory = probe
    machine.serve("hello.socket")
    machine.run(f"systemctl start {SERVICE}")
    before = (directory / FILE).read_text("utf-8")
    check(before)
    machine.drop_in(SERVICE, "[Service]", *lines)
    assert machine.attempt(f"systemctl start {SERVICE}")[0] != 0
    assert machine.show(SERVICE, "Result") == "exit-code"
    assert (directory / FILE).read_text("utf-8") == before
    assert message in machine.journal(f"-u {SERVICE}")
    # What is left over does not disturb the next run.
    machine.drop_in(SERVICE)
    machine.run(f"systemctl start {SERVICE}")
    assert [file.name for file in directory.iterdir()] == [FILE]
