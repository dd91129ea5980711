# SPDX-License-Identifier: MIT
"""Programs under strace(1), from main() on: their system calls, one of which may be made to fail."""
import collections
import contextlib
import os
import re
import select
import signal
import subprocess
import time

import harness

STOP = os.path.abspath("tests/fault/stop.so")
LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\w+)(.*)")
MAKES_FD = """accept4 dup epoll_create1 eventfd2 fcntl landlock_create_ruleset openat signalfd4
    socket""".split()

# The `when`-th calls of this name fail: 2 is the second one, 2+ each from the second on.
Fault = collections.namedtuple("Fault", "call error when")


class Call(collections.namedtuple("Call", "thread name arguments result injected")):
    @property
    def fd(self):
        """The descriptor that it made, or None."""
        makes = self.name in MAKES_FD and not (
            self.name == "fcntl" and "F_DUPFD" not in self.arguments or
            self.name == "landlock_create_ruleset" and "VERSION" in self.arguments or
            "/dev/null" in self.arguments)  # in the place of a standard stream
        return int(self.result) if makes and self.result.isdecimal() else None


def parse(text):
    """The calls of a trace, in order. A call that another thread interrupts has two lines."""
    unfinished = {}
    for line in text.splitlines():
        thread = line.split(" ", 1)[0]
        if line.endswith(" <unfinished ...>"):
            unfinished[thread] = line.removesuffix(" <unfinished ...>")
            continue
        line = re.sub(r"^\d+ +<\.\.\. \w+ resumed>", lambda _: unfinished.pop(thread), line)
        if match := LINE.match(line):
            thread, name, arguments, result, rest = match.groups()
            yield Call(thread, name, arguments, result, "(INJECTED)" in rest)


def open_at_end(calls):
    """The descriptors that the calls made and did not close."""
    fds = set()
    for call in calls:
        if call.fd is not None:
            fds.add(call.fd)
        elif call.name == "close":
            fds.discard(int(call.arguments))
    return fds


class Pidfd:
    """A descriptor that is readable when the process has ended."""

    def __init__(self, pid):
        self._fd = os.pidfd_open(pid)

    def fileno(self):
        return self._fd

    def close(self):
        os.close(self._fd)


class Traced:
    """A running program."""

    def __init__(self, *command, fault=None, trace, environment=None, deadline, **how):
        self.trace_path = trace
        self._late = False
        self._background = harness.Background(
            command=command, environment={**(environment or {}), "LD_PRELOAD": STOP}, **how)
        self.process = self._background.process
        os.waitpid(self.process.pid, os.WUNTRACED)
        inject = []
        if fault:
            # The kernel's brk(2) has no errno: it returns where the heap ends, lower than asked.
            result = "retval=0" if fault.call == "brk" else f"error={fault.error}"
            inject = [f"--inject={fault.call}:{result}:when={fault.when}"]
        self._strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-s", "200", "-o", trace, *inject, "-p", str(self.process.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # strace(1) has taken over once it has written that the program is stopped.
        while self._strace.poll() is None and "stopped by SIGSTOP" not in self.trace():
            time.sleep(0.002)
        if self._strace.poll() is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            raise RuntimeError(self._strace.stderr.read().decode())
        self._begin = time.monotonic()
        self._deadline = self._begin + deadline
        os.kill(self.process.pid, signal.SIGCONT)

    def trace(self):
        with contextlib.suppress(FileNotFoundError), open(self.trace_path, "rb") as file:
            return file.read().decode(errors="backslashreplace")
        return ""

    def ended(self):
        """Whether it has ended; ended by force after the deadline."""
        if time.monotonic() > self._deadline:
            self._late = True
            os.kill(self.process.pid, signal.SIGKILL)
        return os.waitid(os.P_PID, self.process.pid,
                         os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait(self):
        """Waits for its end, or for the deadline."""
        if not self.ended():
            with contextlib.closing(Pidfd(self.process.pid)) as ending:
                select.select([ending], [], [], max(self._deadline - time.monotonic(), 0))
        while not self.ended():
            time.sleep(0.01)

    def wait_for_call(self, pattern, seconds):
        """Waits until the trace has something, or it has ended, or the time is over. Returns
        whether it has."""
        give_up = time.monotonic() + seconds
        while not (found := re.search(pattern, self.trace(), re.DOTALL)) and not self.ended() and (
                time.monotonic() < give_up):
            time.sleep(0.005)
        return found is not None

    def signal(self, number):
        os.kill(self.process.pid, number)

    def end(self):
        """Waits. Returns a Run."""
        self.wait()
        seconds = time.monotonic() - self._begin
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        out, err = (stream.read().decode(errors="backslashreplace") if stream else ""
                    for stream in (self.process.stdout, self.process.stderr))
        self._strace.communicate(timeout=harness.PATIENCE)
        return Run(self.process.returncode, out, err, list(parse(self.trace())),
                   self._late, seconds, usage.ru_utime + usage.ru_stime)


Run = collections.namedtuple("Run", "status out err calls late seconds cpu")
