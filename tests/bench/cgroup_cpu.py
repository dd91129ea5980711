# SPDX-License-Identifier: MIT
"""CPU time and memory of a server with all its processes, including those that have ended."""
import os
import pathlib
import signal
import time

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")

# A server is at rest when it uses at most REST_USEC of CPU in REST_STEP_SEC. Some never are.
REST_USEC = 500
REST_STEP_SEC = 0.05
REST_MAX_SEC = 3


def tree(pid):
    """Returns the process and its descendants. Those that end meanwhile may be missing."""
    pids = [pid]
    for parent in pids:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                path = pathlib.Path(f"/proc/{parent}/task/{thread}/children")
                pids += map(int, path.read_text().split())
        except OSError:
            pass
    return pids


def rss_kib(pid):
    """Returns the resident memory of the tree. A page that processes share counts for each."""
    pages = 0
    for each in tree(pid):
        try:
            pages += int(pathlib.Path(f"/proc/{each}/statm").read_text().split()[1])
        except OSError:
            pass
    return pages * PAGE_KIB


def process_usec(pid):
    """Returns the CPU time of one process, without its descendants."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) // 1000


class Cgroup:
    """A control group (v2, alone or beside v1) for a server and its descendants.

    Its CPU time is exact and needs no controller. Raises OSError if it cannot be made.
    """

    how = "control group"

    def __init__(self, name):
        own = {}
        for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            own[controllers] = path.lstrip("/")
        self.paths = []  # in the unified hierarchy, then in the one that systemd uses beside v1
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            fields, _, rest = line.partition(" - ")
            mount = pathlib.Path(fields.split()[4])
            kind, _, options = rest.split()[:3]
            if kind == "cgroup2" and "" in own:
                self.paths.insert(0, mount / own[""] / name)
            elif kind == "cgroup" and "name=systemd" in options.split(","):
                self.paths.append(mount / own.get("name=systemd", "") / name)
        if not self.paths:
            raise FileNotFoundError("no control groups")
        self.path = self.paths[0]
        self.path.mkdir()
        try:
            # Not every control group lets a process enter.
            child = os.fork()
            if child == 0:
                os._exit(self._enter())
            if os.waitpid(child, 0)[1] != 0:
                raise PermissionError(self.path)
            self.cpu_usec()
        except (OSError, KeyError, ValueError):
            self.remove()
            raise

    def _enter(self):
        try:
            (self.path / "cgroup.procs").write_text("0")
        except OSError:
            return 1
        return 0

    def wrap(self, command):
        """Returns a command that enters the control group and executes `command`."""
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', self.path / "cgroup.procs", *command]

    def cpu_usec(self, _pid=None):
        lines = (self.path / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["usage_usec"])

    def remove(self):
        """Kills the remaining processes and removes the control group."""
        give_up = time.monotonic() + 5
        while self._kill() and time.monotonic() < give_up:
            time.sleep(0.02)
        for top in self.paths:
            for path, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass

    def _kill(self):
        found = False
        for path, _, _ in os.walk(self.path):
            try:
                pids = pathlib.Path(path, "cgroup.procs").read_text().split()
            except OSError:
                continue
            for pid in pids:
                found = True
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
        return found


class Tree:
    """Replaces Cgroup where there is none: reads /proc, in clock ticks.

    Counts a process that has ended only if its parent has waited for it.
    """

    how = "/proc, in clock ticks"

    def wrap(self, command):
        return command

    def cpu_usec(self, pid):
        ticks = 0
        for each in tree(pid):
            try:
                stat = pathlib.Path(f"/proc/{each}/stat").read_text()
            except OSError:
                continue
            # The name in parentheses can contain any character. utime is the 12th field after it.
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
        return ticks * 1_000_000 // TICKS_PER_SEC

    def remove(self):
        pass


def new(name):
    try:
        return Cgroup(name)
    except OSError:
        return Tree()


def at_rest(cpu_usec):
    """Waits until the CPU time that `cpu_usec` returns hardly grows. Returns it."""
    before = cpu_usec()
    give_up = time.monotonic() + REST_MAX_SEC
    while True:
        time.sleep(REST_STEP_SEC)
        now = cpu_usec()
        if now - before <= REST_USEC or time.monotonic() > give_up:
            return now
        before = now
