# SPDX-License-Identifier: MIT
"""hello-client -o openmetrics: valid for Prometheus, and with the measured values."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from harness import (CLIENT, HELLO, WAIT, Background, client, frame, like, refusing_port, run,
                     wait_until)
from messages import cannot_write
from test_client_output import STRANGE, STRANGE_TEXT
from test_probe_outcome import STATUSES, each_situation

WORDS = {"greeted", "unexpected", "refused", "unreachable", "timed-out",
         "reset", "closed", "malformed", "unknown-host", "system-error"}
COMMON = {"success", "timestamp_seconds", "results"}
PROBE = COMMON | {"duration_seconds", "phase_duration_seconds", "greeting_bytes"}
RUN = COMMON | {"tried", "greeted", "greeting_duration_seconds"}
PHASES = ["resolve", "connect", "first_byte", "frame"]
BUCKETS = [m * 10 ** e for e in range(-4, 1) for m in (1, 2.5, 5)] + [10, float("inf")]


def promtool(text):
    """What "promtool check metrics" has to say: nothing about good metrics."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode()


class Metrics:
    """The output of a client, as three parsers understand it: promtool's, which is that of
    node_exporter, and those of the Python client for either format."""

    def __init__(self, out, endpoint):
        assert promtool(out) == (0, "")
        parser = pytest.importorskip("prometheus_client.parser", reason="the Python client of "
                                     "Prometheus is not installed")
        openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser")
        families = list(openmetrics.text_string_to_metric_families(out))
        assert families == list(parser.text_string_to_metric_families(out))
        self.types = {}
        self.samples = []
        for family in families:
            assert family.documentation and family.samples, family.name
            self.types[family.name.replace("hello_probe_", "", 1)] = family.type
            for sample in family.samples:
                assert sample.labels.pop("endpoint") == endpoint
                assert sample.timestamp is None
                self.samples.append((sample.name.replace("hello_probe_", "", 1), sample.labels,
                                     sample.value))

    def __getitem__(self, name):
        """The value of a metric, or of each value of its label."""
        found = [(labels, value) for key, labels, value in self.samples if key == name]
        if not found[0][0]:
            [(_, value)] = found
            return value
        return {label: value for labels, value in found for label in labels.values()}

    def results(self):
        """How many probes had each result, without zeros."""
        assert set(self["results"]) == WORDS
        return {word: number for word, number in self["results"].items() if number}


def probe(server, *options, **how):
    """The result of hello-client with a server, and its metrics."""
    got = server.client("-oopenmetrics", *options, **how)
    where = server.target if "/" in server.target else "127.0.0.1:" + server.target
    return got, Metrics(got.out, where)


@each_situation
def test_situation(server, options, steps, word, message):
    since = time.time()
    got, metrics = probe(server(steps), *options.split())
    assert got.status == STATUSES.get(word, 2)
    assert got.err.count("\n") == bool(message)
    assert metrics.results() == {word: 1}
    assert metrics["success"] == (got.status == 0)
    # The clock of time(2) is a tick late.
    assert since - 2 < metrics["timestamp_seconds"] <= time.time()

    phases = list(metrics["phase_duration_seconds"])
    assert phases == PHASES[:len(phases)]
    assert sum(metrics["phase_duration_seconds"].values()) <= metrics["duration_seconds"] + 1e-6
    greeted = word in ("greeted", "unexpected")
    wanted = PROBE if greeted else PROBE - {"greeting_bytes"}
    if greeted and "-e" in options:
        wanted = wanted | {"expected"}
        assert metrics["expected"] == (word != "unexpected")
    assert metrics.types == dict.fromkeys(wanted, "gauge")
    if greeted:
        assert phases == PHASES and metrics["greeting_bytes"] == 5
        assert sum(metrics["phase_duration_seconds"].values()) == pytest.approx(
            metrics["duration_seconds"], abs=1e-5)
    if word == "timed-out":
        assert float(options.split()[1]) <= metrics["duration_seconds"] < 40


@pytest.mark.parametrize("where, word", [
    ("127.0.0.1:{}", "refused"), ("localhost:{}", "refused"),
    # A name whose first part is too long is not asked for in the network.
    (64 * "0" + ".invalid:{}", "unknown-host"),
    (64 * "0" + "{}\\\"}}{{,=#.invalid:1", "unknown-host"), (b"\xed\xa0\x80\\:1", "unknown-host"),
    ("/nowhere", "unreachable"), ("unix:no-file", "unreachable"), ("@no\"name\\", "refused"),
    ("/none/\u00fc\u2028", "unreachable"), (b"/none/\xff\xc3", "unreachable"),
    ("/none/\"a\\n\\\n# TYPE\r\t\b}}{{,=#", "unreachable"),
], ids=ascii)
@pytest.mark.parametrize("count", [[], ["-c2", "-i0"]])
def test_no_server(where, word, count):
    """The label has the endpoint unchanged, except bytes that are not UTF-8."""
    if isinstance(where, str):
        where = text = where.format(refusing_port())
    else:
        text = re.sub("[\udc80-\udcff]", "\ufffd", where.decode(errors="surrogateescape"))
    got = client("-oopenmetrics", *count, where)
    assert got.status == STATUSES.get(word, 2), got.err
    metrics = Metrics(got.out, text)
    assert metrics.results() == {word: 2 if count else 1}
    assert metrics["success"] == 0
    assert got.err.count("\nhello-client: seq=2:") == (1 if count else 0)


# T18 of hellod-security(7)
@pytest.mark.parametrize("count", [[], ["-c2", "-i0"]])
def test_strange_greeting(server, count):
    """The metrics have only its length, and the right one."""
    got, metrics = probe(server([STRANGE]), *count)
    assert (got.status, got.err) == (0, "")
    if not count:
        assert metrics["greeting_bytes"] == len(STRANGE_TEXT.encode())
        assert probe(server([frame("")]))[1]["greeting_bytes"] == 0


def test_count(server):
    friend = server(*5 * [[HELLO]], [0.03, HELLO], [], [], [frame("HI")])
    got, metrics = probe(friend, "-c9", "-i0", "-eHELLO", "-t60")
    assert got.status == 2
    assert len(re.findall("^hello-client: seq=[789]: .*", got.err, re.MULTILINE)) == 3
    assert metrics.types == {**dict.fromkeys(RUN | {"expected"}, "gauge"),
                             "greeting_duration_seconds": "histogram"}
    assert metrics.results() == {"greeted": 6, "closed": 2, "unexpected": 1}
    assert (metrics["success"], metrics["expected"]) == (0, 0)
    assert (metrics["tried"], metrics["greeted"]) == (9, 7)

    histogram = {float(le): number for le, number in
                 metrics["greeting_duration_seconds_bucket"].items()}
    assert list(histogram) == pytest.approx(BUCKETS)
    assert histogram[0.025] <= 6 and histogram[10] == histogram[BUCKETS[-1]] == 7
    assert metrics["greeting_duration_seconds_count"] == 7
    assert 0.03 <= metrics["greeting_duration_seconds_sum"] < 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("turns, tried", [([[HELLO], [HELLO], [WAIT]], 2), ([[WAIT]], 0)])
def test_signal(server, number, turns, tried):
    """What was counted until then is printed."""
    friend = server(*turns)
    running = Background("-oopenmetrics", "-c0", "-i0.01", "127.0.0.1", friend.target)
    friend.seen.wait_for("accepted", tried + 1)
    got = running.end(number)
    metrics = Metrics(got.out, "127.0.0.1:" + friend.target)
    assert (got.status, metrics["success"]) == ((0, 1) if tried else (3, 0))
    assert (metrics["tried"], metrics["greeted"]) == (tried, tried)
    assert ("timestamp_seconds" in metrics.types) == bool(tried)


@pytest.mark.slow(3)
def test_timestamp(server):
    """It is that of the end of the last probe, not that of the signal, which comes later."""
    friend = server([HELLO])

    def is_of_the_probe():
        """Whether it is, because a busy machine may be late to end the probe."""
        since, seen = time.time(), len(friend.seen.find("accepted"))
        running = Background("-oopenmetrics", "-c0", "-i100", "127.0.0.1", friend.target)
        friend.seen.wait_for("accepted", seen + 1)
        greeted = time.time()
        wait_until(lambda: time.time() > greeted + 3)
        metrics = Metrics(running.end(signal.SIGINT).out, "127.0.0.1:" + friend.target)
        assert metrics["timestamp_seconds"] > since - 2  # it is cut to seconds, and a tick late
        return metrics["timestamp_seconds"] < greeted + 2

    wait_until(is_of_the_probe)


@pytest.mark.parametrize("count", [[], ["-c2", "-i0"]])
def test_other_options(server, count):
    """-q keeps only messages from standard error; -v and --histogram change nothing."""
    friend = server([HELLO, WAIT])
    for options in ("-q", "-v", "-q -v --histogram"):
        got, metrics = probe(friend, *options.split(), *count)
        assert (got.status, got.err) == (0, "")
        assert set(metrics.types) == (RUN if count else PROBE)
        failed, metrics = probe(friend, *options.split(), *count, "-eHI")
        assert (failed.status, metrics["expected"]) == (2, 0)
        assert failed.err.count("greeted with") == (0 if "-q" in options else 2 if count else 1)


@pytest.mark.parametrize("option, family", [("-4", "ipv4"), ("-6", "ipv6")])
def test_family(option, family):
    """Distinguishes two files about the same name: of equal labels node_exporter keeps one."""
    out = client("-oopenmetrics", option, "localhost", refusing_port()).out
    samples = [line for line in out.splitlines() if not line.startswith("#")]
    assert samples and all(f',family="{family}"' in line for line in samples)
    assert promtool(out) == (0, "")


def test_locale(server, tmp):
    """Numbers have a point in a locale with a comma."""
    if not shutil.which("localedef") or not os.path.exists("/usr/share/i18n/locales/de_DE"):
        pytest.skip("localedef or the sources of locales are not installed")
    assert run("localedef", "-ide_DE", "-fISO-8859-1", tmp + "/de_DE").status == 0
    for count in [], ["-c2", "-i0"]:
        probe(server([HELLO]), *count, environment={"LC_ALL": "de_DE", "LOCPATH": tmp})


def test_alert_of_the_manual(tmp):
    manual = pathlib.Path(os.environ["srcdir"], "man/hello-client.1.in").read_text("utf-8")
    rule = re.search(r"^groups:\n.*?(?=^\.Ed)", manual, re.DOTALL | re.MULTILINE)[0]
    pathlib.Path(tmp, "rule").write_text(rule.replace(r"\-", "-"), "utf-8")
    assert shutil.which("promtool") or pytest.skip("promtool is not installed")
    assert like("*SUCCESS: 1 rules found*", run("promtool", "check", "rules", tmp + "/rule").out)


def test_promtool_finds_errors(server):
    """So that its silence means something."""
    out = server([HELLO]).client("-oopenmetrics").out
    for pattern, replacement in [("# HELP .*duration.*\n", ""), ('="', "="), ("# TYPE", "# HELP"),
                                 ("_probe_success", "_probe_success_total"), ("\n# EOF", " 1 2")]:
        assert promtool(re.sub(pattern, replacement, out))[0] != 0, pattern


def test_output_is_whole_or_an_error(server):
    """A shell can tell by the last line: see METRICS in hello-client(1)."""
    friend = server([HELLO])
    for count in [], ["-c2", "-i0"]:
        assert friend.client("-oopenmetrics", *count).out.endswith("\n# EOF\n")
        with open("/dev/full", "wb") as full:
            status, _, err = friend.client("-oopenmetrics", *count, stdout=full)
        assert (status, err) == (3, "hello-client: "
                                 + cannot_write("No space left on device"))
    assert run(CLIENT, "-oopenmetrics", "-t0").out == ""
