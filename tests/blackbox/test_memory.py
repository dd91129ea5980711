# SPDX-License-Identifier: MIT
"""A host without memory: each allocation of a program fails, one in each run."""
import collections
import contextlib
import itertools
import os
import re
import select
import signal
import socket
import subprocess
import sys

import pytest

from harness import (HELLO, HELLOD, PATIENCE, Background, connect, like, listen, read_all, run,
                     target_of)

# Preloaded. The number is in a file that is mapped, because a confined hellod opens no other. Some
# failures are left out, because the libraries do not survive them: those in the thread that
# resolves names, and realloc(3), without which json-c leaves out a part of its text.
LIBRARY = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

static int *left; /* until the one that fails; 0: none fails, or it has failed */

__attribute__((constructor)) static void begin(void)
{
	int fd = open(getenv("NUMBER"), O_RDWR);

	left = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
}

static int fails(void)
{
	if (left == NULL || *left == 0 || gettid() != getpid() || --*left > 0)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}
"""
# What is said: by strerror(3), the second one of a thread; by check_hello in place of a text; and
# by check_hello where getopt_long(3) cannot say what is wrong.
NO_MEMORY = re.compile("Cannot allocate memory|Resource temporarily unavailable|"
                       "[(]out of memory[)]|UNKNOWN: wrong usage")


class Failures:
    """For processes with its environment. Iterates until a number is not reached."""

    def __init__(self, directory):
        library = directory + "/memory.so"
        subprocess.run([*os.environ.get("CC", "cc").split(), "-D_GNU_SOURCE", "-shared", "-fPIC",
                        "-xc", "-o", library, "-"], input=LIBRARY.encode(), check=True)
        self._path = directory + "/number"
        self.environment = {"NUMBER": self._path, "LD_PRELOAD": library}
        self.set(0)

    def set(self, number):
        with open(self._path, "wb") as file:
            file.write(number.to_bytes(4, sys.byteorder))

    def __iter__(self):
        for number in itertools.count(1):
            self.set(number)
            yield number
            with open(self._path, "rb") as file:
                if int.from_bytes(file.read(), sys.byteorder) > 0:
                    assert number > 1
                    return


@pytest.fixture
def failures(tmp):
    return Failures(tmp)


def without_figures(text):
    """Without numbers, lines of a histogram, and the server's close, for which a client does not
    wait long."""
    text = re.sub(r"^( |peer's close:).*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"[0-9]+(\.[0-9]+)?", "N", text.replace('"close_time":null', '"close_time":0'))


@pytest.mark.parametrize("arguments", [
    "hello-client 127.0.0.1:{}", "hello-client localhost:{}", "hello-client -v -e X 127.0.0.1:{}",
    "hello-client -c 2 -i 0 --histogram 127.0.0.1:{}", "hello-client -o json 127.0.0.1:{}",
    "hello-client -o json -e X 127.0.0.1:{}", "hello-client -o json -c 2 -i 0 127.0.0.1:{}",
    "hello-client -o openmetrics 127.0.0.1:{}",
    "hello-client -o openmetrics -c 2 -i 0 127.0.0.1:{}", "hello-client unix:/nowhere",
    "hello-client " + 64 * "0", "hello-client 127.0.0.1:x:", "check_hello -H 127.0.0.1:{}",
    "check_hello -v -e X -H 127.0.0.1:{}", "check_hello --unknown", "check_hello -H 127.0.0.1:x:"])
def test_client(server, failures, arguments):
    """It says so, unless it can do without."""
    program, *rest = arguments.format(server([HELLO]).target).split()
    command = [os.path.abspath(program), *rest]
    normal = run(*command, environment=failures.environment)
    for number in failures:
        result = run(*command, environment=failures.environment)
        told = NO_MEMORY.search(result.out + result.err)
        assert result.status == 3 and told or result.status == normal.status, (number, result)
        if not told:
            for got, usual in (result.out, normal.out), (result.err, normal.err):
                assert without_figures(got) == without_figures(usual), number


def serve(failures, options, listening):
    """Returns what the client of a hellod got, the exit status, and the log."""
    with contextlib.closing(listen()) as listener, connect(target_of(listener)) as client:
        passed = listener if listening else listener.accept()[0]
        hellod = Background(*options, command=[HELLOD], sockets=[passed],
                            environment=failures.environment)
        if not listening:
            passed.close()
        with contextlib.closing(hellod), open(os.pidfd_open(hellod.process.pid), "rb") as ending:
            ready, _, _ = select.select([client, ending], [], [], PATIENCE)
            got = read_all(client) if client in ready else b""
            client.close()
            if listening:
                hellod.process.send_signal(signal.SIGHUP)
                hellod.process.send_signal(signal.SIGTERM)
            result = hellod.end()
    return got, result.status, result.err


@pytest.mark.parametrize("listening", [False, True], ids=["per-connection", "listening"])
def test_hellod(failures, tmp, listening):
    """It does not greet and says so, or it greets and says so of what it did without."""
    with open(tmp + "/greeting", "wb") as file:
        file.write(HELLO[2:])
    outcomes = collections.Counter()
    for number in failures:
        got, status, log = serve(failures, ["--verbose", f"--greeting-file={tmp}/greeting"],
                                 listening)
        told = NO_MEMORY.search(log) is not None
        assert (got == HELLO) == (status == 0), (number, log)
        assert got in (b"", HELLO) and status in (0, 71, 78) and (told or got), (number, log)
        if listening and got:
            assert ("reloaded the greeting" in log) != ("keeping the greeting" in log and told)
        outcomes[got, told] += 1
    assert outcomes[b"", True] and (outcomes[HELLO, True] or not listening)


@pytest.mark.parametrize("kind, environment, said", [
    (socket.SOCK_STREAM, {"LISTEN_FDS": "x"}, "$LISTEN_PID, $LISTEN_FDS: *"),
    (socket.SOCK_SEQPACKET, {}, "file descriptor 3: *"),
    (socket.SOCK_STREAM, {}, "*/greeting: not UTF-8 *")], ids=["variable", "socket", "greeting"])
def test_configuration(failures, tmp, kind, environment, said):
    """Of what is wrong, there may be no memory for the description."""
    with open(tmp + "/greeting", "wb") as file:
        file.write(b"\xff")
    for number in failures:
        with socket.socket(socket.AF_UNIX, kind) as passed:
            passed.bind("")
            if kind == socket.SOCK_STREAM:
                passed.listen()
            result = run(HELLOD, f"--greeting-file={tmp}/greeting", sockets=[passed],
                         environment={**failures.environment, **environment})
        assert result.status == 78, number
        assert NO_MEMORY.search(result.err) or like(f"hellod: {said}\n", result.err), result.err
