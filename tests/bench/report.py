# SPDX-License-Identifier: MIT
"""The results as tables and plots."""
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

# Minimum number of greetings in a run for a percentile.
GREETINGS_MIN = {"p99": 200, "p99.9": 2000}

NAME_WIDTH = 20
PAGE_WIDTH = 100


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarize(runs):
    """Returns a record for each server at each concurrency: medians of the rounds.

    A ratio is the median of the ratios in each round, because a disturbance affects both servers.
    """
    by_key = {}
    for run in runs:
        by_key.setdefault((run["concurrency"], run["server"]), {})[run["round"]] = run
    records = []
    for (concurrency, server), rounds in by_key.items():
        record = {"concurrency": concurrency, "server": server}
        for what in "rate", "cpu_usec":
            values = [run[what] for run in rounds.values() if run[what] is not None]
            record[what] = spread(values) if values else None
            for other in BASELINE, OURS:
                record[f"{what}_to_{other}"] = ratio(rounds, by_key.get((concurrency, other)), what)
        fewest = min(run["greetings"] for run in rounds.values())
        for what in "p50", "p99", "p99.9":
            record[what] = None
            if fewest >= GREETINGS_MIN.get(what, 1):
                record[what] = statistics.median(run["latency_usec"][what]
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


HEAD = ["", "greetings/s", "(min-max)", "/base", "/hellod", "CPU us", "(min-max)", "/base",
        "/hellod", "p50 us", "p99", "p99.9", "RSS MiB", "lost"]


def table(records):
    """Returns a table for each concurrency, with the same column widths."""
    blocks = {}
    for record in records:
        blocks.setdefault(record["concurrency"], [HEAD]).append([
            record["server"], *median_and_range(record["rate"]),
            significant(record[f"rate_to_{BASELINE}"], 2),
            significant(record[f"rate_to_{OURS}"], 2),
            *median_and_range(record["cpu_usec"]),
            significant(record[f"cpu_usec_to_{BASELINE}"], 2),
            significant(record[f"cpu_usec_to_{OURS}"], 2),
            number(record["p50"]), number(record["p99"]), number(record["p99.9"]),
            number(record["rss_kib"] / 1024, 1), str(record["lost"])])
    widths = [max(len(row[column]) for rows in blocks.values() for row in rows)
              for column in range(len(HEAD))]
    lines = []
    for concurrency, rows in sorted(blocks.items()):
        lines += ["", f"{concurrency} at a time"]
        for first, *others in rows:
            cells = [cell.rjust(width) for cell, width in zip(others, widths[1:])]
            lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines[1:])


LEGEND = """\
Talk first: number of clients, of those that send 20,000 bytes first, that got the greeting and a
clean end; the others got a reset. First client: latency when no process runs, so that the client
waits for the start of the service; median and range of 20.
greetings/s: greeted clients, whose bytes were all checked, with a constant number of clients at a
time. CPU us: microseconds of CPU for a greeting, user and system, of all processes of the server,
including its share of the kernel's network. /base, /hellod: ratio to baseline and hellod in the
same round. p50, p99, p99.9: latency in microseconds from connect to end of file; "-" if there were
too few clients. RSS: highest resident memory under load; pages that processes share count for each
process. lost: clients that were not greeted, in all rounds. All other values are medians of the
rounds."""


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
    return "\n".join([*lines, "", table(result["summary"]), "", LEGEND, ""])


def comparison(result):
    """Returns the page for two builds: the ratio of their CPU times, by server and concurrency."""
    runs = {}
    for run in result["runs"]:
        runs.setdefault((run["server"], run["concurrency"]), []).append(run["cpu_usec"])
    host = result["machine"]
    lines = [f"{host['cores']} x {host['cpu']}, {host['kernel']}, {host['date']}",
             f"{result['rounds']} rounds of {result['seconds']:g} s, alternating; load average "
             "{:.1f} before, {:.1f} after".format(*result["load_average"]),
             f"CPU time from: {result['cpu_from']}", "",
             f"{'':15} {'clients':>7} {'CPU us':>7} {'other':>7} {'ratio':>6}  (quartiles)"]
    for (name, concurrency), usec in runs.items():
        other = runs.get((name + servers.OTHER, concurrency))
        if other is None or None in usec + other:
            continue
        ratios = [ours / theirs for ours, theirs in zip(usec, other)]
        low, middle, high = (statistics.quantiles(ratios, n=4, method="inclusive")
                             if len(ratios) > 1 else ratios * 3)
        lines.append(f"{name:15} {concurrency:7} {statistics.median(usec):7.4g} "
                     f"{statistics.median(other):7.4g} {middle:6.3f}  ({low:.3f}-{high:.3f})")
    for name, reason in result["missing"].items():
        lines += entry(name, f"missing: {reason}")
    lines += ["", *textwrap.wrap(
        "CPU us: microseconds of CPU for a greeting, of this build and of the other one. ratio: "
        "median of the ratios in each round; below 1, this build takes less.", PAGE_WIDTH), ""]
    return "\n".join(lines)


def plot(records, what, title, path):
    """Draws an SVG with gnuplot: a line for each server, with the range of the rounds."""
    script = [f"set terminal svg size 800,500 background 'white'\nset output '{path.name}'",
              f"set title '{title}'\nset xlabel 'clients at a time'",
              "set logscale x 2\nset logscale y 10\nset grid\nset key outside right",
              "set format y '%.0f'\n"]
    concurrencies = sorted({record["concurrency"] for record in records})
    script.append(f"set xrange [{concurrencies[0] / 1.3}:{concurrencies[-1] * 1.3}]")
    script.append(f"set xtics ({', '.join(map(str, concurrencies))})")
    names = list(dict.fromkeys(record["server"] for record in records if record[what]))
    for index, name in enumerate(names):
        script.append(f"$data{index} << END")
        for record in records:
            if record["server"] == name and record[what]:
                script.append("{} {median} {min} {max}".format(record["concurrency"],
                                                               **record[what]))
        script.append("END")
    script.append("plot " + ", ".join(
        f"$data{index} using 1:2:3:4 with yerrorlines linewidth 2 title '{name}' noenhanced"
        for index, name in enumerate(names)))
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True,
                   cwd=path.parent)
