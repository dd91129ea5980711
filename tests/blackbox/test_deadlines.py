# SPDX-License-Identifier: MIT
"""Long deadlines, slow clients and a host without memory: hellod with a clock that the test sets,
and a send(2) that fails."""
import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from harness import HELLO, LONGEST, PATIENCE, get_frame, greet_many, listen, read_all
from messages import NOT_GREETED, SUMMARY

# Preloaded. The numbers are in a file that is mapped, because a confined hellod opens no other.
LIBRARY = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile const struct {
	int now, send_error;
} *numbers;
static struct timespec start;

__attribute__((constructor)) static void map_numbers(void)
{
	int fd = open(getenv("NUMBERS"), O_RDONLY);

	numbers = mmap(NULL, sizeof(*numbers), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &start);
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	int r = (int)syscall(SYS_clock_gettime, id, now);
	long msec = (now->tv_sec - start.tv_sec) * 1000 + (now->tv_nsec - start.tv_nsec) / 1000000;

	if (id == CLOCK_MONOTONIC && numbers->now > 0)
		*now = (struct timespec){numbers->now + msec / 100000, msec % 100000 * 10000};
	return r;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	errno = numbers->send_error;
	return errno ? -1 : syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}
"""


@pytest.fixture
def steer(tmp):
    """A function that sets a number in processes with its environment. NOW: seconds that the clock
    shows, and from which it advances 100 times too slowly, so that a slow machine is not late; or
    0. SEND_ERROR: an errno, or 0."""
    numbers = open(tmp + "/numbers", "w+b")
    numbers.truncate(8)

    def set_number(name, number):
        os.pwrite(numbers.fileno(), number.to_bytes(4, sys.byteorder),
                  ["NOW", "SEND_ERROR"].index(name) * 4)

    library = tmp + "/system_calls.so"
    subprocess.run([*os.environ.get("CC", "cc").split(), "-D_GNU_SOURCE", "-shared", "-fPIC",
                    "-xc", "-o", library, "-"], input=LIBRARY.encode(), check=True)
    set_number.environment = {
        "NUMBERS": numbers.name, "LD_PRELOAD": library,
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    yield set_number
    numbers.close()


# T2 of hellod-security(7)
def test_send_deadline(daemon, mode, steer, longest):
    """A client that stops reading is disconnected after 30 seconds. Other clients do not wait."""
    steer("NOW", 1000)
    hellod = daemon(mode, longest, "--verbose", listeners=[listen(send_bytes=4096)],
                    environment=steer.environment)
    mute = [hellod.connect(4096) for _ in range(3)]

    def wake():
        """Reads more than the buffers hold, so that hellod has to send."""
        for each in mute:
            left = 16000
            while left > 0 and (got := each.recv(left)):
                left -= len(got)
        assert greet_many(hellod.target, 10, 1) == {LONGEST: 10}

    wake()
    steer("NOW", 1020)
    wake()
    assert not hellod.log.find("*send-timeout*")
    steer("NOW", 1031)
    wake()
    hellod.log.wait_for(NOT_GREETED.format("*", "send-timeout", "*", 65537), 3)
    if mode == "listening":
        hellod.signal(signal.SIGTERM)
        hellod.log.wait_for(SUMMARY.format(30, 33, "stopped"))


# T2 of hellod-security(7)
@pytest.mark.parametrize("mode, stop", [
    ("listening", signal.SIGTERM), ("listening", signal.SIGINT),
    ("per-connection", signal.SIGTERM), ("per-connection", signal.SIGINT),
    ("per-connection", signal.SIGHUP)])  # where there is nothing to reload
def test_slow_clients_are_served(daemon, mode, steer, longest, stop):
    """Other clients do not wait for them. After a signal, or two, hellod does."""
    steer("NOW", 1000)
    hellod = daemon(mode, longest, listeners=[listen(send_bytes=4096)],
                    environment=steer.environment)
    slow = [hellod.connect(4096) for _ in range(50 if mode == "listening" else 5)]
    starts = [each.recv(100) for each in slow]
    assert greet_many(hellod.target, 20, 1) == {LONGEST: 20}
    hellod.signal(stop)
    hellod.signal(stop)
    for start, each in zip(starts, slow):
        assert start + read_all(each) == LONGEST
        each.close()
    assert set(hellod.wait()) == {0}
    if mode == "listening":
        hellod.log.wait_for(SUMMARY.format(70, 70, "stopped"))


@pytest.mark.parametrize("error, lasts", [
    (errno.ENOBUFS, False), (errno.ENOMEM, False), (errno.ENOBUFS, True)])
def test_local_error(daemon, mode, steer, error, lasts):
    """hellod retries until the host has memory again, or until the deadline."""
    steer("SEND_ERROR", error)
    hellod = daemon(mode, environment=steer.environment)
    waiting = hellod.connect()
    waiting.settimeout(0.5)
    with pytest.raises(TimeoutError):
        waiting.recv(1)
    waiting.settimeout(PATIENCE)
    if not lasts:
        steer("SEND_ERROR", 0)
        assert read_all(waiting) == HELLO
        return
    steer("NOW", int(time.monotonic()) + 31)
    assert read_all(waiting) == b""
    hellod.log.wait_for(f"hellod: cannot greet *: {os.strerror(error)}; "
                        "free memory or file descriptors on this host")
    steer("SEND_ERROR", 0)
    if mode == "per-connection":
        assert hellod.wait() == [71]
    else:
        assert get_frame(hellod.target) == HELLO
