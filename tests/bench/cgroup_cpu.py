# SPDX-License-Identifier: MIT
"""What a server costs: the CPU time and the memory of all its processes, those gone included."""
import os
import pathlib
import signal
import time

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")

# A server is at rest once it takes no more than so much in so long; it may never be.
REST_USEC = 500
REST_STEP_SEC = 0.05
REST_MAX_SEC = 3


def tree(pid):
    """The process and all that descend from it; those that end meanwhile may be left out."""
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
    """The resident memory of the tree. Pages that processes share count for each of them."""
    pages = 0
    for each in tree(pid):
        try:
            pages += int(pathlib.Path(f"/proc/{each}/statm").read_text().split()[1])
        except OSError:
            pass
    return pages * PAGE_KIB


class Cgroup:
    """A control group (v2, mounted alone or beside v1) that a server and all it starts are in.

    Its CPU time is exact and needs no controller. Raises OSError if none can be made.
    """

    how = "control group"

    def __init__(self, name):
        own = {}
        for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            own[controllers] = path.lstrip("/")
        self.places = []  # of the group in the unified hierarchy, then of what systemd made there
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            fields, _, rest = line.partition(" - ")
            mount = pathlib.Path(fields.split()[4])
            kind, _, options = rest.split()[:3]
            if kind == "cgroup2" and "" in own:
                self.places.insert(0, mount / own[""] / name)
            elif kind == "cgroup" and "name=systemd" in options.split(","):
                self.places.append(mount / own.get("name=systemd", "") / name)
        if not self.places:
            raise FileNotFoundError("no control groups")
        self.path = self.places[0]
        self.path.mkdir()
        try:
            # A process of our own must be let in.
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
        """The command, to be run inside."""
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', self.path / "cgroup.procs", *command]

    def cpu_usec(self, _pid=None):
        lines = (self.path / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["usage_usec"])

    def remove(self):
        """Ends whatever is left inside, and then the group."""
        give_up = time.monotonic() + 5
        while self._kill() and time.monotonic() < give_up:
            time.sleep(0.02)
        for place in self.places:
            for path, _, _ in os.walk(place, topdown=False):
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
    """The same without a control group: from /proc, in steps of a clock tick.

    It knows a process that is gone only if its parent waited for it.
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
            # The name, in parentheses, may hold anything; utime is the 12th field after it.
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
        return ticks * 1_000_000 // TICKS_PER_SEC

    def remove(self):
        pass


def new(name):
    """The better of the two that can be had."""
    try:
        return Cgroup(name)
    except OSError:
        return Tree()


def at_rest(meter, pid):
    """The CPU time, once the server has done what there was left to do."""
    before = meter.cpu_usec(pid)
    give_up = time.monotonic() + REST_MAX_SEC
    while True:
        time.sleep(REST_STEP_SEC)
        now = meter.cpu_usec(pid)
        if now - before <= REST_USEC or time.monotonic() > give_up:
            return now
        before = now
