# SPDX-License-Identifier: MIT
"""Targets of make in unusual surroundings."""
import os

import pytest

from debian import setting, source
from container import attempt


@pytest.fixture
def no_git(tmp_path, monkeypatch):
    """git refuses, as in a directory of another user."""
    if not (source / ".git").exists():
        pytest.skip("this is no clone")
    (tmp_path / "git").write_text("#!/bin/sh\nexit 128\n", "utf-8")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


def make(*arguments):
    return attempt("env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL", "make", *arguments)


def test_dist_without_git(no_git, tmp_path, monkeypatch):
    distdir = tmp_path / "hellod"
    tarball = tmp_path / "hellod.tar.xz"
    command = "dist-xz", f"distdir={distdir}", f"top_distdir={distdir}"
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    status, output = make(*command)
    assert status == 2 and "\nmake dist: git does not tell the date" in output
    assert not tarball.exists()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert make(*command)[0] == 0
    assert tarball.stat().st_size > 100_000


def test_licenses_without_git(no_git):
    status, output = make("licenses")
    assert status == 2 and "SKIP: git does not tell" in output and output.endswith("Error 77")


def test_install_with_a_strict_umask(tmp_path):
    """hellod's user reads the directory of the greeting."""
    install = "install-data-local", f"DESTDIR={tmp_path}/root"
    umask = os.umask(0o077)
    try:
        assert make(*install)[0] == 0
    finally:
        os.umask(umask)
    directory = tmp_path / "root" / setting["sysconfdir"].lstrip("/") / "hello"
    assert directory.stat().st_mode & 0o777 == directory.parent.stat().st_mode & 0o777 == 0o755
    directory.chmod(0o750)
    assert make(*install)[0] == 0
    assert directory.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("target", ["check-deb", "check-integration", "check-rpm", "check-system"])
def test_pytest_is_missing(target):
    status, output = make(target, "PYTEST=no-pytest")
    assert status == 2
    assert output.splitlines()[0] == "make: no-pytest is missing: ./bootstrap --all installs it"


def test_build_as_another_user():
    """The tests that need root are skipped, with the reason."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if attempt(*other, "test", "-r", str(source / "tests/packaging/debian.py"))[0] != 0:
        pytest.skip("other users cannot read the source")
    command = (f"import sys; sys.path.insert(0, '{source}/tests/packaging')\n"
               "import debian\ndebian.build('bookworm', 'none', 'none')")
    status, output = attempt(*other, "env", "HOME=/nonexistent", "python3", "-B", "-c", command)
    assert status == 1 and output.endswith("Skipped: only root can make and boot a container")
