# SPDX-License-Identifier: MIT
"""make install and uninstall of a release, into a scratch root."""
import os.path
import pathlib
import re

import pytest

from harness import run

FILES = """bin/hello-client lib/nagios/plugins/check_hello lib/systemd/catalog/hellod.catalog
    lib/sysusers.d/hellod.conf lib/systemd/system/hello-listen.service
    lib/systemd/system/hello-listen.socket lib/systemd/system/hello-netns.service
    lib/systemd/system/hello.socket lib/systemd/system/hello@.service sbin/hellod
    share/bash-completion/completions/check_hello share/bash-completion/completions/hello-client
    share/bash-completion/completions/hellod share/doc/hellod/examples/apparmor/usr.sbin.hellod
    share/doc/hellod/examples/datagram.conf share/doc/hellod/examples/firewalld/hello.xml
    share/doc/hellod/examples/frame-vectors
    share/doc/hellod/examples/haproxy/haproxy.cfg
    share/doc/hellod/examples/hello-listen@.service
    share/doc/hellod/examples/hello-listen@.socket share/doc/hellod/examples/hello-probe.service
    share/doc/hellod/examples/hello-probe.timer share/doc/hellod/examples/icinga2-hello.conf
    share/doc/hellod/examples/logcheck/hellod share/doc/hellod/examples/nagios-hello.cfg
    share/doc/hellod/examples/nftables/hello-balance.nft share/doc/hellod/examples/strict.conf
    share/doc/hellod/examples/ufw/hellod
    share/fish/vendor_completions.d/check_hello.fish
    share/fish/vendor_completions.d/hello-client.fish
    share/fish/vendor_completions.d/hellod.fish share/man/man1/check_hello.1
    share/man/man1/hello-client.1 share/man/man5/hello-frame.5 share/man/man8/hello.socket.8
    share/man/man7/hellod-security.7 share/man/man8/hellod.8 share/zsh/site-functions/_check_hello
    share/zsh/site-functions/_hello-client share/zsh/site-functions/_hellod"""


BUILD_PATIENCE = 1200  # seconds


def make(directory, *arguments):
    status, out, err = run("make", "-C", str(directory), *arguments, patience=BUILD_PATIENCE)
    assert status == 0, err
    return out + err


def installed(usr):
    """The files below the root of /usr."""
    return sorted(os.path.relpath(path, usr) for path in usr.parent.rglob("*") if path.is_file())


@pytest.mark.slow(9)
def test_install(tmp):
    tmp = pathlib.Path(tmp)
    usr = tmp / "root/usr"
    make(".", "distdir", f"distdir={tmp}/source")
    configure = (f"cd {tmp} && source/configure --quiet --prefix=/usr --sysconfdir=/etc "
                 "--with-systemdsystemunitdir=/usr/lib/systemd/system "
                 "--with-sysusersdir=/usr/lib/sysusers.d "
                 "--with-catalogdir=/usr/lib/systemd/catalog")
    run("sh", "-c", configure, patience=BUILD_PATIENCE)
    assert "warning" not in make(tmp, "-j2").lower()

    make(tmp, "install", f"DESTDIR={tmp}/root")
    assert installed(usr) == sorted(FILES.split())
    unit = (usr / "lib/systemd/system/hello@.service").read_text()
    assert "\nExecStart=/usr/sbin/hellod\n" in unit
    assert " /etc/hello/greeting" in (usr / "share/man/man8/hellod.8").read_text()
    assert " /etc/hello/greeting" in run(str(usr / "sbin/hellod"), "--help").out
    # Nothing has changed, so make builds nothing.
    again = make(tmp, "install", f"DESTDIR={tmp}/root")
    assert not any(f"  {word} " in again for word in ("CC", "CCLD", "GEN"))
    make(tmp, "uninstall", f"DESTDIR={tmp}/root")
    assert installed(usr) == []

    # Nothing is left of the plugin, and it is still tested.
    run("sh", "-c", configure + " --without-plugindir", patience=BUILD_PATIENCE)
    make(tmp, "install", f"DESTDIR={tmp}/root")
    assert installed(usr) == sorted(name for name in FILES.split()
                                    if not re.search("check_hello|icinga|nagios", name))
    assert (tmp / "check_hello").exists() and (tmp / "man/check_hello.1").exists()
