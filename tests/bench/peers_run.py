"""Runs `bench/run --peers` with a build directory of its own, whose programs are the real ones."""
import collections
import json
import os
import subprocess
import sys

REAL = os.environ["TURNSTILE_BUILD"]
RUN = os.path.join(os.environ["TURNSTILE_SOURCE"], "bench", "run")

Result = collections.namedtuple("Result", "status output errors rows")


def make_build(directory):
    """A build directory for run()."""
    build = os.path.join(directory, "build")
    os.makedirs(os.path.join(build, "bench"))
    os.symlink(os.path.join(REAL, "bin"), os.path.join(build, "bin"))
    return build


def run(build, *arguments, path=os.environ["PATH"], **environment):
    """`rows` is the summary, by the ids of its rows; empty where there was none."""
    done = subprocess.run(
        [sys.executable, "-B", RUN, "--quick", *arguments], capture_output=True, text=True,
        check=False, env={**os.environ, "TURNSTILE_BUILD": build, "PATH": path, **environment})
    summary = os.path.join(build, "bench", "summary-partial.json")
    rows = {}
    if os.path.exists(summary):
        with open(summary, encoding="utf-8") as file:
            rows = {row["id"]: row for row in json.load(file)}
    return Result(done.returncode, done.stdout, done.stderr, rows)
