# SPDX-License-Identifier: MIT
"""What is left to a hellod that its first client takes over: attacks.c runs inside of it."""
import errno
import os
import pathlib
import re
import signal
import subprocess

import pytest

from harness import HELLO, get_frame, listen, preload
from test_datagram import receiver

SOURCE = pathlib.Path(__file__).with_name("attacks.c")
ATTACKS = re.findall(r'^\t\{"([^"]+)"', SOURCE.read_text(), re.MULTILINE)

# Nothing else but an attack would do it.
KILLED = {"fork", "clone", "execve", "ptrace", "read the parent's memory", "map executable memory",
          "make memory executable"}
# Landlock denies it.
DENIED = {"open /etc/passwd", "list a directory"}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("attacks") / "attacks.so"
    subprocess.run([*os.environ.get("CC", "cc").split(), "-D_GNU_SOURCE", "-shared", "-fPIC",
                    "-o", path, SOURCE], check=True)
    return path


# T14 of hellod-security(7)
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack(daemon, mode, tmp, library, attack):
    greeting = pathlib.Path(tmp, "greeting")
    greeting.write_text("HELLO")
    hellod = daemon(mode, f"--greeting-file={greeting}", environment={
        "LD_PRELOAD": str(library), "ATTACK": attack, "WRITABLE": str(greeting),
        "CREATABLE": str(greeting) + ".new"})
    got = get_frame(hellod.target).decode()
    killed = attack in KILLED
    denied = attack in DENIED and mode == "listening"
    assert got == ("" if killed else "EACCES" if denied else "ENOSYS")
    hellod.wait() if mode == "per-connection" else hellod.processes[0].wait()
    assert hellod.processes[0].returncode == (-signal.SIGSYS if killed else 0)
    assert greeting.read_text() == "HELLO" and os.listdir(tmp) == ["greeting"]
    hellod.statuses = []


# T14 of hellod-security(7)
def test_sending_datagrams_does_not_connect(daemon, library):
    hellod = daemon("listening", listeners=[listen(), receiver("127.0.0.1")], environment={
        "LD_PRELOAD": str(library), "ATTACK": "connect by sending"})
    assert get_frame(hellod.target) == b"ENOSYS"
    hellod.processes[0].wait()
    hellod.statuses = []


def test_abort_says_why(daemon, tmp):
    """What the C library finds wrong is in the log."""
    hellod = daemon("listening", environment=preload(tmp, ABORT))
    assert get_frame(hellod.target) == b""
    hellod.log.wait_for("free(): invalid *")
    hellod.processes[0].wait()
    assert hellod.processes[0].returncode == -signal.SIGABRT
    hellod.statuses = []


# T15 of hellod-security(7)
@pytest.mark.parametrize("link", [False, True])
def test_reload_reads_only_the_directory_of_the_greeting(daemon, tmp, link):
    """Also where a symbolic link leads."""
    directory, elsewhere = pathlib.Path(tmp, "directory"), pathlib.Path(tmp, "elsewhere")
    directory.mkdir()
    elsewhere.mkdir()
    path = directory / "greeting"
    real = elsewhere / "text" if link else path
    real.write_text("HELLO")
    if link:
        path.symlink_to(real)
    hellod = daemon("listening", f"--greeting-file={path}", "--verbose")
    assert get_frame(hellod.target) == HELLO
    (real.parent / "new").write_text("AGAIN")
    (real.parent / "new").rename(real)
    hellod.signal(signal.SIGHUP)
    hellod.log.wait_for("hellod: reloaded the greeting")
    assert get_frame(hellod.target) == b"\0\5AGAIN"

    pathlib.Path(tmp, "outside").write_text("OUTSIDE")
    path.unlink()
    path.symlink_to(pathlib.Path(tmp, "outside"))
    hellod.signal(signal.SIGHUP)
    hellod.log.wait_for(f"hellod: {path}: Permission denied; *")
    assert get_frame(hellod.target) == b"\0\5AGAIN"
    assert not hellod.log.find("*not confined*")


# Preloaded: the memory is found to be damaged when the first client comes.
ABORT = r"""
#include <stdlib.h>
#include <sys/types.h>

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	char *volatile damaged = (char *)data + 1;

	free(damaged);
	return (ssize_t)size + fd + flags;
}
"""

# Preloaded: a kernel that knows none of it.
OLD_KERNEL = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>

int prctl(int option, ...)
{
	(void)option;
	errno = EINVAL;
	return -1;
}

long syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");

	if (number != SYS_landlock_create_ruleset && number != SYS_landlock_restrict_self)
		return next(number, a, b, c, d, e, f);
	errno = ENOSYS;
	return -1;
}
"""

# Preloaded: a kernel with $ABI of Landlock, which tells what it is asked for.
OLDER_LANDLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

int dup(int fd); /* unistd.h has another syscall() */

long syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	unsigned long long handled[3] = {0};

	if (number == SYS_landlock_add_rule || number == SYS_landlock_restrict_self)
		return 0;
	if (number != SYS_landlock_create_ruleset)
		return next(number, a, b, c, d, e, f);
	if (a == 0)
		return atoi(getenv("ABI"));
	memcpy(handled, (const void *)a, (size_t)b);
	dprintf(2, "asked by %ld bytes for %llx %llx %llx\n", b, handled[0], handled[1],
		handled[2]);
	return dup(2);
}
"""


@pytest.mark.parametrize("abi, asked", [
    # The size of struct landlock_ruleset_attr, and the accesses in linux/landlock.h, of Linux 5.13,
    # 5.19, 6.2, 6.7, 6.10, 6.12, and a later one.
    (1, "8 bytes for 1fff 0 0"), (2, "8 bytes for 3fff 0 0"), (3, "8 bytes for 7fff 0 0"),
    (4, "16 bytes for 7fff 3 0"), (5, "16 bytes for ffff 3 0"), (6, "24 bytes for ffff 3 3"),
    (7, "24 bytes for ffff 3 3")])
def test_older_landlock(daemon, tmp, abi, asked):
    """A kernel refuses a structure or an access that it does not know."""
    hellod = daemon("listening", "--verbose",
                    environment={**preload(tmp, OLDER_LANDLOCK), "ABI": str(abi)})
    hellod.log.wait_for("asked by " + asked)
    assert get_frame(hellod.target) == HELLO
    assert not hellod.log.find("*not confined*")


def test_kernel_that_is_too_old(daemon, mode, tmp):
    """hellod serves, and a verbose one says what was not done."""
    hellod = daemon(mode, "--verbose", environment=preload(tmp, OLD_KERNEL))
    assert get_frame(hellod.target) == HELLO
    for step, error in [("no_new_privs", errno.EINVAL), ("Landlock", errno.ENOSYS),
                        ("seccomp", errno.EINVAL)]:
        hellod.log.wait_for(f"hellod: not confined by {step}: {os.strerror(error)}")
