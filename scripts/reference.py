#!/usr/bin/env python3
"""Makes the reference of the public interface with doxygen.

    reference.py OUTPUT

Fails when anything public is not documented, or not in a way that doxygen understands.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def version():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"\bproject\(turnstile\s+VERSION (\S+)", text).group(1)


def make(output, source=ROOT):
    """What doxygen said, which is nothing when all is well, and its status."""
    os.makedirs(output, exist_ok=True)
    done = subprocess.run(
        ["doxygen", "docs/Doxyfile"], cwd=source, check=False, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env={**os.environ, "TURNSTILE_DOCS": os.path.abspath(output),
                                       "TURNSTILE_VERSION": version()})
    return done.stdout, done.returncode


if __name__ == "__main__":
    said, status = make(sys.argv[1])
    sys.exit(said if status or said else 0)
