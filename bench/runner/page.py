"""The page of a run: one HTML file that needs no network and no script, with a plot and a table for
each subject. All that it says comes out of the record that bench/run keeps (run.json)."""
import html
import os
import string

from runner import chart, contention, report
from runner.row import FORMATS, cells

NAMES = {"turnstile": "Turnstile", "naive": "naive", "published": "published fix",
         "mutex": "one mutex"}
PERCENTILES = {"p50_us": "half", "p90_us": "p90", "p99_us": "p99", "p999_us": "p99.9",
               "longest_us": "longest"}
RECORD = {"taken", "machine", "runs", "quick", "rows", "samples"}
TOTALS = ("calls", "starts")  # Beside a row of failures: how many there were of what could fail.


class NoRecord(Exception):
    """What was given is not what bench/run keeps of a run."""


def make(record):
    """The whole page."""
    if not isinstance(record, dict) or not RECORD <= record.keys():
        raise NoRecord("this is not the record of a run")
    subjects = (failures, throughput, waits, fairness, peers, targets)
    sections = list(filter(None, (subject(record) for subject in subjects)))
    with open(os.path.join(os.path.dirname(__file__), "page.html"), encoding="utf-8") as file:
        template = string.Template(file.read())
    machine = record["machine"]
    return template.substitute(
        date=escape(record["taken"][:10]), runs=record["runs"], cores=machine["cores"],
        links="".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in sections),
        warnings=listed(report.warnings(record), "warnings"),
        notes=listed(report.notes(record), "notes"), headlines=headlines(record["rows"]),
        sections="".join(f'<section id="{name}"><h2>{title}</h2>{body}</section>'
                         for name, title, body in sections),
        machine=machine_table(record))


def escape(words):
    return html.escape(str(words))


def listed(items, kind):
    return f'<ul class="{kind}">{"".join(f"<li>{escape(item)}</li>" for item in items)}</ul>' \
        if items else ""


def machine_table(record):
    machine = record["machine"]
    facts = {"Taken": record["taken"].replace("T", " ").replace("+00:00", " UTC"),
             "Processor": f"{machine['processor']}, {machine['cores']} cores",
             "Kernel": machine["kernel"], "File system": machine["file_system"],
             "SQLite": machine["sqlite"], "Interleaved runs": record["runs"],
             "Load average": f"{machine['load_before']} before, {machine['load_after']} after"}
    return "".join(f"<dt>{escape(what)}</dt><dd>{escape(fact)}</dd>"
                   for what, fact in facts.items())


def headlines(rows):
    """What a hurried reader should know, what is worse too."""
    by_id = {row["id"]: row for row in rows}
    tiles = []

    def tile(name, figure, what, other):
        if name in by_id:
            row = by_id[name]
            scaled = FORMATS[row["unit"]]
            shown = scaled(row["turnstile"]) if figure == "turnstile" else f"{cells(row)[4]}×"
            against = f"{row['against']['name']} {scaled(row['against']['value'])}" + other(row)
            tiles.append(f"<li><b>{escape(shown)}</b> {escape(what)} "
                         f"<small>{escape(against)}</small></li>")

    def published(row):
        return f", published fix {row['beside']['published fix']:,.0f} of {of_all(row)}"

    def nothing(_):
        return ""

    tile("T1/mix", "turnstile", "failed calls of five subsystems on one file", published)
    tile("T5/16", "ratio", "the commits a second of 16 naive writers", nothing)
    tile("T7/longest", "turnstile", "the longest wait of 16 writers", nothing)
    tile("T8/jain", "turnstile", "Jain's index of fairness among 2 to 32 writers", nothing)
    tile("T2/1", "ratio", "the rate of a lone point read in plain SQLite", nothing)
    met = sum(row["met"] for row in rows)
    tiles.append(f'<li><b>{met} of {len(rows)}</b> <a href="#targets">targets</a> met '
                 "<small>each with its spread, below</small></li>")
    return "".join(tiles)


def of_all(row):
    return ", ".join(f"{row['beside'][name]:,.0f} {name}"
                     for name in TOTALS if name in row["beside"])


def taken(record, sample, *path):
    """What each run said of a sample: the figure that `path` leads to."""
    found = []
    for samples in record["samples"]:
        value = samples.get(sample.key)
        for name in path:
            value = value.get(name) if value is not None else None
        if value is not None:
            found.append(value)
    return found


def figure(plot, picture):
    """A plot with its figures beneath."""
    return (f"<figure><figcaption>{escape(plot.title)}</figcaption>"
            f"{picture}{figures_table(plot)}</figure>")


def figures_table(plot):
    def cell(side, group):
        runs = plot.figures[side][group]
        if not runs:
            return "<td>–</td>"
        spread = ""
        if plot.has_spread(runs):
            spread = f" <small>{short_spread(plot, runs)}</small>"
        return f"<td>{plot.write(plot.combined(side, group))}{spread}</td>"

    head = "".join(f'<th scope="col">{NAMES[side]}</th>' for side in plot.figures)
    body = "".join(f'<tr><th scope="row">{escape(group)}</th>'
                   f'{"".join(cell(side, index) for side in plot.figures)}</tr>'
                   for index, group in enumerate(plot.groups))
    return scrolling(plot.title, f"<table><thead><tr><td></td>{head}</tr></thead>"
                     f"<tbody>{body}</tbody></table>")


def short_spread(plot, runs):
    """From the lowest run to the highest, without the unit where it is that of the figure above."""
    said = [plot.write(value) for value in (min(runs), max(runs), plot.combine(runs))]
    if len({each.partition(" ")[2] for each in said}) == 1:
        said = [each.partition(" ")[0] for each in said]
    return f"{said[0]} to {said[1]}"


def scrolling(title, table):
    """On a narrow screen the table moves, not the page."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(title)}: ' \
           f'figures">{table}</div>'


def failures(record):
    """Calls and starts that failed, of all runs together (T1)."""
    sides = ("turnstile", "naive", "published")
    mix = {side: [taken(record, contention.mixed(side, threads), "all", "errors")
                  for threads in contention.MIX_THREADS] for side in sides}
    starts = {side: [taken(record, contention.starting(side, by), "failed_starts")
                     for by in ("threads", "processes")] for side in sides}
    plots = [
        chart.Plot("Failed calls, by threads", [str(n) for n in contention.MIX_THREADS], mix,
                   FORMATS["failures"], sum),
        chart.Plot("Failed starts on a fresh file", ["4 threads at once", "4 processes at once"],
                   starts, FORMATS["failures"], sum)]
    shown = [figure(plot, plot.bars(NAMES)) for plot in plots if plot.figures]
    if not shown:
        return None
    of = [of_all(row) for row in record["rows"] if row["id"] in ("T1/mix", "T1/threads")]
    return "failures", "Lock failures", (
        "<p>Five subsystems (records, vectors, audit, cron, tasks) share one file; then several "
        "open a new file at the same moment. Counted is every call and every start that failed, "
        f"whatever it said, in all runs together: {escape(' and '.join(of))} each."
        f'</p><div class="pair">{"".join(shown)}</div>')


def throughput(record):
    """Commits a second by threads that write (T5, T6 and the run of two of T8)."""
    plots = []
    for synchronous, title in (("normal", "Commits a second, synchronous=NORMAL"),
                               ("full", "Commits a second, synchronous=FULL")):
        figures = {side: [taken(record, contention.writers(side, threads, synchronous), "writes",
                                "per_second") for threads in contention.THREADS] for side in NAMES}
        groups = [f"{threads} threads" for threads in contention.THREADS]
        filled = [i for i, _ in enumerate(groups) if any(figures[side][i] for side in figures)]
        plots.append(chart.Plot(title, [groups[i] for i in filled],
                                {side: [figures[side][i] for i in filled] for side in figures},
                                FORMATS["per second"]))
    shown = [figure(plot, plot.bars(NAMES)) for plot in plots if plot.figures]
    if not shown:
        return None
    return "throughput", "Throughput", (
        "<p>Threads that write small transactions as fast as they get their turn. Writes that wait "
        "at the same time share a commit, so the more there are, the more Turnstile gains; with "
        "FULL they share the wait for the disk too. The line in a bar goes from the lowest run to "
        f'the highest.</p><div class="pair">{"".join(shown)}</div>')


def waits(record):
    """How long a write kept its caller (T7)."""
    figures = {side: [taken(record, contention.writers(side, 16), "writes", name)
                      for name in PERCENTILES] for side in NAMES}
    filled = [i for i, _ in enumerate(PERCENTILES) if any(figures[side][i] for side in figures)]
    plot = chart.Plot("Wait of 16 threads writing, by percentile (logarithmic)",
                      [list(PERCENTILES.values())[i] for i in filled],
                      {side: [figures[side][i] for i in filled] for side in figures},
                      FORMATS["microseconds"], tick=chart.time_tick)
    if not plot.figures:
        return None
    return "waits", "Waiting", (
        "<p>How long one write takes while fifteen others want the same: half of the calls, nine "
        "of ten, 99 of a hundred, 999 of a thousand, and the worst of all. SQLite’s own waiting "
        "has no order: most calls are quick because whoever has just written goes again, and the "
        "unlucky wait for long. In a queue all wait about equally: the quick calls are slower, the "
        "slow ones are not.</p>"
        + figure(plot, plot.dots(NAMES, logarithmic=True)))


def fairness(record):
    """How evenly threads were served (T8)."""
    plots = []
    for title, name in (("Jain’s index", "jain"), ("Least served thread, as a share of the most",
                                                   "least_over_most")):
        figures = {side: [taken(record, contention.writers(side, threads), "served", name)
                          for threads in contention.THREADS] for side in NAMES}
        plots.append(chart.Plot(title, [f"{threads} threads" for threads in contention.THREADS],
                                figures, FORMATS["share"]))
    shown = [figure(plot, plot.dots(NAMES, most=1)) for plot in plots if plot.figures]
    if not shown:
        return None
    return "fairness", "Fairness", (
        "<p>How evenly the threads of the runs above were served. Jain’s index is 1 when all got "
        "the same, and 1/n when one of n got everything.</p>"
        f'<div class="pair">{"".join(shown)}</div>')


def is_peers(row):
    return row["id"].split("/")[0] == "T20"


def peers(record):
    """What people use today, beside (T20): a plot for each measure."""
    measures = {}
    for row in filter(is_peers, record["rows"]):
        measures.setdefault("/".join(row["id"].split("/")[2:]), []).append(row)
    if not measures:
        return None
    return "peers", "Peers", (
        "<p>The same work done by what people use today, each in a process of its own, taken by "
        "turns in the same runs.</p>"
        f'<div class="pair">{"".join(map(peers_figure, measures.values()))}</div>')


def peers_figure(rows):
    """A bar for each side of the rows, which have the same measure and so the same Turnstile."""
    first = rows[0]
    sides = [("Turnstile", "", first["turnstile"])]
    for row in rows:
        name, value = row["against"].values()
        sides.append((name, row["work"].partition(", ")[2].partition(":")[0], value))
        factor = 1 if row["unit"] == "failures" else value
        sides += [(other, "", ratio * factor) for other, ratio in row["beside"].items()
                  if other not in TOTALS]
    longest = max(value for _, _, value in sides) or 1
    lines = "".join(peer_line(name, what, value, value / longest, FORMATS[first["unit"]])
                    for name, what, value in sides)
    work, _, measure = (first["work"].partition(",")[0], *first["work"].partition(": ")[1:])
    title = f"{work}: {measure or first['unit']}"
    better = "more is better" if first["better"] == "higher" else "less is better"
    return (f'<figure><figcaption>{escape(title)}</figcaption><p class="note">{better}</p>'
            f'<table class="bars"><tbody>{lines}</tbody></table></figure>')


def peer_line(name, what, value, share, scaled):
    kind = "turnstile" if name == "Turnstile" else "peer"
    what = f" <small>{escape(what)}</small>" if what else ""
    return (f'<tr><th scope="row">{escape(name)}{what}</th>'
            f'<td class="wide">{chart.bar(kind, share)}</td><td>{scaled(value)}</td></tr>')


GROUPS = {
    "One caller, against plain SQLite": ("T2", "T3", "T4", "T14", "T15", "T16"),
    "Many callers": ("T1", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "T13", "T17"),
    "Vectors": ("T18",),
    "Protection": ("T19",),
    "Peers": ("T20",),
}


def targets(record):
    """Every row against the target that was set beforehand."""
    groups = {title: [] for title in (*GROUPS, "Others")}
    for row in record["rows"]:
        name = row["id"].split("/")[0]
        title = next((title for title, names in GROUPS.items() if name in names), "Others")
        groups[title].append(row)
    shown = "".join(targets_table(title, rows) for title, rows in groups.items() if rows)
    return "targets", "Targets", (
        "<p>Every figure has a target that was set before it was measured. <em>Ratio</em> is "
        "Turnstile’s figure over the one beside it; of times and sizes, less is better. In the "
        "picture, better is always to the right: the line in the middle is the target, the bar is "
        "the spread from the lowest run to the highest, and the edges are a quarter and four times "
        f"(an arrow: farther). A missed target has a hollow mark.</p>{shown}")


def targets_table(title, rows):
    head = "".join(f'<th scope="col">{name}</th>' for name in (
        "id", "work", "against", "Turnstile", "ratio", "target", "spread", "worse · better",
        "result"))
    body = "".join(target_line(row) for row in rows)
    widths = "".join(f'<col class="{name}">' for name in (
        "id", "work", "against", "ours", "ratio", "target", "spread", "picture", "result"))
    return (f'<h3>{title}</h3><table class="targets"><colgroup>{widths}</colgroup>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def target_line(row):
    name, work, against, ours, ratio, target, _, spread, beside = cells(row)
    beside = f"<small>beside: {escape(beside)}</small>" if beside else ""
    faults = "".join(f"<small>WRONG: {escape(each)}</small>" for each in sorted(set(row["faults"])))
    kind, word = ("met", "✓ met") if row["met"] else ("missed", "✗ missed")
    target, _, each = escape(target).partition(", ")
    plain = {"against": escape(against), "Turnstile": ours, "ratio": ratio,
             "target": f"{target} <small>{each}</small>" if each else target, "spread": spread}
    return (f'<tr class="{kind}"><td class="id">{escape(name)}</td>'
            f'<th scope="row">{escape(work)} {beside}{faults}</th>'
            + "".join(f'<td class="figure" data-label="{label}">{value}</td>'
                      for label, value in plain.items())
            + f'<td class="picture">{chart.strip(row)}</td><td class="result">{word}</td></tr>')
