#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Changes the sources a little, one change at a time, and runs their tests, which must then fail.
A change that they do not notice is a mutant that survives: a test is missing, or the change makes
no difference, which tests/mutants/survivors then says.

usage: mutants.py [WORD]... [N] -- COMPILER [OPTION]...

Of the files whose names have a WORD, and of the functions of this name; N of them, spread evenly.
Environment: srcdir, and MUTANTS_LIBS, the libraries of the unit tests.
"""
import collections
import concurrent.futures
import glob
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

from mutate import mutate

SRCDIR = os.environ.get("srcdir", ".")
ARGUMENTS = sys.argv[1:sys.argv.index("--")]
COMPILER = [*sys.argv[sys.argv.index("--") + 1:], "-w"]
LIBS = shlex.split(os.environ["MUTANTS_LIBS"])
JOBS = 2 * os.cpu_count()  # suites also wait
CPU_SECONDS = 60  # of each process of a suite: one that loses its parent may loop for ever
ENVIRONMENT = {**os.environ, "CK_TAP_LOG_FILE_NAME": "-", "CK_VERBOSITY": "silent",
               "ASAN_OPTIONS": "detect_leaks=0", "CK_DEFAULT_TIMEOUT": "10"}

SERVER = [f"hellod/check_server{part}" for part in ("", "_pace", "_control", "_connections",
                                                    "_failure", "_datagram")]
# The tests of each file, the fastest first.
SUITES = {
    "common/address.c": ["common/check_address"],
    "common/clock.c": ["common/check_clock"],
    "common/frame.c": ["common/check_frame"],
    "common/mutf8.c": ["common/check_mutf8", "common/check_frame"],
    "common/number.c": ["common/check_number"],
    "common/stdio.c": ["common/check_stdio"],
    "common/utf8.c": ["common/check_utf8", "common/check_mutf8"],
    "hellod/accept.c": ["hellod/check_accept"],
    "hellod/client.c": ["hellod/check_client", *SERVER],
    "hellod/confine.c": ["hellod/check_confine"],
    "hellod/datagram.c": ["hellod/check_datagram"],
    "hellod/pace.c": ["hellod/check_pace", *SERVER],
    "hellod/seccomp_filter.c": ["hellod/check_seccomp_filter"],
    "hellod/server.c": SERVER,
    "hellod/server_clients.c": SERVER,
}
# Their suites pass memory of exact sizes, so that a sanitizer finds accesses past its end.
SANITIZED = ("common/", "hellod/datagram.c", "hellod/seccomp_filter.c")
# Their tests leave nothing behind for the next one, so that they can be in one process.
PURE = ("common/", "hellod/seccomp_filter.c")


class Failed(Exception):
    """A command failed."""


def run(command):
    if subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        raise Failed(shlex.join(command))


def descendants(pid):
    """A process that does not change, and the processes that it started."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid] + [found for child in children for found in descendants(int(child))]


def kill(process):
    """Ends a suite and its tests, which are in process groups of their own."""
    if process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        for pid in descendants(process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def passes(file, binary, seconds):
    """Whether a suite of a file passes within a time. Ends at its first test that fails."""
    fork = {"CK_FORK": "no"} if file.startswith(PURE) else {}
    process = subprocess.Popen(["prlimit", f"--cpu={CPU_SECONDS}", binary],
                               cwd=os.path.dirname(binary), env={**ENVIRONMENT, **fork},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, errors="replace")
    timer = threading.Timer(seconds, kill, [process])
    timer.start()
    failed = any(line.startswith("not ok") for line in process.stdout)
    timer.cancel()
    if failed:
        kill(process)
    process.stdout.close()
    return process.wait() == 0 and not failed


class Builder:
    """Compiles the unmutated sources and the suites, once, in a directory."""

    def __init__(self, directory):
        self.directory = directory
        self.seconds = {}  # that a suite takes
        self.killers = {}  # (file, function) -> the suite that noticed the last mutant there

    def flags(self, file):
        if file.startswith(SANITIZED):
            return ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        return ["-O0", "-fsanitize=bounds", "-fsanitize-undefined-trap-on-error"]

    def compile(self, source, target, flags):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        run([*COMPILER, *flags, "-c", "-o", target, source])

    def archive(self, file):
        """The objects of the libraries, with the flags for the mutants of a file."""
        return f"{self.directory}/{'sanitized' if file.startswith(SANITIZED) else 'plain'}"

    def build(self, files):
        jobs, archives = {}, collections.defaultdict(list)
        for file in files:
            root = self.archive(file)
            for suite in SUITES[file]:
                jobs[f"{root}/{suite}.o"] = (f"{SRCDIR}/tests/unit/{suite}.c", self.flags(file))
            for source in glob.glob(f"{SRCDIR}/src/common/*.c") + \
                    glob.glob(f"{SRCDIR}/src/hellod/*.c"):
                target = f"{root}/{os.path.relpath(source, SRCDIR)}.o"
                if not source.endswith("main.c") and target not in jobs:
                    jobs[target] = (source, self.flags(file))
                    archives[root].append(target)
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda job: self.compile(job[1][0], job[0], job[1][1]), jobs.items()))
        for root, objects in archives.items():
            run(["ar", "crs", f"{root}/lib.a", *objects])
        for file in files:
            for suite in SUITES[file]:
                self.measure(file, suite)

    def link(self, file, suite, objects, target):
        run([*COMPILER, *self.flags(file), "-o", target, f"{self.archive(file)}/{suite}.o", *objects,
             f"{self.archive(file)}/lib.a", *LIBS])

    def measure(self, file, suite):
        if suite in self.seconds:
            return
        target = f"{self.directory}/unmutated"
        self.link(file, suite, [], target)
        start = time.monotonic()
        if not passes(file, target, 120):
            sys.exit(f"tests/unit/{suite}.c fails without a mutant")
        self.seconds[suite] = time.monotonic() - start

    def is_killed(self, file, mutant):
        """Whether a suite notices the mutant of a file; None if it is none."""
        place = (file, mutant.function)
        with tempfile.TemporaryDirectory(dir=self.directory) as directory:
            mutated, binary = f"{directory}/{os.path.basename(file)}", f"{directory}/suite"
            pathlib.Path(mutated).write_text(mutant.source)
            try:
                self.compile(mutated, f"{mutated}.o", self.flags(file))
            except Failed:
                return None
            for suite in sorted(SUITES[file], key=lambda suite: suite != self.killers.get(place)):
                self.link(file, suite, [f"{mutated}.o"], binary)
                if not passes(file, binary, 4 + 10 * self.seconds[suite]):
                    self.killers[place] = suite
                    return True
            # An optimizing compiler proves that some make no difference.
            pathlib.Path(f"{directory}/original").mkdir()
            same = f"{directory}/original/{os.path.basename(file)}"
            pathlib.Path(same).write_text(pathlib.Path(f"{SRCDIR}/src/{file}").read_text())
            for path in (mutated, same):
                self.compile(path, f"{path}.o", ["-O2"])
            if pathlib.Path(f"{mutated}.o").read_bytes() == pathlib.Path(f"{same}.o").read_bytes():
                return None
            return False


def read_survivors(path):
    """The mutants that are listed: (file, function, before, after), * being all of a line."""
    listed, place, before, reason = [], None, None, True
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f"{path}:{number}"
        if line.startswith("- "):
            before = line[2:]
        elif line.startswith("+ ") and place and before:
            listed.append((*place, before, line[2:]))
            reason = False
        elif line.startswith("\t") and listed:
            reason = True
        elif line and not line.startswith("#"):
            if not reason:
                sys.exit(f"{where}: the mutants before have no reason")
            place = tuple(line.split(" "))
            if len(place) != 2:
                sys.exit(f"{where}: not FILE FUNCTION")
            before = None
    if not reason:
        sys.exit(f"{path}: the last mutants have no reason")
    return listed


def select(mutants, arguments):
    words = [argument for argument in arguments if not argument.isdecimal()]
    numbers = [int(argument) for argument in arguments if argument.isdecimal()]
    if words:
        mutants = [mutant for mutant in mutants
                   if any(word in mutant[0] or word == mutant[1].function for word in words)]
    count = min(numbers + [len(mutants)])
    return [mutants[i * len(mutants) // count] for i in range(count)]


def show(what, mutant):
    print("{}: {} {}\n- {}\n+ {}".format(what, *mutant), flush=True)


def main():
    start = time.monotonic()
    listed = set(read_survivors(pathlib.Path(SRCDIR, "tests/mutants/survivors")))
    mutants = [(file, mutant) for file in SUITES
               for mutant in mutate(pathlib.Path(SRCDIR, "src", file).read_text())]

    def key(file, mutant):
        """The mutant, as it is listed."""
        place = (file, mutant.function or "-", mutant.before)
        return (*place, "*" if (*place, "*") in listed else mutant.after)

    unknown = listed - {key(*mutant) for mutant in mutants}
    selected = select(mutants, ARGUMENTS)
    killed, survived, counts = set(), set(), collections.Counter()
    with tempfile.TemporaryDirectory() as directory:
        builder = Builder(directory)
        builder.build(sorted({file for file, _ in selected}))
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            results = pool.map(lambda pair: builder.is_killed(*pair), selected)
            for mutant, result in zip(selected, results):
                if result is None:
                    continue
                is_listed = key(*mutant) in listed
                (killed if result else survived).add(key(*mutant))
                counts["killed" if result else "listed" if is_listed else "unlisted"] += 1
                if not result and not is_listed:
                    show("survived", key(*mutant))
    stale = set() if any(map(str.isdecimal, ARGUMENTS)) else (listed & killed) - survived
    for mutant in sorted(stale):
        show("listed, but killed", mutant)
    for mutant in sorted(unknown):
        show("listed, but there is no such mutant", mutant)
    print(f"{sum(counts.values())} mutants in {time.monotonic() - start:.0f} s: "
          f"{counts['killed']} killed, {counts['listed']} listed survivors, "
          f"{counts['unlisted']} unlisted")
    return 1 if counts["unlisted"] or stale or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
