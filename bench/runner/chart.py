"""Plots as inline SVG that fit any width: across, everything is placed in percent, so that text and
marks keep their size on a phone. The text of a plot is its accessible name too."""
import html
import math
import statistics

TOP, BOTTOM, HEIGHT = 22, 30, 270  # Above and below the field, and all of it, in pixels.
MARKS = {  # A shape for each side, so that colour is not all that tells them apart.
    "turnstile": "M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z",
    "naive": "M-4.5-4.5H4.5V4.5H-4.5Z",
    "published": "M0-6L5.5 4.5H-5.5Z",
    "mutex": "M0-6L6 0L0 6L-6 0Z",
}


class Scale:
    """From a figure to a height in the field; `ticks` are the lines across. The logarithmic one
    begins and ends at powers of ten."""

    def __init__(self, values, logarithmic=False, most=None):
        self.logarithmic = logarithmic
        if logarithmic:
            first = math.floor(math.log10(min(values)))
            last = max(math.ceil(math.log10(max(values))), first + 1)
            self.ticks = [10.0 ** power for power in range(first, last + 1)]
        else:
            step = nice_step(most or max(values) or 1)
            self.ticks = [step * i for i in range(math.ceil((most or max(values)) / step) + 1)]
            if len(self.ticks) == 1:
                self.ticks.append(step)

    def y(self, value):
        low, high, at = self.ticks[0], self.ticks[-1], value
        if self.logarithmic:
            low, high, at = (math.log10(each) for each in (low, high, max(value, low)))
        return round(HEIGHT - BOTTOM - (at - low) / (high - low) * (HEIGHT - BOTTOM - TOP), 1)


def nice_step(most):
    """A round number that fits into `most` four or five times."""
    power = 10.0 ** math.floor(math.log10(most / 4))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= most / 5)


def time_tick(microseconds):
    for unit, factor in (("s", 1e6), ("ms", 1e3), ("µs", 1)):
        if microseconds >= factor or factor == 1:
            return f"{microseconds / factor:,g} {unit}"
    return ""


def mark(side, x, y):
    return f'<svg x="{x:.2f}%" y="{y}"><path class="{side}" d="{MARKS[side]}"/></svg>'


def line(kind, x1, y1, x2, y2):
    return f'<line class="{kind}" x1="{x1:.2f}%" y1="{y1}" x2="{x2:.2f}%" y2="{y2}"/>'


def text(kind, x, y, words):
    return f'<text class="{kind}" x="{x}" y="{y}">{html.escape(words)}</text>'


class Plot:
    """Figures by group and side: `figures[side][group]` is what each run said, or nothing.
    `combine` makes the figure of a group out of them; `write` and `tick` say how a figure and one
    of the axis are written."""

    def __init__(self, title, groups, figures, write, combine=statistics.median, tick=None):
        self.title, self.groups, self.write, self.combine = title, groups, write, combine
        self.tick = tick or (lambda value: write(value).replace(".0 ", " "))
        self.figures = {side: of_side for side, of_side in figures.items() if any(of_side)}

    def all(self):
        return [value for of_side in self.figures.values() for runs in of_side for value in runs]

    def combined(self, side, group):
        return self.combine(self.figures[side][group])

    def has_spread(self, runs):
        return len(runs) > 1 and self.combine is not sum

    def described(self, names):
        """All of it in words."""
        groups = []
        for index, group in enumerate(self.groups):
            said = [f"{names[side]} {self.write(self.combined(side, index))}"
                    for side, of_side in self.figures.items() if of_side[index]]
            groups.append(f"{group}: {', '.join(said)}")
        return f"{self.title}. {'; '.join(groups)}."

    def centre(self, group):
        return 100 * (group + 0.5) / len(self.groups)

    def bars(self, names):
        """Bars from zero, with a line from the lowest to the highest run."""
        values = self.all()
        if self.combine is sum:
            values = [sum(runs) for of_side in self.figures.values() for runs in of_side]
        scale, parts = Scale(values), []
        width = 76 / len(self.groups) / len(self.figures)
        for place, (side, of_side) in enumerate(self.figures.items()):
            for group, runs in enumerate(of_side):
                if not runs:
                    continue
                left = self.centre(group) + (place - len(self.figures) / 2) * width
                value = self.combined(side, group)
                top, middle = scale.y(value), left + width / 2
                parts.append(f'<rect class="{side}" x="{left + width * 0.06:.2f}%" y="{top}" '
                             f'width="{width * 0.88:.2f}%" height="{scale.y(0) - top:.1f}"/>')
                if self.has_spread(runs):
                    parts.append(line("spread", middle, scale.y(min(runs)), middle,
                                      scale.y(max(runs))))
                    top = min(top, scale.y(max(runs)))
                if side == "turnstile":
                    parts.append(text("value", f"{middle:.2f}%", top - 6, self.write(value)))
        return self._legend(names, dict.fromkeys(names, MARKS["naive"])) + self._frame(
            scale, parts, names)

    def dots(self, names, logarithmic=False, most=None):
        """A mark for each figure, a line from the lowest to the highest run, and one that joins
        the marks of a side."""
        scale, parts, marks = Scale(self.all(), logarithmic, most), [], []
        for place, (side, of_side) in enumerate(self.figures.items()):
            before = None
            for group, runs in enumerate(of_side):
                if not runs:
                    before = None
                    continue
                x = self.centre(group) + (place - (len(self.figures) - 1) / 2) * 2.4
                y = scale.y(self.combined(side, group))
                if before:
                    parts.append(line(f"joins {side}", *before, x, y))
                before = (x, y)
                marks.append(line(f"range {side}", x, scale.y(min(runs)), x, scale.y(max(runs))))
                marks.append(mark(side, x, y))
        return self._legend(names, MARKS) + self._frame(scale, parts + marks, names)

    def _legend(self, names, marks):
        """What colour and shape each side has."""
        items = [f'<li><svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">'
                 f'<path class="{side}" d="{marks[side]}"/></svg>{html.escape(names[side])}</li>'
                 for side in self.figures]
        return f'<ul class="legend">{"".join(items)}</ul>'

    def _frame(self, scale, parts, names):
        axis = [text("tick", "100%", scale.y(tick) + 4, self.tick(tick))
                for tick in scale.ticks]
        across = [line("grid", 0, scale.y(tick), 100, scale.y(tick)) for tick in scale.ticks]
        below = [text("group", f"{self.centre(index):.2f}%", HEIGHT - 8, group)
                 for index, group in enumerate(self.groups)]
        return (f'<div class="plot" role="img" aria-label="{html.escape(self.described(names))}">'
                f'<svg class="axis" height="{HEIGHT}" aria-hidden="true">{"".join(axis)}</svg>'
                f'<svg class="field" height="{HEIGHT}" aria-hidden="true">'
                f'{"".join(across + parts + below)}</svg></div>')


# How far a figure may be from its target before an arrow at the edge stands for it.
FARTHEST = 4
BEYOND = "M-4-5L6 0L-4 5Z"


def against_target(result):
    """How much better than its target a row is in each run: 1 is the target itself. Nothing for a
    target of none at all, which has no measure."""
    if not result["target"]:
        return []
    ratios = [*result["spread"], result["ratio"]]
    if result["better"] == "lower":
        return [result["target"] / max(ratio, 1e-9) for ratio in ratios]
    return [ratio / result["target"] for ratio in ratios]


def strip(result):
    """A row's figure and spread beside its target, which is the line in the middle."""
    scores = against_target(result)
    if not scores:
        return ""

    def x(score):
        within = min(max(score, 1 / FARTHEST), FARTHEST)
        return 50 + 46 * math.log(within) / math.log(FARTHEST)

    kind = "met" if result["met"] else "missed"
    low, high, middle = (x(score) for score in scores)
    shape = MARKS["turnstile" if result["met"] else "mutex"]
    turned = ""
    if not 1 / FARTHEST <= scores[-1] <= FARTHEST:
        shape, turned = BEYOND, "" if scores[-1] > 1 else ' transform="scale(-1)"'
    return (f'<svg class="strip" height="22" aria-hidden="true">'
            f'{line("grid", 0, 11, 100, 11)}{line("goal", 50, 1, 50, 21)}'
            f'{line("range " + kind, low, 11, high, 11)}'
            f'<svg x="{middle:.2f}%" y="11"><path class="{kind}" d="{shape}"{turned}/></svg></svg>')


def bar(side, share):
    """One bar across, a share of the longest."""
    return (f'<svg class="strip" height="16" aria-hidden="true"><rect class="{side}" y="2" '
            f'height="12" width="{100 * share:.2f}%"/></svg>')
