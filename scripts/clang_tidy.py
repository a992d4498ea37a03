#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a compile database, several at once; fails on any finding.

    clang_tidy.py --build DIR [--jobs N] [PATH...]

A file whose preprocessed text, command, configuration and clang-tidy are the same as at its last
clean run is not looked at again: a full run takes minutes, a run after a small change seconds.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys

CLANG_TIDY = "clang-tidy-16"
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def entries(database, wanted):
    """The database's entries that are our own code and lie under one of the wanted paths."""
    seen = set()
    for entry in database:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        relative = os.path.relpath(path, ROOT)
        if relative.startswith(("..", "build" + os.sep)) or not relative.endswith(".cc"):
            continue
        if wanted and not any(relative.startswith(prefix) for prefix in wanted):
            continue
        if relative not in seen:
            seen.add(relative)
            yield relative, entry


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


def check(relative, entry, build, salt):
    """Returns (path, findings) where findings is empty for a clean file."""
    stamp = os.path.join(build, "clang-tidy", relative + ".clean")
    mark = fingerprint(entry, salt)
    if mark and os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == mark:
                return relative, ""
    run = subprocess.run([CLANG_TIDY, "-p", build, "--quiet", os.path.join(ROOT, relative)],
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return relative, run.stdout + run.stderr
    if mark:
        os.makedirs(os.path.dirname(stamp), exist_ok=True)
        with open(stamp, "w", encoding="ascii") as file:
            file.write(mark)
    return relative, ""


def main():
    parser = argparse.ArgumentParser(description="Runs clang-tidy over the compile database.")
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("paths", nargs="*", help="only sources below these paths")
    arguments = parser.parse_args()
    build = os.path.realpath(arguments.build)
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        work = list(entries(json.load(file), arguments.paths))
    if not work:
        sys.exit("clang_tidy.py: the compile database names none of our sources")
    salt = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, check=True).stdout
    with open(os.path.join(ROOT, ".clang-tidy"), "rb") as file:
        salt += file.read()
    found = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = [pool.submit(check, relative, entry, build, salt) for relative, entry in work]
        for task in concurrent.futures.as_completed(tasks):
            relative, findings = task.result()
            if findings:
                found += 1
                print(f"--- {relative}\n{findings}", flush=True)
    print(f"clang-tidy: {len(work)} files, {found} with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
