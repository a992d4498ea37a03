"""A record of a run that never was: the rows are the real ones, only their samples are made up."""
import os
import pathlib
import random
import sys

ROOT = pathlib.Path(os.environ.get("TURNSTILE_SOURCE") or pathlib.Path(__file__).parents[2])
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench"))

from runner import contention, pairs, vectors  # noqa: E402
from runner.row import Reading, Row  # noqa: E402
from runner.sample import Contention  # noqa: E402

ROWS = [*contention.ROWS, *pairs.ROWS, *vectors.ROWS]
FASTER = {"turnstile": 3.0, "naive": 1.0, "mutex": 0.6, "published": 0.8, "raw": 1.1}


def tally(random_, side, errors=0):
    """What summary_of() in bench/contention/tally.cc prints."""
    rate = 20_000 * FASTER[side] * random_.uniform(0.8, 1.2)
    wait = 1e6 / rate
    tail = 1 if side in ("turnstile", "mutex") else 100
    return {"per_second": rate, "acknowledged": int(rate), "p50_us": wait, "p90_us": wait * 3,
            "p99_us": wait * 10 * tail, "p999_us": wait * 40 * tail, "longest_us": wait * 90 * tail,
            "errors": errors, "first_error": "database is locked" if errors else ""}


def contention_sample(random_, need):
    """What turnstile_contention prints."""
    side = need.side
    bad = side == "published"
    even = {"turnstile": 0.97, "mutex": 0.9}.get(side, 0.4) * random_.uniform(0.95, 1.03)
    names = ("all", "writes", "reads", "tasks", "audit")
    return {**{name: tally(random_, side, 40 if bad and need.scenario == "mix" else 0)
               for name in names},
            "scenario": need.scenario, "side": side, "sqlite": "3.53.4", "assertions": False,
            "complaint": "", "log_bytes": 13_000_000, "log_cap_bytes": 16_480_032,
            "served": {"jain": even, "least_over_most": even * 0.9}, "median_us": 12_000.0,
            "failed_starts": 0 if side == "turnstile" else 9, "starts": 20}


def pair_sample(random_, need):
    """What turnstile_bench prints."""
    return {"items_per_second": random_.uniform(90_000, 110_000), "close_seconds": 31e-6,
            "recall": 1.0, "sqlite": "3.53.4", "assertions": False}


def make_sample(random_, need):
    make = contention_sample if isinstance(need, Contention) else pair_sample
    return make(random_, need)


def peers_row(name, work, unit, better, called, figure, ours, beside=None):
    reading = Reading(ours / figure, figure, ours, beside or {})
    return Row(f"T20/{name}", f"16 writers, {work}", 1.0, better, unit, called, [],
               lambda _: reading)


PEERS = [
    peers_row("go", "a pair of pools", "per second", "higher", "Go", 30_000.0, 57_000.0),
    peers_row("go/p99", "a pair of pools: p99", "microseconds", "lower", "Go", 1_500_000.0,
              30_000.0),
    peers_row("soci", "a pool", "per second", "higher", "SOCI", 21_000.0, 57_000.0),
    peers_row("soci/p99", "a pool: p99", "microseconds", "lower", "SOCI", 2_100_000.0, 30_000.0),
]


def record(rows=None, runs=5, peers=(), seed=1):
    """As measure() in bench/run makes it."""
    random_ = random.Random(seed)
    rows = ROWS if rows is None else rows
    needs = {need.key: need for row in rows for need in row.needs}
    samples = [{key: make_sample(random_, need) for key, need in needs.items()}
               for _ in range(runs)]
    return {"taken": "2026-03-01T12:30+00:00", "runs": runs, "quick": False,
            "machine": {"cores": 2, "processor": "A processor", "kernel": "6.1", "sqlite": "3.53.4",
                        "file_system": "ext4", "load_before": "0.10", "load_after": "0.90"},
            "rows": [row.summarise(samples) for row in (*rows, *peers)], "samples": samples}
