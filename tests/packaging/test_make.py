# SPDX-License-Identifier: MIT
"""Targets of make in unusual surroundings."""
import os

import pytest

from debian import source
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
