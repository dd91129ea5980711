# SPDX-License-Identifier: MIT
"""The packages, and one booted machine of the suite, for all tests."""
import pathlib

import pytest

from debian import PACKAGES, Machine, build, files_of, setting
from container import LOCK, Unavailable, locked


def pytest_configure(config):
    config.addinivalue_line("markers", "long: left out with QUICK=1")


def pytest_collection_modifyitems(items):
    if setting.get("QUICK"):
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_terminal_summary(terminalreporter):
    """Prints the figures of the tests."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            terminalreporter.write_line(f"figure: {setting['SYSTEMD']}: {name}: {text}")


@pytest.fixture(scope="session")
def tarball():
    return pathlib.Path(setting["tarball"])


@pytest.fixture(scope="session")
def built(tarball, tmp_path_factory):
    """The packages as a root of the suite builds them, and the log."""
    out = tmp_path_factory.mktemp("build")
    log = build(setting["SYSTEMD"], tarball, out, "DEB_BUILD_OPTIONS=parallel=2")
    return out / "packages", log


@pytest.fixture(scope="session")
def packages(request):
    """The directory of the packages."""
    if not setting.get("QUICK"):
        return request.getfixturevalue("built")[0]
    directory = pathlib.Path("packaging/out")
    assert files_of(directory).keys() == set(PACKAGES)
    return directory


@pytest.fixture(scope="session")
def booted(packages, tmp_path_factory):
    try:
        machine = Machine(tmp_path_factory.mktemp("machine"), packages)
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield machine
    machine.end()


@pytest.fixture
def machine(booted):
    """The machine, without the packages. Fails if the test leaves a failed unit."""
    with locked(LOCK, exclusive=False):
        booted.mark_journal()
        try:
            yield booted
            assert booted.run("systemctl list-units --failed --plain --no-legend") == ""
        finally:
            print(booted.journal())
            booted.purge()


