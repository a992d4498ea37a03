#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a compile database, several at once; fails on any finding.

    clang_tidy.py --build DIR [--jobs N] [PATH...]

A compilation whose preprocessed text, command, configuration and clang-tidy are the same as at its
last clean run is not looked at again: a full run takes minutes, one after a small change seconds.
"""
import argparse
import concurrent.futures
import hashlib
import os
import shlex
import subprocess
import sys

import compile_commands

import compile_commands

CLANG_TIDY = "clang-tidy-16"
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def wanted_units(database, wanted):
    """Of the compilations of our own code, (sources, entry) for each with a wanted source."""
    seen = set()
    for entry, sources in compile_commands.units(database, ROOT):
        own = [source for source in sources
               if source.endswith(".cc") and not source.startswith(("..", "build" + os.sep))]
        if wanted:
            own = [source for source in own if source.startswith(tuple(wanted))]
        if own and not seen.issuperset(own):
            seen.update(own)
            yield own, entry


def fingerprint(entry, salt):
    """A hash of all that clang-tidy's answer depends on, or None if the file does not compile."""
    command = shlex.split(entry["command"])
    if os.path.basename(command[0]) == "ccache":
        command = command[1:]
    output = command.index("-o")
    del command[output:output + 2]
    # -C keeps comments, because NOLINT is one.
    text = subprocess.run(command + ["-E", "-C", "-o", "-"], cwd=entry["directory"],
                          capture_output=True, check=False)
    if text.returncode != 0:
        return None
    digest = hashlib.sha256(salt)
    digest.update(entry["command"].encode())
    digest.update(text.stdout)
    return digest.hexdigest()


def check(sources, entry, build, salt):
    """Returns (sources, findings) where findings is empty for a clean compilation."""
    stamp = os.path.join(build, "clang-tidy", sources[0] + ".clean")
    mark = fingerprint(entry, salt)
    if mark and os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == mark:
                return sources, ""
    path = os.path.join(entry["directory"], entry["file"])
    run = subprocess.run([CLANG_TIDY, "-p", build, "--quiet", path],
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return sources, run.stdout + run.stderr
    if mark:
        os.makedirs(os.path.dirname(stamp), exist_ok=True)
        with open(stamp, "w", encoding="ascii") as file:
            file.write(mark)
    return sources, ""


def main():
    parser = argparse.ArgumentParser(description="Runs clang-tidy over the compile database.")
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("paths", nargs="*", help="only sources below these paths")
    arguments = parser.parse_args()
    build = os.path.realpath(arguments.build)
    work = list(wanted_units(os.path.join(build, "compile_commands.json"), arguments.paths))
    if not work:
        sys.exit("clang_tidy.py: the compile database names none of our sources")
    salt = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, check=True).stdout
    with open(os.path.join(ROOT, ".clang-tidy"), "rb") as file:
        salt += file.read()
    found = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = [pool.submit(check, sources, entry, build, salt) for sources, entry in work]
        for task in concurrent.futures.as_completed(tasks):
            sources, findings = task.result()
            if findings:
                found += 1
                print(f"--- {', '.join(sources)}\n{findings}", flush=True)
    files = sum(len(sources) for sources, _ in work)
    print(f"clang-tidy: {files} files in {len(work)} compilations, {found} with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
