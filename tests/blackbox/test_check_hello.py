# SPDX-License-Identifier: MIT
"""check_hello: output, status and ranges as the Monitoring Plugins' development guidelines want."""
import os
import re

import pytest

from harness import CHECK, HELLO, LONGEST, WAIT, client, frame, like, refusing_port, run, wait_until
from messages import GREETED_BY, cannot_write
from test_probe_outcome import each_situation

STATUSES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
LINE_CHARACTERS_MAX = 1000

# 'label'=value[unit];[warning];[critical];[minimum];[maximum]: "Performance data".
NUMBER = r"-?[0-9]*\.?[0-9]*"
RANGE = rf"@?(?:(?:{NUMBER}|~)?:)?(?:{NUMBER})?"
METRIC = (rf"(?P<label>[^ =|']+|'[^=|']+')=(?P<value>U|{NUMBER})(?P<unit>s|us|ms|%|B|KB|MB|TB|c)?"
          rf";(?P<warning>{RANGE});(?P<critical>{RANGE});(?P<minimum>{NUMBER});(?P<maximum>{NUMBER})")


def parse(got, status):
    """Returns the text and the performance data of the only line."""
    line, end, rest = got.out.partition("\n")
    assert (got.status, got.err, end, rest) == (STATUSES.index(status), "", "\n", "")
    assert len(line) <= LINE_CHARACTERS_MAX and line.isprintable()
    text, bar, data = line.partition("|")
    assert bar and "|" not in data
    assert text.startswith(f"HELLO {status}: ")
    metric = re.fullmatch(METRIC, data)
    assert metric, data
    assert (metric["label"], metric["minimum"]) == ("time", "0")
    assert metric["unit"] == (None if metric["value"] == "U" else "s")
    return text.removeprefix(f"HELLO {status}: "), metric


@each_situation
def test_situation(server, options, steps, word, message):
    """Whatever is not a greeting is critical."""
    fake = server(steps)
    text, metric = parse(fake.plugin(*options.split()), "CRITICAL" if message else "OK")
    where = "127.0.0.1:" + fake.target
    assert like(f"{where}: {message}" if message else GREETED_BY.format("HELLO", where), text)
    assert (metric["value"] == "U") == (word not in ("greeted", "unexpected"))
    assert metric["maximum"] == (options.split()[1] if "-t" in options else "10")


@pytest.mark.parametrize("arguments, status, message", [
    ("-H nowhere.invalid", "CRITICAL", "nowhere.invalid: *"),
    ("-H /nowhere", "CRITICAL", "/nowhere: No such file or directory"),
    ("-H " + __file__, "CRITICAL", "*: Connection refused"),
    ("-H 127.0.0.1 -p no-such-service", "UNKNOWN", "127.0.0.1: no service 'no-such-service/tcp' *"),
], ids=["name", "path", "file", "service"])
def test_no_server(arguments, status, message):
    text, metric = parse(run(CHECK, *arguments.split()), status)
    assert like(message, text) and metric["value"] == "U"


def test_long_host():
    """The host is cut, and the reason stays. A name with parts that are too long is not asked for in
    the network."""
    name = ".".join(3 * [64 * "a"]) + ".invalid"
    text, _ = parse(run(CHECK, "-H", name), "CRITICAL")
    assert like(name[:200] + "...: Name or service not known*", text)


def test_refused():
    text, _ = parse(run(CHECK, "-H", "127.0.0.1", "-p", refusing_port()), "CRITICAL")
    assert like("127.0.0.1:*: Connection refused", text)


# T17 of hellod-security(7)
@pytest.mark.slow(1.5)
@pytest.mark.parametrize("given, status", [
    ("1.5:ok", "OK"), ("1.5:1", "WARNING"), ("1.5", "CRITICAL"), ("1.5:CRITICAL", "CRITICAL"),
    ("1.5:Unknown", "UNKNOWN")])
def test_timeout(server, given, status):
    text, metric = parse(server([WAIT]).plugin("-t", given), status)
    assert like("*: timed out after 1.5 s*", text)
    assert (metric["value"], metric["maximum"]) == ("U", "1.5")


# The ranges in the guidelines' table, with a time that is between 0 and 1000 seconds.
NEVER = ["1000", "0:", "~:1000", "0:1000", "@1000:2000", "-0.5:1000", "~:", "@~:0", "@1000:"]
ALWAYS = ["0", "1000:", "~:0", "1000:2000", "@0:1000", "-2:-1", "@~:", "@0.000001:", "@~:1000"]


@pytest.mark.parametrize("option, status", [("-w", "WARNING"), ("-c", "CRITICAL")])
def test_ranges(server, option, status):
    fake = server([HELLO])
    for given in NEVER:
        _, metric = parse(fake.plugin(option, given), "OK")
        assert metric[status.lower()] == given
    for given in ALWAYS:
        text, metric = parse(fake.plugin(option, given), status)
        assert metric[status.lower()] == given
        where = "inside" if "@" in given else "outside"
        assert text.endswith(f" s, {where} the {status.lower()} range {given}")


# The guidelines' table of command lines, with half a second for 10.
@pytest.mark.slow(2)
@pytest.mark.parametrize("options, at_once, later, late", [
    ("-w0.5 -c1", "OK", "WARNING", "CRITICAL"),
    ("-w~:0.5 -c~:1", "OK", "WARNING", "CRITICAL"),
    ("-w0.5: -c1", "WARNING", "OK", "CRITICAL"),
    ("-c0.5:", "CRITICAL", "OK", "OK"),
    ("-w~:0 -c0.5", "WARNING", "CRITICAL", "CRITICAL"),
    ("-c0.5:1", "CRITICAL", "OK", "CRITICAL"),
    ("-c@0.5:1", "OK", "CRITICAL", "OK"),
])
def test_command_lines(server, options, at_once, later, late):
    """Times of the guidelines' "stuff": below 10, from 10 to 20, above 20."""
    def check(pause):
        """Returns which one it was, because a busy machine may be late."""
        got = server([pause, HELLO]).plugin(*options.split())
        took = float(re.search(r"\|time=([0-9.]+)s", got.out)[1])
        which = (took > 0.5) + (took > 1)
        parse(got, [at_once, later, late][which])
        return which

    for which, pause in enumerate([0, 0.6, 1.05]):
        wait_until(lambda: check(pause) == which)  # pylint: disable=cell-var-from-loop


HOSTILE = "|'\"\n\r\t\0\x1b[2J\x7f\u009b\u2028\u202e;= ü😀\\$(x)`<>&" * 15


# T18 of hellod-security(7)
def test_hostile_greeting(server):
    """300 characters and more leave one line, with performance data as with any other greeting."""
    assert len(HOSTILE) >= 300
    fake = server([frame(HOSTILE), WAIT])
    text, _ = parse(fake.plugin(), "OK")
    assert like("greeted with \"\\x7c'*...\" by 127.0.0.1:* in *.* s", text)
    text, _ = parse(fake.plugin("-w0"), "WARNING")
    text, _ = parse(fake.plugin("-eother"), "CRITICAL")
    assert like("127.0.0.1:*: greeted with \"\\x7c'*...\", not with \"other\"", text)
    text, _ = parse(fake.plugin("-v"), "OK")
    for options in ("-vv", "-vvv"):
        status, out, err = fake.plugin(options)
        assert (status, err, out.count("|")) == (0, "", 1)
        assert all(line.isprintable() for line in out.splitlines())


# T20 of hellod-security(7)
@pytest.mark.parametrize("host", [b"\xff", b"a|b", b'"\\', b"/none/\xff", b"/none/a\nb|", b"@a|b\n"])
def test_hostile_host(host):
    """In the text, or in the message about wrong usage."""
    status, out, err = run(CHECK, b"-vvvH" + host)
    assert status >= 2 and err == ""
    assert out.count("|") == out.count("|time=U;;;0;10\n")
    assert all(line.isprintable() for line in out.splitlines())


def test_unix_path(server, tmp):
    fake = server([HELLO], address=tmp + "/a|b")
    text, _ = parse(fake.plugin(), "OK")
    assert like('greeted with "HELLO" by ' + tmp + "/a\\x7cb in *.* s", text)


@pytest.mark.parametrize("option, lines", [("", 1), ("-v", 1), ("-vv", 7), ("-vvv", 9),
                                           ("-vvvv", 9)])
def test_verbose(server, option, lines):
    fake = server([HELLO])
    status, out, err = fake.plugin("-w0:1000", *option.split())
    assert (status, err) == (0, "")
    where = "127.0.0.1:" + fake.target
    first, *more = out.splitlines()
    phases = " (resolve *.* s, connect *.* s, first byte *.* s, whole frame *.* s)"
    assert like(f"HELLO OK: {GREETED_BY.format('HELLO', where)}{phases if option else ''}"
                "|time=*.*s;0:1000;;0;10", first)
    assert like("\n".join([f"server: {where}", "timeout: 10 s, then CRITICAL",
                           "warning range: 0:1000", "critical range: none",
                           "expected greeting: any", f"{where}: connected after *.* s",
                           "received: 7 bytes: 00 05 48 45 4c 4c 4f", "greeting: HELLO"][:lines - 1]),
                "\n".join(more))


def test_longest_greeting(server):
    fake = server([LONGEST])
    text, _ = parse(fake.plugin(), "OK")
    assert like(f'greeted with "{200 * "A"}..." by *', text)
    text, _ = parse(fake.plugin("-e", 300 * "B"), "CRITICAL")
    assert like(f'127.0.0.1:*: greeted with "{200 * "A"}...", not with "{200 * "B"}..."', text)
    out = fake.plugin("-vvv").out
    assert f"\nreceived: 65537 bytes: ff ff{254 * ' 41'}...\n" in out
    assert out.endswith(f"\ngreeting: {65535 * 'A'}\n")


def test_hellod(daemon, mode):
    hellod = daemon(mode, "--greeting=Grüße")
    where = ["-H", "localhost", "-p", hellod.target]
    text, _ = parse(run(CHECK, *where, "-e", "Grüße", "-w", "30", "-c", "60"), "OK")
    assert like('greeted with "Grüße" by *', text)
    parse(run(CHECK, *where, "-e", "HELLO"), "CRITICAL")
    assert client("localhost", hellod.target).out == "Grüße\n"


@pytest.mark.parametrize("option", ["--help", "-h", "--version", "-V"])
def test_help(option):
    """UNKNOWN, because nothing is checked."""
    status, out, err = run(CHECK, option)
    assert (status, err) == (3, "")
    assert like("check_hello (*) *\nUsage: check_hello *" if "h" in option else
                "check_hello (*) *\n", out)


@pytest.mark.parametrize("arguments, message", [
    (["-w", "20:10"], "--warning: '20:10' starts above its end: *"),
    (["-c", "10s"], "--critical: '10s' is no range: *"),
    (["-t", "5:never"], "--timeout: 'never' is no status: *"),
    (["-t", "0"], "--timeout: '0' is wrong: give seconds from 0.001 to 86400"),
    (["localhost"], "'localhost' is not an option: give the host with -H, the port with -p"),
    (["-H", "a", "-p", "0"], "'a 0': the port is wrong: *"),
    (["-Z"], "invalid option -- 'Z'"),
    (["--a|b\n"], "unrecognized option '--a\\x7cb\\x0a'"),
    (["-H"], "option requires an argument -- 'H'"),
], ids=lambda field: " ".join(field).strip() if isinstance(field, list) else "")
def test_wrong_usage(arguments, message):
    """It is on standard output, which Nagios reads, with a short usage statement."""
    status, out, err = run(CHECK, *arguments)
    assert (status, err) == (3, "")
    assert like(f"HELLO UNKNOWN: {message}\nUsage: check_hello *\n", out)
    assert "|" not in out and out.count("\n") == 3


@pytest.mark.parametrize("argument, count, message", [
    (b"-e\xff", 1, "--expect: '\\xff' is not UTF-8: give the text in UTF-8"),
    (b"-e\xff", 2000, "--expect: '" + 47 * "\\xff" + "..." + 62 * "\\xff"
     + "' is not UTF-8: give the text in UTF-8"),
    # The last 100 bytes begin within a character.
    ("-w€".encode(), 1000, "--warning: '" + 188 * "€" + "..." + 3 * "€" + "' is no range: give END, "
     "START:, START:END or ~:END, and @ in front for an alert inside it"),
    ("-w€".encode(), 95, "--warning: '" + 95 * "€" + "' is no range: give END, START:, START:END or "
     "~:END, and @ in front for an alert inside it"),
    (b"--a", 2000, "unrecognized option '--" + 177 * "a" + "..." + 99 * "a" + "'"),
], ids=["byte", "bytes", "cut", "whole", "option"])
def test_long_mistake(argument, count, message):
    """The middle is cut, and what to give stays."""
    last = argument.decode(errors="surrogateescape")[-1:].encode(errors="surrogateescape")
    out = run(CHECK, argument.removesuffix(last) + count * last).out
    assert out.startswith(f"HELLO UNKNOWN: {message}\nUsage: ")


@pytest.mark.parametrize("arguments", [[], ["-vvv"], ["-h"], ["-V"], ["-Z"]], ids=str)
def test_output_that_cannot_be_written(server, arguments):
    fake = server([HELLO])
    reader, broken_pipe = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, open(broken_pipe, "wb") as broken:
        for why, where in [("No space left on device", {"stdout": full}),
                           ("Broken pipe", {"stdout": broken}),
                           ("Bad file descriptor", {"closed": [1]})]:
            status, _, err = fake.plugin(*arguments, **where)
            assert (status, err) == (3, "check_hello: " + cannot_write(why))
