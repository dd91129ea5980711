# SPDX-License-Identifier: MIT
"""What was measured, as a table and as plots."""
import os
import pathlib
import platform
import statistics
import subprocess
import textwrap
import time

FLOOR = "bare"
OURS = "hellod"

# Fewer greetings than this in a run, and the percentile would be one of a handful of clients.
FEWEST = {"p99": 200, "p99.9": 2000}


PEER_WIDTH = 20
PAGE_WIDTH = 100


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarize(runs):
    """One record for each peer at each concurrency: medians over the rounds.

    A ratio is the median of the ratios within each round: what disturbs a round disturbs both.
    """
    by_key = {}
    for run in runs:
        by_key.setdefault((run["concurrency"], run["peer"]), {})[run["round"]] = run
    records = []
    for (concurrency, peer), rounds in by_key.items():
        record = {"concurrency": concurrency, "peer": peer}
        for what in "rate", "cpu_usec":
            values = [run[what] for run in rounds.values() if run[what] is not None]
            record[what] = spread(values) if values else None
            for other in FLOOR, OURS:
                record[f"{what}_to_{other}"] = ratio(rounds, by_key.get((concurrency, other)), what)
        fewest = min(run["greetings"] for run in rounds.values())
        for what in "p50", "p99", "p99.9":
            record[what] = None
            if fewest >= FEWEST.get(what, 1):
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


HEAD = ["", "greetings/s", "(min-max)", "/bare", "/hellod", "CPU us", "(min-max)", "/bare",
        "/hellod", "p50 us", "p99", "p99.9", "RSS MiB", "lost"]


def table(records):
    """A block of lines for each concurrency, in columns that are the same for all."""
    blocks = {}
    for record in records:
        blocks.setdefault(record["concurrency"], [HEAD]).append([
            record["peer"], *median_and_range(record["rate"]),
            significant(record[f"rate_to_{FLOOR}"], 2),
            significant(record[f"rate_to_{OURS}"], 2),
            *median_and_range(record["cpu_usec"]),
            significant(record[f"cpu_usec_to_{FLOOR}"], 2),
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
Talk first: how many of the clients that send 20,000 bytes at once got the greeting and a clean end;
the others saw a reset. First client: the latency of one that comes when no process runs, and so
waits for its start; median and range of 20.
greetings/s: clients that were greeted, each checked byte by byte, from a closed loop of so many at
a time. CPU us: microseconds of CPU for one greeting, user and system, of all processes of the
server, with its share of the kernel's network. /bare, /hellod: the ratio to these, in the same
round. p50, p99, p99.9: latency in microseconds from connect to end of file; "-" where there were
too few. RSS: resident memory, the highest seen under load; pages that processes share count for
each. lost: clients that were not greeted, in all rounds. All else: medians of the rounds."""


def machine():
    """What the figures depend on."""
    model = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)),
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
            "date": time.strftime("%Y-%m-%d")}


def entry(name, said):
    return textwrap.wrap(said, PAGE_WIDTH, initial_indent=name.ljust(PEER_WIDTH),
                         subsequent_indent=PEER_WIDTH * " ", break_on_hyphens=False)


def first_client(usec):
    """What it waits for the start of a server that has ended."""
    if not usec:
        return ""
    return (f". First client: {significant(statistics.median(usec) / 1000)} ms "
            f"({significant(min(usec) / 1000)}-{significant(max(usec) / 1000)})")


def text(result):
    """The whole page."""
    host = result["machine"]
    slow = [f" ({peer['name']}: {peer['patience'] * result['seconds']:g} s)"
            for peer in result["peers"] if peer["patience"] > 1]
    lines = [f"{host['cores']} x {host['cpu']}, {host['kernel']}, {host['date']}",
             f"{result['rounds']} rounds of {result['seconds']:g} s{''.join(slow)}, "
             "the servers taking turns; load average "
             "{:.1f} before, {:.1f} after".format(*result["load_average"]),
             f"CPU time from: {result['cpu_from']}", ""]
    for peer in result["peers"]:
        about = " ".join(peer["about"].split())
        said = f"{peer['version']}: {about}" if peer["version"] else about
        lines += entry(peer["name"], f"{said}. Talk first: {peer['talkers_greeted']} "
                       f"of {peer['talkers']}{first_client(peer['first_usec'])}")
    for name, why in result["missing"].items():
        lines += entry(name, f"missing: {why}")
    return "\n".join([*lines, "", table(result["summary"]), "", LEGEND, ""])


def plot(records, what, title, path):
    """An SVG by gnuplot: a line for each peer, with the range of the rounds."""
    script = [f"set terminal svg size 800,500 background 'white'\nset output '{path.name}'",
              f"set title '{title}'\nset xlabel 'clients at a time'",
              "set logscale x 2\nset logscale y 10\nset grid\nset key outside right",
              "set format y '%.0f'\n"]
    concurrencies = sorted({record["concurrency"] for record in records})
    script.append(f"set xrange [{concurrencies[0] / 1.3}:{concurrencies[-1] * 1.3}]")
    script.append(f"set xtics ({', '.join(map(str, concurrencies))})")
    peers = list(dict.fromkeys(record["peer"] for record in records if record[what]))
    for index, peer in enumerate(peers):
        script.append(f"$peer{index} << END")
        for record in records:
            if record["peer"] == peer and record[what]:
                script.append("{} {median} {min} {max}".format(record["concurrency"],
                                                               **record[what]))
        script.append("END")
    script.append("plot " + ", ".join(
        f"$peer{index} using 1:2:3:4 with yerrorlines linewidth 2 title '{peer}' noenhanced"
        for index, peer in enumerate(peers)))
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True,
                   cwd=path.parent)
