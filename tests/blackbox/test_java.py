# SPDX-License-Identifier: MIT
"""HelloServer and HelloClient in Java, with hellod and hello-client."""
import fcntl
import os
import pathlib
import shutil
import subprocess

import pytest

from harness import Background, Lines, client, get_frame, run

# Frames, according to the documentation of DataOutput.writeUTF.
TEXTS = {
    "HELLO": ("HELLO", b"\0\5HELLO"),
    "empty": ("", b"\0\0"),
    "two-byte": ("Grüß Gott", b"\0\13Gr\303\274\303\237 Gott"),
    "three-byte": ("你好，", b"\0\11\344\275\240\345\245\275\357\274\214"),
    "six-byte": ("HELLO 👋", b"\0\14HELLO \355\240\275\355\261\213"),
    "U+0000": ("one\0two", b"\0\10one\300\200two"),
    "longest": (21845 * "漢", b"\377\377" + 21845 * b"\346\274\242"),
}


@pytest.fixture(scope="session")
def java(tmp_path_factory):
    """The command without the name of the class. One worker compiles for all."""
    if not shutil.which("javac"):
        pytest.skip("javac is not installed")
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent
    with open(directory / "javac.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "HelloServer.class").exists():
            sources = (pathlib.Path(__file__).parents[1] / "interop").glob("Hello*.java")
            subprocess.run(["javac", "-encoding", "UTF-8", "-d", directory, *sources], check=True)
    # Options for programs that end soon.
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp", directory]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("kind", ["HelloServer", "per-connection", "listening"])
def test_pair(java, daemon, closing, tmp, kind, name):
    text, frame = TEXTS[name]
    path = tmp + "/greeting"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    if kind == "HelloServer":
        # Without a file, it greets with HELLO.
        server = closing(Background(kind, "0", *[path] * (name != "HELLO"), command=java))
        target = Lines(server.process.stdout).wait_for("listening on port *")[0].rpartition(" ")[2]
    else:
        target = daemon(kind, "--greeting-file=" + path).target
    assert get_frame(target) == frame
    assert client("localhost", target) == (0, text + "\n", "")
    assert run(*java, "HelloClient", "localhost", target) == (0, text + "\n", "")
