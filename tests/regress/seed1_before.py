#!/usr/bin/env python3
"""The state before: five subsystems on one SQLite handle, as programs set it up without Turnstile.

    seed1_before.py CONFIGURATION DIRECTORY

Each subsystem's operation is cut in two where another subsystem can come in between: after its
read, or after its first write. Every operation is run with every other one in that gap, so that
what fails does so by its configuration and not by luck. Prints one JSON object: how many
operations were run, and how many failed with which result.

Needs Python 3.11 with its own sqlite3; no Turnstile takes part.
"""
import json
import os
import sqlite3
import sys
import threading

POOL_TIMEOUT = 0.5   # Seconds a subsystem waits for a connection of the pool.
FOREIGN_WAIT = 0.05  # Seconds the one in the gap gets to show whether it has to wait.
BUSY_TIMEOUT = 5.0
ITEMS = 4            # Rows that the cron job walks through.


class PoolTimeout(Exception):
    """Nobody gave a connection back in time."""


class Pool:
    """Connections that are lent out one at a time, as database/sql or r2d2 do it."""

    def __init__(self, path, size, shared, wal):
        self._free = threading.Condition()
        self._idle = []
        self._all = []
        cache = "shared" if shared else "private"
        for _ in range(size):
            connection = sqlite3.connect(f"file:{path}?cache={cache}", uri=True,
                                         timeout=BUSY_TIMEOUT, isolation_level=None,
                                         check_same_thread=False)
            connection.execute("PRAGMA journal_mode=" + ("WAL" if wal else "DELETE"))
            self._all.append(connection)
            self._idle.append(connection)

    def lease(self):
        with self._free:
            if not self._free.wait_for(lambda: self._idle, POOL_TIMEOUT):
                raise PoolTimeout()
            return self._idle.pop()

    def give(self, connection):
        if connection.in_transaction:
            connection.rollback()
        with self._free:
            self._idle.append(connection)
            self._free.notify()

    def close(self):
        for connection in self._all:
            connection.close()


class Transaction:
    """`with Transaction(pool, begin) as connection`: COMMIT at the end, ROLLBACK on failure."""

    def __init__(self, pool, begin):
        self._pool = pool
        self._begin = begin

    def __enter__(self):
        self._connection = self._pool.lease()
        try:
            self._connection.execute(self._begin)
        except BaseException:
            self._pool.give(self._connection)
            raise
        return self._connection

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            self._pool.give(self._connection)


def entities(pool, begin):
    """Read, modify, write: what an ORM does."""
    with Transaction(pool, begin) as db:
        (total,) = db.execute("SELECT total FROM entity WHERE id = 1").fetchone()
        yield
        db.execute("UPDATE entity SET total = ? WHERE id = 1", (total + 1,))


def embeddings(pool, begin):
    """Upsert a vector, then look for the nearest."""
    with Transaction(pool, begin) as db:
        db.execute("INSERT INTO embedding VALUES (1, zeroblob(16)) "
                   "ON CONFLICT(id) DO UPDATE SET vector = excluded.vector")
        yield
        db.execute("SELECT id, vector FROM embedding").fetchall()


def audit(pool, begin):
    """One insert, no transaction around it."""
    del begin
    connection = pool.lease()
    try:
        yield
        connection.execute("INSERT INTO audit(event) VALUES ('something happened')")
    finally:
        pool.give(connection)


def cron(pool, begin):
    """Update each due job while the list of due jobs is being read."""
    connection = pool.lease()
    cursor = connection.execute("SELECT id FROM job ORDER BY id")
    try:
        cursor.fetchone()
        yield
        for (job,) in cursor:
            with Transaction(pool, begin) as db:
                db.execute("UPDATE job SET runs = runs + 1 WHERE id = ?", (job,))
    finally:
        cursor.close()
        pool.give(connection)


def tasks(pool, begin):
    """Insert a task, then claim the oldest."""
    with Transaction(pool, begin) as db:
        db.execute("INSERT INTO task(state) VALUES ('new')")
        yield
        db.execute("UPDATE task SET state = 'claimed' WHERE id = "
                   "(SELECT min(id) FROM task WHERE state = 'new')")


SUBSYSTEMS = (entities, embeddings, audit, cron, tasks)


class Tally:
    def __init__(self):
        self.operations = 0
        self.errors = {}
        self.messages = set()

    def run(self, steps):
        """Runs what is left of an operation and counts how it ended."""
        try:
            for _ in steps:
                pass
        except (sqlite3.Error, PoolTimeout) as error:
            self.failed(error)

    def failed(self, error):
        kind = "POOL_TIMEOUT" if isinstance(error, PoolTimeout) else error.sqlite_errorname
        self.errors[kind] = self.errors.get(kind, 0) + 1
        self.messages.add(str(error) or "no connection was free")


def prepare(path):
    with sqlite3.connect(path) as db:
        db.executescript("""
            CREATE TABLE entity(id INTEGER PRIMARY KEY, total INTEGER);
            INSERT INTO entity VALUES (1, 0);
            CREATE TABLE embedding(id INTEGER PRIMARY KEY, vector BLOB);
            CREATE TABLE audit(id INTEGER PRIMARY KEY, event TEXT);
            CREATE TABLE job(id INTEGER PRIMARY KEY, runs INTEGER DEFAULT 0);
            CREATE TABLE task(id INTEGER PRIMARY KEY, state TEXT);
        """)
        db.executemany("INSERT INTO job(id) VALUES (?)", [(i + 1,) for i in range(ITEMS)])
    db.close()


def measure(path, size, shared, wal, begin):
    """Every subsystem with every subsystem in its gap."""
    prepare(path)
    pool = Pool(path, size, shared, wal)
    tally = Tally()
    for first in SUBSYSTEMS:
        for second in SUBSYSTEMS:
            tally.operations += 2
            outer = first(pool, begin)
            try:
                next(outer)
            except (sqlite3.Error, PoolTimeout) as error:
                tally.failed(error)
                outer = iter(())
            intruder = threading.Thread(target=tally.run, args=(second(pool, begin),))
            intruder.start()
            # Who is made to wait, and does not fail, is let through by going on.
            intruder.join(FOREIGN_WAIT)
            tally.run(outer)
            intruder.join()
    pool.close()
    return {"operations": tally.operations, "failed": sum(tally.errors.values()),
            "errors": tally.errors, "messages": sorted(tally.messages)}


DEFERRED, IMMEDIATE = "BEGIN", "BEGIN IMMEDIATE"
CONFIGURATIONS = {  # Connections, shared cache, write-ahead log, how a transaction begins.
    # What the program had: one connection, so that whoever iterates waits for itself.
    "shared_cache_one_connection": (1, True, False, DEFERRED),
    # The published cure.
    "published_fix": (4, True, True, DEFERRED),
    # The cure without the shared cache.
    "published_fix_private_cache": (4, False, True, DEFERRED),
    # The control: the same operations do not fail by themselves.
    "private_cache_immediate": (4, False, True, IMMEDIATE),
}


def main():
    configuration, directory = sys.argv[1:]
    report = measure(os.path.join(directory, "app.db"), *CONFIGURATIONS[configuration])
    json.dump({"sqlite": sqlite3.sqlite_version, **report}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
