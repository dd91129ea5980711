#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes each system call of the programs fail, with each errno that it may have, in each scenario.

Runs in the build directory, in namespaces of its own. The arguments are names of scenarios, or
faults such as sendto:ENOBUFS:1+ that are tried instead of all.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import shutil
import sys
import tempfile
import time
import zlib

import namespace

HERE = pathlib.Path(__file__).absolute().parent
WORKERS = 20  # more than processors, because many runs wait
WHEN_MAX = 3  # occurrences of a call that fail alone; and the last one

namespace.enter()

import judge  # noqa: E402
import scenarios  # noqa: E402
from tracing import Fault  # noqa: E402


def read_errnos():
    """The errnos of each call."""
    lines = (line.partition("#")[0].split() for line in (HERE / "errnos").read_text().splitlines())
    return {words[0]: words[1:] for words in lines if words}


def play(name, fault):
    """Returns the run, and what its peers saw."""
    directory = tempfile.mkdtemp(prefix="hellod-")
    try:
        stage = scenarios.Stage(fault, directory)
        with stage.stack:
            run = scenarios.SCENARIOS[name](stage)
        return run, stage.seen()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def program_of(name):
    word = name.split("_")[0]
    return {"client": "hello-client", "check": "check_hello"}.get(word, "hellod")


def passes(call, error):
    """Whether an error cannot come again and again. After accept4(2) has failed because of a
    connection, the connection is gone; so is an ICMP error; and a call of which poll(2) says that
    it is ready does not fail with EAGAIN or EINTR for ever."""
    return (call == "accept4" and error in judge.NETWORK + ["EOPNOTSUPP"]
            or (call, error) == ("recvmmsg", "ECONNREFUSED") or error in ("EAGAIN", "EINTR"))


def plan(name, run, errnos):
    """The faults of a scenario, by the calls of a normal run. strace(1) counts per thread."""
    counts = collections.Counter((call.thread, call.name) for call in run.calls)
    main = run.calls[0].thread
    most, first = collections.Counter(), collections.Counter()
    for (thread, call), count in counts.items():
        most[call] = max(most[call], count)
        # The thread that resolves names writes to an eventfd(2), which does not fail.
        if call == "write" and thread != main:
            first[call] = max(first[call], count)
    for call, count in sorted(most.items()):
        whens = {*range(1, min(count, WHEN_MAX) + 1), count, "1+", "2+" if count > 1 else "1+"}
        for error in errnos[call]:
            fewer = {1, 2, "1+"} if judge.is_mistake(name, call, error) else whens
            for when in sorted(map(str, whens & fewer)):
                if int(when.rstrip("+")) > first[call] and not (
                        when.endswith("+") and passes(call, error)):
                    yield Fault(call, error, when)


def is_chosen(name, fault, every):
    """Whether it is one of a part that does not depend on how often a call was made."""
    return zlib.crc32(":".join([name, *fault]).encode()) % every == 0


def try_fault(name, fault, normal, normal_seen):
    """Returns what is wrong, and whether the fault was reached. Complaints are checked again."""
    for _ in range(2):
        try:
            run, seen = play(name, fault)
        except Exception as error:  # of a scenario
            wrong, what = [f"the scenario fails: {error!r}"], ""
            continue
        if not judge.injected(run):
            return [], False, ""
        wrong = list(judge.judge(name, program_of(name), fault, run, seen, normal, normal_seen))
        if not wrong:
            return [], True, ""
        what = f"status {run.status} {run.out[:300]!r} {run.err[:300]!r}"
    return wrong, True, what


def print_table(errnos, tried, failed):
    """A line for each call: how many errnos it failed with, in how many scenarios and runs."""
    line = "{:<24} {:>7} {:>10} {:>7} {:>7}"
    print(line.format("system call", "errnos", "scenarios", "runs", "failed"))
    for call in sorted({fault.call for _, fault in tried}):
        runs = [(name, fault) for name, fault in tried if fault.call == call]
        print(line.format(call, len({fault.error for _, fault in runs}),
                          len({name for name, _ in runs}), len(runs),
                          sum(run in failed for run in runs)))
    for call in sorted(call for call in errnos if not errnos[call]):
        print(f"{call:<24} cannot fail")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only one of N faults")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    begin = time.monotonic()
    errnos = read_errnos()
    chosen = [name for name in options.names if ":" not in name] or list(scenarios.SCENARIOS)
    wanted = [Fault(*name.split(":")) for name in options.names if ":" in name]
    faults, normal = [], {}
    for name in chosen:
        normal[name] = play(name, None)
        unknown = {call.name for call in normal[name][0].calls} - set(errnos)
        if unknown:
            sys.exit(f"{name}: tests/fault/errnos lacks {', '.join(sorted(unknown))}")
        faults += [(name, fault) for fault in wanted or plan(name, normal[name][0], errnos)]
    tried, failed = [], []
    with concurrent.futures.ProcessPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(try_fault, name, fault, *normal[name]): (name, fault)
                   for name, fault in faults if is_chosen(name, fault, options.every)}
        for future in concurrent.futures.as_completed(futures):
            name, fault = futures[future]
            wrong, was_reached, what = future.result()
            if was_reached:
                tried.append((name, fault))
            if wrong:
                failed.append((name, fault))
                print(f"{name} {':'.join(fault)}: {'; '.join(wrong)}: {what}", flush=True)
    print_table(errnos, tried, failed)
    print(f"{len({fault.call for _, fault in tried})} system calls failed in {len(tried)} runs of "
          f"{len({name for name, _ in tried})} scenarios, {len(failed)} of them wrong, "
          f"in {time.monotonic() - begin:.0f} s")
    sys.exit(len(failed) > 0 or not tried)


if __name__ == "__main__":
    main()
