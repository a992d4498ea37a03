#!/usr/bin/env python3
"""The state before: four processes start at the same moment, each with a migration.

    seed2_before.py deferred|immediate TRIALS DIRECTORY

Each opens a fresh file, sets the busy timeout first, reads the version, runs the schema step in a
transaction and then sets journal_mode=WAL: the init of the seed. With `deferred` the processes wait
for each other between the look at the version and the first write, so that what fails does so by
the order of its statements and not by luck. With `immediate` (the control) the transaction begins
with the write lock, as it must, and the switch to WAL is tried again; nothing fails.

Prints one JSON object: the trials, those with a failed process, and the results. Needs Python 3.11
with its own sqlite3; no Turnstile takes part.
"""
import json
import os
import sqlite3
import sys
import threading

PROCESSES = 4
BUSY_TIMEOUT = 5.0


def migrate(connection, begin, wait_for_others):
    connection.execute(begin)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    wait_for_others()
    if version == 0:
        connection.execute("CREATE TABLE made_by_step_1(id INTEGER PRIMARY KEY)")
        connection.execute("PRAGMA user_version=1")
    connection.execute("COMMIT")


def switch_to_wal(connection, again):
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            return
        except sqlite3.OperationalError:
            if not again:
                raise


def start(path, forced, wait_for_others):
    """One process; returns the name of its failure, or an empty string."""
    try:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
        if forced:
            migrate(connection, "BEGIN", wait_for_others)
        else:
            wait_for_others()
            migrate(connection, "BEGIN IMMEDIATE", lambda: None)
        switch_to_wal(connection, again=not forced)
        connection.close()
    except sqlite3.Error as error:
        return error.sqlite_errorname
    return ""


def in_processes(path, forced):
    """Runs `start` in PROCESSES processes; returns their failures."""
    arrived, all_here, results = os.pipe(), os.pipe(), os.pipe()
    children = []

    def wait_for_others():
        os.write(arrived[1], b"!")
        os.read(all_here[0], 1)

    for _ in range(PROCESSES):
        child = os.fork()
        if child == 0:
            os.close(results[0])
            failure = start(path, forced, wait_for_others)
            os.write(results[1], (failure + "\n").encode())
            os._exit(0)
        children.append(child)
    os.close(results[1])
    here = 0
    while here < PROCESSES:
        here += len(os.read(arrived[0], PROCESSES))
    os.write(all_here[1], b"!" * PROCESSES)
    with os.fdopen(results[0]) as lines:
        failures = [line.strip() for line in lines]
    for child in children:
        os.waitpid(child, 0)
    for descriptor in (*arrived, *all_here):
        os.close(descriptor)
    return [failure for failure in failures if failure]


def main():
    kind, trials, directory = sys.argv[1:]
    # A process that dies before it arrives would be waited for without end.
    watchdog = threading.Timer(60, os._exit, (1,))
    watchdog.daemon = True
    watchdog.start()
    report = {"sqlite": sqlite3.sqlite_version, "trials": int(trials), "failed_trials": 0,
              "errors": {}}
    for trial in range(int(trials)):
        failures = in_processes(os.path.join(directory, f"{trial}.db"), kind == "deferred")
        report["failed_trials"] += bool(failures)
        for failure in failures:
            report["errors"][failure] = report["errors"].get(failure, 0) + 1
    json.dump(report, sys.stdout)
    print()


if __name__ == "__main__":
    main()
