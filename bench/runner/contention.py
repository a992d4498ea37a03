"""The rows about many threads and processes, from samples of turnstile_contention."""
from runner.row import Reading, Row
from runner.sample import Contention

THREADS = (2, 4, 16, 32)
MIX_THREADS = (1, 2, 4, 8, 16, 32)
SIDES = ("turnstile", "naive", "mutex", "published")
OTHERS = ("naive", "mutex", "published fix")  # As the rows call them.
STARTS = 200
LONGEST_TURN_US = 400_000  # Sixteen transactions of 20 ms are a round of 320 ms.


def writers(side, threads, synchronous="normal"):
    return Contention("writers", side, threads=threads, synchronous=synchronous)


def mixed(side, threads):
    return Contention("mix", side, seconds=0.3, warm_up=0.05, threads=threads)


def starting(side, by):
    options = {"threads": {"threads": 4, "processes": 0}, "processes": {"processes": 4}}
    return Contention("starts", side, starts=STARTS, **options[by])


def failed_calls(sample):
    """How many calls failed, and what the first of them said."""
    parts = [sample["all"]] if "all" in sample else \
        [part for part in sample.values() if isinstance(part, dict) and "errors" in part]
    said = [part["first_error"] for part in parts if part["errors"]]
    return sum(part["errors"] for part in parts), said[0] if said else ""


def faults_of(samples, keys):
    """What makes a figure worthless: a failed call of Turnstile, and on any side a file that does
    not hold what was acknowledged. What failed on the other sides is told beside."""
    found = []
    for key in keys:
        sample = samples[key]
        count, said = failed_calls(sample)
        if sample["complaint"]:
            found.append(f"{key}: {sample['complaint']}")
        if sample["side"] == "turnstile" and count:
            found.append(f"{key}: {count} calls failed ({said})")
    return tuple(found)


def failures_of_others(runs):
    """What failed on sides that are not expected to fail, and is in no row."""
    in_rows = ("starts naive", "starts published", "mix published")
    calls, first = {}, {}
    for samples in runs:
        for key, sample in samples.items():
            if sample.get("side", "turnstile") != "turnstile" and not key.startswith(in_rows):
                count, said = failed_calls(sample)
                if count:
                    calls[key] = calls.get(key, 0) + count
                    first.setdefault(key, said)
    return [f"{key}: {count} calls ({first[key]})" for key, count in sorted(calls.items())]


def row(name, work, target, better, unit, against, needs, read, each=None):
    """A row whose readings carry the faults of the samples that they are made of."""
    keys = [sample.key for sample in needs]

    def read_with_faults(samples):
        return read(samples)._replace(faults=faults_of(samples, keys))

    return Row(name, work, target, better, unit, against, needs, read_with_faults, each)


def compared(name, work, target, better, unit, figure, sides, names=("naive",), each=None):
    """Turnstile's figure over that of the first other side; the rest of them stand beside it.
    `sides` is Turnstile's sample and then the others'."""
    def read(samples):
        ours, first, *rest = (figure(samples[side.key]) for side in sides)
        beside = {other: value / first for other, value in zip(names[1:], rest)}
        return Reading(ours / first, first, ours, beside)

    return row(name, work, target, better, unit, names[0], sides, read, each)


def part(name, figure):
    return lambda sample: sample[name][figure]


def throughput(name, synchronous, targets):
    rows = []
    for threads, target in targets:
        sides = [writers(side, threads, synchronous) for side in SIDES]
        rows.append(compared(f"{name}/{threads}", f"{threads} threads writing, "
                             f"{synchronous.upper()}", target, "higher", "per second",
                             part("writes", "per_second"), sides, OTHERS))
    return rows


def waits():
    sides = [writers(side, 16) for side in SIDES]
    return [compared(f"T7/{name}", f"16 threads writing: {what}", target, "lower", "microseconds",
                     part("writes", figure), sides, OTHERS)
            for name, what, figure, target in (("p99", "wait, p99", "p99_us", 0.25),
                                               ("p99.9", "wait, p99.9", "p999_us", 0.05),
                                               ("longest", "longest wait", "longest_us", 0.015))]


def shares():
    rows = []
    for threads in THREADS:
        ours, naive = (writers(side, threads) for side in ("turnstile", "naive"))

        def read(samples, ours=ours, naive=naive):
            even, other = (samples[side.key]["served"]["least_over_most"] for side in (ours, naive))
            return Reading(even, other, even)

        rows.append(row(f"T8/{threads}", f"{threads} threads writing: least / most served", 0.85,
                        "higher", "share", "naive", [ours, naive], read, each=0.6))
    sides = {side: [writers(side, threads) for threads in THREADS]
             for side in ("turnstile", "naive")}

    def read_jain(samples):
        least = {side: min(samples[sample.key]["served"]["jain"] for sample in of_side)
                 for side, of_side in sides.items()}
        return Reading(least["turnstile"], least["naive"], least["turnstile"])

    rows.append(row("T8/jain", "2 to 32 threads writing: lowest Jain index", 0.99, "higher",
                    "share", "naive", sides["turnstile"] + sides["naive"], read_jain))
    return rows


def submitting():
    return Contention("submitters", "turnstile", threads=16)


def submits():
    return [compared("T9", "16 threads, submit() without waiting", 10, "higher", "per second",
                     part("writes", "per_second"), [submitting(), writers("naive", 16)])]


def processes():
    long = [Contention("processes", side, seconds=2.0, processes=4, threads=4, hold_ms=20)
            for side in ("turnstile", "naive")]
    short = [Contention("processes", side, processes=4, threads=4)
             for side in ("turnstile", "naive")]

    def read_long(samples):
        ours, naive = (samples[side.key]["writes"]["longest_us"] for side in long)
        return Reading(ours / LONGEST_TURN_US, LONGEST_TURN_US, ours,
                       {"naive": naive / LONGEST_TURN_US})

    def read_jain(samples):
        ours, naive = (samples[side.key]["served"]["jain"] for side in short)
        return Reading(ours, naive, ours)

    return [
        row("T10/long", "4 processes x 4 threads, 20 ms each: longest wait", 1.0, "lower",
            "microseconds", "limit", long, read_long),
        compared("T10/short", "4 processes x 4 threads writing", 1.5, "higher", "per second",
                 part("writes", "per_second"), short),
        row("T10/jain", "4 processes x 4 threads writing: Jain index", 0.98, "higher", "share",
            "naive", short, read_jain),
    ]


def log_length():
    ours = [writers("turnstile", 16), writers("turnstile", 32), submitting()]
    naive = [writers("naive", 16), writers("naive", 32)]

    def read(samples):
        longest, of_naive = (max(samples[side.key]["log_bytes"] for side in sides)
                             for sides in (ours, naive))
        cap = samples[ours[0].key]["log_cap_bytes"]
        return Reading(longest / cap, cap, longest, {"naive": of_naive / cap})

    return [row("T11", "continuous writing: longest log", 1.05, "lower", "bytes", "cap",
                ours + naive, read)]


def beside_writers():
    alone, beside = ({side: Contention("reader", side, threads=1, writes_per_second=rate)
                      for side in ("turnstile", "raw")} for rate in (0, 5000))
    samples = [*alone.values(), *beside.values()]

    def reads(figure):
        def read(taken):
            values = {side: (taken[alone[side].key]["reads"][figure],
                             taken[beside[side].key]["reads"][figure]) for side in alone}
            ours, raw = values["turnstile"], values["raw"]
            return Reading(ours[1] / ours[0], ours[0], ours[1], {"raw": raw[1] / raw[0]})
        return read

    return [row("T12/rate", "a reader beside 5,000 writes/s", 0.85, "higher", "per second",
                "alone", samples, reads("per_second")),
            row("T12/p99", "a reader beside 5,000 writes/s: p99", 3.0, "lower", "microseconds",
                "alone", samples, reads("p99_us"))]


def five_subsystems():
    # Two threads of records, one of each other subsystem.
    sides = [Contention("mix", side, seconds=2.0, threads=6) for side in ("turnstile", "naive")]
    return [compared(f"T13/{name}", f"five subsystems at once: {what}", target, better, unit,
                     part(which, figure), sides)
            for name, what, target, better, unit, which, figure in (
                ("write", "worst write", 0.2, "lower", "microseconds", "writes", "longest_us"),
                ("task", "task step, p99", 0.35, "lower", "microseconds", "tasks", "p99_us"),
                ("audit", "audit's caller, p99", 0.01, "lower", "microseconds", "audit", "p99_us"),
                ("reads", "entity reads", 0.9, "higher", "per second", "reads", "per_second"))]


def lock_failures():
    def failing(name, work, failures, unit, total, samples_of):
        sides = {side: samples_of(side) for side in ("turnstile", "naive", "published")}

        def read(samples):
            counts = {side: sum(failures(samples[sample.key]) for sample in of_side)
                      for side, of_side in sides.items()}
            of = sum(total(samples[sample.key]) for sample in sides["turnstile"])
            return Reading(counts["turnstile"], counts["naive"], counts["turnstile"],
                           {"published fix": counts["published"], unit: of})

        return row(name, work, 0, "lower", "failures", "naive",
                   [sample for of_side in sides.values() for sample in of_side], read)

    def failed_starts(by):
        return failing(f"T1/{by}", f"fresh starts by 4 {by}, failed",
                       lambda sample: sample["failed_starts"], "starts",
                       lambda sample: sample["starts"], lambda side: [starting(side, by)])

    return [
        failing("T1/mix", "five subsystems, 1 to 32 threads: failed calls", part("all", "errors"),
                "calls", part("all", "acknowledged"),
                lambda side: [mixed(side, threads) for threads in MIX_THREADS]),
        failed_starts("threads"),
        failed_starts("processes"),
    ]


def migrations():
    sides = [Contention("migrations", side, seconds=0.5, synchronous="full")
             for side in ("turnstile", "raw")]
    return [compared("T17", "50 migrations: in one transaction / one each", 0.35, "lower",
                     "microseconds", lambda sample: sample["median_us"], sides, ("raw",))]


ROWS = [
    *lock_failures(),
    *throughput("T5", "normal", ((4, 1.8), (16, 3.5), (32, 5))),
    *throughput("T6", "full", ((4, 2.5), (16, 8), (32, 10))),
    *waits(),
    *shares(),
    *submits(),
    *processes(),
    *log_length(),
    *beside_writers(),
    *five_subsystems(),
    *migrations(),
]
