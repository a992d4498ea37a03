"""A row of the table: which samples it needs and how it makes a figure of those of a run."""
import collections
import statistics

# What a row reads out of one run. `against` and `turnstile` are what was compared, `beside` is
# further ratios by name, for information; `faults` is what makes the figure worthless.
Reading = collections.namedtuple("Reading", "ratio against turnstile beside faults",
                                 defaults=({}, ()))


def format_rate(value):
    if value < 1e3:
        return f"{value:.0f} /s"
    return f"{value / 1e6:.2f} M/s" if value >= 1e6 else f"{value / 1e3:.1f} k/s"


def format_time(value):
    """Microseconds."""
    return f"{value / 1e3:,.1f} ms" if value >= 10_000 else f"{value:,.0f} µs"


def format_bytes(value):
    return f"{value / 2**20:.1f} MiB"


FORMATS = {
    "per second": format_rate,
    "microseconds": format_time,
    "bytes": format_bytes,
    "share": "{:.2f}".format,
    "failures": "{:,.0f}".format,
}


class Row:
    """`read(samples)` makes a Reading of one run's samples, a dictionary by key. The figure is the
    median of the runs' ratios; of failures it is their sum. `each` is a second bound, for every
    single run."""

    def __init__(self, name, work, target, better, unit, against, needs, read, each=None):
        self.id, self.work, self.target, self.better, self.unit = name, work, target, better, unit
        self.against, self.needs, self.read, self.each = against, needs, read, each

    def is_chosen(self, filters):
        return not filters or any(self.id == f or self.id.startswith(f + "/") for f in filters)

    def summarise(self, runs):
        readings = [self.read(samples) for samples in runs]
        ratios = [reading.ratio for reading in readings]
        combine = sum if self.unit == "failures" else statistics.median
        ratio = combine(ratios)
        faults = [fault for reading in readings for fault in reading.faults]
        return {
            "id": self.id,
            "work": self.work,
            "ratio": round(ratio, 4),
            "target": self.target,
            "met": self._is_met(ratio, ratios) and not faults,
            "runs": len(ratios),
            "better": self.better,
            "each": self.each,
            "spread": [round(min(ratios), 4), round(max(ratios), 4)],
            "ratios": [round(each, 4) for each in ratios],
            "unit": self.unit,
            "against": {"name": self.against,
                        "value": round(combine(reading.against for reading in readings), 3)},
            "turnstile": round(combine(reading.turnstile for reading in readings), 3),
            "beside": {name: round(combine(reading.beside[name] for reading in readings), 3)
                       for name in readings[0].beside},
            "faults": faults,
        }

    def _is_met(self, ratio, ratios):
        if self.better == "lower":
            return ratio <= self.target
        return ratio >= self.target and (self.each is None or min(ratios) >= self.each)


HEADINGS = ("id", "work", "against", "turnstile", "ratio", "target", "met", "spread", "beside")


def cells(result):
    """The row of the table, as HEADINGS says."""
    scaled = FORMATS[result["unit"]]
    sign = "≥" if result["better"] == "higher" else "≤"
    each = "" if result["each"] is None else f", each {sign} {result['each']:g}"
    ratio, low, high, *beside = (_figure(result["unit"], value) for value in (
        result["ratio"], *result["spread"], *result["beside"].values()))
    return (result["id"], result["work"],
            f"{result['against']['name']} {scaled(result['against']['value'])}",
            scaled(result["turnstile"]), ratio, f"{sign} {result['target']:g}{each}",
            "yes" if result["met"] else "no", f"{low} to {high}",
            ", ".join(f"{name} {value}" for name, value in zip(result["beside"], beside)))


def _figure(unit, ratio):
    if unit == "failures":
        return f"{ratio:,.0f}"
    return f"{ratio:.2f}" if ratio >= 0.1 or ratio == 0 else f"{ratio:.3f}"
