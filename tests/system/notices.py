# SPDX-License-Identifier: MIT
"""Prints what services say to a notification socket (sd_notify(3)), a line for each assignment.

notices.py PATH   (prints "listening" first)
"""
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
    notices.bind(sys.argv[1])
    print("listening", flush=True)
    while True:
        print(notices.recv(4096).decode(errors="replace").rstrip("\n"), flush=True)
