"""What the run prints: the machine, the table, what it means, what is in progress."""
import os
import platform
import statistics
import sys

from runner import contention, pairs, peers


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


def machine(directory):
    """What a figure depends on, as it is before the first sample."""
    return {"cores": os.cpu_count(), "processor": processor(), "kernel": platform.release(),
            "file_system": file_system(directory), "load_before": load()}


def load():
    return "{:.2f}".format(os.getloadavg()[0])


def warnings(record):
    """What takes a record's figures their worth, a sentence each."""
    said = []
    if record["quick"]:
        said.append("Two short runs, only to see that everything works: the figures mean nothing.")
    if record["machine"]["file_system"] == "tmpfs":
        said.append("The files were in memory: T4/full, T6, T16 and T17 mean nothing here.")
    if any(sample["assertions"] for samples in record["samples"] for sample in samples.values()):
        said.append("Built with assertions: the figures mean nothing.")
    faults = {fault for result in record["rows"] for fault in result["faults"]}
    return said + [f"WRONG: {fault}" for fault in sorted(faults)]


def notes(record):
    """What is in no row."""
    runs = record["samples"]
    said = []
    if all(key in samples for key in pairs.CLOSING for samples in runs):
        raw, turnstile = (statistics.median(samples[key]["close_seconds"] for samples in runs)
                          for key in pairs.CLOSING)
        said.append(f"close, not part of T16: {raw * 1e6:,.0f} µs raw, {turnstile * 1e6:,.0f} µs "
                    "Turnstile.")
    return said + peers.notes(record) + [f"failed on another side: {failure}"
                                         for failure in contention.failures_of_others(runs)]


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
