# SPDX-License-Identifier: MIT
"""hello-client --count: many greetings, the summary of their times, and an early end."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import threading
import time

import pytest

from harness import (CLIENT, HELLO, PATIENCE, WAIT, Background, Lines, frame, like, listen, objects,
                     run, wait_until)
from messages import COUNTS, LOSS, cannot_write
from test_probe_outcome import FORMATS

PERCENTILES_MIN = 20  # minimum number of greetings for percentiles
SUMS = "min/avg/max/mdev"
RANKS = "p50/p90/p95/p99"


def check_times(times, sums, ranks, error):
    """Checks the summary of these times, up to a rounding error."""
    assert sums == pytest.approx([min(times), statistics.mean(times), max(times),
                                  statistics.pstdev(times)], abs=error)
    indexes = [-(-len(times) * percent // 100) - 1 for percent in (50, 90, 95, 99)]
    assert [rank for rank in ranks if rank is not None] == [
        sorted(times)[index] for index in indexes if len(times) >= PERCENTILES_MIN]


def check_text(out):
    lines = [r"from .* time=(\d+\.\d{3}) ms: HELLO", SUMS + " = (.*) ms", RANKS + " = (.*) ms"]
    found = ("/".join(re.findall(f"^{line}$", out, re.MULTILINE)) for line in lines)
    check_times(*([float(each) for each in text.split("/") if each] for text in found), 0.0011)


def check_json(out):
    *things, summary = objects(out)
    times = [thing["time"] for thing in things if thing["greeting"] is not None]
    assert (summary["tried"], summary["greeted"]) == (len(things), len(times))
    assert summary["loss"] == pytest.approx(1 - len(times) / len(things), abs=2e-6)
    assert [thing["sequence"] for thing in things] == list(range(1, len(things) + 1))
    check_times(times, *([summary[key] for key in names.split("/")] for names in (SUMS, RANKS)),
                2e-6)


@pytest.mark.parametrize("count", [1, PERCENTILES_MIN - 1, PERCENTILES_MIN, 25])
def test_times(server, count):
    fake = server([HELLO, WAIT])
    for output, check in (("text", check_text), ("json", check_json)):
        status, out, err = fake.client(f"-c{count}", "-i0", "-o", output)
        assert (status, err) == (0, "")
        check(out)


def test_text(server, tmp):
    for address in ("127.0.0.1", tmp + "/socket"):
        fake = server([HELLO, WAIT], address=address)
        where = address if "/" in address else f"{address} port {fake.target}"
        status, out, err = fake.client("-c3", "-i0")
        assert (status, err, out.count("\n")) == (0, "", 7)
        assert like("".join(f"from {where}: seq={n} time=*.* ms: HELLO\n" for n in (1, 2, 3))
                    + f"\n--- {where} ---\n{LOSS.format(3, 3, 0)}\n{SUMS} = *.*/*.*/*.*/*.* ms\n",
                    out)
    thing = objects(fake.client("-c1", "-ojson").out)[0]
    assert (thing["family"], thing["address"], thing["port"]) == ("unix", fake.target, None)


def test_quiet(server):
    fake = server([HELLO, WAIT])
    assert fake.client("-q") == (0, "", "")
    assert fake.client("-q", "-eother") == (2, "", "")
    assert fake.client("-q", "-ojson") == (0, "", "")
    status, out, err = fake.client("-q", "-c2", "-i0")
    assert (status, err) == (0, "")
    assert like(f"--- * port {fake.target} ---\n{LOSS.format(2, 2, 0)}\n{SUMS} = * ms\n", out)
    [thing] = objects(fake.client("-q", "-c2", "-i0", "-ojson").out)
    assert thing["type"] == "summary"


def test_histogram(server):
    """A line for each power of two: ranges are adjacent and contain all greetings, and the longest
    line has 80 columns."""
    fake = server(*19 * [[HELLO]], [0.5, HELLO])
    status, out, _ = fake.client("-q", "--histogram", "-c40", "-i0")
    lines = re.findall(r"^ +([\d.]+) - +([\d.]+) ms +(\d+) ?(#*)$", out, re.MULTILINE)
    assert status == 0 and len(lines) >= 4 and len(lines) == out.count(" - ")
    starts, ends, counts, bars = zip(*lines)
    assert starts[1:] == ends[:-1]
    assert sum(map(int, counts)) == 40
    assert [bool(bar) for bar in bars] == [count != "0" for count in counts]
    assert max(map(len, out.splitlines())) == 80
    # Without --count, and in the other format, it is ignored.
    for options in ([], ["-ojson", "-c1"]):
        status, out, _ = fake.client("--histogram", *options)
        assert (status, "#" in out) == (0, False)


@pytest.mark.slow(4)
@pytest.mark.parametrize("options, pause, least, limit", [
    ("-c6 -i0.2", 0, 0.99, 4.9), ("-c2", 0, 0.99, 30), ("-c1 -i60", 0, 0, 30),
    # Between the starts. Between an end and the next start, it would take 7 s.
    ("-c3 -i1.5", 1.3, 4.29, 6.9),
])
def test_interval(server, options, pause, least, limit):
    fake = server([pause, HELLO, WAIT])

    def is_in_time():
        """Whether it was, because a busy machine may be late."""
        since = time.monotonic()
        assert fake.client("-q", *options.split()).status == 0
        took = time.monotonic() - since
        assert took >= least
        return took < limit

    wait_until(is_in_time)


@FORMATS
@pytest.mark.parametrize("status, loss, turns, option", [
    (2, 25, [[HELLO], [HELLO], [b"\0\5"], [HELLO]], "-t60"),
    (2, 75, [[b"\0"], [HELLO], [b"\0\5"], [b"\0\5"]], "-t60"),
    (2, 0, [[HELLO], [frame("")], [HELLO], [HELLO]], "-eHELLO"),
    # A loss that binary fractions cannot express: 23 of 40.
    (2, 57.5, [*17 * [[HELLO]], *23 * [[]]], "-t60"),
], ids=["once", "first", "unexpected", "share"])
def test_worst_status_holds(server, output, status, loss, turns, option):
    fake, count = server(*turns), len(turns)
    got = fake.client("-o", output, f"-c{count}", "-i0", option)
    assert got.status == status
    if output == "text":
        assert like(f"*{LOSS.format('*', count, loss)}\n*", got.out)
        assert len(re.findall(r"seq=\d+.* (?:ms|closed)", got.out + got.err)) == count
    else:
        *things, summary = objects(got.out)
        assert summary["exit"] == max(thing["exit"] for thing in things) == status
        assert (summary["loss"], len(things)) == (loss / 100, count)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("status, output, turns, text", [
    (2, "text", [[HELLO], [b"\0\5"]], f"*\n{LOSS.format('*', '*', '*')}\n{SUMS} = * ms\n"),
    (2, "json", [[HELLO], [b"\0\5"]], '*"type":"summary",*"exit":2,*\n'),
    (0, "text", [[HELLO]], f"*\n{LOSS.format('*', '*', 0)}\n*"),
    # An interrupted probe does not count: the third one hangs.
    (0, "text", [[HELLO], [HELLO], [WAIT]], f"*\n{LOSS.format(2, 2, 0)}\n*"),
])
def test_signal(server, number, status, output, turns, text):
    fake = server(*turns)
    running = Background("-c0", "-i0.01", "-o", output, "127.0.0.1", fake.target)
    fake.seen.wait_for("accepted", 3)
    got = running.end(number)
    assert got.status == status
    assert like(text, got.out)
    if output == "json":
        check_json(got.out)


@pytest.mark.parametrize("options, summary", [
    ("", f"\n--- * port * ---\n{LOSS.format('N', 'N', 0)}\n{SUMS} = * ms\n"),
    ("-q", f"--- * port * ---\n{LOSS.format('N', 'N', 0)}\n{SUMS} = * ms\n"),
    ("-ojson -q", '{"type":"summary",*"exit":0,"tried":N,"greeted":N,*}\n'),
    ("-oopenmetrics", "# HELP *hello_probe_tried{*} 3\n*# EOF\n"),
])
def test_quit(server, tmp, options, summary):
    """SIGQUIT prints the summary while the third greeting is awaited, and the run goes on. Metrics
    are printed only once."""
    go_on = threading.Event()
    fake = server([HELLO], [HELLO], [lambda: go_on.wait(PATIENCE), HELLO], [WAIT])
    path = pathlib.Path(tmp, "out")
    with path.open("wb") as file:
        running = Background("-c0", "-i0", *options.split(), "127.0.0.1", fake.target, stdout=file)
    fake.seen.wait_for("accepted", 3)
    running.process.send_signal(signal.SIGQUIT)
    wait_until(lambda: "openmetrics" in options or "tried" in path.read_text())
    go_on.set()
    fake.seen.wait_for("accepted", 4)
    status, _, err = running.end(signal.SIGINT)
    out = path.read_text()
    assert (status, err) == (0, "")
    if "openmetrics" in options:
        assert like(summary, out) and out.count("# EOF") == 1
        return
    third = "from * seq=3 *" if not options else ""
    assert like("*" + summary.replace("N", "2") + third + summary.replace("N", "3"), out)
    if "json" in options:
        assert [thing["tried"] for thing in objects(out)] == [2, 3]


@pytest.mark.parametrize("output, summary", [
    ("json", '{"type":"summary",*"exit":3,"tried":0,"greeted":0,"loss":null,*'),
    ("text", COUNTS.format(0, 0)),
])
def test_quit_before_the_first_greeting(server, closing, tmp, output, summary):
    """On a connection, and while a UNIX socket has a full queue. The loss is not known."""
    full = closing(listen(tmp + "/full", backlog=0))
    closing(socket.socket(socket.AF_UNIX)).connect(full.getsockname())
    fake = server([WAIT])
    for where in (["127.0.0.1", fake.target], [full.getsockname()]):
        running = Background("-c0", "-o", output, *where)
        said = Lines(running.process.stdout)
        if len(where) > 1:
            fake.seen.wait_for("accepted")
        else:
            wait_until(lambda: caught(running.process.pid, signal.SIGQUIT))
        running.process.send_signal(signal.SIGQUIT)
        said.wait_for(summary)
        assert running.process.poll() is None
        running.process.terminate()
        assert running.process.wait(PATIENCE) == 3
        said.wait_for(summary, 2)


def caught(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        [mask] = (line.split()[1] for line in status if line.startswith("SigCgt:"))
    return int(mask, 16) >> (number - 1) & 1


@pytest.mark.parametrize("options", ["", "-ojson"])
def test_quit_ends_what_has_no_summary(server, options):
    fake = server([WAIT])
    running = Background(*options.split(), "127.0.0.1", fake.target,
                         command=["env", "--default-signal=QUIT", "sh", "-c",
                                  'ulimit -c 0; exec "$@"', "sh", CLIENT])
    fake.seen.wait_for("accepted")
    assert running.end(signal.SIGQUIT) == (-signal.SIGQUIT, "", "")


def test_signal_without_count(server):
    fake = server([WAIT])
    running = Background("127.0.0.1", fake.target)
    fake.seen.wait_for("accepted")
    assert running.end(signal.SIGTERM) == (-signal.SIGTERM, "", "")


@pytest.mark.parametrize("options", [[], ["-v"], ["-ojson"], ["-ojson", "-v"]])
def test_reader_goes_away(server, options):
    """An endless client exits when nothing reads its output."""
    running = Background("-c0", "-i0.01", *options, "127.0.0.1", server([HELLO]).target)
    with running.process.stdout as out:
        assert out.readline()
    running.process.stdout = None
    status, _, err = running.end()
    assert (status, err.endswith(": " + cannot_write("Broken pipe"))) == (3, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("output", ["text", "json", "openmetrics"])
def test_signal_while_the_output_blocks(server, closing, number, output):
    """A signal ends a write to a pipe that nobody reads."""
    _, writer = (closing(open(fd, mode)) for fd, mode in zip(os.pipe(), ("rb", "wb")))
    os.set_blocking(writer.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer.fileno(), bytes(4096))
    os.set_blocking(writer.fileno(), True)
    fake = server([HELLO])
    running = Background("-c1", "-o", output, "127.0.0.1", fake.target, stdout=writer)
    fake.seen.wait_for("accepted")

    def has_ended():
        """After a signal, or after two if the first one comes before the write."""
        running.process.send_signal(number)
        return running.process.poll() is not None

    wait_until(has_ended)
    status, _, err = running.end()
    assert (status, err) == (3, "hello-client: standard output: Interrupted system call\n")


@pytest.mark.slow(2)
def test_no_leak(server):
    """A limit of 16 descriptors, of which a few are in use, would expose a leak."""
    fake = server([HELLO])
    running = Background("-c3000", "-i0", "-q", "127.0.0.1", fake.target, files=16)
    fake.seen.wait_for("accepted", 2000)
    assert len(os.listdir(f"/proc/{running.process.pid}/task")) < 10
    status, out, _ = running.end()
    assert (status, LOSS.format(3000, 3000, 0) in out) == (0, True)


@pytest.mark.slow(3)
def test_valgrind(server):
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    with open(CLIENT, "rb") as program:
        if re.search(rb"__[atu][bs]*san_", program.read()):
            pytest.skip("a sanitizer is built in")
    status, out, err = run("valgrind", "-q", "--leak-check=full", "--error-exitcode=99", CLIENT,
                           "-c500", "-i0", "-q", "127.0.0.1", server([HELLO]).target, patience=600)
    assert (status, err, LOSS.format(500, 500, 0) in out) == (0, "", True)
