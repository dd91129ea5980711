# SPDX-License-Identifier: MIT
"""Each pytest process has one container. Each test gets it in its state after boot."""
import pytest

from container import LOCK, Container, Unavailable, locked, wait_until


def pytest_configure(config):
    config.addinivalue_line("markers", "exclusive: no other system test runs at the same time")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("exclusive") is not None)


def pytest_terminal_summary(terminalreporter):
    """Prints the measurements of the tests."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            terminalreporter.write_line(f"figure: {name}: {text}")


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
    """The container. Fails if the test leaves an instance or a failed unit, or if an instance
    has made a system call that the filter denies."""
    exclusive = request.node.get_closest_marker("exclusive")
    with locked(LOCK, exclusive):
        container.mark_journal()
        try:
            yield container
            wait_until(lambda: not container.instances())
            assert container.run("systemctl list-units --failed --plain --no-legend hello*") == ""
            assert "status=31/SYS" not in container.journal()
        finally:
            print(container.journal())  # pytest shows this if the test has failed
            container.reset()
