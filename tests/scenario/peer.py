# SPDX-License-Identifier: MIT
"""A server of one script, for hello-client to meet; and a terminal for it to write to.

peer.py [OPTION]... STEP...        plays the steps to each connection, then closes it
peer.py [OPTION]... hole           never answers: a listener whose queue is full
peer.py terminal COMMAND...        runs the command on a terminal of its own, prints what it shows

    --address ADDRESS   where to listen, 127.0.0.1 by default; a path for a UNIX socket
    --port PORT         0, the default, leaves it to the kernel
    --count COUNT       how many connections there will be, one after the other; 1 by default

    send HEX            send these bytes
    fill COUNT HEX      send these bytes so many times
    drip SECONDS HEX    send these bytes one by one, with a pause before each
    sleep SECONDS
    wait                until the client closes; prints "eof", or "reset" if it left bytes unread
    reset               close with a reset
    say WORD            print it
    next                the steps after it are for the next connection, and so on in turns

The first line that it prints is the port, as soon as it listens. It ends when all connections are
over, and in any case after 60 seconds.
"""
import argparse
import os
import pty
import signal
import socket
import struct
import sys
import time

PATIENCE_SEC = 60


def send(connection, data):
    """A client that has gone is no failure: "wait" tells."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        print("reset", flush=True)
        raise EOFError from None


def wait(connection):
    try:
        while connection.recv(65536):
            pass
        print("eof", flush=True)
    except ConnectionResetError:
        print("reset", flush=True)


def drip(connection, seconds, data):
    for byte in data:
        time.sleep(seconds)
        send(connection, bytes([byte]))


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def play(connection, steps):
    steps = iter(steps)
    for step in steps:
        if step == "send":
            send(connection, bytes.fromhex(next(steps)))
        elif step == "fill":
            send(connection, int(next(steps)) * bytes.fromhex(next(steps)))
        elif step == "drip":
            drip(connection, float(next(steps)), bytes.fromhex(next(steps)))
        elif step == "sleep":
            time.sleep(float(next(steps)))
        elif step == "wait":
            wait(connection)
        elif step == "reset":
            reset(connection)
        elif step == "say":
            print(next(steps), flush=True)
        else:
            sys.exit(f"peer.py: no such step: {step}")


def listen(address, port):
    if address.startswith("/"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
    else:
        listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        port = listener.getsockname()[1]
    return listener, port


def hole(listener, port):
    """With a backlog of 0 there is room for one connection. Linux drops what comes then."""
    listener.listen(0)
    client = socket.socket(listener.family)
    client.connect(listener.getsockname())
    listener.setblocking(True)
    print(port, flush=True)
    while True:
        signal.pause()


def split_turns(steps):
    turns = [[]]
    for step in steps:
        if step == "next":
            turns.append([])
        else:
            turns[-1].append(step)
    return turns


def serve(listener, port, count, turns):
    listener.listen(16)
    print(port, flush=True)
    for i in range(count):
        connection, _ = listener.accept()
        with connection:
            try:
                play(connection, turns[i % len(turns)])
            except EOFError:
                pass


def main():
    signal.alarm(PATIENCE_SEC)
    if sys.argv[1] == "terminal":
        sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:])))

    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("steps", nargs="*")
    options = parser.parse_args()

    listener, port = listen(options.address, options.port)
    if options.steps == ["hole"]:
        hole(listener, port)
    serve(listener, port, options.count, split_turns(options.steps))


main()
