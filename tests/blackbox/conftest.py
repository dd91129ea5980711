# SPDX-License-Identifier: MIT
"""Fixtures, and the order of the tests."""
import contextlib
import os
import subprocess
import sys
import tempfile

import pytest

import harness

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

static volatile struct {
	int now, send_error, send_errors;
} *numbers;
static struct timespec start;

__attribute__((constructor)) static void map_numbers(void)
{
	int fd = open(getenv("NUMBERS"), O_RDWR);

	numbers = mmap(NULL, sizeof(*numbers), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
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
	if (errno == 0)
		return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
	numbers->send_errors++;
	return -1;
}
"""


def pytest_collection_modifyitems(items):
    """Distributes the slow tests, because xdist gives its workers chunks of neighbouring tests."""
    slow = {item: mark.args[0] for item in items for mark in item.iter_markers("slow")}
    items[:] = [item for item in items if item not in slow]
    chunk = max((len(items) + len(slow)) // 32, 2)  # the first chunk of each of eight workers
    for i, item in enumerate(sorted(slow, key=slow.get, reverse=True)):
        items.insert(i * chunk, item)


@pytest.fixture
def tmp():
    """A directory whose path is short enough for the address of a UNIX socket."""
    with tempfile.TemporaryDirectory(prefix="hellod-") as path:
        yield path


@pytest.fixture
def longest(tmp):
    """hellod's option for the longest greeting."""
    with open(tmp + "/longest", "wb") as file:
        file.write(harness.LONGEST[2:])
    return "--greeting-file=" + tmp + "/longest"


@pytest.fixture
def closing():
    """A function that returns its argument, and closes it after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda thing: stack.enter_context(contextlib.closing(thing))


@pytest.fixture(params=["per-connection", "listening"])
def mode(request):
    return request.param


@pytest.fixture
def daemon(closing):
    """A function that starts hellod."""
    return lambda *arguments, **how: closing(harness.Daemon(*arguments, **how))


@pytest.fixture
def server(closing):
    """A function that starts a server for hello-client."""
    return lambda *turns, **how: closing(harness.Server(*turns, **how))


@pytest.fixture
def steer(tmp):
    """A function that sets a number in processes with its environment. NOW: seconds that the clock
    shows, and from which it advances 100 times too slowly, so that a slow machine is not late; or
    0. SEND_ERROR: an errno, or 0. send_errors() tells how many there were."""
    numbers = open(tmp + "/numbers", "w+b")
    numbers.truncate(12)

    def set_number(name, number):
        os.pwrite(numbers.fileno(), number.to_bytes(4, sys.byteorder),
                  ["NOW", "SEND_ERROR"].index(name) * 4)

    set_number.send_errors = lambda: int.from_bytes(os.pread(numbers.fileno(), 4, 8), sys.byteorder)
    library = tmp + "/system_calls.so"
    subprocess.run([*os.environ.get("CC", "cc").split(), "-D_GNU_SOURCE", "-shared", "-fPIC",
                    "-xc", "-o", library, "-"], input=LIBRARY.encode(), check=True)
    set_number.environment = {
        "NUMBERS": numbers.name, "LD_PRELOAD": library,
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    yield set_number
    numbers.close()
