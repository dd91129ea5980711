# SPDX-License-Identifier: MIT
"""One booted machine for all tests. Each gets it without the packages."""
import pathlib
import shutil
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[1] / "system"))

# pylint: disable=wrong-import-position
from container import LOCK, Container, Unavailable, locked, run  # noqa: E402

PACKAGES = "hellod", "hello-client", "nagios-plugins-hello"


class Machine(Container):
    """A container with systemd, and with this build of the packages and the next one."""

    def install(self):
        """Does not install the build, as it does for the other tests."""
        if not shutil.which("rpm"):
            raise Unavailable("rpm is not installed")
        run("cp", "-r", "packaging/rpm/build/RPMS", self.inside("/root/this"))
        run("cp", "-r", "packaging/rpm/next/RPMS", self.inside("/root/next"))
        # RPM distributions enable nothing that they do not name.
        presets = self.inside("/etc/systemd/system-preset")
        presets.mkdir(exist_ok=True)
        (presets / "99-default-disable.preset").write_text("disable *\n", "utf-8")
        self.run_rpm = "rpm --dbpath=/var/lib/rpm-hellod"

    def rpm(self, arguments):
        """Runs rpm, and then what the file triggers of systemd's package run."""
        output = self.run(f"{self.run_rpm} {arguments}")
        self.run("systemd-sysusers")
        self.run("systemctl daemon-reload")
        return output

    def install_packages(self, *names, of="this"):
        """Installs or upgrades packages, or all of them. The database does not know Debian's."""
        release = self.inside(f"/root/{of}")
        files = [next(release.glob(f"*/{name}-[0-9]*.rpm")) for name in names or PACKAGES]
        paths = " ".join(f"/root/{of}/{file.relative_to(release)}" for file in files)
        return self.rpm(f"--upgrade --oldpackage --nodeps {paths}")

    def installed(self):
        return self.run(f"{self.run_rpm} --query --all").split()


@pytest.fixture(scope="session")
def booted(tmp_path_factory):
    try:
        machine = Machine(tmp_path_factory.mktemp("machine"))
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield machine
    machine.end()


@pytest.fixture
def machine(booted):
    with locked(LOCK, exclusive=False):
        booted.mark_journal()
        try:
            yield booted
            assert booted.run("systemctl list-units --failed --plain --no-legend hello*") == ""
        finally:
            print(booted.journal())  # pytest shows this if the test has failed
            if booted.installed():
                booted.rpm("--erase " + " ".join(booted.installed()))
