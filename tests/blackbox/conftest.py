# SPDX-License-Identifier: MIT
"""Fixtures, and the order of the tests."""
import contextlib
import tempfile

import pytest

import harness


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
