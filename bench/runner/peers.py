"""The rows about what people use today, each in a program of its own (T20)."""
import collections
import statistics
import sys

from runner import contention, peer_builds
from runner.row import format_time
from runner.sample import Failed, Peer

THREADS = 16

# SQLiteCpp is in no target. It goes the same way to the file as naive, so it has the targets of
# T5/16 and T7.
Opponent = collections.namedtuple("Opponent", "name called work target")
OPPONENTS = [
    Opponent("go", "Go", "a pair of pools in Go", 4),
    Opponent("node", "better-sqlite3", "better-sqlite3, workers", 2.5),
    Opponent("soci", "SOCI", "SOCI, a pool", 3.5),
    Opponent("sqlitecpp", "SQLiteCpp", "SQLiteCpp, each its own", 3.5),
]
SHARE_OF_WAITS = 0.25


def turnstile():
    return contention.writers("turnstile", THREADS)


def peer(opponent):
    return Peer(opponent.name, threads=THREADS)


def rows_of(opponent):
    return [contention.compared(f"T20/{opponent.name}{part}", f"16 writers, {opponent.work}{what}",
                                target, better, unit, contention.part("writes", figure),
                                [turnstile(), peer(opponent)], (opponent.called,))
            for part, what, target, better, unit, figure in (
                ("", "", opponent.target, "higher", "per second", "per_second"),
                ("/p99", ": p99", SHARE_OF_WAITS, "lower", "microseconds", "p99_us"))]


ROWS = [row for opponent in OPPONENTS for row in rows_of(opponent)]


def name_of(row):
    """Of the peer that the row needs, or None."""
    return next((sample.peer for sample in row.needs if isinstance(sample, Peer)), None)


def prepare(rows, settings):
    """Builds the peers that the rows need and tries them. Returns why some do not work, by name."""
    left_out = {}
    for name in filter(None, dict.fromkeys(map(name_of, rows))):
        print(f"bench/run: building the peer {name}", file=sys.stderr, flush=True)
        try:
            peer_builds.build(name, settings.peers)
            # What cannot do a twentieth of a second would end a run of minutes.
            Peer(name, seconds=0.05, warm_up=0.01, threads=THREADS).take(settings)
        except (peer_builds.Missing, Failed) as error:
            left_out[name] = str(error)
    return left_out


def versions(row, runs):
    """What a row of a peer measured; nothing for other rows."""
    samples = [runs[0][sample.key] for sample in row.needs if isinstance(sample, Peer)]
    return {name: samples[0][name] for name in ("peer", "sqlite") if samples}


def notes(record):
    """A line for each peer: what it is, how long it waits, what failed."""
    said = []
    sides = {opponent.called: peer(opponent).key for opponent in OPPONENTS}
    for called, key in sides.items():
        taken = [samples[key] for samples in record["samples"] if key in samples]
        if taken:
            waits = [f"{name} " + format_time(statistics.median(
                sample["writes"][figure] for sample in taken))
                for name, figure in (("p50", "p50_us"), ("longest", "longest_us"))]
            failed = sum(sample["writes"]["errors"] for sample in taken)
            said.append(f"{called}: {taken[0]['peer']} with SQLite {taken[0]['sqlite']}; waits: "
                        f"{', '.join(waits)}; failed calls: {failed:,}.")
    return said
