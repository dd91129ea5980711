# SPDX-License-Identifier: MIT
"""A client of hellod that behaves well or badly.

visit.py PORT BEHAVIOUR [ARGUMENT]...   (PORT may be the path of a UNIX socket)

    read             read to the end of file, print the bytes as hex
    talk BYTES       send so many bytes first, then as read
    talk-all BYTES   the same, and tell the end of the sending too (half-close)
    late BYTES       as talk, but do not read before the server has closed its side
    hold PATH        read to the end of file, print the bytes, but close only when PATH exists
    mute PATH        read nothing and close when PATH exists
    flood            send until the server has had enough
    reset            connect, then reset the connection
    vanish           connect and close at once
    crowd COUNT CONCURRENCY HEX   greet so many times, all must be HEX; print how many were

Every wait ends after 60 seconds.
"""
import os
import select
import socket
import struct
import sys
import threading
import time

PATIENCE_SEC = 60


def connect(where):
    if where.startswith("/"):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE_SEC)
        peer.connect(where)
        return peer
    return socket.create_connection(("127.0.0.1", int(where)), PATIENCE_SEC)


def read_all(peer):
    received = bytearray()
    while True:
        chunk = peer.recv(65536)
        if not chunk:
            return bytes(received)
        received += chunk


def wait_for(path):
    give_up = time.monotonic() + PATIENCE_SEC
    while not os.path.exists(path) and time.monotonic() < give_up:
        time.sleep(0.01)


def wait_for_hangup(peer):
    """Until the peer's end of file has arrived, without reading what comes before it."""
    poll = select.poll()
    poll.register(peer, select.POLLRDHUP)
    poll.poll(PATIENCE_SEC * 1000)


def flood(peer):
    sent = 0
    try:
        while True:
            sent += peer.send(bytes(65536))
    except (BrokenPipeError, ConnectionResetError):
        print("stopped")


def crowd(where, count, concurrency, wanted):
    """Closed loop: each of `concurrency` visitors comes again when it was greeted."""
    left = list(range(count))
    greeted = []
    failures = []

    def come_again():
        while True:
            try:
                left.pop()
            except IndexError:
                return
            try:
                with connect(where) as peer:
                    got = read_all(peer)
                (greeted if got == wanted else failures).append(got.hex())
            except OSError as error:
                failures.append(str(error))

    visitors = [threading.Thread(target=come_again) for _ in range(concurrency)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    print(len(greeted))
    for failure in sorted(set(failures)):
        print(f"{failures.count(failure)} times: '{failure}'", file=sys.stderr)


def main(where, behaviour, *arguments):
    if behaviour == "crowd":
        crowd(where, int(arguments[0]), int(arguments[1]), bytes.fromhex(arguments[2]))
        return

    with connect(where) as peer:
        if behaviour in ("talk", "talk-all", "late"):
            peer.sendall(bytes(int(arguments[0])))
        if behaviour == "talk-all":
            peer.shutdown(socket.SHUT_WR)
        if behaviour == "late":
            wait_for_hangup(peer)
        if behaviour in ("read", "talk", "talk-all", "late", "hold"):
            print(read_all(peer).hex(), flush=True)
        if behaviour in ("hold", "mute"):
            wait_for(arguments[0])
        if behaviour == "flood":
            flood(peer)
        if behaviour == "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


main(*sys.argv[1:])
