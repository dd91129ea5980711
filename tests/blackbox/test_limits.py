# SPDX-License-Identifier: MIT
"""Many clients, more than the limits allow, and their cost."""
import itertools
import re
import resource
import signal
import time

import pytest

from harness import HELLO, LONGEST, client, get_frame, greet_many, listen, read_all, wait_until
from messages import CANNOT_ACCEPT, GREETED, SUMMARY


# T3 of hellod-security(7)
@pytest.mark.slow(3)
def test_few_descriptors(daemon, steer):
    """Clients that do not close make room for others, which do not wait."""
    steer("NOW", 1000)
    hellod = daemon("listening", "--verbose", files=64, environment=steer.environment)
    for _ in range(300):
        assert read_all(hellod.connect()) == HELLO
    before = hellod.effort()
    assert client("127.0.0.1", hellod.target) == (0, "HELLO\n", "")
    assert not hellod.log.find(CANNOT_ACCEPT)

    # Fewer descriptors than at the start, as if the whole system had run out.
    pid = hellod.processes[0].pid
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (24, 64))
    assert greet_many(hellod.target, 20, 4) == {HELLO: 20}
    hellod.log.wait_for(CANNOT_ACCEPT)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64))
    assert hellod.effort()[0] - before[0] < 2e9
    assert not hellod.log.find("*linger-timeout*")

    # hellod stops lingering for clients that do not close.
    steer("NOW", 1006)
    assert get_frame(hellod.target) == HELLO
    hellod.log.wait_for("*linger-timeout*")
    wait_until(lambda: hellod.sockets() <= 2)
    now = itertools.count(1010, 10)

    def rests():
        steer("NOW", next(now))  # the next status is due
        before = hellod.effort()
        time.sleep(1.2)  # longer than hellod waits for it
        return hellod.effort() == before

    wait_until(rests)


@pytest.mark.slow(2)
def test_all_are_being_greeted(daemon, longest):
    """No client can make room: hellod waits, without using the CPU."""
    hellod = daemon("listening", longest, "--max-connections=20",
                    listeners=[listen(send_bytes=4096)])
    mute = [hellod.connect(4096) for _ in range(40)]
    wait_until(lambda: hellod.sockets() > 20)
    before, since = hellod.effort(), time.monotonic()
    time.sleep(2)
    took, times = (after - start for after, start in zip(hellod.effort(), before))
    seconds = time.monotonic() - since
    assert took < 0.05e9 * seconds and times < 50 * seconds
    assert hellod.sockets() <= 20 + 2
    for each in mute:
        each.close()
    assert greet_many(hellod.target, 20, 1) == {LONGEST: 20}


# T3 of hellod-security(7)
def test_max_connections(daemon, steer):
    """The maximum, and one more."""
    steer("NOW", 1000)
    hellod = daemon("listening", "--max-connections=2", "--log-greetings=yes",
                    environment=steer.environment)
    for _ in range(2):
        assert read_all(hellod.connect()) == HELLO
    assert not hellod.log.find("*(dropped)*")
    assert get_frame(hellod.target) == HELLO
    hellod.log.wait_for(GREETED.format("*", "dropped"))
    hellod.log.wait_for(GREETED.format("*", "closed"))
    assert len(hellod.log.lines) == 2


@pytest.mark.slow(2)
def test_no_leak(daemon):
    """Neither memory nor descriptors grow."""
    def memory_kb():  # without the pages of the program's file, which are mapped 64 KiB at a time
        return int(re.search(r"RssAnon:\s*(\d+) kB", hellod.proc("status").read_text())[1])

    hellod = daemon("listening")
    sizes = []
    for _ in range(4):
        assert greet_many(hellod.target, 1280) == {HELLO: 1280}
        sizes.append(memory_kb())
    # A leak grows each time. A busy hellod may once have more clients open than before.
    assert min(after - before for before, after in zip(sizes, sizes[1:])) <= 16
    wait_until(lambda: hellod.sockets() <= 2)
    hellod.signal(signal.SIGTERM)
    assert hellod.wait() == [0]
    hellod.log.wait_for(SUMMARY.format(5120, 5120, "stopped"))
