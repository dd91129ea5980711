# SPDX-License-Identifier: MIT
"""Servers and ports as users type them, in each program: tests/endpoints is the table."""
import os
import re
import shutil
import socket
import tempfile

import pytest

from harness import CHECK, CLIENT, HELLO, Server, client, objects, run
from messages import ADVICE
from network import Network


def rows():
    path = os.path.join(os.environ.get("srcdir", "."), "tests", "endpoints")
    with open(path, encoding="utf-8") as table:
        return [line.rstrip("\n").split("\t") for line in table if line[0] not in "#\n"]


def options(server, port):
    """For hello-client, with the port as an option."""
    return [*(["-p", port] if port != "-" else []), "--", *([server] if server != "-" else [])]


def operands(server, port):
    """For hello-client, with the port as an operand if there is a host before it."""
    if server == "-" != port:
        return options(server, port)
    return ["--", *(each for each in (server, port) if each != "-")]


def plugin_options(server, port):
    """For check_hello."""
    return [*(["-H", server] if server != "-" else []), *(["-p", port] if port != "-" else [])]


# The beginning of a command, and how it goes on with a server and a port.
PROGRAMS = {
    "operands": ([CLIENT, "-t20"], operands),
    "options": ([CLIENT, "-t20"], options),
    "check_hello": ([CHECK, "-t20"], plugin_options),
}


@pytest.fixture(scope="module")
def network():
    with tempfile.TemporaryDirectory() as etc:
        net = Network(etc, [])
        net.write("hosts", net.hosts + "::1 xn--bcher-kva.test\n")
        net.write("services", "hello 4711/tcp\n")
        for listener in net.listeners:
            listener.close()
        yield net
        net.close()


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("server, port, endpoint, address", rows(),
                         ids=lambda field: field.replace("/", "|") if field != "!" else "refused")
def test_table(network, program, server, port, endpoint, address):
    """No server is there, so that there is a message, which has the address."""
    command, arguments = PROGRAMS[program]
    status, out, err = run(*network.enter, *command, *arguments(server, port))
    if endpoint == "!":
        assert status == 3 and f"{address}\n" in out + err
    elif address == "-":
        # For a plugin, only an unknown service is wrong usage.
        assert status == (2 if program == "check_hello" and "no service" not in out else 3)
        assert f" {endpoint.rsplit(':', 1)[0].strip('[]')}: " in out + err
    else:
        assert status == 2 and f" {address}: " in out + err


@pytest.mark.parametrize("server, port, endpoint, address",
                         [row for row in rows() if row[2] != "!"])
def test_json(network, server, port, endpoint, address):
    """The JSON has what was given, and what was tried."""
    out = run(*network.enter, CLIENT, "-t20", "-ojson", "-c1", *operands(server, port)).out
    thing, summary = objects(out)
    assert thing["endpoint"] == summary["endpoint"] == endpoint
    assert thing["host"] == summary["host"]
    if address == "-":
        assert thing["attempts"] == []
        return
    [attempt] = thing["attempts"]
    port = thing["port"]
    host = attempt["address"]
    assert address in {host, f"{host}:{port}", f"[{host}]:{port}"}
    assert (port is None) == (address == host)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "de_DE"])
def test_international_name(network, locale):
    """It is UTF-8 in every locale; what is not is refused."""
    def probe(name):
        return run(*network.enter, CLIENT, name, environment={"LC_ALL": locale})

    status, _, err = probe("bücher.test")
    assert (status, err) == (
        2, f"hello-client: bücher.test: [::1]:6666: Connection refused: {ADVICE['refused']}\n")
    status, _, err = probe("bücher.test".encode("iso-8859-1"))
    assert status == 3 and "not correctly encoded" in err
    # IDNA allows no emoji.
    status, _, err = probe("💩.test")
    assert (status, err) == (3, "hello-client: 💩.test: Parameter string not correctly encoded: "
                                "give a name that IDNA allows, in UTF-8, and install libidn2\n")


def test_abstract_name(closing, tmp):
    """Every byte counts. A path of the same name is another socket."""
    name = tmp.replace("/", "-")
    abstract = closing(socket.socket(socket.AF_UNIX))
    abstract.bind("\0" + name)
    abstract.listen()
    friend = Server([HELLO], listener=abstract)
    for text in ("@" + name, "unix:@" + name):
        assert client(text) == (0, "HELLO\n", "")
    status, out, err = client("-c1", "@" + name)
    assert (status, err) == (0, "")
    assert out.startswith(f"from @{name}: ") and f"\n--- @{name} ---\n" in out
    assert client(f"@{name}x").err == (
        f"hello-client: @{name}x: Connection refused: {ADVICE['refused']}\n")
    assert client("unix:./@" + name).status == 2
    friend.close()


def test_relative_path(server, tmp):
    friend = server([HELLO], address=tmp + "/socket")
    path = os.path.relpath(friend.target)
    assert client("unix:" + path) == (0, "HELLO\n", "")
    assert client(path) == (3, "", f"hello-client: '{path}': a host has no '/': give HOST:PORT, or "
                            "unix:PATH for a UNIX socket\nTry 'hello-client --help'.\n")


def test_vsock_connect():
    """What is asked of the kernel, because a virtual machine need not be here."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    trace = run("strace", "-qq", "-e", "trace=socket,connect", CLIENT, "-t20", "vsock:7:8").err
    assert "socket(AF_VSOCK, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0)" in trace
    assert re.search(r"connect\(\d+, \{sa_family=AF_VSOCK, svm_cid=(7|0x7), svm_port=(8|0x8)",
                     trace)
