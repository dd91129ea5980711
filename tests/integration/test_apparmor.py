# SPDX-License-Identifier: MIT
"""The AppArmor profile: parsed, and where the kernel has AppArmor, in complain and enforce mode."""
import os
import pathlib
import shutil
import socket

import pytest

from harness import HELLO, HELLOD, Daemon, connect, get_frame, listen, read_all, run

PROFILE = pathlib.Path("packaging/apparmor/usr.sbin.hellod")
KERNEL = pathlib.Path("/sys/kernel/security/apparmor/profiles")
MODES = {"complain": ["--Complain"], "enforce": []}


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not shutil.which("apparmor_parser"):
        pytest.skip("apparmor_parser is not installed")


def parser(*arguments):
    done = run("apparmor_parser", *arguments)
    assert done.status == 0, done
    return done.out


def test_parse():
    assert parser("--names", str(PROFILE)).split() == ["hellod"]
    parser("--skip-kernel-load", "--skip-cache", str(PROFILE))


@pytest.fixture(params=MODES)
def confined(request, tmp):
    """Loads the profile for the program of the build."""
    if not KERNEL.exists():
        pytest.skip("this kernel has no AppArmor: the profile is only parsed")
    if os.getuid() != 0:
        pytest.skip("only root can load a profile")
    sbin = os.environ["sbindir"] + "/hellod"
    text = PROFILE.read_text("utf-8")
    assert text.count(sbin) == 2
    profile = tmp + "/profile"
    with open(profile, "w", encoding="utf-8") as file:
        file.write(text.replace(sbin, HELLOD).replace("profile hellod", "profile hellod-test"))
    parser("--replace", "--skip-cache", *MODES[request.param], profile)
    yield request.param
    parser("--remove", profile)


@pytest.mark.parametrize("family", ["inet", "unix"])
@pytest.mark.parametrize("mode", ["per-connection", "listening"])
def test_greetings(confined, closing, tmp, mode, family):
    where = tmp + "/socket" if family == "unix" else ""
    hellod = closing(Daemon(mode, "--log-greetings=yes", listeners=[listen(where)]))
    client = closing(connect(hellod.target))
    assert read_all(client) == HELLO
    assert hellod.proc("attr/current").read_text("utf-8").strip() == f"hellod-test ({confined})"
    assert get_frame(hellod.target) == HELLO


def test_datagrams(confined, closing):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
         socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        hellod = closing(Daemon("listening", listeners=[listen(), server]))
        assert get_frame(hellod.target) == HELLO
        client.sendto(bytes(100), server.getsockname())
        assert client.recv(100) == HELLO


def test_other_files(confined, closing):
    """Only the directory of the greeting can be read."""
    hellod = closing(Daemon("per-connection", "--greeting-file=/etc/passwd"))
    got = get_frame(hellod.target)
    assert hellod.wait() == ([0] if confined == "complain" else [78])
    assert bool(got) == (confined == "complain")
    if confined == "enforce":
        hellod.log.wait_for("*/etc/passwd: Permission denied*")
