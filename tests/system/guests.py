# SPDX-License-Identifier: MIT
"""Many clients at once that do not close.

guests.py PORT COUNT[@ADDRESS]...

For each argument: connects so many clients, from that address (127.0.0.1), reads from each until
the server ends, and prints how many were greeted with HELLO and how many were closed without a
byte: "GREETED CLOSED". All of them stay open until its standard input ends.

Fails if one of them was neither, or if it takes more than 60 seconds.
"""
import selectors
import socket
import sys
import time

PATIENCE_SEC = 60
HELLO = b"\x00\x05HELLO"


def connect(port, source):
    return socket.create_connection(("127.0.0.1", int(port)), PATIENCE_SEC, (source, 0))


def receive(guests):
    """What each of them received before its end of file."""
    received = {guest: bytearray() for guest in guests}
    give_up = time.monotonic() + PATIENCE_SEC
    with selectors.DefaultSelector() as waiting:
        for guest in guests:
            waiting.register(guest, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(max(0, give_up - time.monotonic()))
            if not ready:
                sys.exit(f"{len(waiting.get_map())} of {len(guests)} were left waiting")
            for key, _ in ready:
                chunk = key.fileobj.recv(4096)
                received[key.fileobj] += chunk
                if not chunk:
                    waiting.unregister(key.fileobj)
    return [bytes(each) for each in received.values()]


def main(port, *groups):
    all_guests = []
    for group in groups:
        count, _, source = group.partition("@")
        guests = [connect(port, source or "127.0.0.1") for _ in range(int(count))]
        all_guests += guests
        got = receive(guests)
        others = {each.hex() for each in got} - {HELLO.hex(), ""}
        if others:
            sys.exit(f"got something else: {others}")
        print(got.count(HELLO), got.count(b""), flush=True)
    sys.stdin.read()


main(*sys.argv[1:])
