#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Threads, clocks and suspends: what goes wrong only with an unlucky order, or after a long time.

Runs in the build directory. Arguments are names of checks, instead of all.
"""
import contextlib
import datetime
import glob
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import time

import namespace

namespace.enter()

import harness  # noqa: E402
from harness import HELLO, LONGEST, WAIT, Daemon, Server, client, run  # noqa: E402

FAKETIME = next(iter(glob.glob("/usr/lib*/*/faketime/libfaketimeMT.so.1") +
                     glob.glob("/usr/lib*/faketime/libfaketimeMT.so.1")), None)
FAST = 100  # times the clock
CHECKS = {}


class Skip(Exception):
    """What is missing."""


def check(function):
    CHECKS[function.__name__] = function
    return function


def serve(*turns, **how):
    return contextlib.closing(Server(*turns, **how))


def daemon(*options, **how):
    return contextlib.closing(Daemon("listening", *options, **how))


@contextlib.contextmanager
def silent_name_server():
    """A name server that never answers, so that the thread still runs when its time is over."""
    with open("/etc/resolv.conf", "w", encoding="ascii") as file:  # of the namespace
        file.write("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        yield


def both_threaded(wrap, programs):
    """Runs the programs with threads: names that are found, unknown, and not found in time."""
    commands = 0
    with serve([HELLO]) as server, silent_name_server():
        for program, repeat in zip(programs, (["-c", "20", "-i", "0"], [])):
            host = ["-H"] if "check_hello" in program else []
            for name, options in (("two.example", repeat), ("localhost", repeat),
                                  ("slow.example", ["-t", "0.2"]),
                                  ("slow.example", ["-t", "0.01"])):
                where = host + [name] + (["-p", server.target])
                result = run(*wrap, program, *options, *where)
                assert result.status == (2 if name.startswith("slow") else 0), result
                commands += 1
    return commands


@check
def helgrind():
    if not shutil.which("valgrind"):
        raise Skip("valgrind is not installed")
    count = both_threaded(["valgrind", "-q", "--tool=helgrind", "--error-exitcode=99"],
                          [harness.CLIENT, harness.CHECK])
    return f"{count} runs without a race"


@check
def thread_sanitizer():
    programs = [os.path.abspath(f"tests/fault/{name}.tsan")
                for name in ("hello-client", "check_hello")]
    if not all(map(os.path.exists, programs)):
        raise Skip(f"{os.environ.get('CC', 'the compiler')} has no thread sanitizer")
    os.environ["TSAN_OPTIONS"] = "exitcode=99"
    # Without randomised addresses, which its older versions do not support.
    count = both_threaded(["setarch", "-R"], programs)
    return f"{count} runs without a race"


def faketime(**variables):
    if not FAKETIME:
        raise Skip("libfaketime is not installed")
    return {"LD_PRELOAD": FAKETIME, **variables}


@check
def fast_clock():
    """All deadlines of hellod, and hello-client's, with seconds of a hundredth."""
    how = {"environment": faketime(FAKETIME=f"+0 x{FAST}")}
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, \
            contextlib.closing(harness.listen("127.0.0.1", send_bytes=4096)) as listener:
        path = directory + "/longest"
        with open(path, "wb") as file:
            file.write(LONGEST[2:])
        with daemon("--verbose", "--greeting-file", path, "--idle-timeout=600",
                    listeners=[listener], **how) as hellod:
            stalled = hellod.connect(4096)
            hellod.log.wait_for("*send-timeout after*")
            # All of the greeting fits in, so that both processes may be late.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            lingering = hellod.connect(1 << 20)
            while len(lingering.recv(1 << 16)) > 0:
                pass
            hellod.log.wait_for("*(linger-timeout)")
            assert hellod.wait() == [0]
            hellod.log.wait_for("*(idle)")
            stalled.close()
    hellod_seconds = time.monotonic() - begin
    # 30 to send, 5 to linger, 600 without a client
    assert 635 / FAST <= hellod_seconds < 635, hellod_seconds
    begin = time.monotonic()
    with serve([WAIT]) as server:
        result = server.client("-t", "60", **how)
    assert (result.status, "timed out after 60 s" in result.err) == (2, True), result
    client_seconds = time.monotonic() - begin
    assert 60 / FAST <= client_seconds < 30, client_seconds
    return f"deadlines of 635 s and 60 s in {hellod_seconds:.1f} s and {client_seconds:.1f} s"


@check
def wall_clock_steps():
    """The wall clock jumps by years, and only the time stamp of the metrics follows."""
    with tempfile.TemporaryDirectory() as directory:
        stamp = directory + "/stamp"

        def step(year):
            with open(stamp + ".new", "w", encoding="ascii") as file:
                file.write(f"{year}-07-01 00:00:00\n")
            os.rename(stamp + ".new", stamp)
        year = 2030
        step(year)
        how = {"environment": faketime(
            FAKETIME_TIMESTAMP_FILE=stamp, FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1",
            DONT_FAKE_MONOTONIC="1")}  # its name in old versions
        years = [1975, 2037, 2000, 2030]
        with daemon("--idle-timeout=3600", **how) as hellod:
            background = harness.Background("-c", "100", "-i", "0.01", "-o", "json", "127.0.0.1",
                                            hellod.target, **how)
            steps = 0
            while background.process.poll() is None:
                year = years[steps % len(years)]
                step(year)
                steps += 1
                time.sleep(0.02)
            things = harness.objects(background.end().out)
            metrics = client("-o", "openmetrics", "127.0.0.1", hellod.target, **how).out
    assert things[-1]["greeted"] == 100, things[-1]
    assert all(0 < thing["time"] < 10 for thing in things[:-1])
    seconds = float(re.search(r"timestamp_seconds\{.*\} (\S+)", metrics)[1])
    stamped = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    assert stamped.year == year, metrics
    return f"100 greetings during {steps} steps"


@check
def suspends():
    """hellod and hello-client are stopped and go on at random moments."""
    chance = random.Random(1)
    stops = 0
    with daemon() as hellod:
        background = harness.Background("-c", "1000", "-i", "0.001", "-q", "127.0.0.1",
                                        hellod.target)
        while background.process.poll() is None:
            process = chance.choice([hellod.processes[0], background.process])
            process.send_signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0, 0.02))
            process.send_signal(signal.SIGCONT)
            time.sleep(chance.uniform(0, 0.02))
            stops += 1
        status, out, _ = background.end()
    assert status == 0 and "1000 greeted of 1000 tried" in out, out
    return f"1000 greetings during {stops} stops"


@check
def old_host():
    """The monotonic clock is years ahead, as on a host that was started long ago."""
    years = 100 * 365 * 86400
    wrap = ["unshare", "--time", "--fork", f"--monotonic={years}", f"--boottime={years}"]
    if run(*wrap, "true").status:
        raise Skip("time namespaces are not available")
    with serve([HELLO]) as server, serve([WAIT]) as waiting:
        assert run(*wrap, harness.CLIENT, "-c3", "-i0", "127.0.0.1", server.target).status == 0
        assert run(*wrap, harness.CLIENT, "-t0.1", "127.0.0.1", waiting.target).status == 2
    # hellod is the namespace's first process, and so has another number than $LISTEN_PID.
    with contextlib.closing(harness.listen()) as listener:
        script = 'LISTEN_PID=$$ exec "$@"'
        # The client is there first, because hellod waits only 3 s for one.
        with harness.connect(harness.target_of(listener)) as first:
            hellod = harness.Background(
                "--idle-timeout=3", command=[*wrap, "sh", "-c", script, "sh", harness.HELLOD],
                sockets=[listener])
            assert harness.read_all(first) == HELLO
        result = hellod.end()
    assert (result.status, "(idle)" in result.err) == (0, True), result
    return "100 years after the start"


def main():
    begin = time.monotonic()
    passed, failed = 0, 0
    for name in sys.argv[1:] or CHECKS:
        try:
            print(f"{name}: {CHECKS[name]()}", flush=True)
            passed += 1
        except Skip as reason:
            print(f"{name}: SKIP: {reason}", flush=True)
        except (AssertionError, OSError) as error:
            print(f"{name}: FAIL: {str(error)[:3000]}", flush=True)
            failed += 1
    print(f"{passed} of {len(sys.argv[1:] or CHECKS)} checks of races and time passed, "
          f"{failed} failed, in {time.monotonic() - begin:.0f} s")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
