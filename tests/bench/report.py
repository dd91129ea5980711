# SPDX-License-Identifier: MIT
"""The results as tables and plots."""
import collections
import os
import pathlib
import platform
import statistics
import subprocess
import textwrap
import time

import servers

BASELINE = "baseline"
OURS = "hellod"

# Options of load, which say when a client starts: when another one ends, or when it is due.
KINDS = {"concurrency": "at a time", "rate": "clients a second"}

# Minimum number of greetings in a run for a percentile.
GREETINGS_MIN = {"p99": 200, "p99.9": 2000}

NAME_WIDTH = 20
PAGE_WIDTH = 100


class Load(collections.namedtuple("Load", "kind clients")):
    """What load does in a run: a number of clients at a time, or a second."""

    def title(self):
        return f"{self.clients:,} {KINDS[self.kind]}"


def load_of(record):
    return Load(record["kind"], record["clients"])


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarize(runs):
    """Returns a record for each server under each load: medians of the rounds.

    A ratio is the median of the ratios in each round, because a disturbance affects both servers.
    """
    by_key = {}
    for run in runs:
        by_key.setdefault((load_of(run), run["server"]), {})[run["round"]] = run
    records = []
    for (load, server), rounds in by_key.items():
        record = {**load._asdict(), "server": server}
        for what in "rate", "cpu_usec", "p50_usec":
            values = [run[what] for run in rounds.values() if run[what] is not None]
            record[what] = spread(values) if values else None
            for other in BASELINE, OURS:
                record[f"{what}_to_{other}"] = ratio(rounds, by_key.get((load, other)), what)
        fewest = min(run["greetings"] for run in rounds.values())
        for what in "p99", "p99.9":
            record[what] = None
            if fewest >= GREETINGS_MIN[what]:
                record[what] = statistics.median(run["latency_usec"][what]
                                                 for run in rounds.values())
        if load.kind == "rate":
            record["late_usec"] = statistics.median(run["late_usec"]["p50"]
                                                    for run in rounds.values())
        record["rss_kib"] = statistics.median(run["rss_kib"] for run in rounds.values())
        record["lost"] = sum(run["lost"] for run in rounds.values())
        records.append(record)
    return records


def ratio(rounds, others, what):
    ratios = [rounds[number][what] / others[number][what]
              for number in rounds if others and number in others
              and rounds[number][what] is not None and others[number][what]]
    return statistics.median(ratios) if ratios else None


def number(value, digits=0):
    return "-" if value is None else f"{value:.{digits}f}"


def significant(value, digits=3):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.{digits}g}"


def median_and_range(values):
    if values is None:
        return "-", ""
    return significant(values["median"]), "{}-{}".format(significant(values["min"]),
                                                         significant(values["max"]))


def compared(record, what):
    """Returns the cells of a value with its range and its ratios."""
    return [*median_and_range(record[what]), significant(record[f"{what}_to_{BASELINE}"], 2),
            significant(record[f"{what}_to_{OURS}"], 2)]


def median_of(record, what):
    return number(record[what]["median"]) if record[what] else "-"


def row_at_a_time(record):
    return [record["server"], *compared(record, "rate"), *compared(record, "cpu_usec"),
            median_of(record, "p50_usec"), number(record["p99"]), number(record["p99.9"]),
            number(record["rss_kib"] / 1024, 1), str(record["lost"])]


def row_at_a_rate(record):
    return [record["server"], *compared(record, "p50_usec"), *compared(record, "cpu_usec"),
            number(record["p99"]), number(record["p99.9"]), number(record["late_usec"]),
            median_of(record, "rate"), str(record["lost"])]


RATIOS = ["(min-max)", "/base", "/hellod"]
TABLES = {
    "concurrency": (["", "greetings/s", *RATIOS, "CPU us", *RATIOS, "p50 us", "p99", "p99.9",
                     "RSS MiB", "lost"], row_at_a_time),
    "rate": (["", "p50 us", *RATIOS, "CPU us", *RATIOS, "p99", "p99.9", "late", "greetings/s",
              "lost"], row_at_a_rate),
}


def tables(records):
    """Returns a table for each load; those of a kind have the same column widths."""
    lines = []
    for kind, (head, row) in TABLES.items():
        blocks = {}
        for record in records:
            if record["kind"] == kind:
                blocks.setdefault(load_of(record).title(), [head]).append(row(record))
        widths = [max((len(cells[column]) for cells in sum(blocks.values(), [])), default=0)
                  for column in range(len(head))]
        for title, rows in blocks.items():
            lines += ["", title]
            for first, *others in rows:
                cells = [cell.rjust(width) for cell, width in zip(others, widths[1:])]
                lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines[1:])


LEGEND = """\
Talk first: number of clients, of those that send 20,000 bytes first, that got the greeting and a
clean end; the others got a reset. First client: latency when no process runs, so that the client
waits for the start of the service; median and range of 20.
At a time: a constant number of clients; when one ends, the next one starts. Clients a second: they
start at exponential gaps, the same for all servers, whatever the responses, but no more than 1,000
at a time. Servers that start a process for each client are left out there, because they take
hardly more than 1,000 clients a second, if that many.
greetings/s: greeted clients, whose bytes were all checked. CPU us: microseconds of CPU for a
greeting, user and system, of all processes of the server, including its share of the kernel's
network. /base, /hellod: ratio to baseline and hellod in the same round. p50, p99, p99.9: latency in
microseconds until end of file; "-" if there were too few clients. It begins at connect; with
clients a second, it begins when the client is due, so that it includes the wait of a client that is
started late. late: how late the load program starts clients, in microseconds, p50; part of the
latency. RSS: highest resident memory under load; pages that processes share count for each process.
lost: clients that were not greeted, in all rounds. All other values are medians of the rounds."""


def machine():
    """Returns what the figures depend on."""
    model = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)),
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
            "date": time.strftime("%Y-%m-%d")}


def entry(name, description):
    return textwrap.wrap(description, PAGE_WIDTH, initial_indent=name.ljust(NAME_WIDTH),
                         subsequent_indent=NAME_WIDTH * " ", break_on_hyphens=False)


def first_client(usec):
    """Returns the latency of clients that start the service."""
    if not usec:
        return ""
    return (f". First client: {significant(statistics.median(usec) / 1000)} ms "
            f"({significant(min(usec) / 1000)}-{significant(max(usec) / 1000)})")


def text(result):
    """Returns the page with all servers."""
    host = result["machine"]
    slow = [f" ({server['name']}: {server['seconds_factor'] * result['seconds']:g} s)"
            for server in result["servers"] if server["seconds_factor"] > 1]
    lines = [f"{host['cores']} x {host['cpu']}, {host['kernel']}, {host['date']}",
             f"{result['rounds']} rounds of {result['seconds']:g} s{''.join(slow)}, "
             "alternating; load average "
             "{:.1f} before, {:.1f} after".format(*result["load_average"]),
             f"CPU time from: {result['cpu_from']}", ""]
    for server in result["servers"]:
        about = " ".join(server["about"].split())
        description = f"{server['version']}: {about}" if server["version"] else about
        lines += entry(server["name"], f"{description}. Talk first: {server['talkers_greeted']} "
                       f"of {server['talkers']}{first_client(server['first_usec'])}")
    for name, reason in result["missing"].items():
        lines += entry(name, f"missing: {reason}")
    return "\n".join([*lines, "", tables(result["summary"]), "", LEGEND, ""])


def pairs(ours, others, what):
    """Returns the cells that compare two builds: their medians, and the ratio in each round."""
    values = [(our[what], other[what]) for our, other in zip(ours, others)
              if our[what] is not None and other[what]]
    if not values:
        return f"{'-':>7} {'-':>7} {'-':>6}  {'':13}"
    ratios = [our / other for our, other in values]
    low, middle, high = (statistics.quantiles(ratios, n=4, method="inclusive")
                         if len(ratios) > 1 else ratios * 3)
    our, other = map(statistics.median, zip(*values))
    return (f"{significant(our, 4):>7} {significant(other, 4):>7} {middle:6.3f}  "
            f"({low:.3f}-{high:.3f})")


def comparison(result):
    """Returns the page for two builds: the ratios of their CPU times and latencies."""
    runs = {}
    for run in result["runs"]:
        runs.setdefault((run["server"], load_of(run)), []).append(run)
    host = result["machine"]
    lines = [f"{host['cores']} x {host['cpu']}, {host['kernel']}, {host['date']}",
             f"{result['rounds']} rounds of {result['seconds']:g} s, alternating; load average "
             "{:.1f} before, {:.1f} after".format(*result["load_average"]),
             f"CPU time from: {result['cpu_from']}", "",
             " " * 38 + "".join(f"  {what:>7} {'other':>7} {'ratio':>6}  {'(quartiles)':13}"
                                for what in ("CPU us", "p50 us")).rstrip()]
    for (name, load), ours in runs.items():
        others = runs.get((name + servers.OTHER, load))
        if others:
            lines.append(f"{name:15} {load.title():>22}  {pairs(ours, others, 'cpu_usec')}  "
                         f"{pairs(ours, others, 'p50_usec')}".rstrip())
    for name, reason in result["missing"].items():
        lines += entry(name, f"missing: {reason}")
    lines += ["", *textwrap.wrap(
        "CPU us: microseconds of CPU for a greeting, of this build and of the other one. p50 us: "
        "median latency in microseconds, from connect to end of file; with clients a second, from "
        "when the client is due. ratio: median of the ratios in each round; below 1, this build "
        "takes less.", PAGE_WIDTH), ""]
    return "\n".join(lines)


def plot(records, what, title, path):
    """Draws an SVG with gnuplot: a line for each server, with the range of the rounds. The records
    are those of clients at a time."""
    script = [f"set terminal svg size 800,500 background 'white'\nset output '{path.name}'",
              f"set title '{title}'\nset xlabel 'clients at a time'",
              "set logscale x 2\nset logscale y 10\nset grid\nset key outside right",
              "set format y '%.0f'\n"]
    concurrencies = sorted({record["clients"] for record in records})
    script.append(f"set xrange [{concurrencies[0] / 1.3}:{concurrencies[-1] * 1.3}]")
    script.append(f"set xtics ({', '.join(map(str, concurrencies))})")
    names = list(dict.fromkeys(record["server"] for record in records if record[what]))
    for index, name in enumerate(names):
        script.append(f"$data{index} << END")
        for record in records:
            if record["server"] == name and record[what]:
                script.append("{} {median} {min} {max}".format(record["clients"],
                                                               **record[what]))
        script.append("END")
    script.append("plot " + ", ".join(
        f"$data{index} using 1:2:3:4 with yerrorlines linewidth 2 title '{name}' noenhanced"
        for index, name in enumerate(names)))
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True,
                   cwd=path.parent)
