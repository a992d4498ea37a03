"""The rows about the nearest of many vectors: a scan in memory and searches of files."""
from runner.row import Reading, Row
from runner.sample import Pair

SECONDS = 0.5
BESIDE = ("pages-4k", "pages-64k", "bits", "vec0")


def row_of(name, work, target):
    raw, ours, *others = (Pair(name, side, SECONDS) for side in ("raw", "turnstile", *BESIDE))

    def microseconds(sample):
        return 1e6 / sample["items_per_second"]

    def read(samples):
        ours_us, raw_us = microseconds(samples[ours.key]), microseconds(samples[raw.key])
        beside = {}
        for other in others:
            sample = samples[other.key]
            if "items_per_second" in sample:  # Not where sqlite-vec is missing.
                beside[other.side] = microseconds(sample) / raw_us
                if sample["recall"] < 1:
                    beside[f"{other.side} recall"] = sample["recall"]
        recall = samples[ours.key]["recall"]
        faults = () if recall == 1 else (f"{ours.key}: a recall of {recall:.3f}",)
        return Reading(ours_us / raw_us, raw_us, ours_us, beside, faults)

    return Row(name, work, target, "lower", "microseconds", "memory", [raw, ours, *others], read)


ROWS = [
    row_of("T18/10k", "10 nearest of 10,000 x 384: file / memory", 4.0),
    row_of("T18/100k", "10 nearest of 100,000 x 384: file / memory", 2.5),
]
