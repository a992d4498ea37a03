"""The pairs of one caller, timed by Google Benchmark: raw SQLite and Turnstile, or what is written
by hand and what the library does for it."""
import collections

from runner.row import Reading, Row
from runner.sample import Pair

# `seconds` is how long one side is measured in one run. `better` says which way the ratio of
# Turnstile to raw should go: of rates upwards, of times downwards.
Work = collections.namedtuple("Work", "id work target better seconds against", defaults=("raw",))
WORKS = [
    Work("T2/1", "point read, 1 thread", 0.95, "higher", 0.5),
    Work("T2/2", "point read, 2 threads", 0.85, "higher", 0.5),
    Work("T3", "point read, 16 in one read() / single ones", 3.5, "higher", 0.5),
    Work("T4/normal", "lone small write, NORMAL", 0.95, "higher", 1.0),
    Work("T4/full", "lone small write, FULL", 0.85, "higher", 2.0),
    Work("T14", "bulk insert of 300,000 rows", 0.95, "higher", None),
    Work("T15/get", "records: 16 by their keys in one read()", 0.87, "higher", 0.5, "by hand"),
    Work("T15/page", "records: a page of 20 by an index", 0.87, "higher", 0.5, "by hand"),
    Work("T15/write", "records: insert and versioned update", 0.87, "higher", 1.0, "by hand"),
    Work("T15/bulk", "records: insert of 100,000", 0.87, "higher", None, "by hand"),
    Work("T16", "open: pool of four / one connection", 4.0, "lower", 0.5),
    Work("T19/write", "small write, NORMAL: encrypted / plain", 0.5, "higher", 1.0, "plain"),
    Work("T19/read", "cached point read: encrypted / plain", 0.9, "higher", 0.5, "plain"),
    Work("T19/save", "save of 100 MB: sealed / plain file", 3.0, "lower", 2.0, "plain"),
    Work("T19/open", "100 MB to the first query: sealed / file read", 5.0, "lower", 2.0, "plain"),
    Work("T19/unlock", "password to key: default / 19 MiB, 2 passes", 6.0, "lower", 1.0, "least"),
]
CLOSING = ("T16 raw", "T16 turnstile")


def row_of(work):
    raw, turnstile = (Pair(work.id, side, work.seconds) for side in ("raw", "turnstile"))

    def read(samples):
        rates = [samples[side.key]["items_per_second"] for side in (raw, turnstile)]
        if work.better == "higher":
            return Reading(rates[1] / rates[0], *rates)
        return Reading(rates[0] / rates[1], *(1e6 / rate for rate in rates))

    unit = "per second" if work.better == "higher" else "microseconds"
    return Row(work.id, work.work, work.target, work.better, unit, work.against, [raw, turnstile],
               read)


ROWS = [row_of(work) for work in WORKS]
