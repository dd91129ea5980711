# SPDX-License-Identifier: MIT
"""The clients of a hellod one of whose system calls fails."""
import select
import time

from harness import HELLO, LONGEST

HELLOD_DEADLINE = 90  # seconds; to send takes it 30, and to linger 5


class Clients:
    """The clients of a hellod: what each has got, and whether it was the end of the stream."""

    def __init__(self, process, *sockets):
        self._process = process
        self._open = {each.fileno(): each for each in sockets}
        self.got = {fd: b"" for fd in self._open}
        self.ends = dict.fromkeys(self._open, "")

    def read(self, seconds=HELLOD_DEADLINE):
        """Reads, and closes at the end of the stream, until all are closed, hellod has ended, or
        the time is over."""
        give_up = time.monotonic() + seconds
        poller = select.poll()
        for fd in self._open:
            poller.register(fd, select.POLLIN)
        while self._open and time.monotonic() < give_up and (
                ready := poller.poll(2) or not self._process.ended()):
            for fd, _ in ready if ready is not True else []:
                try:
                    data = self._open[fd].recv(1 << 20)
                except OSError:
                    data, self.ends[fd] = b"", "reset"
                self.got[fd] += data
                if not data:
                    self.ends[fd] = self.ends[fd] or "eof"
                    poller.unregister(fd)
                    self._open.pop(fd).close()
        return self

    def greeted(self):
        return sum(got in (HELLO, LONGEST) for got in self.got.values())
