#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the fuzzing targets with clang, and runs libFuzzer on each of them.

Prints a row for each target and, last, the totals. In the build directory, tests/fuzz/found has the
report of each target, the new inputs that reach more, and those that break the target. --merge adds
the former to the corpora in the source directory, as few as possible; there, inputs with a name
stay, and those that are named by their hash are chosen anew.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("srcdir", "."))
FUZZ = SOURCE / "tests/fuzz"
CORPORA = FUZZ / "corpus"
BUILD = pathlib.Path("tests/fuzz/build")
FOUND = pathlib.Path("tests/fuzz/found")

# In the order to link them. What confines the process is left out: it would confine the fuzzer.
FOLDERS = ("check_hello", "client", "probe", "hellod", "common")
LEFT_OUT = ("main.c", "confine.c")
LIBRARIES = ["-ljson-c", "-lsystemd", "-lm", "-lpthread"]

# Checks of every access would count as code that no input can reach; the address sanitizer finds
# such accesses, and so do the replays of "make check-sanitizers".
SANITIZERS = "address,undefined"
FLAGS = ["-g", "-O1", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer",
         "-fno-sanitize=null,alignment,object-size,pointer-overflow",
         '-DSYSCONFDIR="/etc"', "-I.", f"-I{SOURCE}/src"]

# The longest input of each target. The server has the most states, so it gets most of the time.
TARGETS = {
    "server": 512,
    "decode": 4096,
    "encode": 4096,
    "endpoint": 1200,
    "range": 64,
    "option": 64,
    "greeting": 4096,
    "request": 2048,
    "probe": 512,
    "report": 1024,
    "plugin": 1024,
}
# The other files of tests/fuzz that a target consists of, as in local.mk.
PARTS = {
    "server": ["kernel", "server_model"],
    "decode": ["reference"],
    "encode": ["reference"],
    "greeting": ["reference"],
    "report": ["made_result", "metrics"],
    "plugin": ["made_result"],
}
# Those whose dictionary has the name of another target.
DICTIONARIES = {"encode": "decode", "greeting": "decode"}
SHARES = {"server": 6, "probe": 2, "report": 2}


def run(*command):
    """Runs a step of the build. Its output is shown only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.exit(" ".join(map(str, command)) + "\n" + done.stdout.decode(errors="replace"))


def compile_file(source, sanitizers):
    path = BUILD / (str(source.relative_to(SOURCE)).replace("/", "_") + ".o")
    run(OPTIONS.cc, f"-fsanitize={sanitizers}", *FLAGS, "-c", source, "-o", path)
    return path


def make_library(name, objects):
    path = BUILD / f"lib{name}.a"
    run("ar", "cr", path, *(future.result() for future in objects))
    return path


def build(pool):
    """Only the programs are instrumented, so that the tests do not count as covered code."""
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    tests = [test for test in sorted(FUZZ.glob("*.c")) if test.name != "replay.c"]
    objects = {test.stem: pool.submit(compile_file, test, SANITIZERS) for test in tests}
    folders = {folder: [pool.submit(compile_file, source, SANITIZERS + ",fuzzer-no-link")
                        for source in sorted((SOURCE / "src" / folder).glob("*.c"))
                        if source.name not in LEFT_OUT]
               for folder in FOLDERS}
    libraries = [make_library(folder, futures) for folder, futures in folders.items()]
    links = [pool.submit(run, OPTIONS.cc, f"-fsanitize={SANITIZERS},fuzzer", "-o",
                         BUILD / f"fuzz_{name}",
                         *(objects[part].result() for part in (f"fuzz_{name}", *PARTS.get(name, []))),
                         *libraries, *LIBRARIES)
             for name in OPTIONS.targets]
    for link in links:
        link.result()


def fuzz(name, seconds):
    """Runs a target, and returns its figures."""
    found, log = FOUND / name, FOUND / f"{name}.log"
    dictionary = FUZZ / f"{DICTIONARIES.get(name, name)}.dict"
    found.mkdir(parents=True, exist_ok=True)
    command = [BUILD / f"fuzz_{name}", f"-max_total_time={seconds}", f"-max_len={TARGETS[name]}",
               f"-artifact_prefix={FOUND}/{name}-", "-len_control=20", "-timeout=20",
               "-print_final_stats=1", *([f"-dict={dictionary}"] if dictionary.exists() else []),
               found, CORPORA / name]
    with open(log, "wb") as file:
        status = subprocess.run(command, stdout=file, stderr=file, check=False).returncode
    text = log.read_text(errors="replace")

    def last(pattern):
        numbers = re.findall(pattern, text, re.M)
        return int(numbers[-1]) if numbers else 0

    return {
        "inputs": len(os.listdir(CORPORA / name)),
        "executions": last(r"number_of_executed_units: *(\d+)") or last(r"^#(\d+)"),
        "covered": last(r" cov: (\d+)"),
        "edges": last(r"\((\d+) inline 8-bit counters\)"),
        "found": int(status != 0),
    }


def report(name, figures):
    print(f"{name:10}{figures['inputs']:5} inputs,{figures['executions']:11,} executions,"
          f"{figures['covered']:5} of{figures['edges']:5} edges, found {figures['found']}",
          flush=True)
    if figures["found"]:
        lines = (FOUND / f"{name}.log").read_text(errors="replace").splitlines()
        print(*(line for line in lines[-60:] if not re.match(r"#\d+\t", line)), sep="\n")


def merge(name):
    """Chooses the corpus anew, of itself and of what was found."""
    corpus, merged = CORPORA / name, BUILD / f"merged-{name}"
    merged.mkdir(exist_ok=True)
    named = [path for path in corpus.iterdir() if not re.fullmatch("[0-9a-f]{40}", path.name)]
    kept = {path.read_bytes() for path in named}
    run(BUILD / f"fuzz_{name}", "-set_cover_merge=1", f"-max_len={TARGETS[name]}", merged, corpus,
        FOUND / name)
    for path in set(corpus.iterdir()) - set(named):
        path.unlink()
    for path in merged.iterdir():
        if path.read_bytes() not in kept:
            shutil.copy(path, corpus)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="for all targets together")
    parser.add_argument("--cc", default="clang")
    parser.add_argument("--merge", action="store_true", help="choose the corpora anew afterwards")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=" ".join(TARGETS))
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"{' '.join(unknown)}: no such target: give {' '.join(TARGETS)}")
    options.targets = options.targets or list(TARGETS)
    return options


def main():
    if not shutil.which(OPTIONS.cc):
        sys.exit(f"fuzz: {OPTIONS.cc} is missing: ./bootstrap --all installs it")
    jobs = os.cpu_count() or 1
    shares = [SHARES.get(name, 1) for name in OPTIONS.targets]
    share = min(OPTIONS.seconds * jobs / sum(shares), OPTIONS.seconds / max(shares))
    FOUND.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        build(pool)
        futures = {name: pool.submit(fuzz, name, max(1, int(share * SHARES.get(name, 1))))
                   for name in OPTIONS.targets}
        for name, future in futures.items():
            report(name, future.result())
        rows = [future.result() for future in futures.values()]
    total = {key: sum(row[key] for row in rows) for key in rows[0]}
    if OPTIONS.merge and total["found"] == 0:
        for name in OPTIONS.targets:
            merge(name)
    print(f"fuzz: {len(rows)} targets, {total['executions']:,} executions, {total['covered']} of "
          f"{total['edges']} edges, found {total['found']}")
    return min(1, total["found"])


OPTIONS = parse_arguments()
if __name__ == "__main__":
    sys.exit(main())
