# SPDX-License-Identifier: MIT
"""tests/bench/load, which other tests and the benchmark trust: clients at a rate."""
import contextlib
import json

from harness import HELLO, PATIENCE, Background, listen, refusing_port, run, target_of

LOAD = "tests/bench/load"


def load(target, *options):
    result = run(LOAD, "--json", f"--port={target}", *options)
    assert result.err == ""
    return result.status, json.loads(result.out)


def test_clients_start_at_a_rate(daemon):
    """The gaps are the same each time: 100 of them take 0.09 seconds."""
    hellod = daemon("listening")
    status, result = load(hellod.target, "--rate=1000", "--count=100")
    assert (status, result["greetings"], result["lost"]) == (0, 100, 0)
    assert result["seconds"] > 0.08


def test_clients_start_whatever_the_responses(closing):
    """The server answers once it has more clients than load keeps without a rate."""
    listener = closing(listen())
    listener.settimeout(PATIENCE)
    clients = closing(Background("--json", f"--port={target_of(listener)}", "--rate=1000",
                                 "--count=50", command=[LOAD]))
    with contextlib.ExitStack() as stack:
        for connection in [stack.enter_context(listener.accept()[0]) for _ in range(50)]:
            connection.sendall(HELLO)
    result = clients.end()
    assert (result.status, json.loads(result.out)["greetings"]) == (0, 50)


def test_latency_includes_the_wait_before_the_start(server):
    """Client n of 20 is due after n milliseconds and ends after 20n, but was started late."""
    slow = server([0.02, HELLO])
    status, result = load(slow.target, "--rate=1000", "--count=20", "--concurrency=1")
    assert (status, result["greetings"]) == (0, 20)
    assert result["late_usec"]["p50"] > 100_000
    assert result["latency_usec"]["p50"] > result["late_usec"]["p50"]


def test_failed_connections_are_lost():
    status, result = load(refusing_port(), "--rate=1000", "--count=10")
    assert (status, result["greetings"], result["failures"]["refused"]) == (1, 0, 10)
