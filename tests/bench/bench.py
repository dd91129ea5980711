# SPDX-License-Identifier: MIT
"""Compares hellod with other ways to greet: greetings per second, CPU for each, latency, memory.

To be run in the top build directory, by "make bench". All servers run at once, and take turns under
load: in every round, each gets a share of it at each concurrency. Writes bench.json, bench.txt,
rate.svg and cpu.svg to the output directory, and the table to standard output. A server that cannot
be had here is left out, and named. QUICK=1 in the environment: one short round, to see that it all
works. Exit status: 0, or 1 if hellod lost a greeting, whoever started it.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import cgroup_cpu
import servers
import report

RSS_STEP_SEC = 0.1
WARM_UP_CONCURRENCY = 8
TALKERS = 100
TALKERS_AT_A_TIME = 50
TALK_BYTES = 20000
FIRST_CLIENTS = 20


class Setting:
    """Where things are."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.top = pathlib.Path.cwd()
        self.source = pathlib.Path(os.environ.get("srcdir", ".")).resolve()
        self.load = self.top / "tests/bench/load"


def read_load(status, out):
    """What load measured; that some were lost is part of it."""
    if status not in (0, 1):
        sys.exit(f"bench: load ended with status {status}")
    return json.loads(out)


def put_under_load(peer, concurrency, seconds):
    """One run. Returns what load measured, with the cost of it."""
    before = peer.meter.cpu_usec(peer.root())  # at rest since the last run
    seconds *= peer.patience
    command = peer.load("--json", f"--concurrency={concurrency}", f"--seconds={seconds:.3f}")
    rss_kib = 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as load:
        try:
            while True:
                try:
                    out = load.communicate(timeout=RSS_STEP_SEC)[0]
                    break
                except subprocess.TimeoutExpired:
                    rss_kib = max(rss_kib, cgroup_cpu.rss_kib(peer.root()))
        except BaseException:
            load.kill()
            raise
    run = read_load(load.returncode, out)
    cpu = cgroup_cpu.at_rest(peer.meter, peer.root()) - before
    run["rss_kib"] = max(rss_kib, cgroup_cpu.rss_kib(peer.root()))
    run["cpu_usec"] = cpu / run["greetings"] if run["greetings"] > 0 else None
    return run


def talk_first(peer):
    """How many of the clients that talk first get the whole frame and a clean end."""
    command = peer.load("--json", f"--concurrency={TALKERS_AT_A_TIME}",
                        f"--count={TALKERS}", f"--talk={TALK_BYTES}")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    return read_load(done.returncode, done.stdout)["greetings"]


def come_first(peer):
    """The latencies of clients that come when nothing is there but the socket, in microseconds."""
    latencies = []
    while len(latencies) < FIRST_CLIENTS and peer.stop_serving():
        command = peer.load("--json", "--count=1", "--concurrency=1")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              check=False)
        run = read_load(done.returncode, done.stdout)
        if run["lost"] > 0:
            sys.exit(f"bench: {peer.name} lost a first client")
        latencies.append(run["latency_usec"]["p50"])
    return latencies


def measure(running, options):
    runs = []
    for peer in running:
        progress(f"warming up {peer.name}")
        cgroup_cpu.at_rest(peer.meter, peer.root())
        put_under_load(peer, WARM_UP_CONCURRENCY, options.seconds)
    for number in range(options.rounds):
        first = number % len(running)
        for concurrency in options.concurrency:
            for peer in running[first:] + running[:first]:
                progress(f"round {number + 1} of {options.rounds}: {peer.name}, {concurrency}")
                run = put_under_load(peer, concurrency, options.seconds)
                runs.append({"peer": peer.name, "concurrency": concurrency, "round": number, **run})
    # The peers in their own order, whoever began.
    order = [peer.name for peer in running]
    runs.sort(key=lambda run: (run["concurrency"], order.index(run["peer"]), run["round"]))
    return runs


def progress(what):
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def bench(options, setting):
    running, missing = [], {}
    with contextlib.ExitStack() as stack:
        stack.callback(progress, "")
        for kind in options.peers:
            progress(f"starting {kind.name}")
            try:
                running.append(kind(setting))
            except servers.Missing as why:
                missing[kind.name] = str(why)
            else:
                stack.callback(running[-1].end)
        load_average = [os.getloadavg()[0]]
        talkers = {peer.name: talk_first(peer) for peer in running}
        firsts = {peer.name: come_first(peer) for peer in running}
        runs = measure(running, options)
        load_average.append(os.getloadavg()[0])
        progress("ending the servers")
    return {
        "machine": report.machine(), "load_average": load_average,
        "cpu_from": ", ".join(dict.fromkeys(peer.meter.how for peer in running)),
        "rounds": options.rounds, "seconds": options.seconds,
        "peers": [{"name": peer.name, "version": peer.version, "ours": peer.ours,
                   "about": " ".join(peer.about.split()), "patience": peer.patience,
                   "talkers": TALKERS, "talkers_greeted": talkers[peer.name],
                   "first_usec": firsts[peer.name]}
                  for peer in running],
        "missing": missing, "summary": report.summarize(runs), "runs": runs,
    }


def write(result, options):
    options.output.mkdir(parents=True, exist_ok=True)
    page = report.text(result)
    (options.output / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.output / "bench.txt").write_text(page)
    if options.save:
        options.save.write_text(page)
    print(page, end="", flush=True)
    if shutil.which("gnuplot"):
        report.plot(result["summary"], "rate", "greetings per second", options.output / "rate.svg")
        report.plot(result["summary"], "cpu_usec", "microseconds of CPU for one greeting",
                    options.output / "cpu.svg")
    else:
        print("no plots: gnuplot is not installed", file=sys.stderr)


def parse_options():
    quick = os.environ.get("QUICK", "") not in ("", "0")
    names = {kind.name: kind for kind in servers.ALL}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1 if quick else 3, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=0.3 if quick else 0.8,
                        help="of load, for each server, concurrency and round (%(default)s)")
    parser.add_argument("--concurrency", type=int, nargs="+",
                        default=[1, 32] if quick else [1, 8, 32, 128], help="(%(default)s)")
    parser.add_argument("--peers", nargs="+", choices=names, default=list(names), metavar="PEER",
                        help=", ".join(names))
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tests/bench/out"),
                        help="(%(default)s)")
    parser.add_argument("--save", type=pathlib.Path, nargs="?", metavar="FILE",
                        const=pathlib.Path(os.environ.get("srcdir", "."), "tests/bench/RESULTS"),
                        help="write the page there as well (default: %(const)s)")
    parser.add_argument("--strict", action="store_true", help="fail if a server is missing")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0 or min(options.concurrency) < 1:
        parser.error("nothing to measure")
    options.peers = [names[name] for name in options.peers]
    return options


def main():
    options = parse_options()
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="hellod-bench-") as work:
        result = bench(options, Setting(work))
    write(result, options)

    ours = [peer["name"] for peer in result["peers"] if peer["ours"]]
    lost = sum(record["lost"] for record in result["summary"] if record["peer"] in ours)
    if lost > 0:
        sys.exit(f"bench: hellod lost {lost} greetings")
    if options.strict and result["missing"]:
        sys.exit("bench: missing: " + ", ".join(result["missing"]))


main()
