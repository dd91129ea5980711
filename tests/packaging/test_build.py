# SPDX-License-Identifier: MIT
"""The packages are built on a machine that has nothing but Build-Depends."""
import re

import pytest

from debian import PACKAGES, build, files_of, minimal_root, require, setting
from container import attempt

pytestmark = pytest.mark.long

# The packages that only the test suite needs, from debian/control's <!nocheck>.
NOCHECK = "check mandoc python3-pytest python3-pytest-xdist"


def counts(log):
    """The counts of Automake's summary, such as PASS."""
    return {name: int(number) for name, number in re.findall(r"(?m)^# (\w+): +(\d+)$", log)}


def test_suite_runs_in_the_build(built, record_property):
    directory, log = built
    assert files_of(directory).keys() == set(PACKAGES)
    assert not re.search(r"warning: .* \[-W", log)
    count = counts(log)
    assert count["PASS"] > 800 and not count["FAIL"] and not count["ERROR"]
    record_property("tests in the build", f"{count['PASS']} passed, {count['SKIP']} skipped")


def test_nocheck(tarball, tmp_path, record_property):
    log = build(setting["SYSTEMD"], tarball, tmp_path, "DEB_BUILD_OPTIONS='nocheck parallel=2'",
                "DEB_BUILD_PROFILES=nocheck",
                before=f"apt-get --quiet --yes autoremove --purge {NOCHECK}")
    assert files_of(tmp_path / "packages").keys() == set(PACKAGES)
    assert not counts(log) and "make check" not in log.replace("\"make check\"", "")
    record_property("build without the test suite and its packages", NOCHECK)


def test_piuparts(packages, tmp_path):
    """Debian's own test of installation and purging, without a systemd that runs. It is here
    because it needs the mirror, and the process leaves this host's network to boot a machine."""
    require("mmdebstrap", "piuparts")
    suite = setting["SYSTEMD"]
    # debconf of Debian 13 leaves this directory at the first installation of any package.
    status, output = attempt("piuparts", "--ignore=/var/cache/debconf/tmp.ci/",
                             f"--existing-chroot={minimal_root(suite)}",
                             f"--distribution={suite}", f"--tmpdir={tmp_path}", "--no-eatmydata",
                             *files_of(packages).values())
    assert status == 0, output
