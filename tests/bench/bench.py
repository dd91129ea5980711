# SPDX-License-Identifier: MIT
"""Compares hellod with other greeting servers: greetings per second, CPU time, latency, memory.

Run it with "make bench", in the top build directory. All servers run at the same time and take
turns under load: in each round, each server gets its share at each concurrency, where a client
starts when another one ends, and at each rate, where clients start at exponential gaps whatever the
responses. Servers that start a process for each client take part in the first only. The tables go
to standard output; bench.json, bench.txt, rate.svg and cpu.svg to the output directory. A server
that is not available is left out and listed as missing. With QUICK=1 in the environment there is
one short round.

With --against=HELLOD, two builds of hellod are compared: this one and HELLOD, in both modes. In
each round both get the same load, and the order alternates. The ratio of their CPU times, and that
of their median latencies, is the median of the ratios in each round.

Exit status: 0, or 1 if hellod lost a greeting.
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
import report
import servers

RSS_STEP_SEC = 0.1
WARM_UP = report.Load("concurrency", 8)
TALKERS = 100
TALKERS_AT_A_TIME = 50
TALK_BYTES = 20000
FIRST_CLIENTS = 20


class Setting:
    """The directories and the load program."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.top = pathlib.Path.cwd()
        self.source = pathlib.Path(os.environ.get("srcdir", ".")).resolve()
        self.load = self.top / "tests/bench/load"


def read_load(status, out):
    """Returns the result of load. Lost greetings are part of the result."""
    if status not in (0, 1):
        sys.exit(f"bench: load ended with status {status}")
    return json.loads(out)


def put_under_load(server, load, seconds):
    """Returns the result of load, with the CPU time and memory of the server."""
    before = server.cpu_usec()  # at rest since the last run
    seconds *= server.seconds_factor
    command = server.load("--json", f"--{load.kind}={load.clients}", f"--seconds={seconds:.3f}")
    rss_kib = 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            while True:
                try:
                    out = process.communicate(timeout=RSS_STEP_SEC)[0]
                    break
                except subprocess.TimeoutExpired:
                    rss_kib = max(rss_kib, cgroup_cpu.rss_kib(server.root()))
        except BaseException:
            process.kill()
            raise
    run = read_load(process.returncode, out)
    cpu = cgroup_cpu.at_rest(server.cpu_usec) - before
    run["rss_kib"] = max(rss_kib, cgroup_cpu.rss_kib(server.root()))
    run["cpu_usec"] = cpu / run["greetings"] if run["greetings"] > 0 else None
    run["p50_usec"] = run["latency_usec"]["p50"] if run["greetings"] > 0 else None
    return run


def talk_first(server):
    """Returns how many clients that talk first get the whole frame and a clean end."""
    command = server.load("--json", f"--concurrency={TALKERS_AT_A_TIME}",
                          f"--count={TALKERS}", f"--talk={TALK_BYTES}")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    return read_load(done.returncode, done.stdout)["greetings"]


def time_first_clients(server):
    """Returns latencies in microseconds of clients that wait for the start of the service."""
    latencies = []
    while len(latencies) < FIRST_CLIENTS and server.stop_serving():
        command = server.load("--json", "--count=1", "--concurrency=1")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              check=False)
        run = read_load(done.returncode, done.stdout)
        if run["lost"] > 0:
            sys.exit(f"bench: {server.name} lost a first client")
        latencies.append(run["latency_usec"]["p50"])
    return latencies


def order_of_round(running, number, options):
    """Returns the servers in the order of a round, so that none is always the first."""
    if options.against:
        return running[::-1] if number % 2 else running
    first = number % len(running)
    return running[first:] + running[:first]


def measure(running, options):
    runs = []
    for server in running:
        progress(f"warming up {server.name}")
        cgroup_cpu.at_rest(server.cpu_usec)
        put_under_load(server, WARM_UP, options.seconds)
    loads = [report.Load(kind, clients) for kind in report.KINDS
             for clients in sorted(getattr(options, kind))]
    for number in range(options.rounds):
        for load in loads:
            for server in order_of_round(running, number, options):
                if load.kind == "rate" and not server.takes_rates:
                    continue
                progress(f"round {number + 1} of {options.rounds}: {server.name}, {load.title()}")
                run = put_under_load(server, load, options.seconds)
                runs.append({"server": server.name, **load._asdict(), "round": number, **run})
    order = [server.name for server in running]
    runs.sort(key=lambda run: (loads.index(report.load_of(run)), order.index(run["server"]),
                               run["round"]))
    return runs


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def bench(options, setting):
    running, missing = [], {}
    with contextlib.ExitStack() as stack:
        stack.callback(progress, "")
        for kind in options.servers:
            progress(f"starting {kind.name}")
            try:
                running.append(kind(setting))
            except servers.Missing as reason:
                missing[kind.name] = str(reason)
            else:
                stack.callback(running[-1].end)
        load_average = [os.getloadavg()[0]]
        talkers = {server.name: talk_first(server) for server in running}
        firsts = {server.name: time_first_clients(server) for server in running}
        runs = measure(running, options)
        load_average.append(os.getloadavg()[0])
        progress("ending the servers")
    return {
        "machine": report.machine(), "load_average": load_average,
        "cpu_from": ", ".join(dict.fromkeys(server.meter.how for server in running)),
        "rounds": options.rounds, "seconds": options.seconds,
        "servers": [{"name": server.name, "version": server.version,
                     "is_hellod": server.is_hellod, "about": " ".join(server.about.split()),
                     "seconds_factor": server.seconds_factor,
                     "talkers": TALKERS, "talkers_greeted": talkers[server.name],
                     "first_usec": firsts[server.name]}
                    for server in running],
        "missing": missing, "summary": report.summarize(runs), "runs": runs,
    }


def write(result, options):
    options.output.mkdir(parents=True, exist_ok=True)
    page = report.comparison(result) if options.against else report.text(result)
    (options.output / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.output / "bench.txt").write_text(page)
    if options.save:
        options.save.write_text(page)
    print(page, end="", flush=True)
    if options.against or not options.concurrency:
        return
    records = [record for record in result["summary"] if record["kind"] == "concurrency"]
    if shutil.which("gnuplot"):
        report.plot(records, "rate", "greetings per second", options.output / "rate.svg")
        report.plot(records, "cpu_usec", "microseconds of CPU for a greeting",
                    options.output / "cpu.svg")
    else:
        print("no plots: gnuplot is not installed", file=sys.stderr)


def parse_options():
    quick = os.environ.get("QUICK", "") not in ("", "0")
    names = {kind.name: kind for kind in servers.ALL}
    builds = [kind.name for kind in servers.ALL if issubclass(kind, servers.Hellod)]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="(3; 15 with --against)")
    parser.add_argument("--seconds", type=float,
                        help="of load for each server, concurrency or rate, and round "
                        "(0.8; 0.3 with --against)")
    parser.add_argument("--concurrency", type=int, nargs="*", metavar="N",
                        help="clients at a time (1 8 32 128; 1 32 with --against)")
    parser.add_argument("--rate", type=int, nargs="*", metavar="N",
                        help="clients a second (1000 5000 10000 16000; 1000 5000 with --against)")
    parser.add_argument("--servers", nargs="+", choices=names, metavar="SERVER",
                        help=f"{', '.join(names)} (all; with --against {', '.join(builds)})")
    parser.add_argument("--against", type=pathlib.Path, metavar="HELLOD",
                        help="compare this build with another hellod")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tests/bench/out"),
                        help="(%(default)s)")
    parser.add_argument("--save", type=pathlib.Path, nargs="?", metavar="FILE",
                        const=pathlib.Path(os.environ.get("srcdir", "."), "tests/bench/RESULTS"),
                        help="write the table there as well (default: %(const)s)")
    parser.add_argument("--strict", action="store_true", help="fail if a server is missing")
    options = parser.parse_args()
    short = quick or options.against
    options.rounds = options.rounds or (1 if quick else 15 if short else 3)
    options.seconds = options.seconds or (0.3 if short else 0.8)
    if options.concurrency is None:
        options.concurrency = [1, 32] if short else [1, 8, 32, 128]
    if options.rate is None:
        options.rate = [1000] if quick else [1000, 5000] if short else [1000, 5000, 10000, 16000]
    clients = options.concurrency + options.rate
    if options.rounds < 1 or options.seconds <= 0 or not clients or min(clients) < 1:
        parser.error("nothing to measure")
    options.servers = [names[name] for name in
                       options.servers or (builds if options.against else names)]
    if options.against:
        if not os.access(options.against, os.X_OK):
            parser.error(f"{options.against} is not a program")
        other = options.against.resolve()
        if not all(issubclass(kind, servers.Hellod) for kind in options.servers):
            parser.error("--against compares " + ", ".join(builds))
        options.servers = [build for kind in options.servers
                           for build in (kind, servers.other_build(kind, other))]
    return options


def main():
    options = parse_options()
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="hellod-bench-") as work:
        result = bench(options, Setting(work))
    write(result, options)

    ours = [server["name"] for server in result["servers"] if server["is_hellod"]]
    lost = sum(record["lost"] for record in result["summary"] if record["server"] in ours)
    if lost > 0:
        sys.exit(f"bench: hellod lost {lost} greetings")
    if (options.strict or options.against) and result["missing"]:
        sys.exit("bench: missing: " + ", ".join(result["missing"]))


main()
