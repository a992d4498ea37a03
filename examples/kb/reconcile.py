#!/usr/bin/env python3
"""Compares a directory with the documents that kb made of it. Shares no code with kb: it lists the
text files by itself and reads the database through Python's own SQLite.

    reconcile.py count DIR                      prints `FILES BYTES`, as they lie on the disk
    reconcile.py choose DIR LIST FILES BYTES    writes the names of at most so many to LIST
    reconcile.py compare DIR DATABASE           prints figures; fails when they do not agree
"""
import gzip
import os
import sqlite3
import stat
import sys
import zlib

PROBE_BYTES = 8192
MAX_TEXT_BYTES = 16 << 20


def regular_files(root):
    for folder, _, names in os.walk(os.fsencode(os.path.realpath(root))):
        for name in names:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                yield path, status.st_size


def is_text(path):
    """No NUL in the first block, inflated if need be, and nothing damaged as far as it is read."""
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not compressed:
            return b"\0" not in file.read(PROBE_BYTES)
        try:
            with gzip.GzipFile(fileobj=file) as inflated:
                if b"\0" in inflated.read(PROBE_BYTES):
                    return False
                inflated.read(MAX_TEXT_BYTES - PROBE_BYTES + 1)
                return True
        except (OSError, EOFError, zlib.error):
            return False


def is_nameable(path):
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def texts(root):
    for path, _ in regular_files(root):
        if is_nameable(path) and os.access(path, os.R_OK) and is_text(path):
            yield path.decode("utf-8")


def count(root):
    sizes = [size for _, size in regular_files(root)]
    print(len(sizes), sum(sizes))
    return 0


def choose(root, target, max_files, max_bytes):
    """Names, one NUL-ended after the other, in an order that does not depend on the disk."""
    total = 0
    with open(target, "wb") as out:
        for number, (path, size) in enumerate(sorted(regular_files(root))):
            total += size
            if number >= max_files or total > max_bytes:
                break
            out.write(path + b"\0")
    return 0


def compare(root, database):
    expected = set(texts(root))
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    stored = [path for path, in connection.execute("SELECT path FROM document")]
    lost = sorted(expected.difference(stored))
    surplus = sorted(set(stored).difference(expected))
    doubled = len(stored) - len(set(stored))
    print(f"{len(expected)} text files in the directory, {len(stored)} documents, "
          f"{len(lost)} lost, {len(surplus)} too many, {doubled} twice")
    for path in lost[:5]:
        print(f"  lost: {path}", file=sys.stderr)
    for path in surplus[:5]:
        print(f"  no text file: {path}", file=sys.stderr)
    return 1 if lost or surplus or doubled else 0


def main():
    command, *rest = sys.argv[1:] or [""]
    if command == "count":
        return count(*rest)
    if command == "choose":
        root, target, max_files, max_bytes = rest
        return choose(root, target, int(max_files), int(max_bytes))
    if command == "compare":
        return compare(*rest)
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
