#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves with CBMC what the headers promise, and prints what was proved, up to which bound.

For each proof, faults are planted into a copy of the source, which the proof must notice: a proof
that cannot fail shows nothing. --brief leaves out the proofs and faults that take longest.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing

HERE = pathlib.Path(__file__).parent
SRC = HERE.parent.parent / "src"
SKIPPED = 77
TIMEOUT_SEC = 600
# Unsigned arithmetic wraps by definition, and conversions are meant; all else that C leaves
# undefined is checked. A loop that may run longer than its bound is an error.
CHECKS = ("--bounds-check", "--pointer-check", "--pointer-overflow-check",
          "--pointer-primitive-check", "--div-by-zero-check", "--signed-overflow-check",
          "--undefined-shift-check", "--unwinding-assertions", "--no-malloc-may-fail",
          "--drop-unused-functions", "--slice-formula")


class Proof(typing.NamedTuple):
    unit: str
    name: str
    promise: str  # as in the header
    bound: str  # of `length` bytes, if it has a %d
    length: int = 0
    brief_length: int = 0  # with --brief; 0: left out

    @property
    def function(self):
        return f"prove_{self.unit}_{self.name}"

    @property
    def is_brief(self):
        return self.length == 0 or self.brief_length > 0


UNBOUNDED = "none: every input"
EVERY_STEP = "4 sends for each step"
PROOFS = (
    Proof("utf8", "get", "the grammar of RFC 3629, for every text", UNBOUNDED),
    Proof("utf8", "get_group", "overlong forms, surrogates, up to U+1FFFFF", UNBOUNDED),
    Proof("utf8", "put", "what is written reads the same", UNBOUNDED),
    Proof("mutf8", "encode", "writes what writeUTF writes", "text: %d bytes", 4, 3),
    Proof("mutf8", "decode", "accepts what readUTF accepts", "input: %d bytes", 4, 3),
    Proof("mutf8", "decode_pair", "surrogates, in pairs and alone", "input: %d bytes, the first ED",
          6, 6),
    Proof("mutf8", "round_trip", "a text that was encoded is decoded to itself", "text: %d bytes",
          4, 3),
    Proof("frame", "encode", "a length and the greeting; or why not", UNBOUNDED),
    Proof("frame", "missing", "how many bytes to read", UNBOUNDED),
    Proof("frame", "reading", "a reader never gets a byte too many", UNBOUNDED),
    Proof("frame", "decode", "the outputs and the result of mutf8_decode()", UNBOUNDED),
    Proof("endpoint", "forms", "brackets, UNIX, vsock: memory and results",
          "text, port: %d bytes each", 12),
    Proof("endpoint", "hosts", "other texts: memory and results", "text, port: %d bytes each", 8),
    Proof("client", "start", "owns the socket, sends nothing yet", UNBOUNDED),
    Proof("client", "step", "the transitions of the header, no others", EVERY_STEP),
    Proof("client", "end", "how the connection ended", EVERY_STEP),
)

SOURCES = {
    "utf8": ["common/utf8.c"],
    "mutf8": ["common/mutf8.c", "common/utf8.c"],
    "frame": ["common/frame.c"],
    "endpoint": ["probe/endpoint.c"],
    "client": ["hellod/client.c"],
}
# How often a loop may run, and once more.
LOOPS = {"utf8": 5, "frame": 5, "endpoint": 17, "client": 6}
INNER_LOOPS = {"mutf8": "utf8_get_group.0:4,utf8_put.0:4,put_unit.0:4"}

# What is left, and who looks after it.
LEFT = (
    "mutf8: longer texts (the fuzzer, the JDK); each step reads one character and the next",
    "endpoint: longer texts, characters of ports (unit tests); endpoint_format, endpoint_hint",
    "client: more than 4 short sends in one step (unit tests)",
    "assumed: CBMC, its model of malloc(); models of the C library and of system calls",
)


class Fault(typing.NamedTuple):
    file: str
    right: str
    wrong: str
    proof: str  # must notice it
    long: bool = False


FAULTS = (
    Fault("common/utf8.c", "n > length", "n > length + 1", "prove_utf8_get"),
    Fault("common/utf8.c", "c > 0x10FFFF", "c > 0x110000", "prove_utf8_get"),
    Fault("common/utf8.c", "c <= 0xDFFF", "c < 0xDFFF", "prove_utf8_get"),
    Fault("common/utf8.c", "n != length_of(c) || ", "", "prove_utf8_get"),
    Fault("common/utf8.c", "lead >= 0xF8", "lead > 0xF8", "prove_utf8_get_group"),
    Fault("common/utf8.c", "0xC0) != 0x80", "0x80) != 0x80", "prove_utf8_get_group"),
    Fault("common/utf8.c", "i = n - 1", "i = n", "prove_utf8_put"),
    Fault("common/utf8.c", "c < 0x10000 ?", "c <= 0x10000 ?", "prove_utf8_put"),
    Fault("common/mutf8.c", "*length < size", "*length <= size", "prove_mutf8_encode"),
    Fault("common/mutf8.c", "unit == 0 ? 2", "unit == 0 ? 1", "prove_mutf8_encode"),
    Fault("common/mutf8.c", "length > size ? -EMSGSIZE : 0", "0", "prove_mutf8_encode"),
    Fault("common/mutf8.c", "c -= SUPPLEMENTARY_FIRST;", ";", "prove_mutf8_encode", long=True),
    Fault("common/mutf8.c", "n > UNIT_BYTES_MAX", "n > 4", "prove_mutf8_decode", long=True),
    Fault("common/mutf8.c", "*ret_bad_offset = offset;\n\t\t\treturn -EILSEQ;\n\t\t}\n\t\tif (is",
          "*ret_bad_offset = offset + 1;\n\t\t\treturn -EILSEQ;\n\t\t}\n\t\tif (is",
          "prove_mutf8_decode"),
    Fault("common/mutf8.c", "length - offset - n", "length - offset", "prove_mutf8_decode"),
    Fault("common/mutf8.c", "n *= 2;", "", "prove_mutf8_decode_pair"),
    Fault("common/mutf8.c", "c = UTF8_REPLACEMENT;", "c = '?';", "prove_mutf8_decode_pair"),
    Fault("common/mutf8.c", "(c & 0x3FF) << 10", "(c & 0x1FF) << 10", "prove_mutf8_round_trip",
          long=True),
    Fault("common/frame.c", "ret_frame + FRAME_HEADER_BYTES,", "ret_frame + 1,",
          "prove_frame_encode"),
    Fault("common/frame.c", "length >> 8", "length >> 7", "prove_frame_encode"),
    Fault("common/frame.c", "have < FRAME_HEADER_BYTES", "have < 1", "prove_frame_missing"),
    Fault("common/frame.c", "<< 8 |", "<< 9 |", "prove_frame_reading"),
    Fault("common/frame.c", "frame + FRAME_HEADER_BYTES, frame_missing(frame, FRAME_HEADER_BYTES)",
          "frame + FRAME_HEADER_BYTES, frame_missing(frame, 1)", "prove_frame_decode"),
    Fault("probe/endpoint.c", "strlen(UNIX_PREFIX) : text", "strlen(UNIX_PREFIX) + 1 : text",
          "prove_endpoint_forms", long=True),
    Fault("probe/endpoint.c", "length == abstract", "length + 1 == abstract",
          "prove_endpoint_forms", long=True),
    Fault("probe/endpoint.c", "rest = text + 1 + length, *why", "rest = text + 2 + length, *why",
          "prove_endpoint_forms", long=True),
    Fault("probe/endpoint.c", "strchr(colon + 1, ':')", "strchr(colon + 2, ':')",
          "prove_endpoint_hosts", long=True),
    Fault("probe/endpoint.c", "text[0] == '\\0')\n\t\treturn \"the port is empty",
          "text[0] == 'x')\n\t\treturn \"the port is empty", "prove_endpoint_hosts", long=True),
    Fault("hellod/client.c", "greeting_ref(greeting)", "greeting", "prove_client_start"),
    Fault("hellod/client.c", "client->events = POLLIN | POLLOUT;", "client->events = POLLIN;",
          "prove_client_start"),
    Fault("hellod/client.c", "client->state == before && ", "", "prove_client_step"),
    Fault("hellod/client.c", "MSG_DONTWAIT | MSG_NOSIGNAL", "MSG_NOSIGNAL", "prove_client_step"),
    Fault("hellod/client.c", "client->fd = -1;", "", "prove_client_step"),
    Fault("hellod/client.c", "client->events = POLLOUT;", "", "prove_client_step"),
    Fault("hellod/client.c", "client->state = CLIENT_LINGERING;", "", "prove_client_step"),
    Fault("hellod/client.c", "now_usec >= client->deadline_usec",
          "now_usec > client->deadline_usec", "prove_client_step"),
    Fault("hellod/client.c", "client->sent < greeting->length", "client->sent <= greeting->length",
          "prove_client_step"),
    Fault("hellod/client.c", "client->drained > CLIENT_DRAIN_BYTES_MAX", "client->drained > 0",
          "prove_client_end"),
    Fault("hellod/client.c", "n == 0 && client->state == CLIENT_LINGERING", "n == 0",
          "prove_client_end"),
    Fault("hellod/client.c", "case ENOMEM:\n", "", "prove_client_end"),
)


def length_of(proof):
    return proof.brief_length if options_given.brief else proof.length


def cbmc(proof, length, source_directory, *more):
    """Runs CBMC. Returns whether all was proved; what was not; the checks; the seconds."""
    loops = 2 * length + 1 if proof.unit == "mutf8" else LOOPS[proof.unit]
    command = [options_given.cbmc, "-I.", f"-I{source_directory}", f"-I{SRC}",
               "--function", proof.function, "--unwind", str(loops), *CHECKS, *more]
    if length > 0:
        command.append(f"-DLENGTH_MAX={length}")
    if proof.unit in INNER_LOOPS:
        command += ["--unwindset", INNER_LOOPS[proof.unit]]
    command += [HERE / f"prove_{proof.unit}.c",
                *(source_directory / source for source in SOURCES[proof.unit])]
    begin = time.monotonic()
    try:
        output = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False,
                                timeout=TIMEOUT_SEC).stdout
    except subprocess.TimeoutExpired:
        output = f"no result in {TIMEOUT_SEC} s"
    failures = re.findall(r"(?m)^\[.*: FAILURE$|^Violated property:$", output)
    total = re.search(r"(?m)^\*\* \d+ of (\d+) failed", output)
    proved = "\nVERIFICATION SUCCESSFUL" in output
    if not proved and "\nVERIFICATION FAILED" not in output:
        failures = output.strip().splitlines()[-3:]
    return proved, failures, int(total[1]) if total else 0, time.monotonic() - begin


def plant(fault, proof):
    """Returns None if the proof notices the fault, or why it does not."""
    text = (SRC / fault.file).read_text("utf-8")
    if text.count(fault.right) < 1:
        return "the source has changed: adapt FAULTS"
    with tempfile.TemporaryDirectory() as work:
        copy = pathlib.Path(work, "src")
        for source in SOURCES[proof.unit]:
            (copy / source).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SRC / source, copy / source)
        (copy / fault.file).write_text(text.replace(fault.right, fault.wrong, 1), "utf-8")
        length = proof.length if fault.long else proof.brief_length or proof.length
        proved, failures, _, _ = cbmc(proof, length, copy, "--stop-on-fail")
    if proved:
        return "not noticed"
    # An output without a verdict, such as that of a syntax error, is no proof of anything.
    noticed = failures and failures[0].startswith(("[", "Violated"))
    return None if noticed else f"no verdict: {failures}"


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brief", action="store_true", help="only what takes seconds")
    parser.add_argument("--only", default="", help="proofs with this word in their names")
    parser.add_argument("--cbmc", default="cbmc")
    return parser.parse_args()


def skip(why):
    print(f"SKIP: make prove: {why}")
    sys.exit(SKIPPED)


def main():
    if not shutil.which(options_given.cbmc):
        skip("cbmc is not installed: ./bootstrap --all does it")
    version = subprocess.run([options_given.cbmc, "--version"], stdout=subprocess.PIPE, text=True,
                             check=False).stdout
    if not version[:1].isdigit() or int(version.split(".")[0]) < 6:
        skip(f"cbmc 6 is needed, this is {version.strip() or 'no version'}")
    begin = time.monotonic()
    proofs = [proof for proof in PROOFS if options_given.only in proof.function and
              (proof.is_brief or not options_given.brief)]
    by_name = {proof.function: proof for proof in proofs}
    faults = [fault for fault in FAULTS if fault.proof in by_name and
              not (fault.long and options_given.brief)]
    unproved = properties = 0
    missed = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda proof: cbmc(proof, length_of(proof), SRC), proofs)
        plants = pool.map(lambda fault: plant(fault, by_name[fault.proof]), faults)
        print(f"{'unit':9}{'property':46}{'bound':31}{'result':>12}{'s':>5}")
        for proof, (proved, failures, count, seconds) in zip(proofs, results):
            result = f"proved, {count}" if proved else "NOT PROVED"
            bound = proof.bound.replace("%d", str(length_of(proof)))
            print(f"{proof.unit:9}{proof.promise:46}{bound:31}{result:>12}{seconds:5.0f}",
                  *failures, sep="\n    ", flush=True)
            unproved += not proved
            properties += count
        for fault, why in zip(faults, plants):
            if why is not None:
                missed.append(fault)
                print(f"planted fault, {fault.file}: {fault.right!r} -> {fault.wrong!r}: {why}")
    for left in LEFT:
        print(f"left: {left}")
    # Every proof needs a fault that it notices.
    idle = by_name.keys() - {fault.proof for fault in FAULTS} if not options_given.only else ()
    for name in idle:
        print(f"{name}: no planted fault shows that it can fail")
    print(f"prove: {len(proofs) - unproved} of {len(proofs)} proofs, {properties} checks, "
          f"{len(faults) - len(missed)} of {len(faults)} planted faults noticed, "
          f"{time.monotonic() - begin:.0f} s")
    return 1 if unproved or missed or idle or not proofs else 0


options_given = parse_options()
sys.exit(main())
