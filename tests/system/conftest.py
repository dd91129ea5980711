# SPDX-License-Identifier: MIT
"""Each pytest process has one container, and each test finds it as it is after boot."""
import fcntl

import pytest

from container import Container, Unavailable, wait_until


def pytest_configure(config):
    config.addinivalue_line("markers", "exclusive: no other system test runs at the same time")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("exclusive") is not None)


def pytest_terminal_summary(terminalreporter):
    """Prints what tests have measured."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            terminalreporter.write_line(f"{name}: {text}")


@pytest.fixture(scope="session")
def container(tmp_path_factory):
    try:
        booted = Container(tmp_path_factory.mktemp("container"))
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield booted
    booted.end()


@pytest.fixture
def machine(container, request):
    """The container. Fails if the test leaves an instance or a failed unit, or if the filter of
    system calls has ended one."""
    exclusive = request.node.get_closest_marker("exclusive")
    with open("/run/lock/hellod-tests", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        container.mark_journal()
        try:
            yield container
            wait_until(lambda: not container.instances())
            assert container.run("systemctl list-units --failed --plain --no-legend hello*") == ""
            assert "status=31/SYS" not in container.journal()
        finally:
            print(container.journal())  # pytest shows it if the test has failed
            container.reset()
