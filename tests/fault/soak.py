#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many clients of one process, and many greetings of another: memory and descriptors stay as they
are. The argument is the number of clients.

Runs in the build directory, with tests/bench/load. Ten clients a second are 864000 in a day.
"""
import contextlib
import fcntl
import os
import re
import signal
import socket
import sys
import tempfile
import time

import namespace

namespace.enter()

import harness  # noqa: E402

ROUNDS = 10
MEMORY_KB = 128  # more than at the end of the first round, which fills caches
TIME_BYTES = 8  # that the client keeps of a greeting, up to STATS_TIMES_MAX
CLIENT_FDS = 10  # more than a greeting needs, fewer than a leak would leave
LISTENING_FDS = 2  # sockets of hellod without clients


def resources(process):
    """The resident memory in kB, without the pages of files, which are mapped 64 KiB at a time; and
    the number of descriptors. The page tables have the memory exactly: RssAnon of status is a sum
    over processors that some kernels take while it is off by some hundred kB."""
    with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as file:
        memory = int(re.search(r"Anonymous:\s+(\d+) kB", file.read())[1])
    return memory, len(os.listdir(f"/proc/{process.pid}/fd"))


def assert_flat(seen):
    memory, fds = zip(*seen)
    assert max(memory) <= memory[0] + MEMORY_KB, seen
    assert len(set(fds)) == 1, seen
    return f"{memory[0]} to {max(memory)} kB and {fds[0]} descriptors"


def others(hellod, datagrams):
    """Clients of other kinds than those that load(1) makes."""
    clients = [harness.connect(hellod.target) for _ in range(20)]
    for i, client in enumerate(clients):
        if i % 2:
            harness.reset(client)
        else:
            client.send(b"x" * 5000)
            assert harness.read_all(client) == harness.HELLO
            client.close()
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(harness.PATIENCE)
        client.connect(datagrams.getsockname())
        for _ in range(20):
            client.send(bytes(600))
            assert client.recv(600) == harness.HELLO
    hellod.signal(signal.SIGHUP)


def soak_server(count):
    with tempfile.TemporaryDirectory() as directory:
        path = directory + "/greeting"
        with open(path, "w", encoding="ascii") as file:
            file.write("HELLO\n")
        datagrams = socket.socket(type=socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", 0))
        hellod = harness.Daemon("listening", "--greeting-file", path,
                                listeners=[harness.listen(), datagrams])
        with contextlib.closing(hellod):
            seen = []
            for i in range(ROUNDS):
                result = harness.run("tests/bench/load", f"--port={hellod.target}",
                                     f"--count={count // ROUNDS}", "--concurrency=64")
                assert result.status == 0, result
                others(hellod, datagrams)
                hellod.log.wait_for("*reloaded the greeting", i + 1)
                # The clients have ended; hellod may not have closed the last ones yet.
                harness.wait_until(lambda: hellod.sockets() == LISTENING_FDS)
                seen.append(resources(hellod.processes[0]))
        return assert_flat(seen)


def soak_client(count):
    with contextlib.closing(harness.Daemon("listening")) as hellod:
        # The client is at most the buffers of a pipe ahead: it still runs after 9 tenths.
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        process = harness.Background("-c", str(count), "-i", "0", "-o", "json", "localhost",
                                     hellod.target, stdout=writer)
        os.close(writer)
        seen = []
        with open(reader, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if number in range(count // ROUNDS, count, count // ROUNDS):
                    seen.append(resources(process.process))
        [summary] = harness.objects(line.decode())
        assert summary["greeted"] == summary["tried"] == count, summary
        assert process.end().status == 0
    memory, fds = zip(*seen)
    assert max(memory) <= memory[0] + MEMORY_KB + count * TIME_BYTES // 1024, memory
    assert max(fds) <= CLIENT_FDS, fds
    return f"{memory[0]} to {max(memory)} kB and at most {max(fds)} descriptors"


def main():
    count = int(sys.argv[1])
    begin = time.monotonic()
    server = soak_server(count)
    print(f"hellod: {count} clients, {server}", flush=True)
    client = soak_client(count // 10)
    print(f"hello-client: {count // 10} greetings, {client}", flush=True)
    print(f"{count} clients and {count // 10} greetings, memory and descriptors flat, in "
          f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
