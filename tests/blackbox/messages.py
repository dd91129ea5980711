# SPDX-License-Identifier: MIT
"""Messages that several tests look for. {} stands for a value, * for anything."""

# hellod
GREETED = "hellod: greeted {} ({})"
NOT_GREETED = "hellod: did not greet {}: {} after {} of {} bytes"
SUMMARY = "hellod: greeted {} of {} clients ({})"
SUMMARY_DATAGRAMS = "hellod: greeted {} of {} clients, answered {} of {} datagrams ({})"
NO_DATAGRAMS = "hellod: datagrams are not answered: the greeting's frame is {} bytes long,*"
NOT_UTF8 = "hellod: {}: not UTF-8 at byte {} *"
CANNOT_ACCEPT = ("hellod: cannot accept connections: Too many open files; "
                 "raise LimitNOFILE= or lower --max-connections")

# hello-client
GREETED_BY = 'greeted with "{}" by {} in 0.* s'
COUNTS = "{} greeted of {} tried"
LOSS = COUNTS + ", {}% loss"
TIMED_OUT = "timed out after {} s"
RESOLUTION_TIMED_OUT = "nowhere.test: name resolution timed out after {} s"
CANNOT_WRITE = "standard output: {}\n"
