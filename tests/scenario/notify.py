# SPDX-License-Identifier: MIT
"""What a service tells its manager, see sd_notify(3).

notify.py SOCKET LOG   receive at SOCKET, append the assignments to LOG, one a line
"""
import os
import socket
import sys


def main(path, log):
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    # Under another name first: who sees the socket can already send to it.
    receiver.bind(path + ".new")
    os.rename(path + ".new", path)
    with open(log, "a", encoding="utf-8") as lines:
        while True:
            message = receiver.recv(65536).decode()
            lines.write(message if message.endswith("\n") else message + "\n")
            lines.flush()


main(*sys.argv[1:])
