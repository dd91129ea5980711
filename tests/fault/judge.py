# SPDX-License-Identifier: MIT
"""What a run must not do, whatever call has failed."""
import errno
import os
import re
import signal

import harness
from tracing import open_at_end

STATUSES = {"hellod": {0, 64, 71, 74, 78}, "hello-client": {0, 2, 3}, "check_hello": {0, 1, 2, 3}}

# The peer's or the network's, of a connection, and of this host for anything else.
CONNECTION_CALLS = "accept4 connect recvfrom recvmmsg sendmmsg sendto shutdown".split()
NETWORK = """ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH ENETDOWN ENETUNREACH ENONET
    ENOPROTOOPT ENOTCONN EPIPE EPROTO ETIMEDOUT""".split()
# That pass: one of them must not lose a client of a process that serves others.
PASSING = "EAGAIN EINTR EMFILE ENFILE ENOBUFS ENOMEM ENOSPC".split()
SERVING_CALLS = "accept4 recvfrom recvmmsg sendmmsg sendto shutdown epoll_wait".split()
# The program itself would be wrong, not this host, the peer or the network: a system call that is
# made rightly never has them. What such a run says is not judged.
MISTAKE = {
    "": "EALREADY EBADF EBADFD EDESTADDRREQ EFAULT EINVAL EISCONN ENOTSOCK".split(),
    "accept4": ["EOPNOTSUPP"], "connect": ["EINTR"], "socket": ["EPROTONOSUPPORT"],
    "epoll_ctl": "EEXIST ELOOP ENOENT EPERM".split(),
    "getsockopt": ["ENOPROTOOPT"], "setsockopt": ["ENOPROTOOPT"],
    "sendto": "EMSGSIZE EOPNOTSUPP".split(), "sendmmsg": ["EMSGSIZE"],
}
# Of a family or a port that this host lacks, or of its security: with several addresses, the error
# of another address counts.
EITHER = "EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EPERM EPROTOTYPE".split()
# What the C library makes of an error.
OTHER_WORDS = {"clone3": "EAGAIN", "mmap": "EAGAIN", "mprotect": "EAGAIN", "socket": "EPERM"}
# Per second of waiting: a client that backs off makes five calls every 0.1 s, and three do.
CALLS_PER_SECOND = 200


def is_mistake(name, call, error):
    # A call that does not block is not interrupted, and a datagram that poll(2) saw is there.
    if "_udp" in name and call in ("recvfrom", "sendto") and error in ("EAGAIN", "EINTR"):
        return True
    return error in MISTAKE[""] + MISTAKE.get(call, [])


def is_network(fault):
    return fault.call in CONNECTION_CALLS and fault.error in NETWORK


def without_figures(text):
    return re.sub(r"[0-9]+(\.[0-9]+)?", "N", text)


def says(text, fault):
    """Whether the text names the error."""
    names = fault.error, OTHER_WORDS.get(fault.call, fault.error)
    return any(os.strerror(getattr(errno, name)) in text for name in names)


def injected(run):
    return [call for call in run.calls if call.injected]


def judge(name, program, fault, run, seen, normal, normal_seen):
    """Yields what is wrong with a run, by comparison with a normal one."""
    if run.late:
        yield "hangs"
        return
    mistake = is_mistake(name, fault.call, fault.error)
    if -run.status in (signal.SIGTERM, signal.SIGHUP) and mistake:
        return  # they were sent, and were to be blocked
    if run.status < 0:
        yield f"ends by signal {-run.status}"
        return
    if run.status not in STATUSES[program]:
        yield f"ends with the status {run.status}, which is not documented"
    allowed = len(normal.calls) * 3 + CALLS_PER_SECOND * (run.seconds + 1)
    # close(2) frees the descriptor even if it fails, but a call that strace makes fail is not made:
    # a closed client then stays in the epoll set.
    if fault.call != "close" and (len(run.calls) > allowed or run.cpu > normal.cpu + 0.5):
        yield f"spins: {len(run.calls)} calls, {run.cpu:.1f} s of CPU, in {run.seconds:.1f} s"
    leaked = len(open_at_end(run.calls)) - len(open_at_end(normal.calls))
    # At the end, the thread that resolves a name may still be running.
    if fault.call not in ("close", "ppoll") and leaked > 0:
        yield f"leaks {leaked} descriptors"
    if mistake:
        return
    if program == "hellod":
        yield from judge_hellod(fault, run, seen, normal, normal_seen)
    else:
        yield from judge_client(program, fault, run, normal)


def judge_hellod(fault, run, seen, normal, normal_seen):
    lost = normal_seen.greeted - seen.greeted
    cut = sum(got not in (b"", harness.HELLO, harness.LONGEST) for got in seen.got)
    told = says(run.err, fault)
    network = is_network(fault)
    passing = (fault.error in PASSING and fault.call in SERVING_CALLS
               and not fault.when.endswith("+"))
    if passing and (lost or run.status != normal.status):
        yield f"loses {lost} clients, status {run.status}, by an error that passes"
    elif lost > 0 and not told and fault.call != "sendmmsg" and not (
            network and lost <= len(injected(run))):
        yield f"loses {lost} clients without a word"
    if cut and not told and not network:
        yield f"cuts {cut} frames without a word"
    if lost > 0 and run.status == 0 and len(normal_seen.got) == 1 and not network \
            and normal.status == 0 and "cannot" not in run.err and fault.call != "sendmmsg":
        yield "fails to greet, and exits with 0"
    if run.status != normal.status and not told:
        yield f"ends with {run.status} in place of {normal.status}, without the reason"
    for line in ("reloaded", "keeping"):
        if line in normal.err and line not in run.err and not told and fault.call != "write":
            yield f"does not log '{line}', nor the reason"
    if not told and run.status == 0:
        for notice in {text.split("\n")[0] for text in normal_seen.notices
                       if text.startswith("R")}:
            if notice not in {text.split("\n")[0] for text in seen.notices}:
                yield f"does not send {notice}, and does not tell"


def judge_client(program, fault, run, normal):
    if fault.call == "sendto" and fault.error == "ENOBUFS":
        return  # as if the network had lost the request
    report = run.err + run.out
    # The C library turns most errors of its own into one that says something else.
    in_thread = any(call.thread != run.calls[0].thread for call in injected(run))
    same = run.status == normal.status
    if same and without_figures(run.out) == without_figures(normal.out):
        return
    if any(call.name == "write" and call.arguments.startswith("2,") for call in injected(run)):
        return  # the words are lost
    if same and run.status == 0 and not says(report, fault) and not in_thread:
        yield "succeeds, with other output"
    if run.status == 0 and normal.status != 0:
        yield "succeeds in place of a failure"
    network = is_network(fault)
    expected = 2 if network else 3
    either = fault.call in ("bind", "connect", "socket", "sendto") and fault.error in EITHER
    if not same and run.status != expected and not in_thread and not either:
        yield f"ends with {run.status} in place of {expected}"
    if not says(report, fault) and not in_thread and not (network and same):
        yield "does not name the error"
    if not report and not (fault.call == "write"):
        yield "is silent"
