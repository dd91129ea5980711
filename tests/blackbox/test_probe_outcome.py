# SPDX-License-Identifier: MIT
"""hello-client as a probe: outcome and exit status of each situation, in each format."""
import socket
import time

import pytest

from harness import (HELLO, RESET, WAIT, client, drip, frame, like, listen, objects, preload,
                     refusing_port)
from messages import ADVICE, TIMED_OUT

FORMATS = pytest.mark.parametrize("output", ["text", "json"])
STATUSES = {"greeted": 0, "unknown-host": 3}  # 2 for all others

def check(output, arguments, where, word, message):
    """Runs hello-client and checks its report on the target `where`."""
    status = STATUSES.get(word, 2)
    since = time.monotonic()
    got = client("-o", output, *arguments)
    took = time.monotonic() - since
    assert got.status == status, got.err
    assert took < 40 and (word != "timed-out" or took >= float(arguments[1]))
    error = f"{where}: {message}" if message else ""
    greeting = "HELLO" if word in ("greeted", "unexpected") else ""
    if output == "text":
        assert got.out == (greeting and greeting + "\n")
        advice = ": " + ADVICE[word] if word in ADVICE else ""
        assert like(f"hello-client: {error}{advice}\n" if error else "", got.err)
        assert not got.err.endswith(": \n")
    else:
        [thing] = objects(got.out)
        assert (thing["status"], thing["exit"], got.err) == (word, status, "")
        assert thing["greeting"] == (greeting or None)
        assert like(error, thing["error"] or "")


# Options, steps of the server, outcome, and the message after the address. The limits and the pause
# are long, because a busy machine may be late with the connection, or with the server's bytes.
SITUATIONS = [
    ("-t 60", [HELLO, WAIT], "greeted", ""),
    ("-e HELLO", [HELLO, WAIT], "greeted", ""),
    *((f"-e {text}", [HELLO], "unexpected", f'greeted with "HELLO", not with "{text}"')
      for text in ["hello", "HELL", "HELLO!"]),
    *((f"-t {limit}", [*steps, WAIT], "timed-out",
       TIMED_OUT.format(limit) + ", after " + progress) for limit, steps, progress in [
           ("5.5", [], "0 of 2 header bytes"), ("7.5", [HELLO[:5]], "5 of 7 bytes"),
           # Of which a client that is late does not find all.
           ("5.7", drip(0.2, frame(20 * "HELLO")), "* of * bytes"),
           # As a length, "22" is more than the rest of the line.
           ("7.5", [b"220 mail\r\n"], "10 of 12852 bytes")]),
    # The reset follows the connection.
    ("-t 60", [HELLO[:3], 5, RESET], "reset", "Connection reset by peer after 3 of 7 bytes"),
    ("-t 60", [], "closed", "closed after 0 of 2 header bytes: *"),
    ("-t 60", [HELLO[:1]], "closed", "closed after 1 of 2 header bytes"),
    *(("-t 60", [HELLO[:n]], "closed", f"closed after {n} of 7 bytes") for n in range(2, 7)),
    *(("-t 60", [frame], "malformed", f"malformed at byte {offset} of the greeting's {frame[1]}")
      for frame, offset in [(b"\0\1\x80", 0), (b"\0\5HELL\xff", 4), (b"\0\4\xf0\x9f\x98\x80", 0),
                            (b"\0\2A\xc3", 1), (b"\0\3\xc3(\xff", 0)]),
]


each_situation = pytest.mark.parametrize("options, steps, word, message", [
    pytest.param(*case, id=f"{case[2]}-{n}",
                 marks=[pytest.mark.slow(7)] * (case[2] in ("timed-out", "reset")))
    for n, case in enumerate(SITUATIONS)])


# T16 of hellod-security(7)
@FORMATS
@each_situation
def test_situation(server, output, options, steps, word, message):
    port = server(steps).target
    check(output, [*options.split(), "127.0.0.1", port], f"127.0.0.1:{port}", word, message)


@FORMATS
@pytest.mark.parametrize("arguments, word, message", [
    ("/nowhere", "unreachable", "No such file or directory"),
    (__file__, "refused", "Connection refused"),
    ("/" + 106 * "0", "unreachable", "No such file or directory"),
    (64 * "0" + ".invalid", "unknown-host", "*"),
], ids=["no-path", "no-socket", "longest-path", "long-label"])
def test_no_server(output, arguments, word, message):
    check(output, arguments.split(), arguments.split()[-1], word, message)


@FORMATS
def test_refused(output):
    port = refusing_port()
    check(output, ["127.0.0.1", port], f"127.0.0.1:{port}", "refused", "Connection refused")
    check(output, ["localhost", port], "*:" + port, "refused", "Connection refused*")


# T17 of hellod-security(7)
@FORMATS
@pytest.mark.parametrize("address", ["127.0.0.1", "UNIX"])
def test_full_queue(closing, tmp, output, address):
    """With a listener that never accepts, the client waits to be connected."""
    listener = closing(listen(address.replace("UNIX", tmp + "/full"), backlog=0))
    name = listener.getsockname()
    closing(socket.socket(listener.family)).connect(name)
    where = [name] if address == "UNIX" else ["127.0.0.1", str(name[1])]
    message = TIMED_OUT.format("0.4")
    check(output, ["-t", "0.4", *where], ":".join(where), "timed-out", message)
    assert ("firewall" in client("-t", "0.4", *where).err) == (address != "UNIX")


def test_reset_at_once(server):
    """The outcome is reset, not refused, even if connect(2) reports the reset."""
    *things, summary = objects(server([RESET]).client("-ojson", "-c200", "-i0").out)
    assert {thing["status"] for thing in things} == {"reset"}
    assert summary["exit"] == 2


# Preloaded: the process is late, and finds the connection made, and reset again.
LATE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	struct pollfd polled = {.fd = fd};
	int r = (int)syscall(SYS_connect, fd, address, length), error = errno;

	poll(&polled, 1, -1);
	errno = error;
	return r;
}
"""


@pytest.mark.parametrize("sent, status", [(HELLO, 0), (HELLO + b"!", 0), (HELLO[:6], 2), (b"", 2)])
def test_reset_after_the_frame(server, tmp, sent, status):
    """What came before the reset is not lost."""
    got = server([sent, RESET]).client(environment=preload(tmp, LATE))
    assert (got.status, got.out) == (status, "HELLO\n" if status == 0 else "")
