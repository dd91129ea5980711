# SPDX-License-Identifier: MIT
"""The files for firewalld and ufw, read by the code of these programs."""
import configparser
import gettext
import os
import pathlib

import pytest

SOURCE = pathlib.Path(os.environ.get("srcdir", "."))


def ports():
    """The ports of the socket units, as both programs write them."""
    found = set()
    for name in "hello.socket.in", "hello-listen.socket.in":
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.read_string((SOURCE / "systemd" / name).read_text("utf-8").replace("@poll_limit@", ""))
        found.add(unit["Socket"]["ListenStream"])
    return found


def test_firewalld():
    io_service = pytest.importorskip("firewall.core.io.service", reason="firewalld is missing")
    service = io_service.service_reader("hello.xml", str(SOURCE / "packaging/firewalld"))
    assert service.ports == [(port, "tcp") for port in ports()]
    assert service.short and service.description


def test_ufw():
    applications = pytest.importorskip("ufw.applications", reason="ufw is missing")
    gettext.install("ufw")
    profiles = applications.get_profiles(str(SOURCE / "packaging/ufw"))
    assert list(profiles) == ["hellod"]
    assert applications.verify_profile("hellod", profiles["hellod"])
    assert applications.get_ports(profiles["hellod"]) == [f"{port}/tcp" for port in ports()]
