#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the fuzzing targets with clang, and runs libFuzzer on each of them.

Prints a row for each target, and last the totals. An input that breaks a target is kept in the
build directory, in tests/fuzz/found, with the fuzzer's report. Without a failure, that is where new
inputs are too; --merge adds those that reach more code to the corpora in the source directory.
"""
import argparse
import concurrent.futures
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("srcdir", "."))
FUZZ = SOURCE / "tests/fuzz"
BUILD = pathlib.Path("tests/fuzz/build")
FOUND = pathlib.Path("tests/fuzz/found")
FOLDERS = ("check_hello", "client", "probe", "hellod", "common")
# Checks of every access would count as code that no input can reach; the address sanitizer finds
# such accesses, and so do the replays of "make check-sanitizers".
FLAGS = ["-g", "-O1", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer",
         "-fno-sanitize=null,alignment,object-size,pointer-overflow",
         '-DSYSCONFDIR="/etc"', "-I.", f"-I{SOURCE}/src"]
SANITIZERS = "address,undefined"
LIBRARIES = ["-ljson-c", "-lsystemd", "-lm", "-lpthread"]

# The longest input of each target.
TARGETS = {
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
    "server": 512,
}


def run(*command):
    """Runs a step of the build. Its output is shown only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}")


def compile_object(source, sanitizers):
    path = BUILD / (str(source.relative_to(SOURCE)).replace("/", "_") + ".o")
    run(OPTIONS.cc, f"-fsanitize={sanitizers}", *FLAGS, "-c", source, "-o", path)
    return path


def build(jobs):
    """The programs are instrumented for coverage, the tests are not: only the former is counted."""
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    tests = {*(FUZZ / f"fuzz_{name}.c" for name in OPTIONS.targets),
             *FUZZ.glob("*.c")} - {FUZZ / "replay.c"}
    tests = {test for test in tests
             if not test.name.startswith("fuzz_") or test.stem[5:] in OPTIONS.targets}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        folders = {folder: [pool.submit(compile_object, source, SANITIZERS + ",fuzzer-no-link")
                            for source in sorted((SOURCE / "src" / folder).glob("*.c"))
                            if source.name not in ("main.c", "confine.c")]
                   for folder in FOLDERS}
        objects = {test.stem: pool.submit(compile_object, test, SANITIZERS)
                   for test in sorted(tests)}
        archives = []
        for folder, futures in folders.items():
            archives.append(BUILD / f"lib{folder}.a")
            run("ar", "cr", archives[-1], *(future.result() for future in futures))
        helpers = [future.result() for stem, future in objects.items()
                   if not stem.startswith("fuzz_")]
        run("ar", "cr", BUILD / "libfuzz.a", *helpers)
        links = [pool.submit(run, OPTIONS.cc, f"-fsanitize={SANITIZERS},fuzzer", "-o",
                             BUILD / f"fuzz_{name}", objects[f"fuzz_{name}"].result(),
                             BUILD / "libfuzz.a", *archives, *LIBRARIES)
                 for name in OPTIONS.targets]
        for link in links:
            link.result()


def fuzz(name, seconds):
    """Runs a target. Returns its figures, and whether it failed."""
    found = FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    dictionary = FUZZ / f"{name}.dict"
    log = FOUND / f"{name}.log"
    command = [BUILD / f"fuzz_{name}", f"-max_total_time={seconds}", f"-max_len={TARGETS[name]}",
               f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1", "-timeout=10",
               *([f"-dict={dictionary}"] if dictionary.exists() else []),
               *OPTIONS.fuzzer_flags, found, FUZZ / "corpus" / name]
    with open(log, "wb") as file:
        status = subprocess.run(command, stdout=file, stderr=file, check=False).returncode
    text = log.read_text(errors="replace")
    total = re.findall(r"\((\d+) inline 8-bit counters\)", text)
    covered = re.findall(r"cov: (\d+)", text)
    executed = re.findall(r"number_of_executed_units: *(\d+)|^#(\d+)", text, re.M)
    return {
        "inputs": len(os.listdir(FUZZ / "corpus" / name)),
        "executions": int(max(executed[-1])) if executed else 0,
        "covered": int(covered[-1]) if covered else 0,
        "edges": int(total[0]) if total else 0,
        "found": int(status != 0),
    }


def report(name, figures):
    print(f"{name:10} {figures['inputs']:5} inputs {figures['executions']:10,} executions "
          f"{figures['covered']:5} of {figures['edges']:5} edges, found {figures['found']}",
          flush=True)
    if figures["found"]:
        print(*(FOUND / f"{name}.log").read_text(errors="replace").splitlines()[-60:], sep="\n")


def merge(name):
    """Adds what was found to the corpus, but only inputs that reach more than the others do."""
    corpus, merged = FUZZ / "corpus" / name, BUILD / f"merged-{name}"
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    run(BUILD / f"fuzz_{name}", "-merge=1", f"-max_len={TARGETS[name]}", merged, corpus,
        FOUND / name)
    kept = {path.read_bytes() for path in merged.iterdir()}
    for path in corpus.iterdir():
        if re.fullmatch("[0-9a-f]{40}", path.name):
            path.unlink()
    named = {path.read_bytes() for path in corpus.iterdir()}
    for path in merged.iterdir():
        if path.read_bytes() in kept - named:
            shutil.copy(path, corpus)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="for all targets together")
    parser.add_argument("--cc", default="clang")
    parser.add_argument("--merge", action="store_true", help="minimise the corpora afterwards")
    parser.add_argument("--fuzzer-flags", type=str.split, default=[], help="for libFuzzer")
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET",
                        help="default: " + " ".join(TARGETS))
    return parser.parse_args()


def main():
    jobs = os.cpu_count() or 1
    if not shutil.which(OPTIONS.cc):
        sys.exit(f"fuzz: {OPTIONS.cc} is missing: ./bootstrap --all installs it")
    build(jobs)
    seconds = max(1, int(OPTIONS.seconds * jobs / len(OPTIONS.targets)))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = {name: pool.submit(fuzz, name, seconds) for name in OPTIONS.targets}
        for name, future in results.items():
            report(name, future.result())
    rows = [future.result() for future in results.values()]
    total = {key: sum(row[key] for row in rows) for key in rows[0]}
    if OPTIONS.merge:
        for name in OPTIONS.targets:
            merge(name)
    print(f"fuzz: {len(rows)} targets, {total['executions']:,} executions, "
          f"{total['covered']} of {total['edges']} edges "
          f"({100 * total['covered'] // max(1, total['edges'])} %), found {total['found']}")
    return min(1, total["found"])


OPTIONS = parse_arguments()
if __name__ == "__main__":
    sys.exit(main())
