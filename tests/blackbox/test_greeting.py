# SPDX-License-Identifier: MIT
"""The greeting of the option or the file: sent exactly, or refused."""
import os
import signal

import pytest

from harness import client, frame, get_frame, read_all
from messages import NOT_UTF8

TEXTS = {"default": "HELLO", "two-byte": "Grüß Gott", "three-byte": "你好，世界",
         "pairs": "HELLO 👋🏽 🌍", "empty": "", "spaces": " two  spaces ", "format": "%s%n"}
LONGEST = {"longest": 65535 * "x", "longest-with-pair": 65529 * "x" + "😀"}
FILES = {**{name: (text + "\n", text) for name, text in TEXTS.items()},
         **{name: (text, text) for name, text in LONGEST.items()},
         "no-newline": ("text", "text"), "newlines": ("one\0two\n\n", "one\0two\n")}


def write(path, content):
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return "--greeting-file=" + path


def served(hellod, text):
    assert get_frame(hellod.target) == frame(text)
    assert client("localhost", hellod.target) == (0, text + "\n", "")


@pytest.mark.parametrize("name", TEXTS)
def test_option(daemon, mode, name):
    served(daemon(mode, "--greeting=" + TEXTS[name]), TEXTS[name])


@pytest.mark.parametrize("name", FILES)
def test_file(daemon, mode, tmp, name):
    content, text = FILES[name]
    served(daemon(mode, write(tmp + "/greeting", content)), text)


def test_option_beats_file(daemon, mode, tmp):
    served(daemon(mode, write(tmp + "/greeting", "file"), "--greeting=option"), "option")


# T12 of hellod-security(7)
@pytest.mark.parametrize("make, message", [
    (lambda path: write(path, 65536 * "x"), "hellod: {}: 65536 bytes long when encoded, *65535*"),
    (lambda path: write(path, 65530 * "x" + "😀"), "hellod: {}: 65536 bytes long *65535*"),
    (lambda path: write(path, b"ab\xed\xa0\x80"), NOT_UTF8.format("{}", 2)),
    (lambda path: b"--greeting=HEL\xc3", NOT_UTF8.format("--greeting", 3)),
    (os.mkdir, "hellod: {}: not a regular file*"),
    (os.mkfifo, "hellod: {}: not a regular file*"),
    (lambda path: None, "hellod: {}: No such file*"),
], ids=["too-long", "too-long-with-pair", "surrogate", "option", "directory", "pipe", "no-file"])
def test_refused(daemon, mode, tmp, make, message):
    """The client gets no byte, and the log one line."""
    path = tmp + "/greeting"
    hellod = daemon(mode, make(path) or "--greeting-file=" + path)
    if mode == "per-connection":
        talker = hellod.connect()
        talker.sendall(bytes(1000))
        assert read_all(talker) == b""
        talker.close()
    assert hellod.wait() == [78]
    hellod.log.wait_for(message.format(path))
    assert len(hellod.log.lines) == 1


# T13 of hellod-security(7)
def test_reload(daemon, tmp):
    path = tmp + "/greeting"
    hellod = daemon("listening", write(path, "Moin\n"))
    served(hellod, "Moin")
    write(path, "Servus")
    hellod.signal(signal.SIGHUP)
    hellod.log.wait_for("hellod: reloaded the greeting")
    served(hellod, "Servus")
    write(path, b"Gr\xfc\xdf")
    hellod.signal(signal.SIGHUP)
    hellod.log.wait_for("hellod: keeping the greeting as it was")
    assert hellod.log.find(NOT_UTF8.format(path, 2))
    served(hellod, "Servus")
