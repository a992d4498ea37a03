"""What the run prints: the machine, the table, what was in progress."""
import os
import platform
import sys


def table(rows):
    """Lines of a Markdown table whose columns stand under each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
             for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def file_system(directory):
    """The type of the file system that `directory` is on."""
    found = ("", "unknown")
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, point, kind = line.split()[:3]
            inside = point == "/" or (directory + "/").startswith(point + "/")
            if inside and len(point) >= len(found[0]):
                found = (point, kind)
    return found[1]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def load():
    return "{:.2f}".format(os.getloadavg()[0])


class Progress:
    """Tells on a terminal what is being measured."""

    def __init__(self, total):
        self.total, self.done = total, 0
        self.shown = sys.stderr.isatty()

    def next(self, what):
        self.done += 1
        if self.shown:
            print(f"\r\033[K{self.done}/{self.total} {what}", end="", file=sys.stderr, flush=True)

    def end(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
