# SPDX-License-Identifier: MIT
"""The output of hello-client for a greeting: to files, pipes and terminals, in all locales."""
import os
import pty
import shutil
import subprocess

import pytest

from harness import (CHECK, HELLO, LONGEST, WAIT, client, drip, frame, like, objects,
                     refusing_port, run)
from messages import cannot_write
from test_probe_outcome import FORMATS

HELLO_LINE = (0, "HELLO\n", "")
LONGEST_LINE = (0, 65535 * "A" + "\n", "")


# T16 of hellod-security(7)
@pytest.mark.parametrize("steps, result, end", [
    ([HELLO], HELLO_LINE, "eof"),
    ([frame("")], (0, "\n", ""), "eof"),
    (drip(0.1, HELLO), HELLO_LINE, "eof"),
    ([LONGEST], LONGEST_LINE, "eof"),
    # Bytes after the frame stay unread, so that the server gets a reset. They are sent together: if
    # the client closes before it has some of them, the server may get an end of file.
    ([HELLO + b"!"], HELLO_LINE, "reset"),
    ([HELLO + 10000000 * b"X"], HELLO_LINE, "reset"),
    ([LONGEST + 1000000 * b"X"], LONGEST_LINE, "reset"),
], ids=["HELLO", "empty", "slow", "longest", "one-byte-more", "endless", "longest-and-more"])
def test_exactly_one_frame(server, steps, result, end):
    fake = server([*steps, WAIT])
    assert fake.client() == result
    fake.seen.wait_for(end)


@pytest.mark.parametrize("address, where", [
    ("127.0.0.1", "-4 127.0.0.1"), ("127.0.0.1", "--ipv4 localhost"), ("::1", "::1"),
    ("::1", "-6 ::1"), ("UNIX", ""),
    *(("127.0.0.1", f"--timeout={seconds} 127.0.0.1")
      for seconds in ("30", "30.", "030.5", "86400", "30.0000009"))])
def test_arguments(server, tmp, address, where):
    fake = server([HELLO, WAIT], address=address.replace("UNIX", tmp + "/socket"))
    assert client(*where.split(), fake.target) == HELLO_LINE


# T18 of hellod-security(7)
def test_terminal(server):
    """A title for the terminal, a bell, a C1 control and a right-to-left override."""
    text = "A\33]0;x\a\u009b\u202eB"
    fake = server([frame(text), WAIT])
    assert fake.client() == (0, text + "\n", "")
    ours, theirs = pty.openpty()
    assert fake.client(stdout=theirs).status == 0
    shown = b""
    while not shown.endswith(b"\n"):  # the kernel may pass it on in pieces
        shown += os.read(ours, 4096)
    assert shown.decode() == r"A\x1b]0;x\x07\u009b\u202eB" + "\r\n"
    os.close(ours)
    os.close(theirs)


# Quotes, backslash, solidus, newline, DEL, U+0000, U+2028, an emoji, a lone surrogate, a bar.
STRANGE_TEXT = "\"'\\/\n\x7f\0\u2028😀\ufffd|üZ"
STRANGE = frame(STRANGE_TEXT).replace(b"\xef\xbf\xbd", b"\xed\xa0\x80")
STRANGE_SHOWN = "\"'\\/\\x0a\\x7f\\x00\\u2028😀�|üZ"


# T18 of hellod-security(7)
def test_strange_greeting(server):
    fake = server([STRANGE, WAIT])
    assert fake.client() == (0, STRANGE_TEXT + "\n", "")
    assert like(f"from * ms: {STRANGE_SHOWN}\n*", fake.client("-c1").out)
    [thing] = objects(fake.client("-ojson").out)
    assert (thing["greeting"], thing["frame_length"]) == (STRANGE_TEXT, len(STRANGE))


def test_path(server, tmp):
    """The JSON has a path as it is, bytes that are not UTF-8 replaced; text escapes only what a
    terminal needs. That nobody listens there changes nothing."""
    path = tmp + "/bü x\n\udcff"
    shown, replaced = tmp + "/bü x\\x0a\\xff", tmp + "/bü x\n\ufffd"
    for status in (2, 0):
        if status == 0:
            fake = server([HELLO], address=path)
        thing = objects(client("-ojson", path).out)[0]
        assert (thing["host"], thing["exit"]) == (replaced, status)
        assert thing["address"] == (None if status else replaced)
        assert [attempt["address"] for attempt in thing["attempts"]] == [replaced]
        _, out, err = client("-vc1", path)
        assert err.startswith(shown + ": ")
        assert f"\n--- {shown} ---\n" in out
        if status:
            assert f"\nhello-client: seq=1: {shown}: No such file" in err
            assert f" {shown}: No such file" in run(CHECK, "-H", path).out
        else:
            assert out.startswith(f"from {shown}: seq=1 ")
            assert f'"HELLO" by {shown} in' in fake.plugin().out


# T20 of hellod-security(7)
@pytest.mark.parametrize("host", [b"\xff", b"a|b", b'"\\', b"/none/\xff", b"/none/a\nb|"])
def test_strange_host(host):
    """An invalid host, which is part of the output."""
    objects(client("-ojson", host).out)


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "no_SUCH", "", "de_DE"])
def test_locale(server, tmp, locale):
    """Text is UTF-8 and numbers have a point, also in ISO-8859-1 with its comma."""
    how = {"environment": {"LC_ALL": locale, "LOCPATH": tmp}}
    if locale == "de_DE":
        if not shutil.which("localedef") or not os.path.exists("/usr/share/i18n/locales/de_DE"):
            pytest.skip("localedef or the sources of locales are not installed")
        subprocess.run(["localedef", "-ide_DE", "-fISO-8859-1", tmp + "/de_DE"], check=True)
    text = "Grüße.☃😀"
    fake = server([frame(text), WAIT])
    assert fake.client(**how) == (0, text + "\n", "")
    assert like(f"*: {text}\n*", fake.client("-c1", **how).out)
    assert fake.client("-q", "-e" + text, **how).status == 0
    unexpected = fake.client("-ex", **how)
    assert (unexpected.status, f'"{text}"' in unexpected.err) == (2, True)
    assert objects(fake.client("-ojson", **how).out)[0]["greeting"] == text
    assert like(f"HELLO OK: greeted with \"{text}\" by * in *.* s|time=*.*s;60.5;;0;30.5\n",
                fake.plugin("-w60.5", "-t30.5", **how).out)


@FORMATS
@pytest.mark.parametrize("data", [HELLO, LONGEST], ids=["short", "longest"])
@pytest.mark.parametrize("options", ["", "-v", "-c2 -i0", "-q -c2 -i0"])
def test_output_that_cannot_be_written(server, data, options, output):
    """Exit status 3, with any result of the probe."""
    fake = server([data])
    reader, broken_pipe = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, open(broken_pipe, "wb") as broken:
        for why, where in [("No space left on device", {"stdout": full}),
                           ("Broken pipe", {"stdout": broken}),
                           ("Bad file descriptor", {"closed": [1]})]:
            status, _, err = fake.client("-o", output, *options.split(), **where)
            assert (status, err.endswith("hello-client: " + cannot_write(why))) == (3, True)


def test_missing_streams(server):
    fake = server([HELLO])
    # Sockets get the numbers of the streams.
    assert fake.client(closed=[0, 1, 2]).status == 3
    # Without output, a missing stream is not an error.
    assert like("*Connection refused: *\n", client("127.0.0.1", refusing_port(), closed=[1]).err)
    assert fake.client("-q", "-eother", closed=[1]).status == 2
