#!/usr/bin/env python3
"""How long it takes to compile a file that includes turnstile/turnstile.h, at -O0.

    compile_time.py [--compiler CXX] [--runs N] [--limit SECONDS] --include DIR...

Prints the processor time (a loaded machine does not change it much) of three files, by turns, as
the medians of all runs: an empty one, one with the standard headers that turnstile.h uses, and one
with turnstile.h. Exit status 1 when turnstile.h takes more than LIMIT longer than what it uses.
"""
import argparse
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile

UMBRELLA = "turnstile/turnstile.h"


def standard_headers(compiler, include):
    """The standard headers that the umbrella and the headers of ours that it includes name."""
    result = subprocess.run([*compiler, *include, "-x", "c++", "-M", "-"], check=True, text=True,
                            input=f'#include "{UMBRELLA}"\n', stdout=subprocess.PIPE)
    ours = [path for path in re.findall(r"[^\s\\]+", result.stdout) if "/turnstile/" in path]
    found = set()
    for path in ours:
        if not path.endswith(".h"):
            continue
        with open(path, encoding="utf-8") as file:
            found |= set(re.findall(r"^#include <(\w+)>", file.read(), re.MULTILINE))
    return sorted(found)


def processor_seconds(command):
    before = os.times()
    subprocess.run(command, check=True)
    after = os.times()
    return (after.children_user - before.children_user +
            after.children_system - before.children_system)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=1.5)
    parser.add_argument("--include", action="append", required=True)
    arguments = parser.parse_args()
    compiler = [*shlex.split(arguments.compiler), "-std=c++20", "-O0"]
    include = [f"-I{folder}" for folder in arguments.include]

    standard = standard_headers(compiler, include)
    files = {
        "nothing": "",
        f"its {len(standard)} standard headers": "".join(f"#include <{name}>\n"
                                                         for name in standard),
        UMBRELLA: f'#include "{UMBRELLA}"\n',
    }
    taken = {name: [] for name in files}
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(arguments.runs):
            for at, (name, text) in enumerate(files.items()):
                source = os.path.join(scratch, f"{at}.cc")
                with open(source, "w", encoding="ascii") as file:
                    file.write(text)
                taken[name].append(processor_seconds(
                    [*compiler, *include, "-c", source, "-o", os.path.join(scratch, "out.o")]))

    medians = [statistics.median(times) for times in taken.values()]
    for name, median in zip(files, medians):
        print(f"{name:<30} {median:6.2f} s")
    _, base, whole = medians
    print(f"{'more than what it uses':<30} {whole - base:6.2f} s "
          f"({whole / base:.2f} times as long; limit {arguments.limit:.2f} s)")
    return 0 if whole - base <= arguments.limit else 1


if __name__ == "__main__":
    sys.exit(main())
