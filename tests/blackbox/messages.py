# SPDX-License-Identifier: MIT
"""Messages that several tests look for. {} stands for a value, * for anything."""

# hellod
GREETED = "hellod: greeted {} ({})"
NOT_GREETED = "hellod: did not greet {}: {} after {} of {} bytes"
SUMMARY = "hellod: greeted {} of {} clients ({})"
SUMMARY_DATAGRAMS = "hellod: greeted {} of {} clients, answered {} of {} datagrams ({})"
GREETING_TOO_LONG = "hellod: datagrams are not answered: the greeting's frame is {} bytes long,*"
NOT_UTF8 = "hellod: {}: not UTF-8 at byte {} *"
CANNOT_ACCEPT = ("hellod: cannot accept connections: Too many open files; "
                 "raise LimitNOFILE= or lower --max-connections")

# hello-client
COUNTS = "{} greeted of {} tried"
LOSS = COUNTS + ", {}% loss"
TIMED_OUT = "timed out after {} s"
RESOLUTION_TIMED_OUT = "nowhere.test: name resolution timed out after {} s"
# What to do, after the message in the format text.
ADVICE = {
    "refused": "start hello.socket there, or check the address",
    "unreachable": "check the *",
    "timed-out": "*, or give more time with -t",
    "reset": "see the server's log",
    "closed": "see the server's log",
    "malformed": "check that the server is a hellod",
    "unknown-host": "*",
}
NO_DATAGRAMS = "add ListenDatagram= to hello-listen.socket there, or check the address"
LONGER_REQUEST = "check the address and the firewall, or give a longer --request-size"
LONGER_REQUEST_UNIX = "see the server's log, or give a longer --request-size"
CHECK_NAME_SERVER = "check the name server, or give more time with -t"

# check_hello
GREETED_BY = 'greeted with "{}" by {} in *.* s'


# All programs
def cannot_write(why):
    """The end of a message. For a pipe whose reader has ended, there is nothing to do."""
    advice = "" if why == "Broken pipe" else ": redirect it to a file that can be written"
    return f"standard output: {why}{advice}\n"
